#include "nusky/stacking/source_grid.hpp"

#include <doctest/doctest.h>

#include <random>
#include <vector>

using namespace nusky;

TEST_CASE("stacking: a source grid leaves out no source within reach, and names none twice") {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> turn(0.0, 2.0 * pi), height(-1.0, 1.0);
  for (const std::size_t n : {std::size_t{1}, std::size_t{7}, std::size_t{300}, std::size_t{5000}}) {
    std::vector<double> ra, dec;
    for (std::size_t j = 0; j < n; ++j) {
      ra.push_back(turn(random));
      dec.push_back(std::asin(height(random)));
    }
    if (n > 5) {
      dec[0] = pi / 2;
      dec[1] = -pi / 2;
      ra[2] = 0.0;
      ra[3] = 2.0 * pi - 1e-9;
    }
    const SourceGrid grid(ra, dec);
    CHECK(grid.order().size() == n);
    std::vector<SourceRange> ranges;
    std::size_t inside = 0, missed = 0, twice = 0, looked_at = 0;
    for (int trial = 0; trial < 400; ++trial) {
      const double at_ra = turn(random), at_dec = trial % 20 == 0 ? pi / 2 : std::asin(height(random));
      const double arc = std::pow(10.0, -2.0 + 2.5 * std::abs(height(random)));
      const Vec3 here = unit_vector(at_ra, at_dec);
      ranges.clear();
      grid.near(turn_word(at_ra), grid.reach(at_dec, std::min(arc, pi)), ranges);
      std::vector<int> found(n, 0);
      for (const SourceRange r : ranges)
        for (std::uint32_t i = r.first; i < r.last; ++i) ++found[grid.order()[i]];
      for (std::size_t j = 0; j < n; ++j) {
        const bool near = 2.0 * std::asin(std::min(1.0, 0.5 * (unit_vector(ra[j], dec[j]) - here).norm())) <= arc;
        inside += near;
        missed += near && found[j] == 0;
        twice += found[j] > 1;
        looked_at += static_cast<std::size_t>(found[j]);
      }
    }
    CHECK(inside > 0);
    CHECK(missed == 0);
    CHECK(twice == 0);
    if (n == 5000) CHECK(looked_at < 4 * inside + 400 * 60);
  }
}
