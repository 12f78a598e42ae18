#pragma once
#include <cstdint>
#include <vector>

#include "nusky/aligned.hpp"
#include "nusky/indexed_event.hpp"
#include "nusky/kernels.hpp"
#include "nusky/sky_grid.hpp"

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
  float dec[most], fall[most];
  float middle, bend, bend_ra;
  std::size_t n;
  double width;  // of a bin, rad
  SkyRows(const SkyGrid& grid, std::size_t band, std::size_t level);
};

/// The events of a season for the nodes of a sky grid. An event goes to the finest level of which 16 bins hold all places where its
/// u = n (f/N) S/B R is not small; what it adds elsewhere is summed for whole rows.
class SkyEvents {
 public:
  /// Events of a level in the order of their declinations.
  struct Level {
    std::vector<float> dec, cos_dec, rate, weight;  // see SkyEventView
    std::vector<std::uint32_t> event;
    double reach = 0.0;                                  // no event has more than a little u in a row that is further away
    std::vector<std::vector<double>> rest, rest_square;  // by band and row: Σ u, Σ u² of what is nowhere else
    SkyEventView between(double low, double high) const;
  };

  /// @param rows of each level and band
  /// @param scale (bands,) u where S/B R is 1, at the largest n in question
  SkyEvents(const std::vector<SkyEvent>& events, const SkyGrid& grid, const std::vector<std::vector<SkyRows>>& rows,
            std::vector<double> scale);

  /// What has no more bits than this in a row is left out there.
  static float least_bits();
  /// What the kernel adds to the weights of events, see SkyStrip.
  float scale_bits(std::size_t band) const;

  const Level& level(std::size_t l) const { return levels_[l]; }
  double scale(std::size_t band) const { return scale_[band]; }
  /// Whether every u is in the range of the kernel.
  bool possible() const { return possible_; }

 private:
  // `largest`: u of the event in the band where that is largest
  void leave_out(const SkyEvent& e, const std::vector<SkyRows>& rows, std::size_t level, std::size_t own_band, double largest);

  std::vector<double> scale_;
  std::vector<Level> levels_;
  bool possible_ = true;
};

}  // namespace nusky
