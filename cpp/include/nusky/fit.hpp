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

  void load(const Directions& directions, const DirectionGroup& group) { tile_.load(directions, group); }
  void screen() { tile_.screen(); }
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
    exact,    ///< every event: what it is worth
  };
  struct Evaluation {
    double value = 0, dn = 0, dg = 0, dnn = 0, dng = 0, dgg = 0;
  };

  void compact(int lane, double n_ref);
  EventSums season_sums(std::size_t season, double y, const Stencil& at, double gamma, Accuracy accuracy);
  DirectionFit fit_free(int lane);
  DirectionFit fit_fixed(int lane);
  double log_moment(std::size_t season, int power, int lane) const;
  EventSums weak_sums(std::size_t season, double y, double gamma) const;
  Evaluation evaluate(double n, const Stencil& at, double gamma, Accuracy accuracy);
  double ns_limit(const Stencil& at);
  void profile(double* n, double* value);
  DirectionFit refine(double n, double gamma, Accuracy accuracy);

  const FitModel* model_;
  const Kernels* kernels_;
  std::size_t n_seasons_;
  Tile tile_;
  std::vector<float> share_bounds_;  // (K, 16 γ)
  // events of one direction
  std::vector<Segment> segments_;
  AlignedVector<float> value_;
  std::vector<std::uint32_t> candidate_;
  std::vector<std::uint32_t> strong_;  // which of value_ are summed one by one
  AlignedVector<float> strong_value_;
  std::vector<std::uint32_t> strong_candidate_;
  std::vector<Segment> strong_segments_;
  AlignedVector<float> moments_;             // (K, 4, 16): Σ w, Σ w² of the weak events at the coarse γ, then of the strong
  mutable std::vector<double> log_moments_;  // (K, 2, 16): ln of the first two, NaN until needed
  std::vector<Share> shares_, lane_shares_;
  double direction_sindec_ = 0.0;
};

}  // namespace nusky
