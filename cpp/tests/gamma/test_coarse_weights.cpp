#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "made_up_sky.hpp"
#include "nusky/gamma/coarse_weights.hpp"

using namespace nusky;
using namespace nusky::made_up;

TEST_CASE("coarse weights: through three to six coarse gamma, polynomials of that order are met with both derivatives") {
  const GammaAxis axis(even_nodes(31));
  for (const auto& [low, high] : {std::pair<std::size_t, std::size_t>{0, 15}, {0, 2}, {13, 15}, {4, 7}, {11, 15}, {6, 11}, {2, 12}})
    for (const double part : {0.0, 0.137, 0.5, 0.99}) {
      const double from = axis.coarse_gamma(static_cast<int>(low)), to = axis.coarse_gamma(static_cast<int>(high));
      const double gamma = from + part * (to - from);
      const CoarseWeights w(axis, gamma, low, high);
      const std::size_t points = std::min<std::size_t>(6, high - low + 1);
      REQUIRE(w.first + CoarseWeights::n <= n_coarse_gamma);
      for (std::size_t degree = 0; degree < points; ++degree) {
        const auto d = static_cast<double>(degree);
        std::vector<double> at_coarse(n_coarse_gamma);
        for (int g = 0; g < n_coarse_gamma; ++g) at_coarse[static_cast<std::size_t>(g)] = std::pow(axis.coarse_gamma(g) - 2.2, d);
        const double x = gamma - 2.2;
        CHECK(w.value_of(at_coarse.data()) == doctest::Approx(std::pow(x, d)).epsilon(1e-9));
        CHECK(w.slope_of(at_coarse.data()) == doctest::Approx(degree > 0 ? d * std::pow(x, d - 1) : 0.0).epsilon(1e-8));
        CHECK(w.curvature_of(at_coarse.data()) == doctest::Approx(degree > 1 ? d * (d - 1) * std::pow(x, d - 2) : 0.0).epsilon(1e-7));
      }
      // what lies outside low … high has no say
      std::vector<double> outside(n_coarse_gamma, 1e9);
      for (std::size_t g = low; g <= high; ++g) outside[g] = 0.0;
      CHECK(w.value_of(outside.data()) == 0.0);
      CHECK(w.curvature_of(outside.data()) == 0.0);
    }
}
