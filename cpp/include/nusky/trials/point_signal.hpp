#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "nusky/events/point_records.hpp"
#include "nusky/random/philox.hpp"
#include "nusky/random/poisson.hpp"

namespace nusky {

/// Simulated events of a season on a source, rotated there, with everything that a fit reads of them.
struct PointSignalSeason {
  std::shared_ptr<const PointRecords> records;
  std::vector<double> cumulative;    ///< (n,) probability up to and with row i; ends at 1
  std::vector<std::uint32_t> event;  ///< (n,) of row i in the columns
  std::vector<double> ra;            ///< (n,) rad
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
  PointSignal(std::vector<std::shared_ptr<const PointRecords>> records, const std::vector<const double*>& ra,
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
