#pragma once
#include <vector>

#include "nusky/fit_model.hpp"
#include "nusky/search.hpp"

namespace nusky {

/// Bounds on the ts of directions, far cheaper than a fit, that hold for every γ; owns the work space of one thread.
///
/// With b_i the largest (f_k/N_k) S_i/B_i R_i(γ) over all γ and u = n b,
///
///   ln Λ(n) ≤ G(n) = −n + Σ ln(1 + n b_i),
///
/// because ln(1 + z(W−1)) with z = n f_k/N_k is at most −z for W = 0, and at most ln(1+u) − z + z u/(1+u) else; that last
/// term is covered by making b larger by the factor 1 + z(1+z) at the largest n in question. G is concave, so its tangent
/// at any n₀ where G′ ≤ 0 bounds it for n ≥ 0 by  G(n₀) − n₀ G′(n₀) = Σ [ln(1+u) − u/(1+u)].
/// Beyond the largest n in question ln Λ is below 0, because it is concave and starts at 0.
class Survey {
 public:
  explicit Survey(const FitModel& model);

  /// Clears `alive` of directions whose ts is proven to stay below `needed`. Both are (groups of the cluster, n_lanes);
  /// entries beyond a group's directions are not read. Returns whether any is left.
  bool drop_hopeless(const Directions& directions, const Cluster& cluster, const double* needed, bool* alive);

 private:
  bool load(const Directions& directions, const Cluster& cluster, double highest_needed);
  double group_ts(const DirectionGroup& group, const Vec3& centre) const;
  double tangent_top(double n, double p, double top) const;
  double highest_ts(double needed, const float* v);

  const FitModel* model_;
  const Kernels* kernels_;
  std::vector<std::uint32_t> ids_;
  std::vector<float> share_bounds_, highest_share_;
  AlignedVector<float> x_, y_, z_, rate_, weight_, u_;
  std::size_t n_ = 0;
  double tail_ = 0.0, tail_squares_ = 0.0;  // of u at n = 1
  double cluster_ts_ = 0.0;                 // no direction of the cluster has more
};

}  // namespace nusky
