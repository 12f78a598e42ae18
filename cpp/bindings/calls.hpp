#pragma once
// What the calls of the core that work for long share.
#include <exception>
#include <optional>

#include "arrays.hpp"
#include "nusky/fit/scan.hpp"

namespace nusky::bindings {

/// NaN for None: γ is fitted.
inline double gamma_or_free(const std::optional<double>& gamma) {
  if (!gamma) return std::numeric_limits<double>::quiet_NaN();
  if (!std::isfinite(*gamma)) throw std::invalid_argument("gamma: must be finite, or None to fit it");
  return *gamma;
}

/// Stops at signals and passes progress on; what Python raised is kept for after the parallel work.
inline Checkpoint checkpoint_for(const std::optional<py::function>& progress, std::exception_ptr& raised) {
  return [&progress, &raised](std::size_t done, std::size_t total) {
    py::gil_scoped_acquire acquire;
    try {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      if (progress) (*progress)(done, total);
    } catch (...) {
      raised = std::current_exception();
      return false;
    }
    return true;
  };
}

}  // namespace nusky::bindings
