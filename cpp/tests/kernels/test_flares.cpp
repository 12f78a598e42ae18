#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "every_level.hpp"
#include "nusky/flares/window_edges.hpp"
#include "nusky/kernels/table.hpp"

using namespace nusky;

namespace {

// max over n of −slope n + Σ ln(1 + n β b), slowly, and the sum of logarithms there.
struct Maximum {
  double f = 0.0, logs = 0.0;
};
Maximum slow_maximum(const std::vector<float>& b, std::size_t first, std::size_t last, double beta, double slope) {
  const auto fall = [&](double n) {
    double s = -slope;
    for (std::size_t i = first; i < last; ++i) s += beta * b[i] / (1.0 + n * beta * b[i]);
    return s;
  };
  if (fall(0.0) <= 0.0) return {};
  double low = 0.0, high = 1e6;
  for (int step = 0; step < 200; ++step) (fall(0.5 * (low + high)) > 0.0 ? low : high) = 0.5 * (low + high);
  double logs = 0.0;
  for (std::size_t i = first; i < last; ++i) logs += std::log1p(low * beta * b[i]);
  return {logs - slope * low, logs};
}

}  // namespace

TEST_CASE("flares: windows are bounded from above, and closely") {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  const Clock clock(std::vector<Runs>{{{0.0}, {1000.0}}});
  std::vector<float> weight;
  for (int i = 0; i < 400; ++i) weight.push_back(static_cast<float>(std::pow(10.0, 5.0 * uniform(random) - 3.0)));
  Edges starts, stops;
  for (std::size_t i = 0; i < 50; ++i) {
    starts.add(8.0 * static_cast<double>(i), 8 * i, clock);
    stops.add(8.0 * static_cast<double>(i) + 0.5, 8 * i + 1, clock);
  }
  WeightScale scale;
  scale.set(*std::max_element(weight.begin(), weight.end()), weight.size());
  AlignedVector<ClassTotals> first, last;
  ClassUnits units{std::vector<std::uint32_t>(weight.size()), std::vector<std::uint32_t>(weight.size())};
  scale.sort(weight.size(), weight.data(), units.class_of.data(), units.units.data());
  sum_classes(units, {&starts, &stops}, {&first, &last});
  made_up::at_every_level([&](const Kernels& kernel, made_up::Output&) {
    int zero = 0, above = 0;
    for (std::size_t s : {0U, 3U, 20U})
      for (const bool one_start : {true, false}) {
        WindowTotals window[16];
        float bound[16];
        const auto from = [&](std::size_t i) { return one_start ? s : s + i; };
        for (std::size_t i = 0; i < 16; ++i)
          window[i] = {&first[from(i)], &last[s + 1 + i], scale.unit(),
                       1.0F / (8.0F * static_cast<float>(i + 1) * (i % 3 == 2 ? 20.0F : 1.0F))};
        kernel.window_bounds(window, 0.99F, bound);
        for (std::size_t i = 0; i < 16; ++i) {
          const Maximum slow = slow_maximum(weight, 8 * from(i), 8 * (s + 1 + i) + 1, window[i].beta, 0.99);
          CHECK(bound[i] >= slow.f - 1e-6);
          // Weights of a class, a factor of 2 wide, taken as equal, add 2.9 % to Σ ln(1 + n b) at most, and as much again where those of
          // the lowest class, which is wider, matter; Newton's method stops at 0.03.
          CHECK(bound[i] <= slow.f + 0.04 * slow.logs + 0.03 + 1e-3 * (slow.f + 1.0));
          zero += bound[i] == 0.0F;
          above += slow.f > 1.0;
        }
      }
    CHECK(zero > 0);
    CHECK(above > 10);
  });
}

TEST_CASE("flares: sums over weights are those of plain loops, for any number of events") {
  std::mt19937_64 random(4);
  std::uniform_real_distribution<double> uniform(-0.01, 3.0);
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{15}, std::size_t{16}, std::size_t{333}}) {
    std::vector<double> a(count), d(count);
    double first = 0.0, second = 0.0, change = 0.0, logs = 0.0;
    const double n = 7.5;
    for (std::size_t i = 0; i < count; ++i) {
      a[i] = uniform(random);
      d[i] = uniform(random);
      const double r = 1.0 / (1.0 + n * a[i]);
      first += a[i] * r;
      second += a[i] * r * a[i] * r;
      change += d[i] * r;
      logs += std::log1p(n * a[i]);
    }
    made_up::at_every_level([&](const Kernels& kernel, made_up::Output&) {
      double s = 0.0, q = 0.0;
      kernel.weight_sums(count, a.data(), n, &s, &q);
      CHECK(s == doctest::Approx(first).epsilon(1e-12));
      CHECK(q == doctest::Approx(second).epsilon(1e-12));
      CHECK(kernel.weight_changes(count, a.data(), d.data(), n) == doctest::Approx(change).epsilon(1e-12));
      CHECK(kernel.weight_logs(count, a.data(), n) == doctest::Approx(logs).epsilon(1e-12));
    });
  }
}
