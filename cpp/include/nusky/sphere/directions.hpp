#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "nusky/sphere/sphere.hpp"

namespace nusky {

/// Directions of a group at most.
constexpr std::uint32_t group_size = 16;

/// At most group_size neighbouring directions that are evaluated together.
struct DirectionGroup {
  Vec3 centre;          ///< of the tile: coordinates in the kernel are relative to it
  double radius;        ///< of the tile, rad: every member lies within
  std::uint32_t first;  ///< into Directions::order()
  std::uint32_t count;
};

/// Whether b is within some radii of a, and both small enough for a cap around such neighbours to stay well below a hemisphere.
bool worth_joining(const DirectionGroup& a, const DirectionGroup& b, double radii);
/// A cap that holds the tiles of some groups.
/// @param which (n,) into `groups`, at least one
Cap enclosing_cap(const std::vector<DirectionGroup>& groups, const std::uint32_t* which, std::size_t n);

/// Some groups of neighbouring directions, looked at together.
struct Cluster {
  static constexpr std::size_t most_groups = 4;
  Cap cap;
  std::array<std::uint32_t, most_groups> group;  ///< into Directions::groups()
  std::uint32_t n_groups = 0;
};

/// The directions of a scan, grouped into tiles of neighbours.
///
/// The result of a direction depends on its tile's centre and radius, never on which other directions are in the tile.
class Directions {
 public:
  /// Tiles are formed here: one per direction for a few, else cells with about group_size members.
  Directions(std::size_t n, const double* ra, const double* dec);
  /// @param tile (n,) in 0 … n_tiles−1;  @param tile_ra, tile_dec (n_tiles,) rad
  /// @param radius (n_tiles,) rad, no member of the tile is further from its centre
  Directions(std::size_t n, const double* ra, const double* dec, const std::int64_t* tile, std::size_t n_tiles, const double* tile_ra,
             const double* tile_dec, const double* radius);

  std::size_t size() const { return vectors_.size(); }
  const Vec3& vector(std::size_t i) const { return vectors_[i]; }
  const std::vector<DirectionGroup>& groups() const { return groups_; }
  /// Directions in the order of the groups.
  const std::vector<std::uint32_t>& order() const { return order_; }

 private:
  void set_vectors(std::size_t n, const double* ra, const double* dec);
  void form_groups(const std::vector<std::uint32_t>& tile, std::size_t n_tiles, const std::vector<Vec3>& centres,
                   const std::vector<double>& radii);

  std::vector<Vec3> vectors_;
  std::vector<std::uint32_t> order_;
  std::vector<DirectionGroup> groups_;
};

}  // namespace nusky
