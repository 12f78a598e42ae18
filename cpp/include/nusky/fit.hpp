#pragma once
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "nusky/status.hpp"
#include "nusky/tile.hpp"

namespace nusky {

/// Best fit of one direction.
struct DirectionFit {
  double ts = 0.0;
  double ns = 0.0;
  double gamma = std::numeric_limits<double>::quiet_NaN();
  Status status = Status::not_scanned;
};

/// Fits the directions of one group at a time; owns the work space of one thread.
class GroupFitter {
 public:
  /// @param several_tiles neighbouring tiles will follow each other, so that looking a little wider at once pays
  explicit GroupFitter(const FitModel& model, bool several_tiles = true);

  void load(const Directions& directions, std::size_t group) { tile_.load(directions, group); }
  void screen() { tile_.screen(); }
  /// For whole maps, where every direction of the group will be fitted: does for all of them at once what `fit` else does one by one.
  void prepare() { tile_.sum_tails(); }
  /// `screen` has shown that ts = 0.
  bool proven_zero(int lane) const { return tile_.bound(static_cast<std::size_t>(lane)) <= 0.0F; }
  /// The exact fit of direction `lane` of the group. `load` and `screen` must have run.
  DirectionFit fit(int lane);
  /// Candidates of the group, and of these times directions the pairs within the cut (for benchmarks).
  std::size_t n_candidates() const { return tile_.n_candidates(); }
  std::size_t count_pairs() const { return tile_.count_pairs(); }

 private:
  enum class Accuracy {
    profile,  ///< weak events through their power sums: where the maximum is
    exact,    ///< every near event: what it is worth
  };
  enum class LaneSum { weak, weak_squares, tail };  // known at the coarse γ
  static constexpr std::size_t n_lane_sums = 3;
  struct LaneWeights {
    static constexpr int n = 6;
    int first = 0;
    std::array<double, n> value{}, slope{}, curvature{};
  };
  struct Interpolated {
    double value, slope, curvature;  // slope and curvature of the logarithm
  };
  struct Evaluation {
    double value = 0, dn = 0, dg = 0, dnn = 0, dng = 0, dgg = 0;
  };

  void take(int lane, double n_ref);
  EventSums season_sums(std::size_t season, double y, const Stencil& at, const LaneWeights& lanes, Accuracy accuracy);
  DirectionFit fit_free(int lane);
  DirectionFit fit_fixed(int lane);
  double log_sum(std::size_t season, LaneSum which, int lane) const;
  LaneWeights lane_weights(double gamma) const;
  Interpolated between_lanes(std::size_t season, LaneSum which, const LaneWeights& at) const;
  EventSums weak_sums(std::size_t season, double y, const LaneWeights& lanes) const;
  Evaluation evaluate(double n, const Stencil& at, double gamma, Accuracy accuracy);
  double enter(const Stencil& at);
  void profile(double* n, double* value);
  DirectionFit refine(double n, double gamma, Accuracy accuracy);

  const FitModel* model_;
  const Kernels* kernels_;
  std::size_t n_seasons_;
  Tile tile_;
  // events of one direction
  NearEvents* near_ = nullptr;
  const float* tail_ = nullptr;
  std::vector<std::uint32_t> strong_;  // which of the near events are summed one by one
  AlignedVector<float> strong_value_;
  std::vector<std::uint32_t> strong_candidate_;
  std::vector<Segment> strong_segments_;
  AlignedVector<float> moments_;          // (K, 4, 16): Σ w, Σ w² of weak events and tail at the coarse γ, then of the strong
  mutable std::vector<double> log_sums_;  // (K, 3, 16): logarithms of LaneSum, NaN until needed
  std::vector<Share> shares_;             // at the γ entered last
  std::vector<double> lane_phi_;          // (K, 16): f_k/N_k at the coarse γ
  double direction_sindec_ = 0.0;
};

}  // namespace nusky
