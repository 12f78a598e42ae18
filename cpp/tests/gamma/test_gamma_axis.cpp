#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "nusky/gamma/gamma_axis.hpp"

using nusky::GammaAxis;
using nusky::Stencil;

namespace {

std::vector<double> uneven_nodes(std::size_t n, std::mt19937_64& random) {
  std::uniform_real_distribution<double> step(0.02, 0.4);
  std::vector<double> nodes{1.0};
  while (nodes.size() < n) nodes.push_back(nodes.back() + step(random));
  return nodes;
}

// The interpolant in Newton's form, from its definition: value and slope at both ends of the segment, the slope that of the
// parabola through three neighbouring nodes.
double slope_at(const std::vector<double>& x, const std::vector<double>& f, std::size_t j) {
  if (x.size() == 2) return (f[1] - f[0]) / (x[1] - x[0]);
  const std::size_t m = std::min(std::max<std::size_t>(j, 1), x.size() - 2);
  const double d1 = (f[m] - f[m - 1]) / (x[m] - x[m - 1]), d2 = (f[m + 1] - f[m]) / (x[m + 1] - x[m]);
  return d1 + (d2 - d1) / (x[m + 1] - x[m - 1]) * ((x[j] - x[m - 1]) + (x[j] - x[m]));
}

double written_out(const std::vector<double>& x, const std::vector<double>& f, double at) {
  if (x.size() == 1) return f[0];
  std::size_t s = 0;
  while (s + 2 < x.size() && at >= x[s + 1]) ++s;
  const double h = x[s + 1] - x[s], a = slope_at(x, f, s), b = slope_at(x, f, s + 1), d = (f[s + 1] - f[s]) / h;
  const double u = at - x[s], v = at - x[s + 1];
  return f[s] + a * u + (d - a) / h * u * u + (a + b - 2 * d) / (h * h) * u * u * v;
}

double apply(const std::array<double, 4>& weight, int first, const std::vector<double>& f) {
  double sum = 0.0;
  for (std::size_t k = 0; k < 4 && static_cast<std::size_t>(first) + k < f.size(); ++k)
    sum += weight[k] * f[static_cast<std::size_t>(first) + k];
  return sum;
}

}  // namespace

TEST_CASE("gamma axis: a stencil is the Hermite interpolant written out, with its derivatives") {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  for (const std::size_t n : {1u, 2u, 3u, 4u, 5u, 17u, 49u}) {
    const std::vector<double> nodes = uneven_nodes(n, random);
    const GammaAxis axis(nodes);
    std::vector<double> f;
    for (std::size_t i = 0; i < n; ++i) f.push_back(normal(random));
    std::uniform_real_distribution<double> within(nodes.front(), nodes.back());
    for (int i = 0; i < 200; ++i) {
      const double x = i == 0 ? nodes.front() : i == 1 ? nodes.back() : within(random);
      const Stencil st = axis.stencil(x);
      REQUIRE(st.first >= 0);
      REQUIRE(st.first + 4 <= axis.padded_size());
      CHECK(apply(st.value_d, st.first, f) == doctest::Approx(written_out(nodes, f, x)).epsilon(1e-11));
      if (n == 1 || i < 2) continue;
      // derivatives: a central difference of the form written out, away from the knots, where f″ jumps
      const double h = 1e-5;
      bool knot = false;
      for (const double node : nodes) knot |= std::abs(x - node) < 2 * h;
      if (knot) continue;
      const double up = written_out(nodes, f, x + h), mid = written_out(nodes, f, x), down = written_out(nodes, f, x - h);
      CHECK(apply(st.slope_d, st.first, f) == doctest::Approx((up - down) / (2 * h)).epsilon(1e-6).scale(10.0));
      CHECK(apply(st.curvature_d, st.first, f) == doctest::Approx((up - 2 * mid + down) / (h * h)).epsilon(1e-4).scale(100.0));
      for (std::size_t k = 0; k < 4; ++k) {
        CHECK(st.value[k] == static_cast<float>(st.value_d[k]));
        CHECK(st.slope[k] == static_cast<float>(st.slope_d[k]));
        CHECK(st.curvature[k] == static_cast<float>(st.curvature_d[k]));
      }
    }
  }
}

TEST_CASE("gamma axis: parabolas are reproduced, so is every node, and outside the nodes the end value holds") {
  const std::vector<double> nodes{1.0, 1.3, 1.9, 2.0, 2.7, 4.0};
  const GammaAxis axis(nodes);
  std::vector<double> f;
  for (const double g : nodes) f.push_back(0.7 * g * g - 2.0 * g + 0.3);
  for (double g = 1.0; g <= 4.0; g += 0.01) {
    const Stencil st = axis.stencil(g);
    CHECK(apply(st.value_d, st.first, f) == doctest::Approx(0.7 * g * g - 2.0 * g + 0.3).epsilon(1e-12));
    CHECK(apply(st.slope_d, st.first, f) == doctest::Approx(1.4 * g - 2.0).epsilon(1e-10));
    CHECK(apply(st.curvature_d, st.first, f) == doctest::Approx(1.4).epsilon(1e-9));
  }
  CHECK(apply(axis.stencil(-5.0).value_d, axis.stencil(-5.0).first, f) == doctest::Approx(f.front()));
  CHECK(apply(axis.stencil(99.0).value_d, axis.stencil(99.0).first, f) == doctest::Approx(f.back()));
}

TEST_CASE("gamma axis: the bounds of a coarse interval are bounds, close ones for the usual nodes") {
  std::mt19937_64 random(2);
  std::normal_distribution<float> normal(0.0F, 2.0F);
  for (const std::size_t n : {2u, 3u, 4u, 7u, 16u, 17u, 49u, 60u}) {
    const GammaAxis axis(n == 49 ? [] {
      std::vector<double> x;
      for (int i = 0; i < 49; ++i) x.push_back(1.0 + i / 16.0);
      return x;
    }()
                                 : uneven_nodes(n, random));
    std::vector<float> row(static_cast<std::size_t>(axis.padded_size()), 0.0F);
    double loosest = 0.0;
    for (int trial = 0; trial < 20; ++trial) {
      const bool smooth = trial < 5;  // as ln R is; else noise, which no bound follows closely
      for (std::size_t i = 0; i < n; ++i) {
        const auto x = static_cast<float>(axis.nodes()[i]) - 2.0F - 0.2F * static_cast<float>(trial);
        row[i] = smooth ? 1.5F - 0.7F * x * x : normal(random);
      }
      const std::vector<double> f(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(n));
      float upper[nusky::n_coarse_gamma], lower[nusky::n_coarse_gamma];
      axis.coarse_bounds(row.data(), upper, lower);
      const double width = (axis.back() - axis.front()) / (nusky::n_coarse_gamma - 1);
      CHECK(axis.coarse_gamma(0) == axis.front());
      CHECK(axis.coarse_gamma(nusky::n_coarse_gamma - 1) == axis.back());
      CHECK(upper[nusky::n_coarse_gamma - 1] == upper[nusky::n_coarse_gamma - 2]);
      CHECK(lower[nusky::n_coarse_gamma - 1] == lower[nusky::n_coarse_gamma - 2]);
      for (int j = 0; j < nusky::n_coarse_gamma - 1; ++j) {
        CHECK(axis.coarse_gamma(j) == doctest::Approx(axis.front() + j * width));
        double most = -1e30, least = 1e30;
        for (int i = 0; i <= 40; ++i) {
          const double v = written_out(axis.nodes(), f, std::min(axis.back(), axis.front() + (j + i / 40.0) * width));
          most = std::max(most, v);
          least = std::min(least, v);
        }
        const double rounding = 2e-6 + 3e-7 * std::abs(most);  // of float weights and values
        CHECK(most <= static_cast<double>(upper[j]) + rounding);
        CHECK(least >= static_cast<double>(lower[j]) - rounding);
        if (smooth) loosest = std::max(loosest, static_cast<double>(upper[j]) - most);
      }
    }
    if (n == 49) CHECK(loosest < 0.005);
  }
}

TEST_CASE("gamma axis: nodes that are not finite or do not increase are named") {
  CHECK_THROWS_WITH_AS(GammaAxis({1.0, 2.0, 2.0}), doctest::Contains("node 2"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(GammaAxis({1.0, 0.5}), doctest::Contains("node 1"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(GammaAxis({1.0, NAN}), doctest::Contains("not finite"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(GammaAxis({-INFINITY}), doctest::Contains("gamma_nodes"), std::invalid_argument);
}

TEST_CASE("gamma axis: empty, one, and more nodes say whether gamma can be fitted") {
  CHECK(GammaAxis().size() == 0);
  CHECK_FALSE(GammaAxis(std::vector<double>{}).free());
  CHECK_FALSE(GammaAxis(std::vector<double>{2.0}).free());
  CHECK(GammaAxis({2.0, 3.0}).free());
  CHECK(GammaAxis({2.0, 3.0}).padded_size() == 4);
}
