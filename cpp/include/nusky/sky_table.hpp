#pragma once
#include <cstddef>
#include <cstdint>

namespace nusky {

/// What an event adds to the nodes of a sky grid, in whole numbers: p = u/(1+u) and top = 2 [ln(1+u) − u/(1+u)], and both for a smaller n,
/// for u = 2^(step / per_octave − octaves_below). Never too small: p is too large by
/// 2.5 % at most, top by 10 %, and both by three units. Sums of whole numbers do not depend on their order.
struct SkyTable {
  static constexpr int per_octave = 160, octaves_below = 9;
  static constexpr std::size_t n_steps = 8192, n_pieces = 64, piece = n_steps / n_pieces;
  static constexpr double largest_u = 4e12;  ///< the last step has more
  /// Squared distances, in bins, are told apart up to this.
  static constexpr double reach2 = 64.0;
  enum Sum : std::size_t { p, top, low_p, low_top, n_sums };

  /// @param n n of the tangents, which sets the units;  @param ratio smaller n over the larger, 0: there is one only
  SkyTable(double n, double ratio);

  /// At a step, in units.
  std::uint16_t at(std::size_t sum, std::size_t step) const {
    const std::size_t i = step / piece, frac = step % piece * (65536 / piece);
    return static_cast<std::uint16_t>(base[sum][i] + (slope[sum][i] * frac >> 16));
  }
  /// A sum that has reached the largest number may be any larger.
  double value(std::size_t sum, std::uint16_t units) const { return units == 65535 ? 1e30 : units * unit[sum]; }

  alignas(64) std::uint16_t base[n_sums][n_pieces], slope[n_sums][n_pieces];
  float unit[n_sums];
};

}  // namespace nusky
