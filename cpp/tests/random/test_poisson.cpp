#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>
#include <stdexcept>

#include "nusky/random/poisson.hpp"

using namespace nusky;

TEST_CASE("poisson: counts are the inverse of the cumulative probability") {
  for (const double mean : {0.0, 1e-9, 0.3, 1.0, 4.7, 30.0, 1000.5}) {
    const Poisson poisson(mean);
    CHECK(poisson.count(0.0) <= mean);
    double cumulative = 0.0;
    for (int n = 0; n < mean + 5.0 * std::sqrt(mean) + 3.0; ++n) {
      const double p = std::exp(n * std::log(mean > 0 ? mean : 1.0) - mean - std::lgamma(n + 1.0)) * (mean > 0 || n == 0 ? 1.0 : 0.0);
      if (p > 1e-9) CHECK(poisson.count(cumulative + 0.5 * p) == n);
      cumulative += p;
    }
  }
}

TEST_CASE("poisson: a mean that is none is refused") {
  for (const double mean : {-1.0, std::nan(""), 1e10}) CHECK_THROWS_AS(Poisson{mean}, std::invalid_argument);
}
