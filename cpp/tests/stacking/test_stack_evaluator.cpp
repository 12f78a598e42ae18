#include "nusky/stacking/stack_evaluator.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "made_up_sky.hpp"

using namespace nusky;

namespace {

// Sources with weights that depend on γ, and ln(S/B R) of each event at the nodes.
struct Made {
  reference::Model model;
  std::vector<double> ra, dec, extension, log_weight;
  std::vector<std::vector<float>> row;
};

Made make(std::size_t n_sources) {
  made_up::Options o;
  o.gamma_nodes = made_up::even_nodes(25, 1.0, 4.0);
  o.sizes = {400};
  Made m{made_up::sky(o), {}, {}, {}, {}, {}};
  std::mt19937 random(11);
  std::uniform_real_distribution<double> one(0.0, 1.0);
  const std::size_t G = o.gamma_nodes.size();
  for (std::size_t j = 0; j < n_sources; ++j) {
    m.ra.push_back(2 * pi * one(random));
    m.dec.push_back(std::asin(2 * one(random) - 1));
    m.extension.push_back(0.0);
    const double height = 2.0 * one(random), slope = 3.0 * one(random) - 1.5, bend = 2.0 * one(random) - 1.0;
    for (const double g : o.gamma_nodes) m.log_weight.push_back(height + slope * (g - 2.5) + bend * (g - 2.5) * (g - 2.5));
  }
  std::vector<double> sum(G, 0.0);
  for (std::size_t j = 0; j < n_sources; ++j)
    for (std::size_t g = 0; g < G; ++g) sum[g] += std::exp(m.log_weight[j * G + g]);
  const reference::Season& s = m.model.seasons[0];
  for (std::size_t i = 0; i < s.ra.size(); ++i) {
    std::vector<double> total(G, 0.0);
    const Vec3 e = unit_vector(s.ra[i], s.dec[i]);
    for (std::size_t j = 0; j < n_sources; ++j) {
      const Vec3 x = unit_vector(m.ra[j], m.dec[j]);
      const double density = reference::spatial(std::atan2(x.cross(e).norm(), x.dot(e)), s.sigma[i], m.model.cut_n_sigma);
      for (std::size_t g = 0; g < G; ++g) total[g] += std::exp(m.log_weight[j * G + g]) / sum[g] * density / s.background[i];
    }
    std::vector<float>& row = m.row.emplace_back();
    for (std::size_t g = 0; g < G && total[0] > 0; ++g) row.push_back(s.log_ratio[i * G + g] + static_cast<float>(std::log(total[g])));
  }
  return m;
}

}  // namespace

TEST_CASE("stacking: events that are left out are bounded at every gamma, and summed at the coarse ones") {
  const Made m = make(60);
  const reference::Season& s = m.model.seasons[0];
  const GammaAxis axis(m.model.gamma_nodes);
  const made_up::Core core(m.model, 1);
  const Stack stack(core.columns, m.ra, m.dec, m.extension, m.log_weight.data(), m.model.cut_n_sigma, 1);
  StackEvaluator evaluator(stack, std::nullopt);
  ValueEvents values(axis);
  values.need_above(std::numeric_limits<float>::infinity());
  evaluator.begin();
  std::size_t near = 0, tight = 0;
  std::array<double, n_coarse_gamma> expected{};
  for (std::size_t i = 0; i < s.ra.size(); ++i) {
    const auto event = static_cast<std::uint32_t>(core.columns[0]->event(i));
    evaluator.add(0, *core.columns[0], 1, &event, &s.ra[i], values);
    const LeftOut left = values.take_left_out();
    if (m.row[i].empty()) {
      CHECK(left.largest_w == 0.0);
      continue;
    }
    ++near;
    double most = 0.0;
    for (int k = 0; k <= 600; ++k)
      most = std::max(most, std::exp(reference::interpolate(axis, m.row[i].data(), axis.front() + (axis.back() - axis.front()) * k / 600)));
    CHECK(left.largest_w >= most * (1.0 - 1e-5));
    CHECK(left.squares == doctest::Approx(left.largest_w * left.largest_w));
    tight += left.largest_w < 1.5 * most;
    for (int l = 0; l < n_coarse_gamma; ++l)
      expected[static_cast<std::size_t>(l)] += std::exp(reference::interpolate(axis, m.row[i].data(), axis.coarse_gamma(l)));
  }
  CHECK(values.size() == 0);
  CHECK(near > 80);
  CHECK(tight > near / 2);  // of use as a bound
  alignas(64) float sums[n_coarse_gamma];
  evaluator.sum_left(0, sums);
  for (std::size_t l = 0; l < n_coarse_gamma; ++l) CHECK(static_cast<double>(sums[l]) == doctest::Approx(expected[l]).epsilon(2e-4));
  // below the edge left out, above it kept; nothing counts twice
  std::vector<std::uint32_t> all;
  for (std::size_t i = 0; i < s.ra.size(); ++i) all.push_back(static_cast<std::uint32_t>(core.columns[0]->event(i)));
  values.clear();
  evaluator.begin();
  values.need_above(0.5F);
  evaluator.add(0, *core.columns[0], all.size(), all.data(), s.ra.data(), values);
  CHECK(values.size() > 10);
  CHECK(values.size() < near - 10);
  const double weak = values.take_left_out().largest_w;
  values.clear();
  evaluator.begin();
  values.need_above(std::numeric_limits<float>::infinity());
  evaluator.add(0, *core.columns[0], all.size(), all.data(), s.ra.data(), values);
  CHECK(values.take_left_out().largest_w > weak);
}
