#pragma once

namespace nusky {

/// The spatial term of one event, ready for the kernel:
/// S/B = weight · exp(−rate · d² · (1 + gaussian · (ψ²/d² − 1)))  for  d² ≤ cut, d the chord.
struct SpatialTerm {
  float rate;      ///< 1/(2σ²); for von Mises–Fisher κ/2
  float gaussian;  ///< 1: Gaussian in ψ; 0: von Mises–Fisher, whose exponent κ(cos ψ − 1) is −κd²/2
  float weight;    ///< S(0)/B
  float cut;       ///< squared chord of the cut; 5 where it is the whole sphere
};

/// One event of a trial as the fit reads it.
struct IndexedEvent {
  double x, y, z;
  SpatialTerm spatial;
  const float* ratio;      ///< EventColumns::ratio_row (γ free to be fitted), else nullptr
  const float* log_ratio;  ///< EventColumns::log_ratio, nullptr without energy term
  float peak, lift;        ///< EventColumns::ratio_peak, ratio_lift
};
static_assert(sizeof(IndexedEvent) == 64, "one cache line: the fit reads these in large numbers");

}  // namespace nusky
