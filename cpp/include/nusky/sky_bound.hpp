#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "nusky/event_index.hpp"
#include "nusky/likelihood.hpp"

namespace nusky {

/// Bands of declination, each cut into rows and those into bins of right ascension: cells of 0.9° all over the sky, and coarser ones, of
/// which each holds four of the next finer level.
class SkyGrid {
 public:
  static constexpr std::size_t n_bands = 25, n_levels = 4, finest_rows = std::size_t{1} << (n_levels - 1);
  /// Level 0 is the finest.
  static std::size_t rows_of_band(std::size_t level) { return finest_rows >> level; }

  SkyGrid();
  /// Cells of level 0.
  std::size_t size() const { return first_.back(); }
  std::uint32_t cell(const Vec3& v) const;
  /// First cell of level 0 of a band; the rows of a band follow each other.
  std::uint32_t first(std::size_t band) const { return first_[band]; }
  /// Bins of each row of a band.
  std::uint32_t bins(std::size_t band, std::size_t level) const { return coarsest_bins_[band] << (n_levels - 1 - level); }

 private:
  std::array<std::uint32_t, n_bands> coarsest_bins_{};
  std::array<std::uint32_t, n_bands + 1> first_{};
};

/// Bounds on the ts anywhere in the cells of a sky grid, for every γ, from right ascensions alone.
///
/// Of an event, declination, error and weight stay the same in every trial: how much it can add to a cell so far away in
/// declination and right ascension is known before. What is known is kept as templates of bins, one for each row of cells near the event;
/// a trial adds those up at the events' right ascensions, without looking at single directions or at the index. With u = n b as in
/// Survey, the sums are Σ u/(1+u) and 2 Σ [ln(1+u) − u/(1+u)]. Wide events go to coarser cells.
class SkyBound {
 public:
  /// Of the tangent. In a cell of 0.9° of a season, some forty events count with their peak.
  static constexpr double n_of_tangent = 80.0;

  SkyBound() = default;
  /// Computes bounds for the events of a trial, for several trials at once if need be; the templates are made for the first, and stay as
  /// long as the events do. False where no bounds are possible: no season is there as a whole, or too many events came one by one.
  /// @param bound (grid().size(),) ts, +∞ where nothing is proven
  bool compute(const Likelihood& likelihood, const EventIndex& index, int n_threads, std::vector<float>& bound) const;
  static const SkyGrid& grid();

 private:
  struct Templates;
  using Units = std::vector<std::array<double, SkyGrid::n_bands>>;

  std::shared_ptr<const Templates> templates(const EventIndex& index, const Units& units) const;

  mutable std::mutex making_;
  mutable std::shared_ptr<const Templates> made_;
};

}  // namespace nusky
