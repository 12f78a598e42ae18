#include "nusky/events/zone_grid.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

#include "made_up_sky.hpp"

using namespace nusky;
using namespace nusky::made_up;

TEST_CASE("zone grid: events sorted into bins are all there once, and a search returns every one whose cut reaches the cap") {
  std::mt19937_64 random(8);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  for (const double cut : {0.5 * degree, 5.0 * degree, 25.0 * degree, pi})
    for (const bool divided : {true, false}) {
      const std::size_t n = 3000;
      std::vector<double> ra(n), dec(n);
      for (std::size_t i = 0; i < n; ++i) {
        ra[i] = 2 * pi * uniform(random);
        dec[i] = i < 5 ? pi / 2 : std::asin(2 * uniform(random) - 1);
      }
      ZoneGrid grid(cut, n, divided);
      CHECK((grid.n_zones() == 1) == (!divided || cut > pi / 3));
      // zone after zone, as an index does
      std::vector<std::size_t> at(n, n);  // event by its number in the index
      std::uint32_t first = 0;
      for (std::size_t z = 0; z < grid.n_zones(); ++z) {
        std::vector<std::size_t> members;
        for (std::size_t i = 0; i < n; ++i)
          if (grid.zone(dec[i]) == z) members.push_back(i);
        const ZoneBins bins = grid.bins(z);
        for (const std::size_t i : members) bins.count(ra[i]);
        const std::uint32_t end = first + static_cast<std::uint32_t>(members.size());
        bins.begin(end);
        for (const std::size_t i : members) {
          const std::uint32_t number = bins.put(ra[i]);
          REQUIRE(number >= first);
          REQUIRE(number < end);
          REQUIRE(at[number] == n);
          at[number] = i;
        }
        bins.end(first);
        first = end;
      }
      REQUIRE(first == n);
      std::size_t missed = 0, asked = 0, reached = 0;
      for (int trial = 0; trial < 60; ++trial) {
        const double a = trial < 3 ? 1e-9 : 2 * pi * uniform(random),
                     d = trial % 5 == 0 ? (trial % 2 ? 1.0 : -1.0) * pi / 2 : std::asin(2 * uniform(random) - 1);
        const double radius = trial % 3 == 0 ? 8.0 * degree : 1e-6;
        const Vec3 centre = unit_vector(a, d);
        std::vector<EventRange> ranges;
        grid.near(a, d, 2.0 * std::sin(0.5 * radius), ranges);
        std::vector<char> found(n, 0);
        std::uint32_t last = 0;
        for (const EventRange r : ranges) {
          CHECK(r.first >= last);
          REQUIRE(r.last <= n);
          last = r.last;
          asked += r.last - r.first;
          for (std::uint32_t i = r.first; i < r.last; ++i) found[i] = 1;
        }
        for (std::size_t number = 0; number < n; ++number) {
          const Vec3 e = unit_vector(ra[at[number]], dec[at[number]]);
          if (std::atan2(e.cross(centre).norm(), e.dot(centre)) > cut + radius) continue;
          ++reached;
          missed += found[number] == 0;
        }
      }
      CHECK(missed == 0);
      CHECK(reached > 0);
      if (divided && cut < 1.0 * degree) CHECK(asked < 60 * n / 8);  // it is a search, not a loop over all events
      if (!divided) CHECK(asked == 60 * n);
    }
}
