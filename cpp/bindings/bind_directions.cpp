#include <memory>
#include <optional>

#include <pybind11/stl.h>

#include "arrays.hpp"
#include "nusky/sphere/directions.hpp"

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
}

}  // namespace nusky::bindings
