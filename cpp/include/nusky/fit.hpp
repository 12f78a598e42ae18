#pragma once
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "nusky/directions.hpp"
#include "nusky/event_index.hpp"
#include "nusky/kernels.hpp"
#include "nusky/likelihood.hpp"
#include "nusky/status.hpp"

namespace nusky {

/// Best fit of one direction.
struct DirectionFit {
  double ts = 0.0;
  double ns = 0.0;
  double gamma = std::numeric_limits<double>::quiet_NaN();
  Status status = Status::not_scanned;
};

/// What is fitted: the likelihood and the events of a trial, γ free or fixed. Shared by all threads.
class FitModel {
 public:
  /// @param gamma NaN: free (within the nodes); else γ is fixed there
  FitModel(const Likelihood& likelihood, const EventIndex& index, double gamma, std::size_t n_groups, int n_threads);

  const Likelihood& likelihood() const { return *likelihood_; }
  const EventIndex& index() const { return *index_; }
  bool gamma_free() const { return free_; }
  double gamma() const { return gamma_; }
  const Stencil& stencil() const { return stencil_; }
  /// R of event i at the fixed γ.
  float fixed_ratio(std::uint32_t i) const { return table_.empty() ? ratio_of(i) : table_[i]; }

 private:
  float ratio_of(std::uint32_t i) const;

  const Likelihood* likelihood_;
  const EventIndex* index_;
  bool free_;
  double gamma_;
  Stencil stencil_;
  std::vector<float> table_;
};

/// Fits the directions of one group at a time; owns the work space of one thread.
class GroupFitter {
 public:
  /// @param several_tiles neighbouring tiles will follow each other, so that looking a little wider at once pays
  explicit GroupFitter(const FitModel& model, bool several_tiles = true);

  /// Collects the candidates of the group's tile and evaluates S/B for all its directions.
  void load(const Directions& directions, const DirectionGroup& group);
  /// Upper bound over all γ of d ln Λ/d n_s at n_s = 0, per direction of the group; ≤ 0 proves TS = 0.
  void screen();
  /// `screen` has shown that ts = 0.
  bool proven_zero(int lane) const { return bound_[static_cast<std::size_t>(lane)] <= 0.0F; }
  /// The exact fit of direction `lane` of the group. `screen` must have run.
  DirectionFit fit(int lane);
  /// Candidates of the group, and of these times directions the pairs within the cut (for benchmarks).
  std::size_t n_candidates() const { return ids_.size(); }
  std::size_t count_pairs() const;

 private:
  enum class Accuracy {
    profile,  ///< weak events through their power sums: where the maximum is
    exact,    ///< every event: what it is worth
  };
  struct Segment {  // events of one season
    std::size_t first, last;
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
  bool several_tiles_;
  // events around several neighbouring tiles, copied together
  struct Neighbourhood {
    AlignedVector<float> x, y, z, cos_cut, sin_cut;
    std::vector<std::uint32_t> ids;
  };
  void gather(const DirectionGroup& group);

  std::vector<Neighbourhood> neighbourhood_;  // per season
  Vec3 neighbourhood_centre_{0, 0, 0};
  double neighbourhood_radius_ = -1.0;
  std::vector<EventRange> ranges_;
  std::vector<std::uint32_t> found_;
  const Kernels* kernels_;
  std::size_t n_seasons_;
  // candidates of the tile
  std::vector<std::uint32_t> ids_;
  std::vector<Segment> tile_segments_;
  AlignedVector<float> x_, y_, z_, rate_, gaussian_, weight_, cut_, peak_;
  std::vector<const float*> ratio_rows_, node_rows_;
  AlignedVector<float> a_;  // (candidates, directions) in the kernels' blocks
  std::size_t count_ = 0;   // directions of the group
  std::array<double, n_lanes> sindec_{};
  std::array<float, n_lanes> bound_{};  // of the derivative at zero, per direction
  std::array<bool, n_lanes> any_event_{};
  AlignedVector<float> season_sums_;  // (K, 16 directions, 16 γ)
  std::vector<float> share_bounds_;   // (K, 16 γ)
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
