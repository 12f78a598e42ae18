#pragma once
// What the calls of the core that work for long share.
#include <cmath>
#include <exception>
#include <optional>

#include "arrays.hpp"
#include "nusky/fit/scan.hpp"

namespace nusky::bindings {

inline void require_finite(const std::optional<double>& gamma) {
  if (gamma && !std::isfinite(*gamma)) throw std::invalid_argument("gamma: must be finite, or None to fit it");
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
