#pragma once
#include "nusky/kernels/views/events.hpp"
#include "nusky/kernels/views/knots.hpp"

namespace nusky {

/// Kernels of the bound that knows γ. With s = 2^(power / 2²³) times the Gaussian of the chord, the exponential from above (by 6 % at
/// most), an event has w = s · shape at the knots.
struct KnotKernels {
  /// Appends the events that reach a cap to the lists of their kinds, and adds the largest w of the others there.
  void (*knots_near)(const IndexView& events, const KnotEntries& entries, const FixedCap& cap, const KnotLimits& limits, KnotLists& out);
  /// Adds the events of one kind to the sums at 16 directions, whose columns are relative to the common centre: 2 [ln(1 + ũ) − ũ/(1 + ũ)],
  /// then at each knot w/(1 + ũ). ũ is no further from n s than rounding, or 0 for those that are faint; no sum is too small for the ũ
  /// that was taken.
  /// @param sums (1 + knots, 16)
  void (*knots_add)(KnotKind kind, const KnotColumns& events, const KnotShape* shapes, const float* vx, const float* vy, const float* vz,
                    float n, float* sums);
};

}  // namespace nusky
