#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace nusky {

/// Maps that were smeared with some widths, on a grid of declinations and right ascensions; not owned.
struct SmearedTable {
  /// One width: the values of its parts, (n_pairs, n_ra, 2, parts), for pairs of neighbouring declinations.
  struct Width {
    const std::int16_t* values;
    std::size_t parts;
  };
  std::vector<Width> widths;
  const float* basis;  ///< (widths, n_pairs, most_parts, maps): map m = Σ_b basis[b, m] · value b; 0 beyond the parts of a width
  std::size_t maps, most_parts, n_pairs, n_ra;  ///< right ascensions from 0 to 2π, both ends given

  std::size_t n_points() const { return widths.size() * n_pairs * n_ra; }

  /// Values at places: linear in right ascension, and between the four rows around the place.
  /// @param start (n,) point at which the first pair of rows begins: that of the lower σ and declination
  /// @param weight (4, n) of the rows: (σ, δ), (σ, δ + 1), (σ + 1, δ), (σ + 1, δ + 1)
  /// @param ra (n,) rad; beyond 0 … 2π they count as the ends
  /// @param found (maps, n)
  /// @throws std::invalid_argument where `start` leaves the table
  void look_up(std::size_t n, const std::int64_t* start, const float* weight, const double* ra, float* found) const;

 private:
  /// The lower width and the pair of declinations around a place, the right ascension below it, and how far on.
  struct Corner {
    std::size_t width, pair, point;
    float step;
  };
  const std::int16_t* at(const Corner& corner, std::size_t further) const {
    const Width& width = widths[corner.width + further];
    return width.values + (corner.pair * n_ra + corner.point) * 2 * width.parts;
  }
  Corner corner(std::size_t i, std::int64_t start, double ra) const;
  float value(std::size_t map, const Corner& corner, std::size_t n, const float* weight) const;
};

}  // namespace nusky
