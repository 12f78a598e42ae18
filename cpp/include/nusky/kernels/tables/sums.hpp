#pragma once
#include "nusky/kernels/views/candidates.hpp"

namespace nusky {

/// Kernels of the exact likelihood: EventSums over the events of a direction, at one y and one γ. They add to what is
/// there. The weights `value`, `slope`, `curvature`, (4,) each, turn the four node values rows[candidate][first …] of
/// ln R into ln R and its derivatives in γ (see Stencil).
struct SumKernels {
  /// All sums.
  void (*sums)(const EventView& events, const float* const* rows, int first, const float* value, const float* slope, const float* curvature,
               float y, EventSums& out);
  /// log, p and p1 only.
  void (*sums_first)(const EventView& events, const float* const* rows, int first, const float* value, const float* slope, float y,
                     EventSums& out);
  /// Without energy term: log, p, q only. @param a (n,) S/B; @param huge see EventView
  void (*sums_flat)(std::size_t n, const float* a, bool huge, float y, EventSums& out);
};

}  // namespace nusky
