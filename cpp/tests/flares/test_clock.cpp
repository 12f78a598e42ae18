#include "nusky/flares/clock.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <vector>

using namespace nusky;

TEST_CASE("flares: a clock counts the uptime of each season, and moments of several once") {
  const Clock clock(std::vector<Runs>{{{0.0, 2.0}, {1.0, 3.0}}, {{2.5}, {4.5}}});
  std::vector<double> e(clock.width());
  const double expected[][4] = {// time, first season, second, together
                                {-1.0, 0.0, 0.0, 0.0},    {0.5, 0.5, 0.0, 0.5}, {1.5, 1.0, 0.0, 1.0},
                                {2.75, 1.75, 0.25, 1.75}, {4.0, 2.0, 1.5, 3.0}, {9.0, 2.0, 2.0, 3.5}};
  for (const auto& row : expected) {
    clock.at(row[0], e.data());
    for (std::size_t k = 0; k < 3; ++k) CHECK(e[k] == doctest::Approx(row[k + 1]));
  }
  CHECK(clock.days(0) == doctest::Approx(2.0));
  CHECK(clock.days() == doctest::Approx(3.5));
  CHECK(clock.moment(0.25) == doctest::Approx(0.25));
  CHECK(clock.moment(1.0) == doctest::Approx(1.0));
  CHECK(clock.moment(1.25) == doctest::Approx(2.25));
  CHECK(clock.moment(9.0) == doctest::Approx(4.5));
}

TEST_CASE("flares: runs that are not ascending and disjoint are refused") {
  CHECK_THROWS_AS(Clock(std::vector<Runs>{}), std::invalid_argument);
  CHECK_THROWS_AS(Clock(std::vector<Runs>{{{}, {}}}), std::invalid_argument);
  CHECK_THROWS_AS(Clock(std::vector<Runs>{{{1.0}, {1.0}}}), std::invalid_argument);
  CHECK_THROWS_AS(Clock(std::vector<Runs>{{{0.0, 0.5}, {1.0, 2.0}}}), std::invalid_argument);
}
