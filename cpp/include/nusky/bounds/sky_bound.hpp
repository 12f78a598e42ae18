#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "nusky/bounds/sky_events.hpp"
#include "nusky/bounds/sky_table.hpp"
#include "nusky/events/event_index.hpp"
#include "nusky/likelihood/likelihood.hpp"
#include "nusky/sphere/sky_grid.hpp"

namespace nusky {

/// Bounds on the ts anywhere in some cells of a sky grid, for every γ, from right ascensions alone.
///
/// Of an event, declination, error and weight stay the same in every trial. A trial adds to the nodes around each event what it has
/// there, without looking at single directions or at the index. These are lines above 2 ln(1 + m b) for m from 0 to 2 n (SkyTable), with b
/// as in Survey; their sum less 2 m lies above 2 G, and is largest where lines begin, meet or end. Up to twice the n of a tangent, a line
/// is a convex function of log u (B3), so that with u raised as SkyRows explains (B4) it is nowhere above its values at the corners of a
/// cell. Beyond 2 n there is no maximum as long as the end lies below 0. Wide events go to coarser cells, and are interpolated from there.
class SkyBound {
 public:
  /// @param low_n, n n of the tangents; low_n = 0: there is one only
  /// @param cells whose bounds are wanted, ascending
  SkyBound(SkyGrid grid, double low_n, double n, std::vector<std::uint32_t> cells, const SkyConstants& constants = {});

  const SkyGrid& grid() const { return nodes_.grid(); }
  const std::vector<std::uint32_t>& cells() const { return cells_; }

  /// Computes bounds for the events of a trial, for several trials at once if need be; what belongs to the events is found for the first,
  /// and stays as long as they do. False where no bounds are possible: n/N is not small, too many events came one by one, or there is an
  /// energy term or several seasons and γ is not free to be fitted.
  /// @param bound (cells,) ts, +∞ where nothing is proven
  bool compute(const Likelihood& likelihood, const EventIndex& index, int n_threads, float* bound) const;

 private:
  struct Season;
  using Seasons = std::vector<Season>;
  struct LooseEvents;
  struct BandSums;
  // Cells that follow each other in a row of layer 0.
  struct CellRun {
    std::size_t row, first, last;
    std::size_t at;  // of the first, in cells_
  };
  struct Band {
    std::size_t number;
    std::vector<CellRun> runs;
    std::vector<std::vector<std::uint32_t>> needed;  // see SkyStrip, by layer
  };
  using Units = std::vector<std::vector<double>>;  // by season and band: u of an event with S/B R = 1 at n = 1

  void need_nodes(Band& band);
  bool find_units(const Likelihood& likelihood, const EventIndex& index, Units& units) const;
  std::vector<double> scale(const std::vector<double>& unit, double n) const;
  std::shared_ptr<const Seasons> seasons(const EventIndex& index, const Units& units) const;
  std::vector<LooseEvents> loose_events(const EventIndex& index, const Units& units) const;
  void add(const Band& band, std::size_t layer, const SkyEvents& events, const float* turn, BandSums& sums) const;
  void sum_layer(const Band& band, std::size_t layer, BandSums& sums) const;
  void bound_run(const Band& band, const CellRun& run, const BandSums& sums, double n, float* bound) const;

  SkyConstants constants_;
  SkyNodes nodes_;
  double n_;  // of the tangents, the larger one
  double smallest_u_;
  SkyTable table_;
  std::vector<std::uint32_t> cells_;
  std::vector<Band> bands_;
  mutable std::mutex making_;
  mutable std::shared_ptr<const Seasons> made_;
};

}  // namespace nusky
