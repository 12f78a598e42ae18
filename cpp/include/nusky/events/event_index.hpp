#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "nusky/events/event_part.hpp"
#include "nusky/events/zone_grid.hpp"
#include "nusky/kernels/table.hpp"
#include "nusky/sphere/sphere.hpp"

namespace nusky {

/// A part that holds all events of its columns, and many: what belongs to them is worth keeping for the next trial.
struct WholeSeason {
  static constexpr std::size_t fewest = 4096;
  std::shared_ptr<const EventColumns> columns;
  int season;
  std::vector<float> turn;  ///< right ascension, in turns, in the order of the columns
};

/// How the kernels read a cap of all within a chord of `centre`.
FixedCap fixed_cap(const Vec3& centre, double chord);

/// The events of one trial, ordered so that those within their cut of a direction are found quickly.
///
/// Events are split by season, part and the size of their cut; every such class has its own grid of declination zones
/// and right-ascension bins, about as fine as its cuts are wide.
class EventIndex {
 public:
  /// @param few the grid is made for the events that there are. Else it is made for all events of the columns, so that the order of events,
  ///   and with it the last bit of every sum, does not depend on which of them were left out because they matter nowhere.
  EventIndex(const std::vector<EventPart>& parts, std::vector<double> n_events, int n_threads, bool few = false);

  /// An index without events, to be filled.
  EventIndex() = default;
  /// Takes all events out and brings others in, with the same memory: what the constructor does for parts that are known to fit together.
  void fill(const std::vector<EventPart>& parts, std::vector<double> n_events, int n_threads, bool few = false);

  /// An index without a grid, for trials of few events that are all looked at; see `start_trial`.
  EventIndex(GammaAxis axis, int n_seasons);
  /// Takes all events out, then events come in season after season, in the order of the calls.
  void start_trial();
  /// Adds n events of the columns, which must outlive them. @param event (n,) of the columns;  @param x, y (n,) of the unit vector
  /// @param time (n,) MJD, for all events of a trial or for none
  void add_few(int season, const EventColumns& columns, std::size_t n, const std::uint32_t* event, const double* x, const double* y,
               const double* time = nullptr);
  /// Adds n events whose S/B is given, the weight of their spatial term, at one place that all of the sky is in reach of. The records must
  /// outlive them.
  void add_values(int season, std::size_t n, const EventRecord* record);
  /// @param n_events (K,)
  void end_trial(const double* n_events);

  int n_seasons() const { return static_cast<int>(n_events_.size()); }
  /// N_k: the events of season k that the likelihood counts (expected background for the extended likelihood).
  double n_events(int season) const { return n_events_[static_cast<std::size_t>(season)]; }
  std::size_t size() const { return record_.size(); }
  IndexedEvent event(std::uint32_t i) const;
  /// Unit vector of an event.
  Vec3 vector(std::uint32_t i) const { return {x_[i] * fixed_step, y_[i] * fixed_step, z_[i] * fixed_step}; }
  /// Whether every event has a time.
  bool timed() const { return size() == 0 || time_.size() >= size(); }
  /// MJD of an event; for an index that is timed().
  double time(std::uint32_t i) const { return time_[i]; }
  const EventRecord& record(std::uint32_t i) const { return *record_[i]; }
  /// γ nodes of the columns; all parts share them.
  const GammaAxis& axis() const { return axis_; }

  /// Parts that hold all events of their columns, and the numbers of all other events.
  const std::vector<WholeSeason>& whole_seasons() const { return whole_; }
  const std::vector<std::uint32_t>& loose_events(int season) const { return loose_[static_cast<std::size_t>(season)]; }

  /// Ranges of events, ascending, that hold all events of `season` which reach into the cap of all within a chord of `centre`, and others
  /// near by. Chords are added here, as in FixedCap: that of the cut and that of the cap.
  void near(int season, const Vec3& centre, double chord, std::vector<EventRange>& out) const;
  /// What a search reads; there is room for a whole vector beyond the last event.
  IndexView view(EventRange range) const {
    const std::size_t first = range.first;
    return {{range.last - first, x_.data() + first, y_.data() + first, z_.data() + first, cut_chord_.data() + first},
            rate_.data() + first,
            weight_.data() + first};
  }
  const EventRecord* const* records() const { return record_.data(); }

 private:
  struct Incoming;  // a part on its way in
  struct Writer;    // the columns, to be filled
  struct Zone {     // of a part: its events, as PartOrder counts them
    std::size_t grid, number, first, last;
  };
  void resize_columns(std::size_t n);
  void blank_end(std::size_t n);
  void add(const EventPart& part, std::uint32_t begin, int n_threads, bool few);
  float* note_kind(const EventPart& part, std::uint32_t begin);
  const EventRecord* scaled_records(const EventPart& part, const PartOrder& order);
  static std::vector<Zone> zones_of(const EventPart& part, const PartOrder& order, bool few, std::vector<ZoneGrid>& grids);
  void fill_zone(const Incoming& in, const Zone& zone, ZoneGrid& grid);
  Writer writer();
  std::size_t make_room(int season, std::size_t n);

  std::vector<std::shared_ptr<const EventColumns>> columns_;  // keeps alive what the events point to
  std::vector<double> n_events_;
  GammaAxis axis_;
  std::vector<std::vector<ZoneGrid>> grids_;  // per season: one for each part and class
  std::vector<WholeSeason> whole_;
  std::vector<std::vector<std::uint32_t>> loose_;  // per season
  // the events, bin after bin
  AlignedVector<std::int32_t> x_, y_, z_;
  AlignedVector<float> cut_chord_, rate_, weight_;
  AlignedVector<const EventRecord*> record_;
  std::vector<double> time_;                     // empty without times
  std::vector<AlignedVector<EventRecord>> own_;  // of parts with factors
};

}  // namespace nusky
