#include "nusky/event_index.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "nusky/cut_class.hpp"
#include "nusky/threads.hpp"

namespace nusky {
namespace {

constexpr double degree = pi / 180.0;
// Places of events to come, on their way from memory.
constexpr std::size_t ahead = 32;
constexpr double smallest_cell = 1.0 * degree;
// With fewer events than this a grid costs more than testing them all.
constexpr std::size_t brute_force = 512;

double wrap(double ra) {
  double a = ra;
  if (a < 0.0 || a >= 2 * pi) {
    a = std::fmod(a, 2 * pi);
    if (a < 0.0) a += 2 * pi;
    if (a >= 2 * pi) a = 0.0;
  }
  return a;
}

// All events of the columns, as they are, and many: injected events come in columns of their own.
bool is_whole(const EventPart& part) {
  return part.rows == nullptr && part.factor == nullptr && part.n == part.columns->size() && part.n >= WholeSeason::fewest;
}

void check(const std::vector<EventPart>& parts, const std::vector<double>& n_events) {
  if (n_events.empty()) throw std::invalid_argument("n_events: at least one season is needed");
  for (std::size_t k = 0; k < n_events.size(); ++k)
    if (!(n_events[k] > 0.0) || !std::isfinite(n_events[k]))
      throw std::invalid_argument("n_events: season " + std::to_string(k) + " has " + std::to_string(n_events[k]) +
                                  "; a positive number is needed");
  std::size_t total = 0;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    const EventPart& part = parts[p];
    const std::string name = "part " + std::to_string(p) + ": ";
    if (part.season < 0 || part.season >= static_cast<int>(n_events.size()))
      throw std::invalid_argument(name + "season " + std::to_string(part.season) + " is outside 0 … " +
                                  std::to_string(n_events.size() - 1));
    if (part.columns->axis().nodes() != parts[0].columns->axis().nodes())
      throw std::invalid_argument(name + "its gamma_nodes differ from those of part 0");
    for (std::size_t i = 0; i < part.n; ++i) {
      if (!std::isfinite(part.ra[i])) throw std::invalid_argument(name + "ra: row " + std::to_string(i) + " is not finite");
      if (part.rows && (part.rows[i] < 0 || part.rows[i] >= static_cast<std::int64_t>(part.columns->size())))
        throw std::invalid_argument(name + "rows: entry " + std::to_string(i) + " is " + std::to_string(part.rows[i]) + ", outside 0 … " +
                                    std::to_string(part.columns->size()) + " − 1");
      if (part.factor && !(part.factor[i] >= 0.0 && std::isfinite(part.factor[i])))
        throw std::invalid_argument(name + "factor: entry " + std::to_string(i) + " must be finite and at least 0");
    }
    total += part.n;
  }
  if (total >= std::numeric_limits<std::uint32_t>::max()) throw std::invalid_argument("too many events for one index");
}

}  // namespace

EventIndex::EventIndex(const std::vector<EventPart>& parts, std::vector<double> n_events, int n_threads) : n_events_(std::move(n_events)) {
  check(parts, n_events_);
  const Kernels& kernel = kernels();  // throws for an unknown level, so not inside a parallel region
  if (!parts.empty()) axis_ = parts[0].columns->axis();
  const std::size_t n_seasons = n_events_.size();
  classes_.resize(n_seasons);
  loose_.resize(n_seasons);
  // The j-th event to be placed: its number in the columns, and where the part has what is new of it.
  struct Source {
    std::size_t event, from;
  };
  const auto source = [](const EventPart& part, bool whole, std::size_t j) -> Source {
    if (whole) return {j, part.columns->row(j)};
    return {part.columns->event(part.rows ? static_cast<std::size_t>(part.rows[j]) : j), j};
  };
  std::size_t total = 0;
  std::vector<std::size_t> first_of_part;
  for (const EventPart& part : parts) {
    columns_.push_back(part.columns);
    first_of_part.push_back(total);
    total += part.n;
  }
  AlignedVector<std::uint32_t> cell_of(total), place(total);  // cells are counted through all classes of a season
  AlignedVector<double> wrapped(total);
  std::uint32_t begin = 0;
  events_.resize(total);
  for (auto* column : {&x_, &y_, &z_, &cos_cut_, &sin_cut_}) column->resize(total);

  for (std::size_t season = 0; season < n_seasons; ++season) {
    // count the classes, so that their grids match the number of events
    std::array<std::size_t, n_cut_classes> count{};
    std::size_t in_season = 0;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      if (parts[p].season != static_cast<int>(season)) continue;
      const bool whole = is_whole(parts[p]);
      for (std::size_t i = 0; i < parts[p].n; ++i)
        ++count[static_cast<std::size_t>(parts[p].columns->cut_class(source(parts[p], whole, i).event))];
      in_season += parts[p].n;
    }
    std::array<std::size_t, n_cut_classes> slot{};
    std::vector<std::size_t> first_cell;
    std::size_t n_cells = 0;
    std::vector<CutClass>& classes = classes_[season];
    for (int c = 0; c < n_cut_classes; ++c) {
      const std::size_t n = count[static_cast<std::size_t>(c)];
      if (n == 0) continue;
      slot[static_cast<std::size_t>(c)] = classes.size();
      CutClass k;
      k.cut = cut_class_edge(c);
      k.cell = std::max({0.5 * k.cut, smallest_cell, degree * std::sqrt(2.0 * 41253.0 / static_cast<double>(n))});
      if (in_season < brute_force || k.cell > pi / 6) k.cell = pi;
      k.n_zones = std::max(1, static_cast<int>(pi / k.cell));
      k.cell = pi / k.n_zones;
      std::size_t cells = 0;
      for (int z = 0; z < k.n_zones; ++z) {
        const double low = -pi / 2 + z * k.cell, high = low + k.cell;
        const double cos_most = largest_cosine(low, high);
        const int bins = k.n_zones == 1 ? 1 : std::max(1, static_cast<int>(2 * pi * cos_most / k.cell));
        k.zone_bins.push_back(bins);
        k.zone_cos.push_back(static_cast<float>(std::max(0.0, std::min(std::cos(low), std::cos(high)))));
        k.zone_first.push_back(cells);
        cells += static_cast<std::size_t>(bins);
      }
      first_cell.push_back(n_cells);
      n_cells += cells;
      classes.push_back(std::move(k));
    }
    first_cell.push_back(n_cells);
    std::vector<std::uint32_t> start(n_cells + 1, 0);
    // place every event in its cell, then count
    for (std::size_t p = 0; p < parts.size(); ++p) {
      const EventPart& part = parts[p];
      if (part.season != static_cast<int>(season)) continue;
      const std::size_t base = first_of_part[p];
      const bool whole = is_whole(part);
      float* turn = nullptr;
      if (whole) turn = whole_.emplace_back(WholeSeason{part.columns, part.season, std::vector<float>(part.n)}).turn.data();
      parallel_for(part.n, n_threads, 8192, [&](std::size_t i) {
        const Source from = source(part, whole, i);
        const std::size_t number = slot[static_cast<std::size_t>(part.columns->cut_class(from.event))];
        const CutClass& k = classes[number];
        std::size_t cell = first_cell[number];
        const double ra = wrap(part.ra[from.from]);
        wrapped[base + i] = ra;
        if (turn != nullptr) turn[i] = static_cast<float>(ra * (0.5 / pi));
        if (k.n_zones > 1) {
          const int z = std::clamp(static_cast<int>((part.columns->dec(from.event) + pi / 2) * (1.0 / pi) * k.n_zones), 0, k.n_zones - 1);
          const int bins = k.zone_bins[static_cast<std::size_t>(z)];
          const int b = std::min(bins - 1, static_cast<int>(ra * (0.5 / pi) * bins));
          cell += k.zone_first[static_cast<std::size_t>(z)] + static_cast<std::size_t>(b);
        }
        cell_of[base + i] = static_cast<std::uint32_t>(cell);
      });
      for (std::size_t i = 0; i < part.n; ++i) ++start[cell_of[base + i] + 1];
    }
    start[0] = begin;
    for (std::size_t c = 1; c < start.size(); ++c) start[c] += start[c - 1];
    begin = start.back();
    const auto at = [&](std::size_t cell) { return start.begin() + static_cast<std::ptrdiff_t>(cell); };
    for (std::size_t k = 0; k < classes.size(); ++k) classes[k].start.assign(at(first_cell[k]), at(first_cell[k + 1] + 1));
    for (std::size_t p = 0; p < parts.size(); ++p) {
      const EventPart& part = parts[p];
      if (part.season != static_cast<int>(season)) continue;
      const std::size_t base = first_of_part[p];
      for (std::size_t i = 0; i < part.n; ++i) place[base + i] = start[cell_of[base + i]]++;
      const bool whole = is_whole(part);
      if (!whole)
        loose_[season].insert(loose_[season].end(), place.begin() + static_cast<std::ptrdiff_t>(base),
                              place.begin() + static_cast<std::ptrdiff_t>(base + part.n));
      constexpr std::size_t chunk = 1024;
      parallel_for((part.n + chunk - 1) / chunk, n_threads, 8, [&](std::size_t c) {
        const EventColumns& columns = *part.columns;
        const std::size_t first = c * chunk, n = std::min(chunk, part.n - first);
        double cos_dec[chunk] = {}, x[chunk], y[chunk];
        for (std::size_t i = 0; i < n; ++i) cos_dec[i] = columns.cos_dec(source(part, whole, first + i).event);
        kernel.circle(n, wrapped.data() + base + first, cos_dec, x, y);
        for (std::size_t i = 0; i < n; ++i) {
          const Source from = source(part, whole, first + i);
          const std::size_t row = from.event, at = place[base + first + i];
          __builtin_prefetch(&events_[place[base + first + std::min(i + ahead, n - 1)]], 1);
          IndexedEvent& e = events_[at];
          e.x = x[i];
          e.y = y[i];
          e.z = columns.sin_dec(row);
          e.spatial = columns.spatial(row);
          if (part.factor) e.spatial.weight *= static_cast<float>(part.factor[from.from]);
          e.ratio = columns.axis().free() ? columns.ratio_row(row) : nullptr;
          e.log_ratio = columns.axis().size() > 0 ? columns.log_ratio(row) : nullptr;
          e.peak = columns.ratio_peak(row);
          e.lift = columns.ratio_lift(row);
          x_[at] = static_cast<float>(e.x);
          y_[at] = static_cast<float>(e.y);
          z_[at] = static_cast<float>(e.z);
          cos_cut_[at] = columns.cos_cut(row);
          sin_cut_[at] = columns.sin_cut(row);
        }
      });
    }
  }
}

void EventIndex::near(int season, const Vec3& centre, double radius, std::vector<EventRange>& out) const {
  out.clear();
  const double dec = std::asin(std::clamp(centre.z(), -1.0, 1.0));
  double ra = std::atan2(centre.y(), centre.x());
  if (ra < 0) ra += 2 * pi;
  const double cos_dec = std::max(1e-12, std::cos(dec));
  const auto take = [&](std::uint32_t first, std::uint32_t last) {
    if (first == last) return;
    if (!out.empty() && out.back().last == first) {
      out.back().last = last;
    } else {
      out.push_back({first, last});
    }
  };
  for (const CutClass& k : classes_[static_cast<std::size_t>(season)]) {
    const double reach = k.cut + radius + 1e-6;
    if (k.n_zones == 1 || reach >= pi / 2) {
      take(k.start.front(), k.start.back());
      continue;
    }
    const int low = std::clamp(static_cast<int>((dec - reach + pi / 2) / k.cell), 0, k.n_zones - 1);
    const int high = std::clamp(static_cast<int>((dec + reach + pi / 2) / k.cell), 0, k.n_zones - 1);
    const double hav = std::pow(std::sin(0.5 * reach), 2);
    for (int z = low; z <= high; ++z) {
      const auto zi = static_cast<std::size_t>(z);
      const int bins = k.zone_bins[zi];
      const double below = -pi / 2 + z * k.cell, gap = std::max({0.0, below - dec, dec - below - k.cell});
      // hav ψ = hav Δδ + cos δ cos δ' hav Δα, bounded from above over the zone
      const double gap2 = gap * gap, hav_dec = 0.25 * gap2 * std::max(0.0, 1.0 - gap2 / 12.0);
      const double denominator = static_cast<double>(k.zone_cos[zi]) * cos_dec;
      const double s2 = denominator > 1e-9 ? (hav - hav_dec) / denominator : 2.0;
      if (s2 < 0.0) continue;
      std::uint32_t first_cell = static_cast<std::uint32_t>(k.zone_first[zi]);
      if (s2 >= 1.0) {
        take(k.start[first_cell], k.start[first_cell + static_cast<std::uint32_t>(bins)]);
        continue;
      }
      const double s = std::sqrt(s2), half = 2.0 * s * (1.0 + (pi / 2 - 1.0) * s2) + 1e-6;  // ≥ 2 asin s
      const double scale = bins / (2 * pi);
      const int a = static_cast<int>(std::floor((ra - half) * scale)), b = static_cast<int>(std::floor((ra + half) * scale));
      if (b - a + 1 >= bins) {
        take(k.start[first_cell], k.start[first_cell + static_cast<std::uint32_t>(bins)]);
        continue;
      }
      const auto cells = [&](int from, int to) {
        take(k.start[first_cell + static_cast<std::uint32_t>(from)], k.start[first_cell + static_cast<std::uint32_t>(to) + 1]);
      };
      if (a < 0) {
        cells(0, b);  // ascending, so that the order of the candidates is that of the index
        cells(a + bins, bins - 1);
      } else if (b >= bins) {
        cells(0, b - bins);
        cells(a, bins - 1);
      } else {
        cells(a, b);
      }
    }
  }
}

void EventIndex::collect(int season, const Cap& cap, const Kernels& kernel, std::vector<std::uint32_t>& ids) const {
  std::vector<EventRange> ranges;
  near(season, cap.centre, cap.radius, ranges);
  std::size_t most = 0, n = 0;
  for (const EventRange r : ranges) most += r.last - r.first;
  ids.resize(most + n_lanes);  // the kernel writes whole vectors
  const auto x = static_cast<float>(cap.centre.x()), y = static_cast<float>(cap.centre.y()), z = static_cast<float>(cap.centre.z());
  const auto cos_radius = static_cast<float>(std::cos(cap.radius + 1e-6)), sin_radius = static_cast<float>(std::sin(cap.radius + 1e-6));
  for (const EventRange r : ranges)
    n += kernel.within(caps(r.first, r.last - r.first), x, y, z, cos_radius, sin_radius, r.first, ids.data() + n);
  ids.resize(n);
}

}  // namespace nusky
