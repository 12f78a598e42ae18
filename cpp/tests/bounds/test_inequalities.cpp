// The inequalities of src/bounds/README.md that need no sky: each holds, and fails as soon as its constant is weakened.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "nusky/bounds/sky_table.hpp"
#include "nusky/likelihood/likelihood.hpp"

using namespace nusky;

namespace {

// 2 ln(1 + m b), for m in units of n and u = n b.
double exact(double m, double u) { return 2.0 * std::log1p(m * u); }

// Where the broken line of a table lies below 2 ln(1 + m b); the number where lines meet is multiplied by `join`.
std::size_t below(const SkyTable& table, double join) {
  std::size_t n = 0;
  for (int step = 0; step < 20 * SkyTable::per_octave; step += 7) {
    const double u = std::exp2(static_cast<double>(step) / SkyTable::per_octave - SkyTable::octaves_below);
    const auto line = [&](std::size_t sum) {
      return table.value(sum,
                         static_cast<std::uint16_t>(std::min<int>(65535, static_cast<int>(table.at(sum, static_cast<std::size_t>(step))))));
    };
    const double start = line(SkyTable::start), end = line(SkyTable::end), meet = join * line(SkyTable::join);
    for (double m = 0.0; m <= 2.0; m += 0.01) {
      const double value =
          m < table.joint ? start + (meet - start) * m / table.joint : meet + (end - meet) * (m - table.joint) / (2.0 - table.joint);
      n += value < exact(m, u);
    }
  }
  return n;
}

// Steps where a number is below what it stands for.
std::size_t below_at_the_start(const SkyTable& table, double low) {
  std::size_t n = 0;
  for (int step = 0; step < 12 * SkyTable::per_octave; ++step) {
    const double u = low * std::exp2(static_cast<double>(step) / SkyTable::per_octave - SkyTable::octaves_below);
    n += table.value(SkyTable::start, static_cast<std::uint16_t>(table.at(SkyTable::start, static_cast<std::size_t>(step)))) <
         2.0 * (std::log1p(u) - u / (1.0 + u));
  }
  return n;
}

// Whether the tangent of ln(1 + m b) is convex in ln u, at m in units of n.
bool convex(double m) {
  const auto line = [&](double log_u) {
    const double u = std::exp(log_u);
    return std::log1p(u) + (m - 1.0) * u / (1.0 + u);
  };
  for (double x = -8.0; x < 12.0; x += 0.1)
    if (line(x - 0.5) + line(x + 0.5) < 2.0 * line(x) - 1e-12) return false;
  return true;
}

}  // namespace

TEST_CASE("inequalities: the factor covers events outside the source, half of it does not (B1)") {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  std::size_t wrong = 0, wrong_of_half = 0;
  for (int i = 0; i < 20000; ++i) {
    const double z = 0.2 * uniform(random), w = std::exp(25.0 * uniform(random) - 5.0);
    const double log_likelihood = std::log1p(z * (w - 1.0));
    wrong += log_likelihood > -z + std::log1p(z * w * bound_factor(z));
    wrong_of_half += log_likelihood > -z + std::log1p(z * w * bound_factor(0.5 * z));
  }
  CHECK(wrong == 0);
  CHECK(wrong_of_half > 0);
}

TEST_CASE("inequalities: a tangent is convex in ln u up to twice its n, and not up to three times (B3)") {
  for (double m = 0.0; m <= 2.0; m += 0.1) CHECK(convex(m));
  CHECK_FALSE(convex(2.5));
  CHECK_FALSE(convex(3.0));
}

TEST_CASE("inequalities: the broken line of two tangents is above; where they meet a little lower it is not (B5)") {
  const SkyTable table(17.0, 66.0);
  CHECK(below(table, 1.0) == 0);
  CHECK(below(table, 0.9) > 0);
}

TEST_CASE("inequalities: numbers of a table are never too small; rounded down they are (B6)") {
  SkyConstants weak;
  weak.round_up = false;
  CHECK(below_at_the_start(SkyTable(17.0, 66.0), 17.0 / 66.0) == 0);
  CHECK(below_at_the_start(SkyTable(17.0, 66.0, weak), 17.0 / 66.0) > 0);
}
