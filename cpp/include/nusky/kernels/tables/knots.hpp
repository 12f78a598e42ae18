#pragma once
#include "nusky/kernels/views/events.hpp"
#include "nusky/kernels/views/knots.hpp"

namespace nusky {

/// Kernels of the bound that knows γ. With s = 2^(power / 2²³) times the Gaussian of the chord, the exponential from above (by 6 % at
/// most), an event has w = s · shape at the knots.
struct KnotKernels {
  /// Appends those events of some ranges that reach a cap to the lists of their kinds, and adds the largest w of the others there. Up to 15
  /// events beyond a range are read.
  void (*knots_near)(const KnotEvent* events, std::size_t n_ranges, const EventRange* ranges, const KnotCap& cap, const KnotLimits& limits,
                     KnotLists& out);
  /// Adds the events with these numbers, of one kind, to the sums at 16 directions, columns of unit vectors: 2 [ln(1 + ũ) − ũ/(1 + ũ)],
  /// then at each knot w/(1 + ũ). ũ is no further from n s than rounding, or 0 for those that are faint; no sum is too small for the ũ
  /// that was taken.
  /// @param sums (1 + knots, 16)
  void (*knots_add)(KnotKind kind, std::size_t n_events, const std::uint32_t* number, const KnotEvent* events, const KnotShape* shapes,
                    const float* vx, const float* vy, const float* vz, float n, float* sums);
};

}  // namespace nusky
