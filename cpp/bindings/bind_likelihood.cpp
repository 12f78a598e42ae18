#include <memory>

#include "arrays.hpp"
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
}

}  // namespace nusky::bindings
