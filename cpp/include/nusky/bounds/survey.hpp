#pragma once
#include <vector>

#include "nusky/likelihood/fit_model.hpp"
#include "nusky/sphere/directions.hpp"

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

  /// Fetches the events around the cluster queue[0] and those of the next ones that are near it, where tiles are small; else it leaves the
  /// events to be fetched for one cluster after the other.
  void enter(const Directions& directions, const std::vector<Cluster>& clusters, const std::uint32_t* queue, std::size_t n);
  /// Clears `alive` of directions whose ts is proven to stay below `needed`. Both are (groups of the cluster, n_lanes);
  /// entries beyond a group's directions are not read. Returns whether any is left.
  bool drop_hopeless(const Directions& directions, const Cluster& cluster, const double* needed, bool* alive);

 private:
  struct Columns {
    AlignedVector<float> x, y, z, rate, weight;
    AlignedVector<std::uint32_t> number;
    std::size_t n = 0;
    SurveyView view() const { return {n, x.data(), y.data(), z.data(), rate.data(), weight.data(), number.data()}; }
    SurveyColumns room(std::size_t size);
  };

  bool fetch(const Directions& directions, const Cluster* const* clusters, std::size_t n, const Cap& cap, double most);
  void keep(const Columns& from, const Vec3& offset, double radius, Columns& to, double* sums);
  static Cap cap_of(const Directions& directions, const Cluster& cluster, const bool* alive);
  bool load(const Directions& directions, const Cluster& cluster, const Cap& cap, double highest_needed);
  double tangent_top(double n, double p, double top) const;
  double group_ts(const DirectionGroup& group, const Vec3& centre) const;
  bool may_reach(double needed, const float* v);
  void find_parts();
  double highest_ts(double needed, const float* u);

  const FitModel* model_;
  const Kernels* kernels_;
  std::vector<EventRange> ranges_;
  std::vector<float> share_bounds_, highest_share_;
  AlignedVector<float> u_, u_part_;
  AlignedVector<float> parts_;  // of each event kept, how much of its largest R is left where γ is in a part of its range; part by part
  Columns fetched_, pool_, kept_;
  std::vector<const Cluster*> pooled_;                // the pool has the events of these
  Vec3 middle_ = Vec3::Zero();                        // of the pool
  double pool_tail_ = 0.0, pool_tail_squares_ = 0.0;  // Σ u, Σ u² at n = 1 of what is not in the pool
  double tail_ = 0.0, tail_squares_ = 0.0;            // the same of what is not kept
  double most_ = 0.0;                                 // bounds hold for a ts up to this
  double cluster_ts_ = 0.0;                           // no direction in question has more
  bool has_parts_ = false;
  double start_n_ = 20.0;
};

}  // namespace nusky
