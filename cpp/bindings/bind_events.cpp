#include <pybind11/stl.h>

#include <memory>
#include <optional>

#include "arrays.hpp"
#include "nusky/events/event_index.hpp"
#include "parts.hpp"

namespace nusky::bindings {
namespace {

// The rows on the gamma nodes, nullptr where there are none.
const float* rows_of(const std::optional<F32>& rows, const char* name, std::size_t n, const GammaAxis& axis) {
  if (rows.has_value() != (axis.size() > 0))
    throw std::invalid_argument(std::string(name) +
                                (rows ? ": given, but gamma_nodes is empty" : ": needed, because gamma_nodes is not empty"));
  if (!rows) return nullptr;
  if (require_ndim(*rows, 2, name) != n || rows->shape(1) != axis.size())
    throw std::invalid_argument(std::string(name) + ": expected shape (" + std::to_string(n) + ", " + std::to_string(axis.size()) +
                                "), got (" + std::to_string(rows->shape(0)) + ", " + std::to_string(rows->shape(1)) + ")");
  return rows->data();
}

std::shared_ptr<EventColumns> make_columns(const F64& dec, const F64& sigma, const F64& background,
                                           const std::optional<F32>& log_energy_ratio, const F64& gamma_nodes, double cut_n_sigma,
                                           double extension) {
  const std::size_t n = require_ndim(dec, 1, "dec");
  require_length(sigma, n, "sigma");
  require_length(background, n, "background");
  GammaAxis axis(to_vector(gamma_nodes, "gamma_nodes"));
  const float* ratio = n == 0 && !log_energy_ratio ? nullptr : rows_of(log_energy_ratio, "log_energy_ratio", n, axis);
  const double *d = dec.data(), *s = sigma.data(), *b = background.data();
  py::gil_scoped_release release;
  return std::make_shared<EventColumns>(n, d, s, b, ratio, std::move(axis), cut_n_sigma, extension, 0);
}

std::shared_ptr<EventColumns> make_values(const F64& value, const std::optional<F32>& log_ratio, const F64& gamma_nodes) {
  const std::size_t n = require_ndim(value, 1, "value");
  GammaAxis axis(to_vector(gamma_nodes, "gamma_nodes"));
  const float* ratio = rows_of(log_ratio, "log_ratio", n, axis);
  const double* v = value.data();
  py::gil_scoped_release release;
  return std::make_shared<EventColumns>(n, v, ratio, std::move(axis), 0);
}

std::shared_ptr<EventIndex> make_index(const py::sequence& parts, const F64& n_events, int n_threads, bool few) {
  const PartList list = read_parts(parts);
  std::vector<double> counts = to_vector(n_events, "n_events");
  py::gil_scoped_release release;
  return std::make_shared<EventIndex>(list.parts, std::move(counts), n_threads, few);
}

}  // namespace

PartList read_parts(const py::sequence& parts) {
  PartList list;
  std::size_t number = 0;
  for (const py::handle item : parts) {
    const std::string name = "part " + std::to_string(number++);
    const auto fields = py::cast<py::tuple>(item);
    if (fields.size() != 5 && fields.size() != 6)
      throw std::invalid_argument(name + ": expected (columns, ra, season, rows, factor) or these and the times");
    const auto require = [&](bool right, const char* field, const char* wanted) {
      if (!right) throw py::type_error(name + ": " + field + " must be " + wanted);
    };
    require(py::isinstance<EventColumns>(fields[0]), "columns", "EventColumns");
    require(py::isinstance<F64>(fields[1]), "ra", "a contiguous float64 array");
    require(PyIndex_Check(fields[2].ptr()) != 0, "season", "an integer");
    EventPart part;
    part.columns = py::cast<std::shared_ptr<EventColumns>>(fields[0]);
    const auto ra = py::cast<F64>(fields[1]);
    part.n = require_ndim(ra, 1, "ra");
    part.ra = ra.data();
    part.season = py::cast<int>(fields[2]);
    list.keep.push_back(ra);
    if (!fields[3].is_none()) {
      require(py::isinstance<I64>(fields[3]), "rows", "a contiguous int64 array or None");
      const auto rows = py::cast<I64>(fields[3]);
      require_length(rows, part.n, "rows");
      part.rows = rows.data();
      list.keep.push_back(rows);
    } else if (part.n != part.columns->size()) {
      throw std::invalid_argument(name + ": ra has " + std::to_string(part.n) + " entries, the columns " +
                                  std::to_string(part.columns->size()));
    }
    if (!fields[4].is_none()) {
      require(py::isinstance<F64>(fields[4]), "factor", "a contiguous float64 array or None");
      const auto factor = py::cast<F64>(fields[4]);
      require_length(factor, part.n, "factor");
      part.factor = factor.data();
      list.keep.push_back(factor);
    }
    if (fields.size() == 6 && !fields[5].is_none()) {
      require(py::isinstance<F64>(fields[5]), "time", "a contiguous float64 array or None");
      const auto time = py::cast<F64>(fields[5]);
      require_length(time, part.n, "time");
      part.time = time.data();
      list.keep.push_back(time);
    }
    list.parts.push_back(part);
  }
  return list;
}

void bind_events(py::module_& m) {
  py::class_<EventColumns, std::shared_ptr<EventColumns>>(m, "EventColumns", R"(
What belongs to the events of one season alone and stays for every trial.

Parameters
----------
dec : (N,) float64, rad
sigma : (N,) float64, rad, angular error, above 0 (or 0 with an extension) and at most pi
background : (N,) float64, 1/sr, background density B at the event
log_energy_ratio : (N, G) float32 or None, ln R at the gamma nodes
gamma_nodes : (G,) float64, strictly increasing; empty: no energy term
cut_n_sigma : S = 0 beyond this many sigma; inf: no cut
extension : rad, of the source, added to sigma in quadrature
)")
      .def(py::init(&make_columns), py::arg("dec").noconvert(), py::arg("sigma").noconvert(), py::arg("background").noconvert(),
           py::arg("log_energy_ratio").noconvert(), py::arg("gamma_nodes").noconvert(), py::kw_only(), py::arg("cut_n_sigma") = 5.0,
           py::arg("extension") = 0.0)
      .def_static("of_values", &make_values, py::arg("value").noconvert(), py::arg("log_ratio").noconvert(),
                  py::arg("gamma_nodes").noconvert(), R"(
Events whose S/B is given and the same in every direction: those of a hypothesis that is no single position.

Parameters
----------
value : (N,) float64, S/B, 0 ... 1e30
log_ratio : (N, G) float32 or None, ln of the factor on S/B at the gamma nodes
gamma_nodes : (G,) float64
)")
      .def("__len__", &EventColumns::size)
      .def_property_readonly("nbytes", &EventColumns::bytes);

  py::class_<EventIndex, std::shared_ptr<EventIndex>>(m, "EventIndex", R"(
The events of one trial, ordered for the search around a direction.

Parameters
----------
parts : sequence of (columns, ra, season, rows, factor)
    ra : (n,) float64, rad. season : int. rows : (n,) int64, rows of the columns, or None for all of them.
    factor : (n,) float64 that multiplies W (a time ratio), or None. A sixth entry, (n,) float64 MJD, gives times.
n_events : (K,) float64, N_k of every season (extended likelihood: the expected background)
n_threads : 0 means all that the process may use
few : make the grid for the events given, not for all of their columns: faster for a few of many, but the last bit of
    a fit then depends on which events are given
)")
      .def(py::init(&make_index), py::arg("parts"), py::arg("n_events").noconvert(), py::kw_only(), py::arg("n_threads") = 0,
           py::arg("few") = false)
      .def("__len__", &EventIndex::size)
      .def_property_readonly("n_seasons", &EventIndex::n_seasons);
}

}  // namespace nusky::bindings
