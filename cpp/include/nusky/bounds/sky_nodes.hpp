#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "nusky/bounds/sky_constants.hpp"
#include "nusky/sphere/sky_grid.hpp"

namespace nusky {

/// The rows of nodes of a band at one layer, as the kernel reads them.
///
/// Between the nodes of a cell, log u = c − rate d² lies above what is interpolated linearly by rate (hα² cos δ cos δ′ + hδ²)/4 at most;
/// with that added at the nodes, it lies below (B4).
struct SkyRows {
  static constexpr std::size_t most = 17;
  /// Bins to either side of an event that the kernel looks at, less the errors of positions.
  static constexpr double half_window = 7.99;
  double dec[most];
  double fall[most];     // of log u with the distance in bins squared, per rate and cos δ of an event
  double bend, bend_ra;  // what is added per rate, and per rate and cos δ
  std::size_t n;
  double width;  // of a bin, rad
  SkyRows(const SkyGrid& grid, std::size_t band, std::size_t layer, const SkyConstants& constants = {});
};

/// A sky grid with the rows of nodes of all layers and bands, and which rows are needed: what all events have in common.
class SkyNodes {
 public:
  explicit SkyNodes(SkyGrid grid, const SkyConstants& constants = {});

  const SkyGrid& grid() const { return grid_; }
  const SkyRows& rows(std::size_t layer, std::size_t band) const { return rows_[layer * grid_.n_bands() + band]; }
  /// Bit r: row r is needed somewhere in the band.
  std::uint32_t needed(std::size_t layer, std::size_t band) const { return needed_[layer * grid_.n_bands() + band]; }
  void need(std::size_t layer, std::size_t band, std::uint32_t rows) { needed_[layer * grid_.n_bands() + band] |= rows; }

 private:
  SkyGrid grid_;
  std::vector<SkyRows> rows_;
  std::vector<std::uint32_t> needed_;
};

}  // namespace nusky
