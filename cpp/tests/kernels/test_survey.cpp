#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

#include "every_level.hpp"
#include "patch.hpp"

using namespace nusky;
using namespace nusky::made_up;

TEST_CASE("kernels: the survey bounds u, the sum of p and that of u p from above, and not by much") {
  for (const double widest : {7.0, 90.0})
    for (const std::size_t count : {1u, 3u, 4u}) {
      const Patch t = make_patch(301, count, 0.3 * degree, widest * degree, 5.0, 10);
      // what Survey::load hands over: weights with the largest R, the rate in steps of the exponent's bits
      AlignedVector<float> rate(t.filled, 0.0F), weight(t.filled, 0.0F);
      for (std::size_t c = 0; c < t.n; ++c) {
        rate[c] = t.rate[c] * (-1.44269504F * 8388608.0F * (1.0F - 1e-5F));
        weight[c] = t.weight[c] * t.peak[c];
      }
      const SurveyView view{t.filled, t.x.data(), t.y.data(), t.z.data(), rate.data(), weight.data(), nullptr};
      for (const float n : {1e-5F, 1e-2F, 1.0F, 100.0F})
        at_every_level([&](const Kernels& k, Output& out) {
          double sum_p[4] = {}, sum_up[4] = {};
          k.survey(view, count, t.vx.data(), t.vy.data(), t.vz.data(), n, sum_p, sum_up);
          AlignedVector<float> values(t.filled, -1.0F);
          for (std::size_t p = 0; p < count; ++p) {
            k.survey_values(view, t.vx[p], t.vy[p], t.vz[p], values.data());
            out.insert(out.end(), values.begin(), values.end());
            double total = 0.0, exact_p = 0.0, exact_up = 0.0, above_p = 0.0, above_up = 0.0;
            std::size_t below = 0, far = 0;
            for (std::size_t c = 0; c < t.filled; ++c) {
              const Vec3 d(static_cast<double>(t.x[c]) - static_cast<double>(t.vx[p]),
                           static_cast<double>(t.y[c]) - static_cast<double>(t.vy[p]),
                           static_cast<double>(t.z[c]) - static_cast<double>(t.vz[p]));
              const double psi = 2 * std::asin(std::min(1.0, 0.5 * d.norm()));
              const double w = c < t.n ? reference::spatial(psi, t.sigma[c], 5.0) * 4 * pi * static_cast<double>(t.peak[c]) : 0.0;
              const double chord =
                  c < t.n ? static_cast<double>(weight[c]) * std::exp(-static_cast<double>(t.rate[c]) * d.squaredNorm()) : 0.0;
              const auto found = static_cast<double>(values[c]);
              below += found < w * (1.0 - 2e-6);
              far += found > 1.001 * chord + 1e-30;
              const double u = static_cast<double>(n) * w, v = 1.0625 * static_cast<double>(n) * found;  // the sums take it as that at most
              total += v;
              exact_p += u / (1 + u);
              exact_up += u * u / (1 + u);
              above_p += v / (1 + v);
              above_up += v * v / (1 + v);
            }
            CHECK(below == 0);
            CHECK(far == 0);
            // Survey leaves 1e-3 for rounding and for what the reciprocal from below loses
            CHECK(sum_p[p] >= exact_p * (1.0 - 5e-4));
            CHECK(sum_p[p] <= 1.02 * above_p);
            CHECK(sum_up[p] >= exact_up - 1e-5 * total);
            CHECK(sum_up[p] <= above_up + 0.02 * above_p + 1e-5 * total);
            out.push_back(static_cast<float>(sum_p[p]));
            out.push_back(static_cast<float>(sum_up[p]));
          }
        });
    }
}

TEST_CASE("kernels: the candidates a survey drops are small everywhere in the cap, and their sums bound them there") {
  for (const double widest : {2.0, 40.0})
    for (const double radius : {0.5 * degree, 3.0 * degree}) {
      const Patch t = make_patch(301, 1, 0.3 * degree, widest * degree, 5.0, 10);
      AlignedVector<float> rate(t.filled, 0.0F), weight(t.filled, 0.0F);
      for (std::size_t c = 0; c < t.n; ++c) {
        rate[c] = t.rate[c] * (-1.44269504F * 8388608.0F * (1.0F - 1e-5F));
        weight[c] = t.weight[c] * t.peak[c];
      }
      const float n0 = 0.3F, limit = 0.01F, chord = static_cast<float>(2 * std::sin(0.5 * radius));
      at_every_level([&](const Kernels& k, Output& out) {
        const std::size_t room = t.filled + 16;
        AlignedVector<float> x(room), y(room), z(room), r(room), w(room);
        std::vector<std::uint32_t> number(room), numbers(room);
        for (std::size_t c = 0; c < t.filled; ++c) numbers[c] = static_cast<std::uint32_t>(c);
        double sums[4] = {}, cap_p = 0.0, cap_top = 0.0;
        // the cap lies somewhat off the common centre
        const float at[3] = {0.5F * chord, -0.25F * chord, 0.125F * chord};
        const SurveyView all{t.filled, t.x.data(), t.y.data(), t.z.data(), rate.data(), weight.data(), numbers.data()};
        const SurveyColumns to{x.data(), y.data(), z.data(), r.data(), w.data(), number.data()};
        const std::size_t filled = k.survey_keep(all, at, chord, n0, limit, to, sums);
        k.survey_cap(all, at[0], at[1], at[2], chord, n0, &cap_p, &cap_top);
        REQUIRE(filled % 16 == 0);
        REQUIRE(filled <= t.filled);
        std::mt19937_64 random(1);
        std::uniform_real_distribution<double> uniform(-1.0, 1.0);
        for (int trial = 0; trial < 40; ++trial) {
          Vec3 v(uniform(random), uniform(random), uniform(random));
          v *= static_cast<double>(chord) / v.norm();  // as far out as directions of the cluster are
          double gone = 0, gone2 = 0, kept_p = 0, kept_top = 0, all_p = 0, all_top = 0;
          std::size_t i = 0, lost = 0;
          for (std::size_t c = 0; c < t.n; ++c) {
            const Vec3 d = Vec3(static_cast<double>(t.x[c]), static_cast<double>(t.y[c]), static_cast<double>(t.z[c])) - v -
                           Vec3(static_cast<double>(at[0]), static_cast<double>(at[1]), static_cast<double>(at[2]));
            const double u =
                static_cast<double>(n0) * static_cast<double>(weight[c]) * std::exp(-static_cast<double>(t.rate[c]) * d.squaredNorm());
            all_p += u / (1 + u);
            all_top += 2 * (std::log1p(u) - u / (1 + u));
            if (i < filled && x[i] == t.x[c] - at[0] && y[i] == t.y[c] - at[1] && z[i] == t.z[c] - at[2] && r[i] == rate[c] &&
                w[i] == weight[c] && number[i] == numbers[c]) {
              ++i;
              kept_p += u / (1 + u);
              kept_top += 2 * (std::log1p(u) - u / (1 + u));
            } else {
              lost += u > static_cast<double>(limit) * 1.001;
              gone += u;
              gone2 += u * u;
            }
          }
          CHECK(lost == 0);
          CHECK(gone <= sums[0] * (1 + 1e-5));
          CHECK(gone2 <= sums[1] * (1 + 1e-5));
          CHECK(kept_p <= sums[2] * (1 + 5e-4));
          CHECK(kept_top <= sums[3] * (1 + 1e-3) + 2e-7 * static_cast<double>(filled));
          CHECK(all_p <= cap_p * (1 + 5e-4));
          CHECK(all_top <= cap_top * (1 + 1e-3) + 2e-7 * static_cast<double>(t.filled));
          CHECK(i + 16 > filled);
        }
        if (radius < degree) CHECK(filled < t.filled);  // a wide cap is near to every event of this patch
        out.push_back(static_cast<float>(cap_p));
        out.push_back(static_cast<float>(cap_top));
        for (const double v : sums) out.push_back(static_cast<float>(v));
        out.insert(out.end(), x.begin(), x.begin() + static_cast<std::ptrdiff_t>(filled));
      });
    }
}
