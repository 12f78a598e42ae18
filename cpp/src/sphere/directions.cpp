#include "nusky/sphere/directions.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace nusky {
namespace {

// The tiles of HEALPix are no wider; of a wider one, nearly every event would be a candidate.
constexpr double widest_tile = 1.3;

double separation(const Vec3& a, const Vec3& b) { return 2.0 * std::asin(std::min(1.0, 0.5 * (a - b).norm())); }

}  // namespace

bool worth_joining(const DirectionGroup& a, const DirectionGroup& b, double radii) {
  return a.radius < 0.25 && b.radius <= 2.0 * a.radius && (a.centre - b.centre).norm() < radii * a.radius;
}

Cap enclosing_cap(const std::vector<DirectionGroup>& groups, const std::uint32_t* which, std::size_t n) {
  if (n == 1) return {groups[which[0]].centre, groups[which[0]].radius};
  Vec3 sum = Vec3::Zero();
  for (std::size_t i = 0; i < n; ++i) sum += groups[which[i]].centre;
  Cap cap{sum.normalized(), 0.0};
  for (std::size_t i = 0; i < n; ++i)
    cap.radius = std::max(cap.radius, groups[which[i]].radius + separation(groups[which[i]].centre, cap.centre) + 1e-9);
  return cap;
}

void Directions::set_vectors(std::size_t n, const double* ra, const double* dec) {
  vectors_.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    if (!std::isfinite(ra[i])) throw std::invalid_argument("ra of direction " + std::to_string(i) + " is not finite");
    if (!(std::abs(dec[i]) <= pi / 2 + 1e-12))
      throw std::invalid_argument("dec of direction " + std::to_string(i) + " is " + std::to_string(dec[i]) +
                                  "; it must be within -pi/2 and pi/2 rad");
    vectors_[i] = unit_vector(ra[i], dec[i]);
  }
}

void Directions::form_groups(const std::vector<std::uint32_t>& tile, std::size_t n_tiles, const std::vector<Vec3>& centres,
                             const std::vector<double>& radii) {
  std::vector<std::uint32_t> start(n_tiles + 1, 0);
  for (const std::uint32_t t : tile) ++start[t + 1];
  for (std::size_t t = 0; t < n_tiles; ++t) start[t + 1] += start[t];
  order_.resize(tile.size());
  std::vector<std::uint32_t> next(start.begin(), start.end() - 1);
  for (std::size_t i = 0; i < tile.size(); ++i) order_[next[tile[i]]++] = static_cast<std::uint32_t>(i);
  for (std::size_t t = 0; t < n_tiles; ++t)
    for (std::uint32_t first = start[t]; first < start[t + 1]; first += group_size)
      groups_.push_back({centres[t], radii[t], first, std::min(group_size, start[t + 1] - first)});
}

Directions::Directions(std::size_t n, const double* ra, const double* dec) {
  set_vectors(n, ra, dec);
  std::vector<std::uint32_t> tile(n);
  std::vector<Vec3> centres;
  std::vector<double> radii;
  if (n <= 64) {
    for (std::size_t i = 0; i < n; ++i) tile[i] = static_cast<std::uint32_t>(i);
    form_groups(tile, n, vectors_, std::vector<double>(n, 1e-9));
    return;
  }
  // cells of about group_size members if the directions covered the sphere evenly, never wider than 4° or narrower than 0.25°
  const double degree = pi / 180.0, cell = std::clamp(std::sqrt(4 * pi * group_size / static_cast<double>(n)), 0.25 * degree, 4.0 * degree);
  const int zones = std::max(1, static_cast<int>(pi / cell));
  std::vector<std::uint64_t> key(n);
  for (std::size_t i = 0; i < n; ++i) {
    const int z = std::clamp(static_cast<int>((dec[i] + pi / 2) / pi * zones), 0, zones - 1);
    const double middle = -pi / 2 + (z + 0.5) * pi / zones;
    const int bins = std::max(1, static_cast<int>(2 * pi * std::cos(middle) / cell));
    double turn = ra[i] / (2 * pi);
    turn -= std::floor(turn);
    const int b = std::min(bins - 1, static_cast<int>(turn * bins));
    key[i] = (static_cast<std::uint64_t>(z) << 32) | static_cast<std::uint32_t>(b);
  }
  std::vector<std::uint64_t> used(key);
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  for (std::size_t i = 0; i < n; ++i)
    tile[i] = static_cast<std::uint32_t>(std::lower_bound(used.begin(), used.end(), key[i]) - used.begin());
  centres.assign(used.size(), Vec3::Zero());
  for (std::size_t i = 0; i < n; ++i) centres[tile[i]] += vectors_[i];
  for (Vec3& c : centres) c = c.norm() > 1e-6 ? c.normalized() : Vec3(0, 0, 1);
  radii.assign(used.size(), 0.0);
  for (std::size_t i = 0; i < n; ++i) radii[tile[i]] = std::max(radii[tile[i]], separation(vectors_[i], centres[tile[i]]) + 1e-9);
  form_groups(tile, used.size(), centres, radii);
}

Directions::Directions(std::size_t n, const double* ra, const double* dec, const std::int64_t* tile, std::size_t n_tiles,
                       const double* tile_ra, const double* tile_dec, const double* radius) {
  set_vectors(n, ra, dec);
  std::vector<Vec3> centres(n_tiles);
  for (std::size_t t = 0; t < n_tiles; ++t) {
    if (!std::isfinite(tile_ra[t]) || !(std::abs(tile_dec[t]) <= pi / 2 + 1e-12))
      throw std::invalid_argument("tile_ra, tile_dec: tile " + std::to_string(t) + " is not a direction");
    if (!(radius[t] > 0.0 && radius[t] <= widest_tile))
      throw std::invalid_argument("tile_radius: that of tile " + std::to_string(t) + " is " + std::to_string(radius[t]) +
                                  "; it must be above 0 and at most 1.3 rad");
    centres[t] = unit_vector(tile_ra[t], tile_dec[t]);
  }
  std::vector<std::uint32_t> id(n);
  for (std::size_t i = 0; i < n; ++i) {
    if (tile[i] < 0 || tile[i] >= static_cast<std::int64_t>(n_tiles))
      throw std::invalid_argument("tile: entry " + std::to_string(i) + " is " + std::to_string(tile[i]) + ", outside 0 … " +
                                  std::to_string(n_tiles) + " − 1");
    id[i] = static_cast<std::uint32_t>(tile[i]);
    if (separation(vectors_[i], centres[id[i]]) > radius[id[i]] + 1e-9)
      throw std::invalid_argument("tile_radius: direction " + std::to_string(i) + " lies beyond it from the centre of its tile");
  }
  std::vector<double> radii(radius, radius + n_tiles);
  for (double& r : radii) r += 1e-9;
  form_groups(id, n_tiles, centres, radii);
}

}  // namespace nusky
