#include "nusky/bounds/sky_events.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nusky/gamma/gamma_axis.hpp"

namespace nusky {
namespace {

constexpr double half_window = SkyRows::half_window;
// Of log u, so that it holds between nodes: events too narrow for the finest cells are taken as wider, with the same peak.
constexpr double most_bend = 2.0;
// What is left of an event far away, in rows that are not looked at one by one.
constexpr double hardly_any = 1e-12;
constexpr double log2_e = 1.4426950408889634;

double square(double x) { return x * x; }

}  // namespace

// An event on its way through the bands of its layer.
struct SkyEvents::OnItsWay {
  SkyEvent event;
  double cos_dec;
  double power;  // ln u, as far below its peak as hardly anything is left
  std::uint32_t number;
};

SkyEvents::SkyEvents(const std::vector<SkyEvent>& events, const SkyNodes& nodes, std::vector<double> scale, double smallest_u)
    : smallest_u_(smallest_u), scale_(std::move(scale)), bands_(nodes.grid().n_layers() * nodes.grid().n_bands()) {
  const SkyGrid& grid = nodes.grid();
  const std::size_t n_layers = grid.n_layers(), n_bands = grid.n_bands();
  const double steepest = 4.0 * most_bend / (square(grid.row_edge(0, 1) - grid.row_edge(0, 0)) + square(grid.width(0)));
  const double largest_scale = *std::max_element(scale_.begin(), scale_.end());
  for (std::size_t l = 0; l < n_layers; ++l)
    for (std::size_t b = 0; b < n_bands; ++b) {
      BandEvents& band = bands_[l * n_bands + b];
      band.spread_u = band.spread_u2 = std::vector<double>(grid.rows(l) + 1, 0.0);
    }
  std::vector<std::uint32_t> order(events.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return events[a].dec < events[b].dec; });
  std::vector<double> hardly(n_layers, 0.0);
  for (const std::uint32_t i : order) {
    SkyEvent e = events[i];
    if (!(e.weight > 0.0)) continue;
    e.rate = std::min(e.rate, steepest);
    const std::size_t own = grid.row(e.dec) / grid.rows(0);
    const double distance = std::sqrt(std::log(std::max(1.0, e.weight * scale_[own] / smallest_u_)) / e.rate);
    std::size_t l = 0;
    while (l + 1 < n_layers && distance > half_window * grid.width(l)) ++l;
    // beyond this, no band has more than hardly any: what is added at nodes differs by less
    const OnItsWay one{e, std::cos(e.dec), std::log(hardly_any / (e.weight * largest_scale)) - 4.0 * most_bend, i};
    hardly[l] += hardly_any;
    const auto add = [&](std::size_t b) { return enter(one, nodes.rows(l, b), nodes.needed(l, b), scale_[b], bands_[l * n_bands + b]); };
    for (std::size_t b = own; b < n_bands && add(b);) ++b;
    for (std::size_t b = own; b > 0 && add(b - 1);) --b;
  }
  for (std::size_t l = 0; l < n_layers; ++l)
    for (std::size_t b = 0; b < n_bands; ++b) {
      BandEvents& band = bands_[l * n_bands + b];
      band.sort();
      for (auto* some : {&band.spread_u, &band.spread_u2})
        for (double& row : *some) row += hardly[l];
    }
}

// By the number of rows, so that the loop over them branches the same way again and again.
void BandEvents::sort() {
  std::stable_sort(events.begin(), events.end(), [](const EventInBand& a, const EventInBand& b) { return a.rows < b.rows; });
  std::vector<RowEntry> sorted;
  sorted.reserve(entries.size());
  for (EventInBand& v : events) {
    const auto at = static_cast<std::uint32_t>(sorted.size());
    for (unsigned rows = v.rows, r = v.at; rows != 0; rows >>= 1U, ++r) sorted.push_back(entries[r]);
    v.at = at;
  }
  entries.swap(sorted);
}

// In the rows where its u is not small, the kernel adds an event in the bins of its window. All that lies outside of them is spread over
// the row.
bool SkyEvents::enter(const OnItsWay& e, const SkyRows& rows, std::uint32_t needed, double scale, BandEvents& to) const {
  const double rate = e.event.rate;
  const double raised = rate * (rows.bend + rows.bend_ra * e.cos_dec), log_scale = std::log2(e.event.weight * scale);
  double power[SkyRows::most], u[SkyRows::most];
  bool near = false, beyond = false;
  std::size_t first = rows.n, last = 0;  // rows where u is not small
  for (std::size_t r = 0; r < rows.n; ++r) {
    const double gap2 = square(rows.dec[r] - e.event.dec);
    power[r] = raised - rate * gap2 * (1.0 - gap2 / 12.0);  // B4; B8: 4 sin²(x/2) ≥ x² (1 − x²/12)
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
  if (beyond) first = last;                     // not in the table: what is near such an event has no bound
  if (last > first + EventInBand::most_rows) {  // an event has 16 rows: of 17, that further away is left out
    if (e.event.dec > 0.5 * (rows.dec[0] + rows.dec[rows.n - 1]))
      ++first;
    else
      --last;
  }
  EventInBand here{e.number, static_cast<std::uint32_t>(to.entries.size()), static_cast<std::uint16_t>(first), 0};
  for (std::size_t r = 0; r < rows.n; ++r) {
    double spread = u[r];
    if (r >= first && r < last) {
      const double fall = rate * e.cos_dec * rows.fall[r];
      here.rows = static_cast<std::uint16_t>(here.rows | 1U << (r - first));
      spread = 2.0 * half_window * rows.width < 2 * pi ? u[r] * std::exp(-fall * square(half_window)) : 0.0;
      const double step = SkyTable::per_octave * (SkyTable::octaves_below + log_scale + power[r] * log2_e);
      to.entries.push_back({static_cast<std::uint16_t>(std::ceil(std::clamp(step + 1e-6, 0.0, 65535.0))),  // B6
                            static_cast<std::uint16_t>(std::min(65535.0, SkyTable::per_octave * log2_e * SkyTable::farthest2 * fall))});
    }
    to.spread_u[r] += spread;  // B9
    to.spread_u2[r] += square(spread);
  }
  if ((here.rows & needed >> first) != 0)
    to.events.push_back(here);
  else
    to.entries.resize(here.at);
  return near;
}

}  // namespace nusky
