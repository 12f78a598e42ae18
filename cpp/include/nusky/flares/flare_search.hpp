#pragma once
#include <cstdint>
#include <vector>

#include "nusky/flares/clock.hpp"
#include "nusky/flares/flare_fit.hpp"
#include "nusky/flares/flare_options.hpp"
#include "nusky/flares/gauss_fit.hpp"
#include "nusky/flares/near_events.hpp"
#include "nusky/flares/range_weights.hpp"
#include "nusky/flares/window_fit.hpp"

namespace nusky {

/// Finds the window in time, n_s and γ of the largest ts at a direction; the work space of one thread.
///
/// Windows start and end at events above the threshold, or last dt_min of uptime from such an event on; around a fixed middle they start or
/// end at one, or last dt_min. Blocks of windows are bounded together: what is between the first start and the last end of a block, over
/// the shortest exposure, with the largest R of a part of the γ range. Blocks are taken in the order of their bounds and divided. Single
/// windows are looked at at the coarse γ first, with the sums of classes; those that come near the best between two of them are fitted
/// exactly, until no bound is above the best.
///
/// A Gaussian is climbed to from the best boxes that are apart from each other.
class FlareSearch {
 public:
  FlareSearch(const Likelihood& likelihood, const Clock& clock, const FlareOptions& options);

  /// @param need only what is above this ts is looked for
  FlareFit find(const EventIndex& index, const Vec3& direction, double need = 0.0);
  /// All flares of at least this ts, the best first, then those before and after it that do not overlap with it, and so on.
  std::vector<FlareFit> find_all(const EventIndex& index, const Vec3& direction, double least_ts);
  /// Of the last search: events, and windows fitted exactly (for benchmarks).
  std::size_t n_near() const { return near_.size(); }
  std::size_t n_starts() const { return starts_.edges.size(); }
  std::size_t n_fitted() const { return n_fitted_; }
  std::size_t n_bounded() const { return n_bounded_; }

 private:
  struct Node {
    float bound;  // of ts
    std::uint8_t part;
    std::int8_t level;       // of blocks; pair: a window that is in no block
    std::uint8_t intervals;  // of a single window: between which coarse γ of the part the maximum may be
    std::uint8_t lane;       // of a single window: the best coarse γ of the part
    std::uint32_t start, stop;
    bool operator<(const Node& other) const { return bound < other.bound; }
  };
  struct Proposed {  // to be bounded
    Node node;
    double extra;  // penalty
  };
  struct Seed {  // of a Gaussian: a box
    double start, stop;
    int lane;
  };
  static constexpr std::int8_t pair = -1;
  static constexpr std::uint32_t block = 4;         // a block of blocks: their pairs fill the lanes
  static constexpr std::uint32_t most_blocks = 12;  // of the highest level
  static constexpr int nodes_at_once = 4;
  static constexpr double margin = 8.0;  // boxes of so much less ts may lead to the best Gaussian
  static constexpr std::size_t most_seeds = 12;

  void gather(const EventIndex& index, const Vec3& direction);
  FlareFit best_between(double after, double before, double need);
  void add_between(double after, double before, double least_ts, std::vector<FlareFit>& found);
  void find_edges();
  void find_short_windows();
  void find_middle_windows();
  double shortest_around(double middle) const;
  void start_queue();
  void divide(const Node& node);
  void propose(std::uint8_t part, std::int8_t level, std::uint32_t start, std::uint32_t stop);
  void bound_proposed();
  void look_at_lanes(bool all);
  void push(const Node& node);
  void fit_exactly(const Node& node);
  void fit_between(const Node& node, const WindowContent& content, double extra, double start, double stop, double days);
  void consider(double ts, double gamma, const WindowProfile& profile, double start, double stop, double days);
  double penalty(double days) const;
  void search_boxes();
  void keep_seed(const Node& node);
  void climb();
  double needed() const { return options_.gaussian ? std::max(top_, least_ts_) - margin : std::max(best_.ts, least_ts_); }
  const WeighedEdges& starts_of(const Node& node) const { return node.level == pair ? pair_starts_ : starts_; }
  const WeighedEdges& stops_of(const Node& node) const { return node.level == pair ? pair_stops_ : stops_; }
  static std::uint32_t blocks(const WeighedEdges& list, std::int8_t level);

  const Clock* clock_;
  FlareOptions options_;
  WindowFit fit_;
  GaussFit gauss_;
  std::optional<CurveFit> curve_;
  RangeWeights weights_;
  NearInTime near_;
  WeighedEdges starts_, stops_, pair_starts_, pair_stops_;  // windows of dt_min, or around a middle, are pairs
  std::int8_t top_level_ = 0;
  std::vector<Node> queue_;
  std::vector<Proposed> proposed_, single_;
  std::vector<WindowTotals> windows_;  // of those that are proposed
  std::vector<double> days_, n_events_;
  double shortest_half_ = 0.0;  // of a window around a fixed middle
  FlareFit best_;
  double after_ = 0.0, before_ = 0.0;  // windows lie between
  double least_ts_ = 0.0;              // of interest
  double box_max_ = 0.0;               // greatest length of a box
  double top_ = 0.0;                   // bound of the best box, for a Gaussian
  std::vector<Seed> seeds_;
  float slope_ = 1.0F;
  std::size_t n_fitted_ = 0, n_bounded_ = 0;
};

}  // namespace nusky
