#include <exception>
#include <memory>
#include <optional>

#include <pybind11/stl.h>

#include "arrays.hpp"
#include "nusky/scan.hpp"

namespace nusky::bindings {
namespace {

double gamma_or_free(const std::optional<double>& gamma) {
  if (!gamma) return std::numeric_limits<double>::quiet_NaN();
  if (!std::isfinite(*gamma)) throw std::invalid_argument("gamma: must be finite, or None to fit it");
  return *gamma;
}

py::tuple scan_directions(const Likelihood& likelihood, const EventIndex& index, const Directions& directions, const std::optional<double>& gamma,
                          int n_threads, const std::optional<py::function>& progress) {
  const double fixed = gamma_or_free(gamma);
  std::exception_ptr raised;
  ScanResult result;
  {
    py::gil_scoped_release release;
    result = scan(likelihood, index, directions, fixed, n_threads, [&](std::size_t done, std::size_t total) {
      py::gil_scoped_acquire acquire;
      try {
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
        if (progress) (*progress)(done, total);
      } catch (...) {
        raised = std::current_exception();
        return false;
      }
      return true;
    });
  }
  if (raised) std::rethrow_exception(raised);
  return py::make_tuple(to_array(std::move(result.ts)), to_array(std::move(result.ns)), to_array(std::move(result.gamma)),
                        to_array(std::move(result.status)));
}

}  // namespace

void bind_scan(py::module_& m) {
  m.def("scan", &scan_directions, py::arg("likelihood"), py::arg("index"), py::arg("directions"), py::kw_only(), py::arg("gamma") = py::none(),
        py::arg("n_threads") = 0, py::arg("progress") = py::none(), R"(
Fits every direction.

Parameters
----------
gamma : float or None
    Fixes the spectral index; None fits it within the nodes.
n_threads : 0 means all that the process may use
progress : callable(done, total) or None
    Called from the calling thread a few times a second.

Returns
-------
ts, ns, gamma : (P,) float64
status : (P,) int8, see nusky.Status
)");
}

}  // namespace nusky::bindings
