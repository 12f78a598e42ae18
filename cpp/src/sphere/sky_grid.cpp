#include "nusky/sphere/sky_grid.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace nusky {

SkyGrid::SkyGrid(std::size_t n_bands, std::size_t n_layers, double aspect)
    : n_layers_(n_layers), aspect_(aspect), coarsest_bins_(n_bands), first_{0} {
  if (n_layers < 1 || n_layers > 5) throw std::invalid_argument("n_layers: must be within 1 and 5");
  for (std::size_t b = 0; b < n_bands; ++b) {
    const double middle = -0.5 * pi + band_height() * (static_cast<double>(b) + 0.5);
    coarsest_bins_[b] = static_cast<std::size_t>(std::max(1.0, std::floor(2 * pi * std::cos(middle) / width(n_layers_ - 1))));
    for (std::size_t r = 0; r < rows(0); ++r) first_.push_back(first_.back() + static_cast<std::uint32_t>(bins(b, 0)));
  }
}

std::size_t SkyGrid::row(double dec) const {
  const auto n = static_cast<double>(n_bands() * rows(0));
  return static_cast<std::size_t>(std::clamp((dec / pi + 0.5) * n, 0.0, n - 1.0));
}

std::uint32_t SkyGrid::cell(const Vec3& v) const {
  double turn = std::atan2(v.y(), v.x()) / (2 * pi);
  turn -= std::floor(turn);
  const std::size_t r = row(std::asin(std::clamp(v.z(), -1.0, 1.0)));
  const std::size_t many = bins(r / rows(0), 0);
  return first_[r] + static_cast<std::uint32_t>(std::min(many - 1, static_cast<std::size_t>(turn * static_cast<double>(many))));
}

}  // namespace nusky
