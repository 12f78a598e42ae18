#include "nusky/bounds/sky_nodes.hpp"

#include <algorithm>
#include <cmath>

namespace nusky {
namespace {

double square(double x) { return x * x; }

// sin²(Δα/2) is never below Δα²/4 times this, as far as a window goes.
double flattest(double width) {
  const double half = 0.5 * std::min(pi, (SkyRows::half_window + 1.0) * width);
  return square(std::sin(half) / half);
}

}  // namespace

// From d² = 4 sin²(Δδ/2) + 4 cos δ cos δ′ sin²(Δα/2).
SkyRows::SkyRows(const SkyGrid& grid, std::size_t band, std::size_t layer, const SkyConstants& constants)
    : n(grid.rows(layer) + 1), width(2 * pi / static_cast<double>(grid.bins(band, layer))) {
  const double low = grid.row_edge(layer, band * (n - 1)), high = grid.row_edge(layer, (band + 1) * (n - 1));
  bend = constants.bend * square((high - low) / static_cast<double>(n - 1)) * (1.0 + 1e-5);  // B4
  bend_ra = constants.bend * square(width) * largest_cosine(low, high) * (1.0 + 1e-5);       // B4
  for (std::size_t r = 0; r < most; ++r) {
    dec[r] = grid.row_edge(layer, band * (n - 1) + std::min(r, n - 1));
    fall[r] = std::max(0.0, std::cos(dec[r])) * square(width) * flattest(width) * (1.0 - 1e-5);  // B8
  }
}

SkyNodes::SkyNodes(SkyGrid grid, const SkyConstants& constants) : grid_(std::move(grid)), needed_(grid_.n_layers() * grid_.n_bands(), 0U) {
  for (std::size_t l = 0; l < grid_.n_layers(); ++l)
    for (std::size_t b = 0; b < grid_.n_bands(); ++b) rows_.emplace_back(grid_, b, l, constants);
}

}  // namespace nusky
