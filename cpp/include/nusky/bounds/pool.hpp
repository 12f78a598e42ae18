#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "nusky/bounds/bound_constants.hpp"
#include "nusky/bounds/cap_events.hpp"
#include "nusky/likelihood/fit_model.hpp"
#include "nusky/sphere/directions.hpp"

namespace nusky {

/// All events that reach a cap, with weights b at n = 1: the largest (f_k/N_k) S(0)/B R over all γ (B1), made larger by the factor that
/// holds for a ts up to `most`. Where one pool serves several clusters, those that are small everywhere in the cap are in the tail.
struct Pool {
  Cap cap;           ///< positions are relative to its centre
  CapEvents events;  ///< not in the tail
  TailSums tail;
  double most = 0.0;
  std::vector<const Cluster*> clusters;  ///< whose events these are, where there are several

  bool holds(const Cluster& cluster) const;
};

/// Work space of a thread for pools; nothing in it is kept from one to the next.
struct PoolSpace {
  std::vector<EventRange> ranges;
  std::vector<float> share_bounds, highest_share;
  CapEvents fetched;
};

/// The pool of a cap, which holds all directions in question of one cluster. None: with so few events a bound would be loose, and the fits
/// are cheap.
/// @param most bounds are wanted for a ts up to this
/// @param room memory, taken where there is a pool
std::optional<Pool> pool_of(const FitModel& model, const Directions& directions, const Cluster& cluster, const Cap& cap, double most,
                            const BoundConstants& constants, PoolSpace& space, CapEvents&& room);

/// The pool of the cluster queue[0] and those of the next ones that are near it, where clusters are small. None: events are better fetched
/// for one cluster after the other.
/// @param queue (n,) into `clusters`, n ≥ 1
std::optional<Pool> pool_of_neighbours(const FitModel& model, const Directions& directions, const std::vector<Cluster>& clusters,
                                       const std::uint32_t* queue, std::size_t n, const BoundConstants& constants, PoolSpace& space,
                                       CapEvents&& room);

/// Sums over the events that `keep_events` keeps, at the places where each is largest in the cap and n = cluster_n.
struct KeptSums {
  double p;    ///< not below Σ u/(1+u)
  double top;  ///< not below Σ 2 [ln(1+u) − u/(1+u)]
};

/// Copies the events that matter within a cap, with positions relative to its centre, and adds all others to the tail (B9).
/// @param offset centre of the cap from that of `from`;  @param radius of the cap, rad
KeptSums keep_events(const CapEvents& from, const Vec3& offset, double radius, const BoundConstants& constants, CapEvents& to,
                     TailSums& tail);

}  // namespace nusky
