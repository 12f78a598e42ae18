#pragma once
#include <cstddef>
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
  const float* ratio;      ///< (16,) EventColumns::ratio_row (γ free to be fitted), else nullptr
  const float* log_ratio;  ///< (nodes,) EventColumns::log_ratio, nullptr without energy term
  float peak, lift;        ///< EventColumns::ratio_peak, ratio_lift
};
static_assert(sizeof(EventRecord) == 64, "one cache line: the fit reads these in large numbers");

/// Components of unit vectors are kept as whole numbers in units of 1/fixed_one, 0.9 · 10⁻⁹: finer than any direction is
/// known, half as long as doubles, and differences of two of them are exact.
constexpr double fixed_one = 1073741823.0, fixed_step = 1.0 / fixed_one;
inline std::int32_t fixed_point(double component) {
  return static_cast<std::int32_t>(component * fixed_one + (component < 0.0 ? -0.5 : 0.5));
}

/// A chord in fixed-point units, larger by more than the rounding of those and of float.
inline float fixed_chord(double chord) { return static_cast<float>(chord * fixed_one * (1.0 + 1e-6) + 8.0); }

/// Events of an index that follow each other: first … last − 1.
struct EventRange {
  std::uint32_t first, last;
};

/// Where events are and how far S does: the chord of its cut. Whole vectors of 16 are read beyond the last.
struct PositionView {
  std::size_t n;
  const std::int32_t *x, *y, *z;  ///< (n,) fixed_point of the components of their unit vectors
  const float* cut_chord;         ///< (n,) fixed_chord of the cut
};

/// Events of an index in columns.
struct IndexView {
  PositionView position;
  const float* rate;    ///< (n,) of SpatialTerm
  const float* weight;  ///< (n,) S(0)/B times the largest R over all γ
};

/// A cap as events are compared with it. A cap is given by the chord of its radius, not by its cosine, because a chord
/// keeps its relative accuracy for the smallest radii. An event reaches the cap where its chord from the centre is at
/// most the sum of both chords. That never misses one: 2 sin(a/2) + 2 sin(b/2) ≥ 2 sin((a + b)/2).
struct FixedCap {
  std::int32_t at[3];  ///< its centre, in fixed point
  double off[3];       ///< what is added to (position − at) · fixed_step, so that it counts from the exact centre
  float chord;         ///< fixed_chord of its radius
};

/// Where events that reach a cap go: their numbers and columns of PositionView. The arrays have room for 16 more.
struct PositionColumns {
  std::uint32_t* number;
  std::int32_t *x, *y, *z;
  float* cut_chord;
};

/// Events around several neighbouring tiles, in columns: what the test of a single event reads, and what a candidate is
/// made of. Every array is (n,); `peak`, `lift` and the rows are those of EventRecord.
struct PoolView {
  PositionView position;
  const float *rate, *gaussian, *weight, *cut;  // SpatialTerm
  const float *peak, *lift;
  const float* const* ratio;
  const float* const* log_ratio;
};

/// Where the events of a pool go. The arrays begin on cache lines and have room for a multiple of 16.
struct PoolColumns {
  float *rate, *gaussian, *weight, *cut, *peak, *lift;
  const float **ratio, **log_ratio;
};

}  // namespace nusky
