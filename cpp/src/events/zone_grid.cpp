#include "nusky/events/zone_grid.hpp"

#include <cmath>

namespace nusky {
namespace {

constexpr double degree = pi / 180.0;
constexpr double lowest_zone = 1.0 * degree;

// Ranges that follow each other become one.
void append(std::vector<EventRange>& out, std::uint32_t first, std::uint32_t last) {
  if (first == last) return;
  if (!out.empty() && out.back().last == first)
    out.back().last = last;
  else
    out.push_back({first, last});
}

}  // namespace

// Zones about half as high as the cut, but with some events in each bin.
ZoneGrid::ZoneGrid(double cut, std::size_t n, bool divided)
    : cut_(cut), height_(std::max({0.5 * cut, lowest_zone, degree * std::sqrt(2.0 * 41253.0 / static_cast<double>(n))})) {
  if (!divided || height_ > pi / 6) height_ = pi;
  const int n_zones = std::max(1, static_cast<int>(pi / height_));
  height_ = pi / n_zones;
  std::size_t n_bins = 0;
  for (int z = 0; z < n_zones; ++z) {
    const double low = -pi / 2 + z * height_, high = low + height_;
    const int bins = n_zones == 1 ? 1 : std::max(1, static_cast<int>(2 * pi * largest_cosine(low, high) / height_));
    zones_.push_back({bins, static_cast<float>(std::max(0.0, std::min(std::cos(low), std::cos(high)))), n_bins});
    n_bins += static_cast<std::size_t>(bins);
  }
  start_.assign(n_bins + 1, 0);
}

void ZoneGrid::near(double ra, double dec, double chord, std::vector<EventRange>& out) const {
  const double cos_dec = std::max(1e-12, std::cos(dec));
  const double arc = 2.0 * std::asin(std::min(1.0, std::sin(0.5 * std::min(cut_, pi)) + 0.5 * chord)) + 1e-6;
  const auto n_zones = static_cast<int>(zones_.size());
  if (n_zones == 1 || arc >= pi / 2) {
    append(out, start_.front(), start_.back());
    return;
  }
  const int low = std::clamp(static_cast<int>((dec - arc + pi / 2) / height_), 0, n_zones - 1);
  const int high = std::clamp(static_cast<int>((dec + arc + pi / 2) / height_), 0, n_zones - 1);
  const double hav = std::pow(std::sin(0.5 * arc), 2);
  for (int z = low; z <= high; ++z) {
    const Zone& zone = zones_[static_cast<std::size_t>(z)];
    const int bins = zone.bins;
    const std::uint32_t* start = start_.data() + zone.first;
    const double below = -pi / 2 + z * height_, gap = std::max({0.0, below - dec, dec - below - height_});
    // hav ψ = hav Δδ + cos δ cos δ' hav Δα, bounded from above over the zone
    const double gap2 = gap * gap, hav_dec = 0.25 * gap2 * std::max(0.0, 1.0 - gap2 / 12.0);
    const double denominator = static_cast<double>(zone.cos_dec) * cos_dec;
    const double s2 = denominator > 1e-9 ? (hav - hav_dec) / denominator : 2.0;
    if (s2 < 0.0) continue;
    if (s2 >= 1.0) {
      append(out, start[0], start[bins]);
      continue;
    }
    const double s = std::sqrt(s2), half = 2.0 * s * (1.0 + (pi / 2 - 1.0) * s2) + 1e-6;  // ≥ 2 asin s
    const double scale = bins / (2 * pi);
    const int a = static_cast<int>(std::floor((ra - half) * scale)), b = static_cast<int>(std::floor((ra + half) * scale));
    if (b - a + 1 >= bins) {
      append(out, start[0], start[bins]);
    } else if (a < 0) {
      append(out, start[0], start[b + 1]);  // ascending, so that the order of the candidates is that of the index
      append(out, start[a + bins], start[bins]);
    } else if (b >= bins) {
      append(out, start[0], start[b - bins + 1]);
      append(out, start[a], start[bins]);
    } else {
      append(out, start[a], start[b + 1]);
    }
  }
}

}  // namespace nusky
