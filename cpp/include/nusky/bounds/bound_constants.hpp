#pragma once
#include <array>
#include <cstddef>

namespace nusky {

/// The numbers of the bounds on clusters, groups and directions. Those of the first block carry proofs, see src/bounds/README.md; tests
/// weaken them to show what breaks. Those of the second only decide how close bounds are and what they cost: they hold for any value.
struct BoundConstants {
  double mixture = 1.0;             ///< B1: strength of the factor 1 + z(1+z)
  double least_fall = 0.02;         ///< B2: a tangent counts where G falls at least this fast, so that G ends below 0 not too far beyond
  double rounding = 1e-3;           ///< B7: of sums in float, relative
  double rounded_events = 268000;   ///< B7: for which `rounding` is proven; with more it grows as their number
  double rounding_of_event = 2e-7;  ///< B7: of the two logarithms of an event with 1 + u near 1
  double rounded_in_turn = 16000;   ///< B7: the same of sums whose terms are added one after the other
  double arc_over_chord = 1.005;    ///< B8: for distances of a pool, below 0.25 rad
  bool tail = true;                 ///< B9: events left out are counted by their sums

  /// n of the tangents of a direction: the first lets most of the sky go, the second catches those where the first is too small for G to
  /// fall.
  std::array<float, 2> direction_n{20.0F, 10.0F};
  /// For a whole cluster, where many events count as if they were in the same place, G falls late.
  float cluster_n = 60.0F;
  std::array<float, 3> group_n{30.0F, 45.0F, 70.0F};
  /// Groups as small as this, rad, are bounded as a whole where all their directions need more than this: wider ones, in which most events
  /// count with their peak, never fall to it.
  double small_group = 0.02, worth_a_group = 20.0;
  /// Bounds far above the noise need no more care: a ts is compared with this at most.
  double most_needed = 400.0;
  /// Candidates whose u stays below this at n = 1 in the whole cap are summed once for all directions in question, at the place where
  /// each is largest: two of three candidates, which together add a percent to the sums.
  float tail_u = 3e-4F;
  /// Clusters wider than the first, rad, are fitted without bounds, and in those wider than the second no direction is looked at alone: a
  /// bound reads the events of the whole cluster for each direction, a fit those within its own reach.
  double widest_cluster = 0.26, widest_alone = 0.13;
  /// Where clusters are smaller than this, the cut of an event holds many of them, and are fetched for so many at once. The bounds then
  /// hold for a ts up to a common limit.
  double small_cluster = 0.04, most_of_pool = 200.0;
  std::size_t clusters_of_pool = 16, few_clusters = 3;
  /// At each knot, n of the bound that knows γ, for a ts of 1; within these limits. Where less is needed than `worth_knots`, fits are.
  double n_per_needed = 0.33, worth_knots = 3.0;
  std::array<double, 2> knot_n{2.0, 10.0};
  /// Events whose w stays below this in the whole group are only summed.
  float tail_of_knots = 4e-5F;
  /// Events with ũ below the first everywhere in the group are taken without; above the second the logarithm is worth its time.
  float faint_u = 0.03F, strong_u = 1.5F;
  /// That bound holds for a ts up to this.
  double most_of_knots = 60.0;
};

}  // namespace nusky
