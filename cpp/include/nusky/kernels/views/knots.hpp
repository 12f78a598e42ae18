#pragma once
#include <cstddef>
#include <cstdint>

namespace nusky {

/// What events have at some γ, the knots, as parts of what they have at all of them together: where several share a shape, no less than any
/// has. Between knots it is no more than what is interpolated linearly.
struct alignas(32) KnotShape {
  static constexpr std::size_t knots = 6;
  float at[knots];
};

/// An event as the bound that knows γ reads it, on half a cache line. Its unit vector is that in float; what it has elsewhere covers that.
struct alignas(32) KnotEvent {
  float x, y, z;
  float cut_chord;      ///< of its cut
  float rate;           ///< as that of SurveyView
  float weight;         ///< its largest w over all γ, where it is
  float power;          ///< 2^(power / 2²³) times its shape is not below what it has at the knots, where it is
  std::uint32_t shape;  ///< number of the shape
};
static_assert(sizeof(KnotEvent) == 32, "two on a cache line");

/// Events are told apart by their largest w within a cap: where it is at most `tail`, it is only summed; up to `faint` they are taken
/// without ũ; above `strong` the logarithm is closer than what is enough for the others.
struct KnotLimits {
  float tail, faint, strong;
};

/// All within a chord of a place.
struct KnotCap {
  float x, y, z, chord;
};

enum class KnotKind : std::size_t { faint, plain, strong };
constexpr std::size_t knot_kinds = 3;

/// The numbers of the events around a cap by kind, and the sum of the largest w of those that are in none. The arrays have room for 16
/// more.
struct KnotLists {
  std::uint32_t* number[knot_kinds];
  std::size_t n[knot_kinds];
  double tail;
};

}  // namespace nusky
