#pragma once
#include <cstddef>
#include <cstdint>

#include "nusky/bounds/sky_constants.hpp"

namespace nusky {

/// Lines above 2 ln(1 + m b) that meet (B5): what an event adds to the nodes of a sky grid, in whole numbers (B6).
///
/// With u = n b, the tangent at n is L(m) = ln(1+u) + (m/n − 1) u/(1+u). With two n, the tangent at the smaller one serves up to m =
/// `joint`, where the next line begins at whichever tangent is higher, and up to 2 n that at the larger one. Numbers are 2 L at m = 0, 2 n
/// and `joint`, for u = 2^(step / per_octave − octaves_below). They are never too small: too large by 8 % of the first at most, 1.7 % of
/// the others, and three units. Sums of whole numbers do not depend on their order.
struct SkyTable {
  static constexpr int per_octave = 256, octaves_below = 9;
  static constexpr std::size_t n_steps = 8192, n_pieces = 64, piece = n_steps / n_pieces;
  static constexpr double largest_u = 1e30;  ///< whose steps are counted, though the numbers stop before: its neighbourhood has no bound
  /// Squared distances, in bins, are told apart up to this.
  static constexpr double reach2 = 64.0;
  enum Sum : std::size_t { start, end, join, most_sums };

  /// @param low_n, n n of the tangents; low_n = 0: there is one only
  SkyTable(double low_n, double n, const SkyConstants& constants = {});

  std::size_t n_sums() const { return low > 0.0 ? 3 : 2; }
  /// At a step, in units.
  std::uint16_t at(std::size_t sum, std::size_t step) const {
    if (step >= n_steps) return 65535;
    const std::size_t i = step / piece, frac = step % piece * (65536 / piece);
    return static_cast<std::uint16_t>(base[sum][i] + (slope[sum][i] * frac >> 16));
  }
  /// A sum that has reached the largest number may be any larger.
  double value(std::size_t sum, std::uint16_t units) const { return units == 65535 ? 1e30 : units * static_cast<double>(unit[sum]); }
  /// No less than the numbers for events of which Σ u and Σ u² are known.
  double of_small(std::size_t sum, double u, double u2) const;

  double low, joint;  ///< the smaller n, and where lines meet, over n; 0: there is one line only
  alignas(64) std::uint16_t base[most_sums][n_pieces], slope[most_sums][n_pieces];
  float unit[most_sums];
};

}  // namespace nusky
