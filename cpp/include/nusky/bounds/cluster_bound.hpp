#pragma once
#include "nusky/bounds/gamma_parts.hpp"
#include "nusky/bounds/pool.hpp"

namespace nusky {

/// Work space of a thread for ClusterBound::may_have. Any start of Newton is right; that of the last direction is a good one.
struct BoundSpace {
  AlignedVector<float> u, u_part;
  double start_n = 20.0;
};

/// Bounds on the ts of directions within a cap that hold for every γ.
///
/// With b_i the largest (f_k/N_k) S_i/B_i R_i(γ) over all γ, made larger as bound_factor says, and u = n b,
///
///   ln Λ(n) ≤ G(n) = −n + Σ ln(1 + n b_i)                                                       (B1)
///   ts ≤ 2 Σ [ln(1+u) − u/(1+u)] ≤ Σ u²/(1+u)   at any n where Σ u/(1+u) < n                    (B2)
///
/// The README beside the sources has the proofs. A bound proves something only up to `most`, see may_drop.
class ClusterBound {
 public:
  /// @param pool of a cap that holds this one;  @param room memory to be used
  ClusterBound(const Pool& pool, const Cap& cap, const BoundConstants& constants = {}, CapEvents&& room = {});

  const CapEvents& events() const { return events_; }
  const TailSums& tail() const { return tail_; }
  /// Bounds hold for a ts up to this: one that is at least `most` proves no more than that.
  double most() const { return most_; }
  /// A bound proves that a direction stays below what it needs.
  bool may_drop(double bound, double needed) const { return bound < std::min(needed, most_); }

  /// No direction of the cap has more; +∞ where the tangent does not fall.
  double cluster_ts() const { return cluster_ts_; }
  /// No direction of the group within the cap has more, as far as the first tangent that falls can tell.
  double group_ts(const DirectionGroup& group) const;
  /// The tangent at n for up to four directions, relative to the centre of the cap.
  /// @param x, y, z (count,);  @param ts (count,) +∞ where it does not fall
  void direction_ts(float n, std::size_t count, const float* x, const float* y, const float* z, double* ts) const;
  /// 2 max G for events of these u at n = 1, by Newton and the tangent where it ends; +∞ where no tangent is found.
  /// @param needed stops where this is proven not to be reached, or where it cannot be proven
  /// @param u (events,);  @param start_n where Newton begins, and a good place to begin next time
  double highest_ts(double needed, const float* u, double& start_n) const;
  /// Whether ts may be as large as `needed` at one direction: as far as G tells, and where γ is in each part of its range.
  /// @param v relative to the centre of the cap
  bool may_have(double needed, const float* v, GammaParts& parts, BoundSpace& space) const;

  /// The memory, for the next bound.
  CapEvents release() && { return std::move(events_); }

 private:
  double tangent_ts(double n, double p, double top) const;

  BoundConstants constants_;
  Vec3 centre_;
  double most_;
  double rounding_;  // of sums over the events of the pool
  CapEvents events_;
  TailSums tail_;
  double cluster_ts_;
};

}  // namespace nusky
