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

/// Events are told apart by their largest w within a cap: where it is at most `tail`, it is only summed; up to `faint` they are taken
/// without ũ; above `strong` the logarithm is closer than what is enough for the others.
struct KnotLimits {
  float chord;  ///< of the radius of the cap
  float scale;  ///< of IndexView::weight
  float tail, faint, strong;
};

/// Of events that follow each other in an index: 2^(power / 2²³) times the shape of this number is not below what they have at the knots.
/// Whole vectors are read.
struct KnotEntries {
  const float* power;
  const std::uint32_t* shape;
};

enum class KnotKind : std::size_t { faint, plain, strong };
constexpr std::size_t knot_kinds = 3;

/// Where events of one kind go: positions relative to the centre of the cap, and what they have. The arrays have room for 16 more.
struct KnotColumns {
  std::size_t n;
  float *x, *y, *z;
  float* rate;  ///< as that of SurveyView
  float* power;
  std::uint32_t* shape;
};

/// The events around a cap by kind, and the sum of the largest w of those that are in none.
struct KnotLists {
  KnotColumns of[knot_kinds];
  double tail;
};

}  // namespace nusky
