#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "made_up_sky.hpp"
#include "nusky/sphere/directions.hpp"

using namespace nusky;
using namespace nusky::made_up;

namespace {

// Every direction stands in one group of at most group_size, within the radius of the group's centre.
void check_groups(const Directions& d) {
  std::vector<int> seen(d.size(), 0);
  REQUIRE(d.order().size() == d.size());
  for (const DirectionGroup& g : d.groups()) {
    CHECK(g.count >= 1);
    CHECK(g.count <= static_cast<std::uint32_t>(group_size));
    CHECK(g.centre.norm() == doctest::Approx(1.0).epsilon(1e-12));
    for (std::uint32_t p = 0; p < g.count; ++p) {
      const std::uint32_t i = d.order()[g.first + p];
      ++seen[i];
      CHECK(std::atan2(d.vector(i).cross(g.centre).norm(), d.vector(i).dot(g.centre)) <= g.radius);
    }
  }
  CHECK(std::all_of(seen.begin(), seen.end(), [](int n) { return n == 1; }));
}

void random_directions(std::size_t n, std::vector<double>& ra, std::vector<double>& dec, double around = 2.0) {
  std::mt19937_64 random(n);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  ra.clear();
  dec.clear();
  for (std::size_t i = 0; i < n; ++i) {
    ra.push_back(around * pi * (uniform(random) - 0.3));
    dec.push_back(around < 1.0 ? 1.2 + 0.1 * uniform(random) : std::asin(2 * uniform(random) - 1));
  }
}

}  // namespace

TEST_CASE("directions: tiles formed here hold every direction once and within their radius") {
  std::vector<double> ra, dec;
  for (const std::size_t n : {0u, 1u, 16u, 64u, 65u, 1000u, 20000u})
    for (const double around : {2.0, 0.05}) {
      random_directions(n, ra, dec, around);
      if (n > 10) {  // poles, the wrap, and two in one place
        ra[0] = 3.0, dec[0] = pi / 2;
        ra[1] = 0.5, dec[1] = -pi / 2;
        ra[2] = 2 * pi, dec[2] = 0.0;
        ra[3] = ra[4], dec[3] = dec[4];
      }
      check_groups(Directions(n, ra.data(), dec.data()));
    }
}

TEST_CASE("directions: given tiles are kept, large ones are split") {
  std::vector<double> ra, dec;
  for (int i = 0; i < 100; ++i) {
    ra.push_back(1.0 + 0.001 * (i % 10) + (i >= 60 ? 1.0 : 0.0));
    dec.push_back(0.2 + 0.001 * (i / 10));
  }
  std::vector<std::int64_t> tile(100);
  for (std::size_t i = 0; i < 100; ++i) tile[i] = i >= 60 ? 2 : 0;  // tile 1 stays empty
  const std::vector<double> tra{1.005, 0.0, 2.005}, tdec{0.205, 0.0, 0.205};
  const std::vector<double> radius{0.02, 0.01, 0.02};
  const Directions d(100, ra.data(), dec.data(), tile.data(), 3, tra.data(), tdec.data(), radius.data());
  check_groups(d);
  CHECK(d.groups().size() == 4 + 3);
  for (const DirectionGroup& g : d.groups())
    CHECK((g.centre - unit_vector(tra[0], tdec[0])).norm() * (g.centre - unit_vector(tra[2], tdec[2])).norm() < 1e-12);
}

TEST_CASE("directions: what cannot be is refused") {
  const double ra[2] = {0.0, NAN}, dec[2] = {0.0, 1.6}, fine[2] = {0.1, 0.2};
  CHECK_THROWS_WITH_AS(Directions(2, ra, fine), doctest::Contains("direction 1"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(Directions(2, fine, dec), doctest::Contains("direction 1"), std::invalid_argument);
  const std::int64_t tile[2] = {0, 0}, beyond[2] = {0, 1}, negative[2] = {-1, 0};
  const auto tiled = [&](const std::int64_t* t, double radius) { Directions(2, fine, fine, t, 1, fine, fine, &radius); };
  CHECK_THROWS_WITH_AS(tiled(beyond, 1.0), doctest::Contains("tile: entry 1"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(tiled(negative, 1.0), doctest::Contains("tile: entry 0"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(tiled(tile, 0.0), doctest::Contains("tile_radius"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(tiled(tile, 0.01), doctest::Contains("direction 1"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(Directions(2, fine, fine, tile, 1, ra + 1, fine, fine), doctest::Contains("tile 0"), std::invalid_argument);
}
