#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "nusky/sphere/sphere.hpp"

namespace nusky {

/// Right ascension as a word: 2³² to a turn.
inline std::uint32_t turn_word(double ra) {
  return static_cast<std::uint32_t>(static_cast<std::int64_t>(ra * (4294967296.0 / (2.0 * pi))));
}

/// Sources that follow each other.
struct SourceRange {
  std::uint32_t first, last;
};

/// Which zones and which right ascensions hold what an event can reach: the same for an event in every trial.
struct GridReach {
  std::uint16_t low, high;  ///< zones
  std::uint32_t half;       ///< words to both sides; 2³¹ and more: everywhere
};

/// Sources of a stack sorted by zones of declination and bins of right ascension.
class SourceGrid {
 public:
  /// @param ra, dec (J,) rad
  SourceGrid(const std::vector<double>& ra, const std::vector<double>& dec);

  /// Which of the sources as given stands where: the order of the grid.
  const std::vector<std::uint32_t>& order() const { return order_; }
  /// @param dec of the event;  @param arc how far it reaches; both rad
  GridReach reach(double dec, double arc) const;
  /// Appends the ranges that hold all sources within reach of an event.
  void near(std::uint32_t word, const GridReach& reach, std::vector<SourceRange>& out) const;

 private:
  std::size_t zone(double dec) const;
  std::uint32_t bin(std::uint32_t word) const { return shift_ == 32 ? 0 : word >> shift_; }

  std::size_t n_zones_;
  unsigned shift_;  // of a word to its bin
  std::size_t n_bins_;
  std::vector<std::uint32_t> order_;
  std::vector<std::uint32_t> start_;  // (zones · bins + 1)
};

}  // namespace nusky
