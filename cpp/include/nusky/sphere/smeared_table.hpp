#pragma once
#include <cstddef>
#include <cstdint>

namespace nusky {

/// Maps that were smeared with some widths, on a grid of declinations and right ascensions; not owned.
struct SmearedTable {
  /// (n_sigma, n_pairs, n_ra, 2, maps), for pairs of neighbouring declinations: right ascensions from 0 to 2π, both ends given
  const std::int16_t* values;
  const float* unit;  ///< (n_sigma, n_pairs, maps): what 1 of the values stands for
  std::size_t maps, n_sigma, n_pairs, n_ra;

  /// Values at places: linear in right ascension, and between the four rows around the place.
  /// @param start (n,) point at which the first pair of rows begins: that of the lower σ and declination
  /// @param weight (4, n) of the rows: (σ, δ), (σ, δ + 1), (σ + 1, δ), (σ + 1, δ + 1)
  /// @param ra (n,) rad; beyond 0 … 2π they count as the ends
  /// @param found (maps, n)
  /// @throws std::invalid_argument where `start` leaves the table
  void look_up(std::size_t n, const std::int64_t* start, const float* weight, const double* ra, float* found) const;

  /// Terms of a likelihood, z_i = scale (max(0, W_i) − background_i) with W_i = Σ_m column_m value_mi factor_mi.
  /// @param start, weight as for look_up
  /// @param order (n,) the right ascension of place i is ra[order[i]]; each < n_given
  /// @param column (maps,)
  /// @param factor (maps, n), or (1, n) where it is the same for all maps
  /// @param z (n,)
  void terms(std::size_t n, const std::int64_t* start, const float* weight, const std::int64_t* order, std::size_t n_given,
             const double* ra, const double* column, const double* factor, bool one_factor, const double* background, double scale,
             double* z) const;

 private:
  /// Where the rows around a place are read, which pair they are, and how far on.
  struct Corner {
    std::size_t at, row;
    float step;
  };
  Corner corner(std::size_t i, std::int64_t start, double ra) const;
  float value(std::size_t map, const Corner& corner, std::size_t n, const float* weight) const;
};

}  // namespace nusky
