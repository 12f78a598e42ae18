#pragma once
#include <cstdint>
#include <vector>

#include "nusky/flares/clock.hpp"
#include "nusky/flares/flare_fit.hpp"
#include "nusky/flares/flare_options.hpp"
#include "nusky/flares/near_events.hpp"
#include "nusky/flares/window_edges.hpp"
#include "nusky/flares/window_fit.hpp"

namespace nusky {

/// Finds the window in time, n_s and γ of the largest ts at a direction; the work space of one thread.
///
/// Windows start and end at events above the threshold, or last dt_min of uptime from such an event on. Blocks of windows are bounded
/// together: what is between the first start and the last end of a block, over the shortest exposure, with the largest R of a part of the
/// γ range. Blocks are taken in the order of their bounds and divided. Single windows are looked at at the coarse γ first, with the sums of
/// classes; those that come near the best between two of them are fitted exactly, until no bound is above the best.
class FlareSearch {
 public:
  FlareSearch(const Likelihood& likelihood, const Clock& clock, const FlareOptions& options);

  /// @param need only what is above this ts is looked for
  FlareFit find(const EventIndex& index, const Vec3& direction, double need = 0.0);
  /// Of the last search: events, and windows fitted exactly (for benchmarks).
  std::size_t n_near() const { return near_.size(); }
  std::size_t n_starts() const { return starts_.edges.size(); }
  std::size_t n_fitted() const { return n_fitted_; }
  std::size_t n_bounded() const { return n_bounded_; }

 private:
  struct List {  // of edges, with what belongs to a part of the γ range
    Edges edges;
    std::vector<std::vector<ClassSums>> sums;  // (ranges, levels)
    std::vector<std::vector<double>> least;    // (ranges, n) the least exposure up to it
  };
  struct Node {
    float bound;  // of ts
    std::uint8_t part;
    std::int8_t level;  // of blocks; shortest: a window of dt_min
    std::uint32_t start, stop;
    bool operator<(const Node& other) const { return bound < other.bound; }
  };
  static constexpr std::int8_t shortest = -1;
  static constexpr std::uint32_t block = 8;  // a block of blocks

  // Ranges of γ: the parts, then the coarse γ, each by itself.
  std::size_t range_of(int lane) const { return n_parts_ + static_cast<std::size_t>(lane); }

  void find_edges();
  void weigh();
  void bound_acceptance(std::size_t part);
  void weigh_range(std::size_t range);
  void need_lane(int lane);
  void look_at_lanes(std::uint8_t part, const List& from, const List& to, std::uint32_t start, std::uint32_t stop, bool one_start,
                     std::uint32_t n, const double* extra, float* bound);
  void start_queue();
  void divide(const Node& node);
  void bound_row(std::uint8_t part, std::int8_t level, std::uint32_t start, std::uint32_t stop, std::uint32_t n);
  void bound_shortest(std::uint8_t part);
  void push(const Node& node);
  void fit_exactly(const Node& node);
  void consider(double ts, double gamma, const WindowProfile& profile, double start, double stop, double days);
  double penalty(double days) const;
  std::uint32_t blocks(const List& list, std::int8_t level) const;

  const Clock* clock_;
  FlareOptions options_;
  WindowFit fit_;
  std::size_t n_parts_;
  NearInTime near_;
  List starts_, stops_, short_starts_, short_stops_;
  std::int8_t top_level_ = 0;
  std::vector<double> least_day_, most_day_;  // (ranges, K) of the acceptance per day
  std::vector<double> floor_;                 // (ranges,) least exposure of any window
  std::vector<float> weight_;
  std::vector<WeightScale> scale_;  // (ranges,)
  std::vector<char> known_;         // (coarse γ,) whether weighed
  std::vector<Node> queue_;
  std::vector<double> days_, n_events_;
  FlareFit best_;
  double least_ts_ = 0.0;  // of interest
  float slope_ = 1.0F;
  std::size_t n_fitted_ = 0, n_bounded_ = 0;
};

}  // namespace nusky
