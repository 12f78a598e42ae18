#include "nusky/events/event_index.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

#include "nusky/events/cut_class.hpp"
#include "nusky/threads.hpp"

namespace nusky {
namespace {

constexpr double degree = pi / 180.0;
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

// The events of a part in the order of its columns.
class Ordered {
 public:
  explicit Ordered(const EventPart& part) : part_(&part) {
    if (part.rows == nullptr) return;
    for (std::size_t i = 0; i < part.n; ++i) some_.push_back({part.columns->event(static_cast<std::size_t>(part.rows[i])), i});
    std::sort(some_.begin(), some_.end());
  }
  /// Number in the columns.
  std::size_t event(std::size_t j) const { return some_.empty() ? j : some_[j].first; }
  /// Where the part has what is new of it.
  std::size_t from(std::size_t j) const { return some_.empty() ? part_->columns->row(j) : some_[j].second; }
  double ra(std::size_t j) const { return wrap(part_->ra[from(j)]); }

 private:
  const EventPart* part_;
  std::vector<std::pair<std::size_t, std::size_t>> some_;
};

bool all_finite(const double* values, std::size_t n) {
  int bad = 0;  // a loop without a branch takes several at once
  for (std::size_t i = 0; i < n; ++i) bad |= !(std::abs(values[i]) <= std::numeric_limits<double>::max());
  return bad == 0;
}

}  // namespace

void EventIndex::check(const std::vector<EventPart>& parts, const std::vector<double>& n_events) {
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
    if (part.rows == nullptr && part.n != part.columns->size())
      throw std::invalid_argument(name + "ra has " + std::to_string(part.n) + " entries, the columns " +
                                  std::to_string(part.columns->size()) + "; give rows, or an entry for each");
    const bool finite = all_finite(part.ra, part.n);
    for (std::size_t i = 0; i < part.n && !(finite && part.rows == nullptr && part.factor == nullptr); ++i) {
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

FixedCap fixed_cap(const Vec3& centre, double chord) {
  FixedCap cap{};
  cap.chord = fixed_chord(chord);
  for (int d = 0; d < 3; ++d) {
    cap.at[d] = fixed_point(centre[d]);
    cap.off[d] = cap.at[d] * fixed_step - centre[d];
  }
  return cap;
}

// A grid for n events: cells about half as high as the cut, but with some events in each.
EventIndex::CutClass::CutClass(double cut_, std::size_t n, bool search) : cut(cut_) {
  cell = std::max({0.5 * cut, smallest_cell, degree * std::sqrt(2.0 * 41253.0 / static_cast<double>(n))});
  if (!search || cell > pi / 6) cell = pi;
  n_zones = std::max(1, static_cast<int>(pi / cell));
  cell = pi / n_zones;
  std::size_t cells = 0;
  for (int z = 0; z < n_zones; ++z) {
    const double low = -pi / 2 + z * cell, high = low + cell;
    const double cos_most = largest_cosine(low, high);
    const int bins = n_zones == 1 ? 1 : std::max(1, static_cast<int>(2 * pi * cos_most / cell));
    zone_bins.push_back(bins);
    zone_cos.push_back(static_cast<float>(std::max(0.0, std::min(std::cos(low), std::cos(high)))));
    zone_first.push_back(cells);
    cells += static_cast<std::size_t>(bins);
  }
  start.assign(cells + 1, 0);
}

std::size_t EventIndex::CutClass::zone(double dec) const {
  return static_cast<std::size_t>(std::clamp(static_cast<int>((dec + pi / 2) * (1.0 / pi) * n_zones), 0, n_zones - 1));
}

EventIndex::EventIndex(const std::vector<EventPart>& parts, std::vector<double> n_events, int n_threads, bool few)
    : n_events_(std::move(n_events)), classes_(n_events_.size()), loose_(n_events_.size()) {
  check(parts, n_events_);
  kernels();  // throws for an unknown level, so not inside a parallel region
  if (!parts.empty()) axis_ = parts[0].columns->axis();
  std::size_t total = 0;
  for (const EventPart& part : parts) total += part.n;
  record_.resize(total);
  for (auto* column : {&x_, &y_, &z_}) column->resize(total + block_size);
  for (auto* column : {&cut_chord_, &rate_, &weight_}) column->resize(total + block_size);
  for (std::size_t i = total; i < total + block_size; ++i) {
    x_[i] = y_[i] = z_[i] = 0;
    cut_chord_[i] = rate_[i] = weight_[i] = 0.0F;
  }
  std::uint32_t begin = 0;
  for (std::size_t season = 0; season < n_events_.size(); ++season)
    for (const EventPart& part : parts) {
      if (part.season != static_cast<int>(season)) continue;
      add(part, begin, n_threads, few);
      begin += static_cast<std::uint32_t>(part.n);
    }
}

// Every part has classes of its own: its columns are in the order of class and declination, so that zones are runs of them, which are
// sorted by right ascension one by one, within a cache.
void EventIndex::add(const EventPart& part, std::uint32_t begin, int n_threads, bool few) {
  columns_.push_back(part.columns);
  const EventColumns& columns = *part.columns;
  const Ordered ordered(part);
  float* turn = nullptr;
  if (is_whole(part)) {
    turn = whole_.emplace_back(WholeSeason{part.columns, part.season, std::vector<float>(part.n)}).turn.data();
  } else {
    std::vector<std::uint32_t>& loose = loose_[static_cast<std::size_t>(part.season)];
    loose.resize(loose.size() + part.n);
    std::iota(loose.end() - static_cast<std::ptrdiff_t>(part.n), loose.end(), begin);
  }
  const EventRecord* own = nullptr;
  if (part.factor != nullptr) {
    AlignedVector<EventRecord>& records = own_.emplace_back();
    for (std::size_t j = 0; j < part.n; ++j) {
      records.push_back(columns.record(ordered.event(j)));
      records.back().spatial.weight *= static_cast<float>(part.factor[ordered.from(j)]);
    }
    own = records.data();
  }
  // the first event from `from` on for which this no longer holds
  const auto end_of = [&](std::size_t from, const auto& holds) {
    std::size_t step = 1, low = from, high = part.n;
    for (; low + step < high && holds(ordered.event(low + step)); step *= 2) low += step;
    high = std::min(high, low + step);
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      if (holds(ordered.event(middle)))
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  };
  struct Zone {
    std::size_t in, number, first, last;  // class, zone, events
  };
  std::vector<CutClass>& classes = classes_[static_cast<std::size_t>(part.season)];
  std::vector<Zone> zones;
  for (std::size_t first = 0; first < part.n;) {
    const int number = columns.cut_class(ordered.event(first));
    const std::size_t last = end_of(first, [&](std::size_t i) { return columns.cut_class(i) == number; });
    const CutClass& k = classes.emplace_back(cut_class_edge(number), few ? last - first : columns.class_size(number),
                                             (few ? part.n : columns.size()) >= brute_force);
    for (std::size_t z = 0; z < k.zone_bins.size(); ++z) {
      const std::size_t end = end_of(first, [&](std::size_t i) { return columns.cut_class(i) == number && k.zone(columns.dec(i)) <= z; });
      zones.push_back({classes.size() - 1, z, first, end});
      first = end;
    }
  }
  const Kernels& kernel = kernels();
  parallel_for(zones.size(), n_threads, 4, [&](std::size_t i) {
    const Zone& zone = zones[i];
    CutClass& k = classes[zone.in];
    const int bins = k.zone_bins[zone.number];
    std::uint32_t* start = k.start.data() + k.zone_first[zone.number];
    const auto bin = [&](double ra) { return std::min(bins - 1, static_cast<int>(ra * (0.5 / pi) * bins)); };
    for (std::size_t j = zone.first; j < zone.last; ++j) {
      const double ra = ordered.ra(j);
      if (turn != nullptr) turn[j] = static_cast<float>(ra * (0.5 / pi));
      ++start[bin(ra)];
    }
    std::uint32_t end = begin + static_cast<std::uint32_t>(zone.last);
    if (zone.number + 1 == k.zone_bins.size()) start[bins] = end;
    for (int b = bins; b-- > 0;) {
      end -= start[b];
      start[b] = end;
    }
    constexpr std::size_t chunk = 1024;
    for (std::size_t first = zone.first; first < zone.last; first += chunk) {
      const std::size_t n = std::min(chunk, zone.last - first);
      double ra[chunk], cos_dec[chunk], x[chunk], y[chunk];
      std::uint32_t at[chunk];
      for (std::size_t j = 0; j < n; ++j) {
        ra[j] = ordered.ra(first + j);
        cos_dec[j] = columns.cos_dec(ordered.event(first + j));
        at[j] = start[bin(ra[j])]++;
      }
      kernel.circle(n, ra, cos_dec, x, y);
      for (std::size_t j = 0; j < n; ++j) {
        const EventSketch& sketch = columns.sketch(ordered.event(first + j));
        const std::uint32_t to = at[j];
        x_[to] = fixed_point(x[j]);
        y_[to] = fixed_point(y[j]);
        z_[to] = sketch.z;
        cut_chord_[to] = sketch.cut_chord;
        rate_[to] = sketch.rate;
        weight_[to] = own == nullptr ? sketch.weight : sketch.weight * static_cast<float>(part.factor[ordered.from(first + j)]);
        record_[to] = own == nullptr ? &columns.record(ordered.event(first + j)) : own + first + j;
      }
    }
    for (int b = bins; b-- > 1;) start[b] = start[b - 1];  // they had moved on to the ends of their cells
    start[0] = begin + static_cast<std::uint32_t>(zone.first);
  });
}

EventIndex::EventIndex(GammaAxis axis, int n_seasons)
    : n_events_(static_cast<std::size_t>(n_seasons), 1.0), axis_(std::move(axis)), classes_(n_events_.size()), loose_(n_events_.size()) {
  for (std::vector<CutClass>& classes : classes_) classes.emplace_back(pi, 1, false);
}

void EventIndex::start_trial() {
  record_.clear();
  for (std::vector<CutClass>& classes : classes_) classes[0].start.assign(2, 0);
}

void EventIndex::add_few(int season, const EventColumns& columns, std::size_t n, const std::uint32_t* event, const double* x,
                         const double* y) {
  const std::size_t begin = record_.size(), end = begin + n;
  record_.resize(end);
  if (x_.size() < end + block_size) {
    for (auto* column : {&x_, &y_, &z_}) column->resize(2 * end + block_size);
    for (auto* column : {&cut_chord_, &rate_, &weight_}) column->resize(2 * end + block_size);
  }
  for (std::size_t i = 0; i < n; ++i) {
    const EventSketch& sketch = columns.sketch(event[i]);
    const std::size_t to = begin + i;
    record_[to] = &columns.record(event[i]);
    x_[to] = fixed_point(x[i]);
    y_[to] = fixed_point(y[i]);
    z_[to] = sketch.z;
    cut_chord_[to] = sketch.cut_chord;
    rate_[to] = sketch.rate;
    weight_[to] = sketch.weight;
  }
  for (std::size_t k = static_cast<std::size_t>(season); k < classes_.size(); ++k) {
    std::vector<std::uint32_t>& start = classes_[k][0].start;
    if (k != static_cast<std::size_t>(season)) start[0] = static_cast<std::uint32_t>(end);
    start[1] = static_cast<std::uint32_t>(end);
  }
}

void EventIndex::end_trial(const double* n_events) {
  std::copy_n(n_events, n_events_.size(), n_events_.begin());
  const std::size_t total = record_.size();
  x_.resize(std::max(x_.size(), total + block_size));
  for (auto* column : {&y_, &z_}) column->resize(x_.size());
  for (auto* column : {&cut_chord_, &rate_, &weight_}) column->resize(x_.size());
  for (std::size_t i = total; i < total + block_size; ++i) {
    x_[i] = y_[i] = z_[i] = 0;
    cut_chord_[i] = rate_[i] = weight_[i] = 0.0F;
  }
}

IndexedEvent EventIndex::event(std::uint32_t i) const {
  const EventRecord& e = *record_[i];
  return {x_[i] * fixed_step, y_[i] * fixed_step, z_[i] * fixed_step, e.spatial, e.ratio, e.log_ratio, e.peak, e.lift};
}

void EventIndex::near(int season, const Vec3& centre, double chord, std::vector<EventRange>& out) const {
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
    const double arc = 2.0 * std::asin(std::min(1.0, std::sin(0.5 * std::min(k.cut, pi)) + 0.5 * chord)) + 1e-6;
    if (k.n_zones == 1 || arc >= pi / 2) {
      take(k.start.front(), k.start.back());
      continue;
    }
    const int low = std::clamp(static_cast<int>((dec - arc + pi / 2) / k.cell), 0, k.n_zones - 1);
    const int high = std::clamp(static_cast<int>((dec + arc + pi / 2) / k.cell), 0, k.n_zones - 1);
    const double hav = std::pow(std::sin(0.5 * arc), 2);
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

}  // namespace nusky
