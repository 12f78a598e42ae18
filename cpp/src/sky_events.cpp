#include "nusky/sky_events.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nusky {
namespace {

// What stays below this u in a row is left out there, and added to the whole row.
constexpr double smallest_u = 2e-3;
// Bins to either side of an event that are looked at, less the errors of positions.
constexpr double half_window = 7.99;
// Of log u, so that it holds between nodes: events too narrow for the finest cells are taken as wider, with the same peak.
constexpr double most_lift = 2.0;
// Beyond this u the kernel does not work.
constexpr double largest_u = 1e15;
// What is left of an event far away, in rows that are not looked at one by one.
constexpr double hardly_any = 1e-12;
constexpr double unit = 8388608.0;  // of the exponent in the bits of a float
constexpr double log2_e = 1.4426950408889634;

double square(double x) { return x * x; }

// sin²(Δα/2) is never below Δα²/4 times this, as far as the window reaches.
double flattest(double width) {
  const double half = 0.5 * std::min(pi, (half_window + 1.0) * width);
  return square(std::sin(half) / half);
}

}  // namespace

// From d² = 4 sin²(Δδ/2) + 4 cos δ cos δ′ sin²(Δα/2).
SkyRows::SkyRows(const SkyGrid& grid, std::size_t band, std::size_t level)
    : n(grid.rows(level) + 1), width(2 * pi / static_cast<double>(grid.bins(band, level))) {
  const double low = grid.row_edge(level, band * (n - 1)), high = grid.row_edge(level, (band + 1) * (n - 1));
  middle = static_cast<float>(0.5 * (low + high));
  bend = static_cast<float>(0.25 * square((high - low) / static_cast<double>(n - 1)) * (1.0 + 1e-5));
  bend_ra = static_cast<float>(0.25 * square(width) * largest_cosine(low, high) * (1.0 + 1e-5));
  for (std::size_t r = 0; r < most; ++r) {
    const double at = grid.row_edge(level, band * (n - 1) + std::min(r, n - 1));
    dec[r] = static_cast<float>(at);
    fall[r] = static_cast<float>(std::max(0.0, std::cos(at)) * square(width) * flattest(width) * (1.0 - 1e-5));
  }
}

SkyEventView SkyEvents::Level::between(double low, double high) const {
  const auto first = std::lower_bound(dec.begin(), dec.end(), static_cast<float>(low - reach - 1e-6)),
             last = std::upper_bound(first, dec.end(), static_cast<float>(high + reach + 1e-6));
  const auto i = static_cast<std::size_t>(first - dec.begin());
  return {static_cast<std::size_t>(last - first), event.data() + i, dec.data() + i, cos_dec.data() + i, rate.data() + i, weight.data() + i};
}

float SkyEvents::least_bits() { return static_cast<float>((127.0 + std::log2(smallest_u)) * unit); }

float SkyEvents::scale_bits(std::size_t band) const {
  return static_cast<float>((127.0 + std::log2(scale_[band])) * unit + 1000.0);  // a little more than its rounding
}

SkyEvents::SkyEvents(const std::vector<SkyEvent>& events, const SkyGrid& grid, const std::vector<std::vector<SkyRows>>& rows,
                     std::vector<double> scale)
    : scale_(std::move(scale)), levels_(grid.n_levels()) {
  for (std::size_t l = 0; l < levels_.size(); ++l) {
    levels_[l].rest.assign(grid.n_bands(), std::vector<double>(grid.rows(l) + 1, 0.0));
    levels_[l].rest_square = levels_[l].rest;
  }
  std::vector<std::uint32_t> order(events.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return events[a].dec < events[b].dec; });
  const double steepest = 4.0 * most_lift / (square(grid.row_edge(0, 1) - grid.row_edge(0, 0)) + square(grid.width(0)));
  const double largest_scale = *std::max_element(scale_.begin(), scale_.end());
  for (const std::uint32_t i : order) {
    SkyEvent e = events[i];
    e.rate = std::min(e.rate, steepest);
    const std::size_t band = grid.row(e.dec) / grid.rows(0);
    const double reach = std::sqrt(std::log(std::max(1.0, e.weight * scale_[band] / smallest_u)) / e.rate);
    std::size_t l = 0;
    while (l + 1 < levels_.size() && reach > half_window * grid.width(l)) ++l;
    leave_out(e, rows[l], l, band, e.weight * largest_scale);
    Level& to = levels_[l];
    to.dec.push_back(static_cast<float>(e.dec));
    to.cos_dec.push_back(static_cast<float>(std::cos(e.dec)));
    to.rate.push_back(static_cast<float>(e.rate * log2_e * unit));
    to.weight.push_back(static_cast<float>((e.weight > 0.0 ? std::max(-1000.0, std::log2(e.weight)) : -1000.0) * unit + 1000.0));
    to.event.push_back(i);
  }
  for (Level& level : levels_)
    for (auto* some : {&level.rest, &level.rest_square})
      for (std::vector<double>& of_band : *some)
        for (double& rest : of_band) rest += hardly_any * static_cast<double>(level.event.size());
}

// The kernel adds an event to the rows where its u is not small, in the bins of its window. All that it does not reach comes here.
void SkyEvents::leave_out(const SkyEvent& e, const std::vector<SkyRows>& rows_of_level, std::size_t l, std::size_t own_band,
                          double largest) {
  Level& level = levels_[l];
  // beyond this, no band has more than hardly any: their lifts differ by less
  const double hopeless = std::log(hardly_any / std::max(largest, 1e-300)) - 4.0 * most_lift;
  const auto add = [&](std::size_t b) {
    const SkyRows& rows = rows_of_level[b];
    const double lift = e.rate * (static_cast<double>(rows.bend) + static_cast<double>(rows.bend_ra) * std::cos(e.dec));
    const double peak = e.weight * scale_[b];
    double most = 0.0;
    for (std::size_t r = 0; r < rows.n; ++r) {
      const double gap = std::abs(static_cast<double>(rows.dec[r]) - e.dec), gap2 = square(gap);
      const double power = lift - e.rate * gap2 * (1.0 - gap2 / 12.0);  // as the kernel has it
      if (power < hopeless) continue;
      const double highest = peak * std::exp(power);
      double rest = 0.0;
      if (highest > smallest_u * 0.99) {  // one in a hundred or so counts twice
        level.reach = std::max(level.reach, gap);
        const double fall = e.rate * std::cos(e.dec) * static_cast<double>(rows.fall[r]);
        if (2.0 * half_window * rows.width < 2 * pi) rest = highest * std::exp(-fall * square(half_window));
      }
      const bool skipped = rows.n == SkyRows::most && r == (static_cast<float>(e.dec) > rows.middle ? 0 : rows.n - 1);
      if (highest < smallest_u * 1.01 || skipped) rest = highest;
      level.rest[b][r] += rest;
      level.rest_square[b][r] += square(rest);
      most = std::max(most, highest);
    }
    possible_ = possible_ && most < largest_u;
    return most > 0.0;
  };
  for (std::size_t b = own_band; b < scale_.size() && add(b);) ++b;
  for (std::size_t b = own_band; b > 0 && add(b - 1);) --b;
}

}  // namespace nusky
