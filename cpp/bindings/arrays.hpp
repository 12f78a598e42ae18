#pragma once
// The only door between numpy and the core: every array type that crosses it is named here.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cmath>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace nusky::bindings {

namespace py = pybind11;

// c_style without forcecast: other dtypes, strides and lists are a TypeError instead of a silent copy.
template <class T>
using Array = py::array_t<T, py::array::c_style>;
using F64 = Array<double>;
using F32 = Array<float>;
using I64 = Array<std::int64_t>;
using I16 = Array<std::int16_t>;

/// Requires a number of dimensions; returns the length of the first.
template <class T>
std::size_t require_ndim(const Array<T>& a, int ndim, const char* name) {
  if (a.ndim() != ndim)
    throw std::invalid_argument(std::string(name) + ": expected " + std::to_string(ndim) + " dimension(s), got " +
                                std::to_string(a.ndim()));
  return static_cast<std::size_t>(a.shape(0));
}

/// Requires shape (n,).
template <class T>
void require_length(const Array<T>& a, std::size_t n, const char* name) {
  if (require_ndim(a, 1, name) != n)
    throw std::invalid_argument(std::string(name) + ": expected length " + std::to_string(n) + ", got " + std::to_string(a.shape(0)));
}

inline std::vector<double> to_vector(const F64& a, const char* name) {
  require_ndim(a, 1, name);
  return {a.data(), a.data() + a.size()};
}

/// A numpy array that owns the vector's memory, without a copy.
template <class T>
Array<T> to_array(std::vector<T>&& values) {
  auto* held = new std::vector<T>(std::move(values));
  py::capsule owner(held, [](void* p) { delete static_cast<std::vector<T>*>(p); });
  return Array<T>(static_cast<py::ssize_t>(held->size()), held->data(), owner);
}

inline void require_finite(const std::optional<double>& gamma) {
  if (gamma && !std::isfinite(*gamma)) throw std::invalid_argument("gamma: must be finite, or None to fit it");
}

}  // namespace nusky::bindings
