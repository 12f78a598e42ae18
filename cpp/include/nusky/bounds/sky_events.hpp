#pragma once
#include <cstdint>
#include <vector>

#include "nusky/aligned.hpp"
#include "nusky/bounds/sky_table.hpp"
#include "nusky/events/event_record.hpp"
#include "nusky/kernels/table.hpp"
#include "nusky/sphere/sky_grid.hpp"

namespace nusky {

/// What SkyBound needs of an event apart from its right ascension: it stays the same in every trial.
struct SkyEvent {
  double dec;
  double rate;    ///< of SpatialTerm
  double weight;  ///< largest S(0)/B · R over all γ
};

/// The rows of nodes of a band at one level, as the kernel reads them.
///
/// Between the nodes of a cell, log u = c − rate d² lies above what is interpolated linearly by rate (hα² cos δ cos δ′ + hδ²)/4 at most;
/// with that added at the nodes, it lies below. A tangent of G as a function of log u is convex, so that what is interpolated between its
/// values at nodes is never too small.
struct SkyRows {
  static constexpr std::size_t most = 17;
  double dec[most];
  double fall[most];  // of log u with the distance in bins squared, per rate and cos δ of an event
  double bend, bend_ra;
  std::size_t n;
  double width;  // of a bin, rad
  SkyRows(const SkyGrid& grid, std::size_t band, std::size_t level);
};

/// The events of a season for the nodes of a sky grid. An event goes to the finest level of which 16 bins hold all places where its
/// u = n (f/N) S/B R is not small; what it adds elsewhere is summed for whole rows.
class SkyEvents {
 public:
  /// Of one band at one level.
  struct Strip {
    std::vector<SkyVisit> visits;  ///< in the order of their numbers of rows, then of declinations
    std::vector<SkyPair> pairs;
    std::vector<double> rest, rest_square;  ///< by row: Σ u, Σ u² of what is nowhere else
    void sort();
    SkyVisitView view() const { return {visits.size(), visits.data(), pairs.data()}; }
  };

  /// @param rows of each level and band
  /// @param needed (levels, bands) bit r: row r is needed somewhere
  /// @param scale (bands,) u where S/B R is 1, at the largest n in question
  /// @param smallest_u what stays below in a row is left out there, and added to the whole row
  SkyEvents(const std::vector<SkyEvent>& events, const SkyGrid& grid, const std::vector<std::vector<SkyRows>>& rows,
            const std::vector<std::vector<std::uint32_t>>& needed, std::vector<double> scale, double smallest_u);

  const Strip& strip(std::size_t level, std::size_t band) const { return strips_[level][band]; }
  double scale(std::size_t band) const { return scale_[band]; }

 private:
  struct Reach;
  // False: the event has hardly anything in these rows, nor in those further away
  bool enter(const Reach& e, const SkyRows& rows, std::uint32_t needed, double scale, Strip& to);

  double smallest_u_;
  std::vector<double> scale_;
  std::vector<std::vector<Strip>> strips_;
};

}  // namespace nusky
