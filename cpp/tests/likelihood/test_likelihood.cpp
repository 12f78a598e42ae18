#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "made_up_sky.hpp"
#include "nusky/likelihood/likelihood.hpp"

using namespace nusky;
using namespace nusky::made_up;

namespace {

struct Table {
  std::vector<double> sindec{-1.0, -0.3, 0.0, 0.6, 1.0}, log_acceptance;
  std::size_t seasons;
};

Table random_table(std::size_t seasons, std::size_t n_gamma, std::mt19937_64& random, double spread) {
  std::normal_distribution<double> normal(0.0, spread);
  Table t;
  t.seasons = seasons;
  for (std::size_t i = 0; i < seasons * t.sindec.size() * std::max<std::size_t>(1, n_gamma); ++i)
    t.log_acceptance.push_back(normal(random));
  return t;
}

Likelihood make(const Table& t, const std::vector<double>& nodes) {
  return Likelihood(GammaAxis(nodes), t.sindec, t.log_acceptance.data(), static_cast<int>(t.seasons), false);
}

// The definition again, through the slow reference.
std::vector<double> slow_shares(const Table& t, const std::vector<double>& nodes, double sindec, double gamma) {
  reference::Model m;
  m.gamma_nodes = nodes;
  m.sindec_nodes = t.sindec;
  m.log_acceptance = t.log_acceptance;
  m.seasons.resize(t.seasons);
  return reference::shares(m, GammaAxis(nodes), sindec, gamma);
}

}  // namespace

TEST_CASE("likelihood: shares are A_k over the sum, add up to 1, and their derivatives are those of ln f") {
  std::mt19937_64 random(1);
  for (const std::size_t n : {0u, 1u, 2u, 3u, 13u}) {
    const std::vector<double> nodes = even_nodes(n);
    const Table t = random_table(3, n, random, 1.5);
    const Likelihood likelihood = make(t, nodes);
    for (double sindec = -1.0; sindec <= 1.0; sindec += 0.05)
      for (double gamma = 1.013; gamma < 4.0; gamma += 0.21) {
        Share out[3];
        likelihood.shares(sindec, likelihood.axis().stencil(gamma), out);
        const std::vector<double> expected = slow_shares(t, nodes, sindec, gamma);
        CHECK(out[0].f + out[1].f + out[2].f == doctest::Approx(1.0).epsilon(1e-13));
        const double h = 1e-5;
        const std::vector<double> up = slow_shares(t, nodes, sindec, gamma + h), down = slow_shares(t, nodes, sindec, gamma - h);
        bool knot = false;
        for (const double node : nodes) knot |= std::abs(gamma - node) < 2 * h;
        for (std::size_t k = 0; k < 3; ++k) {
          CHECK(out[k].f == doctest::Approx(expected[k]).epsilon(1e-12));
          if (n < 2 || knot) continue;
          const double a = std::log(up[k]), b = std::log(expected[k]), c = std::log(down[k]);
          CHECK(out[k].slope == doctest::Approx((a - c) / (2 * h)).epsilon(1e-5).scale(10.0));
          CHECK(out[k].curvature == doctest::Approx((a - 2 * b + c) / (h * h)).epsilon(1e-4).scale(100.0));
        }
      }
  }
}

TEST_CASE("likelihood: the bounds of the shares hold over every coarse interval, at every declination") {
  std::mt19937_64 random(2);
  for (const std::size_t n : {2u, 3u, 13u, 49u})
    for (const double spread : {0.2, 2.0}) {
      const std::vector<double> nodes = even_nodes(n);
      const Table t = random_table(4, n, random, spread);
      const Likelihood likelihood = make(t, nodes);
      const GammaAxis& axis = likelihood.axis();
      double tightest = 1e9;
      for (double sindec = -1.0; sindec <= 1.0; sindec += 0.02) {
        float bound[4 * n_coarse_gamma];
        likelihood.share_bounds(sindec, bound);
        for (int j = 0; j < n_coarse_gamma; ++j)
          for (int i = 0; i <= 10; ++i) {
            const double gamma = axis.coarse_gamma(std::min(j, n_coarse_gamma - 2)) + i / 10.0 * axis.coarse_width();
            Share out[4];
            likelihood.shares(sindec, axis.stencil(gamma), out);
            for (std::size_t k = 0; k < 4; ++k) {
              const auto b = static_cast<double>(bound[k * n_coarse_gamma + static_cast<std::size_t>(j)]);
              CHECK(out[k].f <= b);
              tightest = std::min(tightest, b / out[k].f);
            }
          }
      }
      CHECK(tightest >= 1.0);
      if (spread < 1.0) CHECK(tightest < 1.2);  // bounds, but not idle ones
    }
}

TEST_CASE("likelihood: beyond the outermost sin(dec) nodes the end values hold, one node serves the whole sky") {
  std::mt19937_64 random(3);
  Table t = random_table(2, 5, random, 1.0);
  t.sindec = {-0.5, -0.2, 0.0, 0.2, 0.5};
  const std::vector<double> nodes = even_nodes(5);
  const Likelihood likelihood = make(t, nodes);
  Share edge[2], beyond[2];
  likelihood.shares(0.5, likelihood.axis().stencil(2.2), edge);
  likelihood.shares(0.99, likelihood.axis().stencil(2.2), beyond);
  CHECK(edge[0].f == doctest::Approx(beyond[0].f).epsilon(1e-14));
  const Table one{{0.3}, {0.0, 0.0, std::log(3.0), std::log(3.0)}, 2};
  const Likelihood flat = make(one, {2.0, 3.0});
  flat.shares(-0.7, flat.axis().stencil(2.5), edge);
  CHECK(edge[1].f == doctest::Approx(0.75).epsilon(1e-12));
}

TEST_CASE("likelihood: a season that sees nothing has a vanishing share and breaks nothing") {
  const Table t{{-1.0, 1.0}, {-700.0, -700.0, -700.0, -700.0, 3.0, 3.0, 3.0, 3.0}, 2};
  const Likelihood likelihood = make(t, {1.0, 4.0});
  Share out[2];
  likelihood.shares(0.2, likelihood.axis().stencil(2.0), out);
  CHECK(out[0].f < 1e-300);
  CHECK(out[1].f == 1.0);
  CHECK(std::isfinite(out[0].slope));
  float bound[2 * n_coarse_gamma];
  likelihood.share_bounds(0.2, bound);
  for (const float b : bound) CHECK(std::isfinite(b));
}

TEST_CASE("likelihood: what cannot be is refused") {
  const std::vector<double> a(4, 0.0);
  const auto build = [&](std::vector<double> sindec, const double* table, int seasons) {
    Likelihood(GammaAxis({1.0, 2.0}), std::move(sindec), table, seasons, false);
  };
  CHECK_THROWS_WITH_AS(build({0.0}, a.data(), 0), doctest::Contains("season"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(build({}, a.data(), 1), doctest::Contains("sindec_nodes"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(build({0.5, 0.5}, a.data(), 1), doctest::Contains("node 1"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(build({NAN, 0.5}, a.data(), 1), doctest::Contains("node 0"), std::invalid_argument);
  const std::vector<double> hole{0.0, 0.0, -INFINITY, 0.0};
  CHECK_THROWS_WITH_AS(build({-1.0, 1.0}, hole.data(), 1), doctest::Contains("sin(dec) node 1"), std::invalid_argument);
}
