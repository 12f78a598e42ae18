#pragma once
#include <cstdint>

namespace nusky {

/// The spatial term of one event, ready for the kernel:
/// S/B = weight · exp(−rate · d² · (1 + gaussian · (ψ²/d² − 1)))  for  d² ≤ cut, d the chord.
struct SpatialTerm {
  float rate;      ///< 1/(2σ²); for von Mises–Fisher κ/2
  float gaussian;  ///< 1: Gaussian in ψ; 0: von Mises–Fisher, whose exponent κ(cos ψ − 1) is −κd²/2
  float weight;    ///< S(0)/B
  float cut;       ///< squared chord of the cut; 5 where it is the whole sphere
};

/// What the fit reads of an event apart from its right ascension: it stays the same in every trial.
struct alignas(64) EventRecord {
  double sin_dec, cos_dec;
  SpatialTerm spatial;
  const float* ratio;      ///< EventColumns::ratio_row (γ free to be fitted), else nullptr
  const float* log_ratio;  ///< EventColumns::log_ratio, nullptr without energy term
  float peak, lift;        ///< EventColumns::ratio_peak, ratio_lift
};
static_assert(sizeof(EventRecord) == 64, "one cache line: the fit reads these in large numbers");

/// What an EventIndex copies of an event, so that a search of it reads on and on.
struct EventSketch {
  std::int32_t z;  ///< see place_of
  float reach;     ///< reach_of the chord of the cut
  float rate;      ///< of SpatialTerm
  float weight;    ///< S(0)/B times the largest R
};

/// Components of unit vectors are kept as whole numbers in units of 1/places, 0.9 · 10⁻⁹: finer than any direction is known, half as long
/// as doubles, and differences of two of them are exact.
constexpr double places = 1073741823.0, place_size = 1.0 / places;
inline std::int32_t place_of(double component) { return static_cast<std::int32_t>(component * places + (component < 0.0 ? -0.5 : 0.5)); }

/// A chord in units of places, larger by more than the rounding of those and of float.
inline float reach_of(double chord) { return static_cast<float>(chord * places * (1.0 + 1e-6) + 8.0); }

/// One event of a trial.
struct IndexedEvent {
  double x, y, z;
  SpatialTerm spatial;
  const float* ratio;
  const float* log_ratio;
  float peak, lift;
};

}  // namespace nusky
