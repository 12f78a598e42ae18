#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "every_level.hpp"
#include "nusky/aligned.hpp"
#include "nusky/kernels/table.hpp"
#include "nusky/sphere/sphere.hpp"
#include "reference.hpp"

using namespace nusky;

TEST_CASE("kernels: sources near an event are found with the S that the definition gives") {
  std::mt19937 random(3);
  std::uniform_real_distribution<double> one(0.0, 1.0);
  constexpr std::size_t n = 83;
  AlignedVector<std::int32_t> x(n + 16), y(n + 16), z(n + 16);
  AlignedVector<float> extension2(n + 16, 1.0F);
  std::vector<Vec3> at;
  for (std::size_t j = 0; j < n; ++j) {
    const double away = std::pow(10.0, -3.0 + 3.4 * one(random)), turn = 2.0 * pi * one(random);
    at.push_back(Vec3(std::cos(away), std::sin(away) * std::cos(turn), std::sin(away) * std::sin(turn)));
    x[j] = fixed_point(at[j].x());
    y[j] = fixed_point(at[j].y());
    z[j] = fixed_point(at[j].z());
    const double extension = j % 3 == 0 ? 0.0 : 0.3 * one(random);
    extension2[j] = static_cast<float>(extension * extension);
  }
  const Vec3 event(1.0, 0.0, 0.0);
  const double background = 0.07;
  made_up::at_every_level([&](const Kernels& kernels, made_up::Output& out) {
    for (const double sigma : {0.004, 0.03, 0.2, 1.5}) {
      for (const double cut : {5.0, 1.0, 100.0}) {
        const StackedEvent e{{fixed_point(1.0), 0, 0},
                             static_cast<float>(sigma * sigma),
                             static_cast<float>(1.0 / (2.0 * pi * background)),
                             static_cast<float>(cut * cut)};
        std::vector<std::uint32_t> source(n + 16);
        AlignedVector<float> ratio(n + 16);
        const std::size_t found =
            kernels.stack_pairs({x.data(), y.data(), z.data(), extension2.data()}, 2, n, e, 0, {source.data(), ratio.data()});
        out.insert(out.end(), ratio.begin(), ratio.begin() + static_cast<std::ptrdiff_t>(found));
        std::size_t wrong = 0, expected = 0;
        for (std::size_t j = 2; j < n; ++j) {
          const double psi = 2.0 * std::asin(std::min(1.0, 0.5 * (at[j] - event).norm()));
          const double width = std::sqrt(sigma * sigma + static_cast<double>(extension2[j]));
          if (std::abs(psi - cut * width) < 1e-5 * psi) continue;  // on the edge
          const double s = reference::spatial(psi, width, cut) / background;
          const auto entry = std::find(source.begin(), source.begin() + static_cast<std::ptrdiff_t>(found), j) - source.begin();
          const bool there = entry < static_cast<std::ptrdiff_t>(found);
          expected += psi <= cut * width;
          if (there != (psi <= cut * width)) ++wrong;
          // far out the Gaussian is nil, and its series ends
          if (there && psi < 5.0 * width && std::abs(static_cast<double>(ratio[static_cast<std::size_t>(entry)]) / s - 1.0) > 2e-5) ++wrong;
        }
        CHECK(wrong == 0);
        if (cut > 1.0) CHECK(expected > 3);
      }
    }
  });
}

TEST_CASE("kernels: rows of sources are mixed, and become R and its logarithm") {
  constexpr std::size_t stride = 48;
  std::vector<float> rows(5 * stride);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = 0.01F * static_cast<float>(i % 17) + (i % 48 == 20 ? 0.0F : 0.02F);
  const std::uint32_t source[] = {4, 0, 2};
  const float ratio[] = {2.0F, 0.5F, 7.0F};
  made_up::at_every_level([&](const Kernels& kernels, made_up::Output& out) {
    AlignedVector<float> mixture(stride), own(stride), coarse(16), nodes(32);
    kernels.stack_rows(3, source, ratio, rows.data(), stride, 3, mixture.data());
    for (std::size_t l = 0; l < stride; ++l) {
      own[l] = 0.3F + 0.1F * static_cast<float>(l % 7);
      const float sum = 2.0F * rows[4 * stride + l] + 0.5F * rows[l] + 7.0F * rows[2 * stride + l];
      CHECK(mixture[l] == doctest::Approx(sum).epsilon(1e-6));
    }
    const float most = kernels.stack_coarse(mixture.data(), own.data(), coarse.data());
    for (std::size_t l = 0; l < 16; ++l) {
      CHECK(coarse[l] == doctest::Approx(mixture[l] * own[l]).epsilon(1e-6));
      CHECK(coarse[l] <= most);
    }
    const StackedSum pairs[] = {{7, 0, 2}, {3, 2, 3}};
    AlignedVector<float> other(stride), sums(16);
    for (std::size_t l = 0; l < 16; ++l) {
      other[l] = 1.0F - 0.05F * static_cast<float>(l);
      sums[l] = 3.0F;
    }
    const float* const own_of[] = {own.data(), other.data()};
    kernels.stack_left(2, pairs, source, ratio, rows.data(), stride, own_of, sums.data());
    for (std::size_t l = 0; l < 16; ++l)
      CHECK(sums[l] ==
            doctest::Approx(3.0F + (2.0F * rows[4 * stride + l] + 0.5F * rows[l]) * own[l] + 7.0F * rows[2 * stride + l] * other[l])
                .epsilon(1e-6));
    out.insert(out.end(), sums.begin(), sums.end());
    mixture[16] = 0.0F;
    kernels.stack_nodes(32, mixture.data() + 16, own.data() + 16, nodes.data());
    out.insert(out.end(), nodes.begin(), nodes.end());
    CHECK(nodes[0] == -80.0F);
    for (std::size_t g = 1; g < 32; ++g) CHECK(nodes[g] == doctest::Approx(std::log(mixture[16 + g]) + own[16 + g]).epsilon(1e-5));
  });
}
