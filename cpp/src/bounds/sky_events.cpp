#include "nusky/bounds/sky_events.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nusky/gamma/gamma_axis.hpp"

namespace nusky {
namespace {

// Bins to either side of an event that are looked at, less the errors of positions.
constexpr double half_window = 7.99;
// Of log u, so that it holds between nodes: events too narrow for the finest cells are taken as wider, with the same peak.
constexpr double most_lift = 2.0;
// What is left of an event far away, in rows that are not looked at one by one.
constexpr double hardly_any = 1e-12;
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
  bend = 0.25 * square((high - low) / static_cast<double>(n - 1)) * (1.0 + 1e-5);
  bend_ra = 0.25 * square(width) * largest_cosine(low, high) * (1.0 + 1e-5);
  for (std::size_t r = 0; r < most; ++r) {
    dec[r] = grid.row_edge(level, band * (n - 1) + std::min(r, n - 1));
    fall[r] = std::max(0.0, std::cos(dec[r])) * square(width) * flattest(width) * (1.0 - 1e-5);
  }
}

// An event on its way through the bands of its level.
struct SkyEvents::Reach {
  SkyEvent event;
  double cos_dec;
  double power;  // ln u, as far below its peak as hardly anything is left
  std::uint32_t number;
};

SkyEvents::SkyEvents(const std::vector<SkyEvent>& events, const SkyGrid& grid, const std::vector<std::vector<SkyRows>>& rows,
                     const std::vector<std::vector<std::uint32_t>>& needed, std::vector<double> scale, double smallest_u)
    : smallest_u_(smallest_u), scale_(std::move(scale)), strips_(grid.n_levels(), std::vector<Strip>(grid.n_bands())) {
  const double steepest = 4.0 * most_lift / (square(grid.row_edge(0, 1) - grid.row_edge(0, 0)) + square(grid.width(0)));
  const double largest_scale = *std::max_element(scale_.begin(), scale_.end());
  for (std::size_t l = 0; l < strips_.size(); ++l)
    for (Strip& strip : strips_[l]) strip.rest = strip.rest_square = std::vector<double>(grid.rows(l) + 1, 0.0);
  std::vector<std::uint32_t> order(events.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return events[a].dec < events[b].dec; });
  std::vector<double> hardly(strips_.size(), 0.0);
  for (const std::uint32_t i : order) {
    SkyEvent e = events[i];
    if (!(e.weight > 0.0)) continue;
    e.rate = std::min(e.rate, steepest);
    const std::size_t own = grid.row(e.dec) / grid.rows(0);
    const double reach = std::sqrt(std::log(std::max(1.0, e.weight * scale_[own] / smallest_u_)) / e.rate);
    std::size_t l = 0;
    while (l + 1 < strips_.size() && reach > half_window * grid.width(l)) ++l;
    // beyond this, no band has more than hardly any: their lifts differ by less
    const Reach one{e, std::cos(e.dec), std::log(hardly_any / (e.weight * largest_scale)) - 4.0 * most_lift, i};
    hardly[l] += hardly_any;
    const auto add = [&](std::size_t b) { return enter(one, rows[l][b], needed[l][b], scale_[b], strips_[l][b]); };
    for (std::size_t b = own; b < scale_.size() && add(b);) ++b;
    for (std::size_t b = own; b > 0 && add(b - 1);) --b;
  }
  for (std::size_t l = 0; l < strips_.size(); ++l)
    for (Strip& strip : strips_[l]) {
      strip.sort();
      for (auto* some : {&strip.rest, &strip.rest_square})
        for (double& rest : *some) rest += hardly[l];
    }
}

// By the number of rows, so that the loop over them is the same again and again.
void SkyEvents::Strip::sort() {
  std::stable_sort(visits.begin(), visits.end(), [](const SkyVisit& a, const SkyVisit& b) { return a.rows < b.rows; });
  std::vector<SkyPair> sorted;
  sorted.reserve(pairs.size());
  for (SkyVisit& v : visits) {
    const auto at = static_cast<std::uint32_t>(sorted.size());
    for (unsigned rows = v.rows, r = v.at; rows != 0; rows >>= 1U, ++r) sorted.push_back(pairs[r]);
    v.at = at;
  }
  pairs.swap(sorted);
}

// In the rows where its u is not small, the kernel adds an event in the bins of its window. All that it does not reach goes to the rest.
bool SkyEvents::enter(const Reach& e, const SkyRows& rows, std::uint32_t needed, double scale, Strip& to) {
  const double rate = e.event.rate;
  const double lift = rate * (rows.bend + rows.bend_ra * e.cos_dec), log_scale = std::log2(e.event.weight * scale);
  double power[SkyRows::most], u[SkyRows::most];
  bool near = false, beyond = false;
  std::size_t first = rows.n, last = 0;  // rows where u is not small
  for (std::size_t r = 0; r < rows.n; ++r) {
    const double gap2 = square(rows.dec[r] - e.event.dec);
    power[r] = lift - rate * gap2 * (1.0 - gap2 / 12.0);  // 4 sin²(x/2) ≥ x² (1 − x²/12)
    u[r] = 0.0;
    if (power[r] < e.power) continue;
    near = true;
    if (needed == 0) continue;
    u[r] = e.event.weight * scale * std::exp(power[r]);
    beyond = beyond || u[r] > SkyTable::largest_u;
    if (u[r] < smallest_u_) continue;
    first = std::min(first, r);
    last = r + 1;
  }
  if (needed == 0) return near;
  if (beyond) first = last;      // not in the table: what is near such an event has no bound
  if (last > first + n_lanes) {  // a visit has 16 rows: of 17, that further away is left out
    if (e.event.dec > 0.5 * (rows.dec[0] + rows.dec[rows.n - 1]))
      ++first;
    else
      --last;
  }
  SkyVisit visit{e.number, static_cast<std::uint32_t>(to.pairs.size()), static_cast<std::uint16_t>(first), 0};
  for (std::size_t r = 0; r < rows.n; ++r) {
    double rest = u[r];
    if (r >= first && r < last) {
      const double fall = rate * e.cos_dec * rows.fall[r];
      visit.rows = static_cast<std::uint16_t>(visit.rows | 1U << (r - first));
      rest = 2.0 * half_window * rows.width < 2 * pi ? u[r] * std::exp(-fall * square(half_window)) : 0.0;
      const double step = SkyTable::per_octave * (SkyTable::octaves_below + log_scale + power[r] * log2_e);
      to.pairs.push_back({static_cast<std::uint16_t>(std::ceil(std::clamp(step + 1e-6, 0.0, 65535.0))),
                          static_cast<std::uint16_t>(std::min(65535.0, SkyTable::per_octave * log2_e * SkyTable::reach2 * fall))});
    }
    to.rest[r] += rest;
    to.rest_square[r] += square(rest);
  }
  if ((visit.rows & needed >> first) != 0)
    to.visits.push_back(visit);
  else
    to.pairs.resize(visit.at);
  return near;
}

}  // namespace nusky
