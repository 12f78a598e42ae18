#include <memory>

#include <pybind11/stl.h>

#include "arrays.hpp"
#include "nusky/fit/count_sums.hpp"
#include "nusky/likelihood/likelihood.hpp"

namespace nusky::bindings {
namespace {

std::shared_ptr<Likelihood> make_likelihood(const F64& gamma_nodes, const F64& sindec_nodes, const F64& log_acceptance, bool extended) {
  GammaAxis axis(to_vector(gamma_nodes, "gamma_nodes"));
  require_ndim(log_acceptance, 3, "log_acceptance");
  const int width = std::max(1, axis.size());
  if (log_acceptance.shape(1) != sindec_nodes.size() || log_acceptance.shape(2) != width)
    throw std::invalid_argument("log_acceptance: expected shape (K, " + std::to_string(sindec_nodes.size()) + ", " + std::to_string(width) +
                                "), got (" + std::to_string(log_acceptance.shape(0)) + ", " + std::to_string(log_acceptance.shape(1)) +
                                ", " + std::to_string(log_acceptance.shape(2)) + ")");
  return std::make_shared<Likelihood>(std::move(axis), to_vector(sindec_nodes, "sindec_nodes"), log_acceptance.data(),
                                      static_cast<int>(log_acceptance.shape(0)), extended);
}

F64 log_sums_of(const F64& terms, const F64& nodes) {
  const std::size_t n = require_ndim(terms, 1, "terms");
  std::vector<double> found(require_ndim(nodes, 1, "nodes"));
  {
    const py::gil_scoped_release release;
    log_sums(n, terms.data(), found.size(), nodes.data(), found.data());
  }
  return to_array(std::move(found));
}

py::tuple power_sums_of(const F64& terms, const std::optional<F64>& counts, double bound) {
  const std::size_t n = require_ndim(terms, 1, "terms");
  if (counts) require_length(*counts, n, "counts");
  PowerSums found;
  {
    const py::gil_scoped_release release;
    found = power_sums(n, terms.data(), counts ? counts->data() : nullptr, bound);
  }
  std::vector<double> moments(found.moment, found.moment + PowerSums::moments);
  const py::object large_counts = counts ? py::object(to_array(std::move(found.large_count))) : py::object(py::none());
  return py::make_tuple(to_array(std::move(moments)), to_array(std::move(found.large)), large_counts);
}

}  // namespace

void bind_likelihood(py::module_& m) {
  py::class_<Likelihood, std::shared_ptr<Likelihood>>(m, "Likelihood", R"(
What the likelihood is made of apart from events and directions.

Parameters
----------
gamma_nodes : (G,) float64; empty: no energy term
sindec_nodes : (D,) float64, strictly increasing
log_acceptance : (K, D, max(G, 1)) float64, ln A_k; only ratios between the K seasons matter
extended : bool, the Poisson-extended form for time windows
)")
      .def(py::init(&make_likelihood), py::arg("gamma_nodes").noconvert(), py::arg("sindec_nodes").noconvert(),
           py::arg("log_acceptance").noconvert(), py::kw_only(), py::arg("extended") = false)
      .def_property_readonly("n_seasons", &Likelihood::n_seasons)
      .def_property_readonly("extended", &Likelihood::extended);
  m.def("log_sums", &log_sums_of, py::arg("terms").noconvert(), py::arg("nodes").noconvert(),
        "Sums (J,) of ln(1 + n z) over terms z (N,), at each n of the nodes (J,); NaN where a factor is below 0.");
  m.def("power_sums", &power_sums_of, py::arg("terms").noconvert(), py::arg("counts").noconvert(), py::arg("bound"), R"(
Terms z (N,) with |z| of at most `bound` by their moments, the others one by one.

Parameters
----------
terms : (N,) float64
counts : (N,) float64 or None, how often each comes
bound : float

Returns
-------
moments : (8,) sums of count z, count z^2, ...
large : (L,) the other terms
counts : (L,) or None, of these
)");
}

}  // namespace nusky::bindings
