#pragma once
#include <algorithm>
#include <vector>

#include "nusky/flares/near_events.hpp"
#include "nusky/flares/window_edges.hpp"
#include "nusky/flares/window_fit.hpp"

namespace nusky {

/// Moments at which windows start, or end, with what belongs to ranges of γ.
struct WeighedEdges {
  Edges edges;
  std::vector<AlignedVector<ClassTotals>> totals;  ///< (ranges, n) of the events before each
  std::vector<std::vector<double>> least;          ///< (ranges, n) the least exposure up to each
};

/// What the events of a direction may add to a window in ranges of γ: the parts of its range, then each coarse γ by itself.
class RangeWeights {
 public:
  static constexpr int part_lanes = 3;  ///< intervals between coarse γ in a part

  /// @param shortest days of uptime that a window has at least
  RangeWeights(const WindowFit& fit, const std::vector<double>& days, double shortest);

  std::size_t n_parts() const { return n_parts_; }
  std::size_t range_of(int lane) const { return n_parts_ + static_cast<std::size_t>(lane); }
  /// Other events and edges: nothing is weighed any more.
  void take(const NearInTime& near, std::vector<WeighedEdges*> lists);
  /// Weighs the events in a range, where that has not been done.
  void need(std::size_t range) {
    if (known_[range] == 0) weigh(range);
  }
  /// The window from an edge to another. @param low (1 + what is added for rounding) over the exposure
  WindowTotals window(std::size_t range, const WeighedEdges& from, std::size_t start, const WeighedEdges& to, std::size_t stop,
                      double low) const {
    return {&from.totals[range][start], &to.totals[range][stop], scale_[range].unit(), static_cast<float>(low)};
  }
  /// The least exposure between two edges.
  double exposure(std::size_t range, const WeighedEdges& from, std::size_t start, const WeighedEdges& to, std::size_t stop) const {
    return std::max(floor_[range], to.least[range][stop] - from.least[range][start]);
  }

 private:
  void weigh(std::size_t range);
  void bound_acceptance(std::size_t range);

  const WindowFit* fit_;
  std::vector<double> days_;  // of each season
  double shortest_;
  std::size_t n_parts_;
  const NearInTime* near_ = nullptr;
  std::vector<WeighedEdges*> lists_;
  std::vector<double> least_day_, most_day_;  // (K,) of the acceptance per day
  std::vector<double> floor_;                 // (ranges,) least exposure of any window
  std::vector<float> weight_;
  ClassUnits units_;
  std::vector<WeightScale> scale_;  // (ranges,)
  std::vector<char> known_;         // (ranges,)
};

}  // namespace nusky
