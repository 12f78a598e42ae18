#pragma once
#include <cstddef>
#include <cstdint>

#include "nusky/bounds/sky_constants.hpp"
#include "nusky/kernels/views/sky.hpp"

namespace nusky {

/// Lines above 2 ln(1 + m b) that meet (B5): what an event adds to the nodes of a sky grid, in whole numbers (B6).
///
/// With u = n b, the tangent at n is L(m) = ln(1+u) + (m/n − 1) u/(1+u). With two n, the tangent at the smaller one serves up to m =
/// `joint`, where the next line begins at whichever tangent is higher, and up to 2 n that at the larger one. Numbers are 2 L at m = 0, 2 n
/// and `joint`, for u = 2^(step / per_octave − octaves_below). They are never too small: too large by 8 % of the first at most, 1.7 % of
/// the others, and three units. Sums of whole numbers do not depend on their order.
struct SkyTable : SkyLines {
  static constexpr double largest_u = 1e30;  ///< whose steps are counted, though the numbers stop before: its neighbourhood has no bound

  /// @param low_n, n n of the tangents; low_n = 0: there is one only
  SkyTable(double low_n, double n, const SkyConstants& constants = {});

  /// A sum that has reached the largest number may be any larger.
  double value(std::size_t sum, std::uint16_t units) const { return units == 65535 ? 1e30 : units * static_cast<double>(unit[sum]); }
  /// No less than the numbers for events of which Σ u and Σ u² are known.
  double of_small(std::size_t sum, double u, double u2) const;
};

}  // namespace nusky
