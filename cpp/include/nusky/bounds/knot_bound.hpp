#pragma once
#include <cstdint>
#include <vector>

#include "nusky/bounds/bound_constants.hpp"
#include "nusky/bounds/knot_events.hpp"
#include "nusky/sphere/directions.hpp"

namespace nusky {

/// Bounds on the ts of the directions of a group that know γ: where many events add up, the largest R of each over all γ would leave
/// nearly every direction.
///
/// For any ũ_i ≥ 0, ts ≤ 2 Σ [ln(1+ũ) − ũ/(1+ũ)] where Σ w_i(γ)/(1+ũ_i) < 1 for every γ (B11); as w lies below a straight line between
/// knots, its values there decide (B12). ũ is n times the sum of the w at all knots. Work space of a thread.
class KnotBound {
 public:
  /// @param events must outlive it, with γ free
  explicit KnotBound(const KnotEvents& events, const BoundConstants& constants = {}) : events_(&events), constants_(constants) {}

  /// No direction of a group has more; a bound above `most_of_knots` proves no more than that, and +∞ nothing.
  /// @param n of each knot;  @param ts (group.count,)
  void group_ts(const Directions& directions, const DirectionGroup& group, double n, double* ts);
  /// Clears `alive` of directions of a group whose ts is proven to stay below `needed`. Both are (group.count,).
  void drop_hopeless(const Directions& directions, const DirectionGroup& group, const double* needed, bool* alive);

 private:
  const KnotEvents* events_;
  BoundConstants constants_;
  // of one group
  std::vector<EventRange> ranges_;
  std::vector<std::uint32_t> numbers_[knot_kinds];
};

}  // namespace nusky
