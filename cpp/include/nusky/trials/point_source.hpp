#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "nusky/events/event_columns.hpp"
#include "nusky/random/philox.hpp"
#include "nusky/random/poisson.hpp"
#include "nusky/sphere/directions.hpp"

namespace nusky {

/// The events of a season that some right ascension brings within their cut of a source, laid out once for all trials, in the order of the
/// columns. The arrays of words have room for random_room more.
struct PointBackground {
  std::shared_ptr<const EventColumns> columns;
  std::vector<std::uint32_t> item;          ///< row of the season: the number of the event for the generator
  std::vector<std::uint32_t> first, width;  ///< the arc of right ascension, in words, that may be within the cut
  std::vector<std::uint32_t> event;         ///< in the columns
  std::vector<double> cos_dec;
  std::vector<double> time;  ///< MJD; empty: not known
  std::size_t size() const { return event.size(); }
};

/// A source at a fixed position, and the seasons' own events in reach of it.
class PointSource {
 public:
  /// @param columns (K,) of the seasons' own events, row i of which is event i for the generator
  /// @param times per season (n,) MJD by row; empty: not known
  PointSource(std::vector<std::shared_ptr<const EventColumns>> columns, double ra, double dec,
              const std::vector<const double*>& times = {});

  /// Whether the events have times.
  bool timed() const { return timed_; }
  const Directions& directions() const { return directions_; }
  std::size_t n_seasons() const { return seasons_.size(); }
  const PointBackground& season(std::size_t k) const { return seasons_[k]; }
  std::size_t n_events(std::size_t k) const { return seasons_[k].columns->size(); }
  /// Events in reach, over all seasons.
  std::size_t n_in_reach() const;

 private:
  Directions directions_;
  std::vector<PointBackground> seasons_;
  bool timed_;
};

/// Simulated events of a season on a source, rotated there, with everything that a fit reads of them.
struct PointSignalSeason {
  std::shared_ptr<const EventColumns> columns;
  std::vector<double> cumulative;    ///< (n,) probability up to and with row i; ends at 1
  std::vector<std::uint32_t> event;  ///< (n,) of row i in the columns
  std::vector<double> x, y;          ///< (n,) of the unit vector
};

/// An event that a trial injects.
struct InjectedEvent {
  std::uint32_t season, row;
  double time;  ///< MJD; NaN: not known
};

/// When the signal of a season comes: the time at which a part of it has come, linear between some points.
struct SignalTimes {
  std::vector<double> part, time;  ///< part ascends from 0 to 1; empty: not known
  double at(double uniform) const;
};

/// What is injected at a source at a fixed position: a trial only points to rows.
class PointSignal {
 public:
  /// @param share (K,) of the events that falls to each season, sum 1;  @param ra, cumulative per season (n,)
  /// @param times (K,) when it comes; empty: not known
  PointSignal(std::vector<std::shared_ptr<const EventColumns>> columns, const std::vector<const double*>& ra,
              const std::vector<const double*>& cumulative, const double* share, std::vector<SignalTimes> times = {});

  std::size_t n_seasons() const { return seasons_.size(); }
  const PointSignalSeason& season(std::size_t k) const { return seasons_[k]; }
  /// The events of one trial, in the order drawn. Event m is a function of (key, trial, m) alone.
  /// @param poisson counts around a mean, or nullptr: exactly n_sig
  void draw(std::uint64_t key, std::uint64_t trial, double n_sig, const Poisson* poisson, std::vector<InjectedEvent>& out) const;

 private:
  std::vector<PointSignalSeason> seasons_;
  std::vector<double> share_;  // cumulative
  std::vector<SignalTimes> times_;
};

}  // namespace nusky
