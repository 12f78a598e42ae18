#include <memory>
#include <optional>

#include <pybind11/stl.h>

#include "arrays.hpp"
#include "nusky/sphere/directions.hpp"
#include "smeared.hpp"

namespace nusky::bindings {
namespace {

std::shared_ptr<Directions> make_directions(const F64& ra, const F64& dec, const std::optional<I64>& tile,
                                            const std::optional<F64>& tile_ra, const std::optional<F64>& tile_dec,
                                            const std::optional<F64>& tile_radius) {
  const std::size_t n = require_ndim(ra, 1, "ra");
  require_length(dec, n, "dec");
  if (!tile) return std::make_shared<Directions>(n, ra.data(), dec.data());
  if (!tile_ra || !tile_dec || !tile_radius) throw std::invalid_argument("tile: needs tile_ra, tile_dec and tile_radius beside it");
  require_length(*tile, n, "tile");
  const std::size_t t = require_ndim(*tile_ra, 1, "tile_ra");
  require_length(*tile_dec, t, "tile_dec");
  require_length(*tile_radius, t, "tile_radius");
  return std::make_shared<Directions>(n, ra.data(), dec.data(), tile->data(), t, tile_ra->data(), tile_dec->data(), tile_radius->data());
}

SmearedTable table_of_places(const std::vector<I16>& table, const F32& basis, const I64& start, const F32& weight) {
  const std::size_t n = require_ndim(start, 1, "start");
  if (require_ndim(weight, 2, "weight") != 4 || static_cast<std::size_t>(weight.shape(1)) != n)
    throw std::invalid_argument("weight: expected shape (4, N)");
  return smeared_table(table, basis);
}

void smeared_values(const std::vector<I16>& table, const F32& basis, const I64& start, const F32& weight, const F64& ra, F32& found) {
  const SmearedTable rows = table_of_places(table, basis, start, weight);
  const auto n = static_cast<std::size_t>(start.size());
  require_length(ra, n, "ra");
  if (require_ndim(found, 2, "found") != rows.maps || found.shape(1) != start.size())
    throw std::invalid_argument("found: expected shape (R, N)");
  float* out = found.mutable_data();
  const py::gil_scoped_release release;
  rows.look_up(n, start.data(), weight.data(), ra.data(), out);
}

}  // namespace

void bind_directions(py::module_& m) {
  py::class_<Directions, std::shared_ptr<Directions>>(m, "Directions", R"(
The directions of a scan, grouped into tiles of neighbours.

Parameters
----------
ra, dec : (P,) float64, rad
tile : (P,) int64 or None, number of the tile of each direction; None: tiles are formed here
tile_ra, tile_dec : (T,) float64, rad, centres of the tiles
tile_radius : (T,) float64, rad, no direction of the tile lies further from its centre
)")
      .def(py::init(&make_directions), py::arg("ra").noconvert(), py::arg("dec").noconvert(), py::arg("tile").noconvert() = py::none(),
           py::arg("tile_ra").noconvert() = py::none(), py::arg("tile_dec").noconvert() = py::none(),
           py::arg("tile_radius").noconvert() = py::none())
      .def("__len__", &Directions::size);
  m.def("smeared_values", &smeared_values, py::arg("table").noconvert(), py::arg("basis").noconvert(), py::arg("start").noconvert(),
        py::arg("weight").noconvert(), py::arg("ra").noconvert(), py::arg("found").noconvert(), R"(
Values of smeared maps at places; see `nusky.sphere.SmearedMaps`.

Parameters
----------
table : S arrays (D - 1, A, 2, B) int16, B may differ
basis : (S, D - 1, B, R) float32, what the parts are multiplied with, to add up to the maps; B is the largest
start : (N,) int64, point at which the pair of rows of the lower sigma and declination begins
weight : (4, N) float32, of the rows around the place
ra : (N,) float64, rad
found : (R, N) float32, is filled
)");
}

}  // namespace nusky::bindings
