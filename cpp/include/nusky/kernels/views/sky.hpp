#pragma once
#include <cstddef>
#include <cstdint>

namespace nusky {

/// An event adds to so many nodes of a row.
constexpr std::size_t sky_window = 16;

/// What an event adds to the nodes of a sky grid, as the kernels read it: lines above 2 ln(1 + m b), in whole numbers.
/// SkyTable makes them and says what they are.
struct SkyLines {
  static constexpr int per_octave = 256, octaves_below = 9;
  static constexpr std::size_t n_steps = 8192, n_pieces = 64, piece = n_steps / n_pieces;
  /// Squared distances, in bins, are told apart up to this.
  static constexpr double farthest2 = 64.0;
  enum Sum : std::size_t { start, end, join, most_sums };

  std::size_t n_sums() const { return low > 0.0 ? 3 : 2; }
  /// At a step, in units.
  std::uint16_t at(std::size_t sum, std::size_t step) const {
    if (step >= n_steps) return 65535;
    const std::size_t i = step / piece, frac = step % piece * (65536 / piece);
    return static_cast<std::uint16_t>(base[sum][i] + (slope[sum][i] * frac >> 16));
  }

  double low, joint;  ///< the smaller n, and where lines meet, over n; 0: there is one line only
  alignas(64) std::uint16_t base[most_sums][n_pieces], slope[most_sums][n_pieces];
  float unit[most_sums];
};

/// An event in a row of a SkyGrid.
struct RowEntry {
  std::uint16_t highest;  ///< SkyLines step of its u at its own right ascension
  std::uint16_t fall;     ///< by how many steps that falls at a distance of 8 bins, SkyLines::farthest2
};

/// Where an event reaches into the rows of a band of a SkyGrid.
struct EventInBand {
  static constexpr std::size_t most_rows = 16;
  std::uint32_t event;        ///< whose right ascension places it
  std::uint32_t at;           ///< of its lowest row in the entries
  std::uint16_t first, rows;  ///< most_rows at most from row `first` on, one bit each, without gaps
};

struct BandEventsView {
  std::size_t n;
  const EventInBand* events;  ///< (n,)
  const RowEntry* entries;    ///< row after row of event after event
};

/// Rows of nodes of one layer of a SkyGrid, all of the same band.
struct SkyStrip {
  std::size_t bins;             ///< of each row
  const std::uint32_t* needed;  ///< (bins + 1,) for an event in a bin: bit r, that row r has nodes to be known near there
  std::uint16_t* sums;          ///< node 0 of row 0, with room before it and after the last; sum after sum of the table
  std::size_t stride, row;      ///< from one sum to the next, and from row to row
  const SkyLines* table;
};

}  // namespace nusky
