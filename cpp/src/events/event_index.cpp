#include "nusky/events/event_index.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "nusky/events/cut_class.hpp"
#include "nusky/threads.hpp"

namespace nusky {
namespace {

// With fewer events than this a grid costs more than testing them all.
constexpr std::size_t brute_force = 512;

// All events of the columns, as they are, and many: injected events come in columns of their own.
bool is_whole(const EventPart& part) {
  return part.rows == nullptr && part.factor == nullptr && part.n == part.columns->size() && part.n >= WholeSeason::fewest;
}

}  // namespace

FixedCap fixed_cap(const Vec3& centre, double chord) {
  FixedCap cap{};
  cap.chord = fixed_chord(chord);
  for (int d = 0; d < 3; ++d) {
    cap.at[d] = fixed_point(centre[d]);
    cap.off[d] = cap.at[d] * fixed_step - centre[d];
  }
  return cap;
}

EventIndex::EventIndex(const std::vector<EventPart>& parts, std::vector<double> n_events, int n_threads, bool few) {
  check_parts(parts, n_events);
  kernels();  // throws for an unknown level, so not inside a parallel region
  fill(parts, std::move(n_events), n_threads, few);
}

void EventIndex::fill(const std::vector<EventPart>& parts, std::vector<double> n_events, int n_threads, bool few) {
  n_events_ = std::move(n_events);
  grids_.assign(n_events_.size(), {});
  loose_.assign(n_events_.size(), {});
  columns_.clear();
  whole_.clear();
  own_.clear();
  if (!parts.empty()) axis_ = parts[0].columns->axis();
  std::size_t total = 0;
  for (const EventPart& part : parts) total += part.n;
  record_.resize(total);
  time_.resize(!parts.empty() && parts[0].time != nullptr ? total : 0);
  resize_columns(total + block_size);
  blank_end(total);
  std::uint32_t begin = 0;
  for (std::size_t season = 0; season < n_events_.size(); ++season)
    for (const EventPart& part : parts) {
      if (part.season != static_cast<int>(season)) continue;
      add(part, begin, n_threads, few || part.few);
      begin += static_cast<std::uint32_t>(part.n);
    }
}

void EventIndex::resize_columns(std::size_t n) {
  for (auto* column : {&x_, &y_, &z_}) column->resize(n);
  for (auto* column : {&cut_chord_, &rate_, &weight_}) column->resize(n);
}

// What kernels read beyond the last of n events.
void EventIndex::blank_end(std::size_t n) {
  for (std::size_t i = n; i < n + block_size; ++i) {
    x_[i] = y_[i] = z_[i] = 0;
    cut_chord_[i] = rate_[i] = weight_[i] = 0.0F;
  }
}

struct EventIndex::Writer {
  std::int32_t *x, *y, *z;
  float *cut_chord, *rate, *weight;
  const EventRecord** record;

  void put(std::size_t to, double x_of, double y_of, const EventSketch& sketch, const EventRecord& record_of) const {
    x[to] = fixed_point(x_of);
    y[to] = fixed_point(y_of);
    z[to] = sketch.z;
    cut_chord[to] = sketch.cut_chord;
    rate[to] = sketch.rate;
    weight[to] = sketch.weight;
    record[to] = &record_of;
  }
};

EventIndex::Writer EventIndex::writer() {
  return {x_.data(), y_.data(), z_.data(), cut_chord_.data(), rate_.data(), weight_.data(), record_.data()};
}

struct EventIndex::Incoming {
  const EventPart& part;
  const PartOrder& order;
  std::uint32_t begin;            // of its events in the index
  float* turn;                    // (n,) right ascension in turns, to be written; nullptr: not kept
  const EventRecord* own_record;  // (n,) where the part has factors; else nullptr
};

// Every part has grids of its own: its columns are in the order of class and declination, so that zones are runs of them, which are
// sorted by right ascension one by one, within a cache.
void EventIndex::add(const EventPart& part, std::uint32_t begin, int n_threads, bool few) {
  columns_.push_back(part.columns);
  const PartOrder order(part);
  std::vector<ZoneGrid>& grids = grids_[static_cast<std::size_t>(part.season)];
  const Incoming in{part, order, begin, note_kind(part, begin), scaled_records(part, order)};
  const std::vector<Zone> zones = zones_of(part, order, few, grids);
  parallel_for(zones.size(), n_threads, 4, [&](std::size_t i) { fill_zone(in, zones[i], grids[zones[i].grid]); });
}

// Notes whether a part is a whole season, and returns where its right ascensions are to be kept; else its events are loose.
float* EventIndex::note_kind(const EventPart& part, std::uint32_t begin) {
  if (is_whole(part)) return whole_.emplace_back(WholeSeason{part.columns, part.season, std::vector<float>(part.n)}).turn.data();
  std::vector<std::uint32_t>& loose = loose_[static_cast<std::size_t>(part.season)];
  loose.resize(loose.size() + part.n);
  std::iota(loose.end() - static_cast<std::ptrdiff_t>(part.n), loose.end(), begin);
  return nullptr;
}

// Records of the events of a part with factors, which multiply their weights; nullptr where there are none.
const EventRecord* EventIndex::scaled_records(const EventPart& part, const PartOrder& order) {
  if (part.factor == nullptr) return nullptr;
  AlignedVector<EventRecord>& records = own_.emplace_back();
  for (std::size_t j = 0; j < part.n; ++j) {
    records.push_back(part.columns->record(order.event(j)));
    records.back().spatial.weight *= static_cast<float>(part.factor[order.entry(j)]);
  }
  return records.data();
}

// Makes a grid for each cut class of a part, and finds which events are in its zones.
std::vector<EventIndex::Zone> EventIndex::zones_of(const EventPart& part, const PartOrder& order, bool few, std::vector<ZoneGrid>& grids) {
  const EventColumns& columns = *part.columns;
  std::vector<Zone> zones;
  for (std::size_t first = 0; first < part.n;) {
    const int number = columns.cut_class(order.event(first));
    const std::size_t last = order.end_of(first, [&](std::size_t i) { return columns.cut_class(i) == number; });
    const ZoneGrid& grid = grids.emplace_back(cut_class_edge(number), few ? last - first : columns.class_size(number),
                                              (few ? part.n : columns.size()) >= brute_force);
    for (std::size_t z = 0; z < grid.n_zones(); ++z) {
      const auto up_to_z = [&](std::size_t i) { return columns.cut_class(i) == number && grid.zone(columns.dec(i)) <= z; };
      const std::size_t end = order.end_of(first, up_to_z);
      zones.push_back({grids.size() - 1, z, first, end});
      first = end;
    }
  }
  return zones;
}

// Sorts the events of a zone by right ascension: counts those of each bin, then writes every event to the next entry of its bin.
void EventIndex::fill_zone(const Incoming& in, const Zone& zone, ZoneGrid& grid) {
  const EventColumns& columns = *in.part.columns;
  const ZoneBins bins = grid.bins(zone.number);
  const Writer out = writer();
  const PartOrder& order = in.order;
  for (std::size_t j = zone.first; j < zone.last; ++j) {
    const double ra = order.ra(j);
    if (in.turn != nullptr) in.turn[j] = static_cast<float>(ra * (0.5 / pi));
    bins.count(ra);
  }
  bins.begin(in.begin + static_cast<std::uint32_t>(zone.last));
  constexpr std::size_t chunk = 1024;
  for (std::size_t first = zone.first; first < zone.last; first += chunk) {
    const std::size_t n = std::min(chunk, zone.last - first);
    double ra[chunk], cos_dec[chunk], x[chunk], y[chunk];
    std::uint32_t to[chunk];
    for (std::size_t j = 0; j < n; ++j) {
      ra[j] = order.ra(first + j);
      cos_dec[j] = columns.cos_dec(order.event(first + j));
      to[j] = bins.put(ra[j]);
    }
    kernels().circle(n, ra, cos_dec, x, y);
    for (std::size_t j = 0; j < n; ++j) {
      const std::size_t i = order.event(first + j);
      out.put(to[j], x[j], y[j], columns.sketch(i), in.own_record == nullptr ? columns.record(i) : in.own_record[first + j]);
      if (in.part.time != nullptr) time_[to[j]] = in.part.time[order.entry(first + j)];
      if (in.own_record != nullptr) out.weight[to[j]] *= static_cast<float>(in.part.factor[order.entry(first + j)]);
    }
  }
  bins.end(in.begin + static_cast<std::uint32_t>(zone.first));
}

EventIndex::EventIndex(GammaAxis axis, int n_seasons)
    : n_events_(static_cast<std::size_t>(n_seasons), 1.0), axis_(std::move(axis)), grids_(n_events_.size()), loose_(n_events_.size()) {
  for (std::vector<ZoneGrid>& grids : grids_) grids.emplace_back(pi, 1, false);
}

void EventIndex::start_trial() {
  record_.clear();
  time_.clear();
  for (std::vector<ZoneGrid>& grids : grids_) grids[0].set_only_bin(0, 0);
}

// Room for n more events of a season; gives the number of the first.
std::size_t EventIndex::make_room(int season, std::size_t n) {
  const std::size_t begin = record_.size(), end = begin + n;
  record_.resize(end);
  if (x_.size() < end + block_size) resize_columns(2 * end + block_size);
  for (std::size_t k = static_cast<std::size_t>(season); k < grids_.size(); ++k) {
    const auto last = static_cast<std::uint32_t>(end);
    grids_[k][0].set_only_bin(k == static_cast<std::size_t>(season) ? grids_[k][0].first_event() : last, last);
  }
  return begin;
}

void EventIndex::add_few(int season, const EventColumns& columns, std::size_t n, const std::uint32_t* event, const double* x,
                         const double* y, const double* time) {
  const std::size_t begin = make_room(season, n);
  if (time != nullptr) time_.insert(time_.end(), time, time + n);
  const Writer out = writer();
  for (std::size_t i = 0; i < n; ++i) out.put(begin + i, x[i], y[i], columns.sketch(event[i]), columns.record(event[i]));
}

void EventIndex::add_values(int season, std::size_t n, const EventRecord* record) {
  const std::size_t begin = make_room(season, n);
  const Writer out = writer();
  const float everywhere = fixed_chord(2.0);
  for (std::size_t i = 0; i < n; ++i) {
    const float weight = record[i].spatial.weight;
    out.put(begin + i, 1.0, 0.0, {0, everywhere, 0.0F, weight * record[i].peak}, record[i]);
  }
}

void EventIndex::end_trial(const double* n_events) {
  std::copy_n(n_events, n_events_.size(), n_events_.begin());
  const std::size_t total = record_.size();
  resize_columns(std::max(x_.size(), total + block_size));
  blank_end(total);
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
  for (const ZoneGrid& grid : grids_[static_cast<std::size_t>(season)]) grid.near(ra, dec, chord, out);
}

}  // namespace nusky
