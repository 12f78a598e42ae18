#pragma once
// How Ctrl-C stops a call of the core that works for long, and how it shows progress.
#include <exception>
#include <optional>

#include "arrays.hpp"
#include "nusky/fit/scan.hpp"

namespace nusky::bindings {

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
