#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "every_level.hpp"
#include "patch.hpp"

using namespace nusky;
using namespace nusky::made_up;

TEST_CASE("kernels: spatial is S/B of the definition, zero beyond the cut and in the padding") {
  struct Range {
    double low, high, cut;
  };
  for (const Range r : {Range{0.2, 3.0, 5.0}, {0.2, 7.0, 5.0}, {7.01, 170.0, 5.0}, {0.2, 170.0, 3.0}, {1.0, 40.0, 1e9}})
    for (const std::size_t count : {1u, 5u, 16u}) {
      const Patch t = make_patch(77, count, r.low * degree, r.high * degree, r.cut, static_cast<unsigned>(count));
      at_every_level([&](const Kernels& k, Output& out) {
        AlignedVector<float> a(t.filled * 16, -7.0F);
        k.spatial(t.view(), count, t.vx.data(), t.vy.data(), t.vz.data(), a.data());
        out.assign(a.begin(), a.end());
        for (std::size_t i = t.filled * count; i < a.size(); ++i) CHECK(a[i] == -7.0F);
        for (std::size_t p = 0; p < count; ++p)
          for (std::size_t c = 0; c < t.filled; ++c) {
            const auto found = static_cast<double>(a[in_blocks(c, p, count)]);
            if (c >= t.n) {
              CHECK(found == 0.0);
              continue;
            }
            // the chord of the single-precision positions, then the definition in double
            const Vec3 d(static_cast<double>(t.x[c]) - static_cast<double>(t.vx[p]),
                         static_cast<double>(t.y[c]) - static_cast<double>(t.vy[p]),
                         static_cast<double>(t.z[c]) - static_cast<double>(t.vz[p]));
            const double d2 = d.squaredNorm(), edge = static_cast<double>(t.cut[c]);
            if (std::abs(d2 - edge) < 1e-6 * edge) continue;
            if (d2 > edge) {
              CHECK(found == 0.0);
              continue;
            }
            const double psi = 2 * std::asin(std::min(1.0, 0.5 * std::sqrt(d2))), exact = reference::spatial(psi, t.sigma[c], 1e9) * 4 * pi;
            CHECK(std::abs(found - exact) <= 3e-7 * static_cast<double>(t.weight[c]));
            if (psi < 5.0 * t.sigma[c]) CHECK(std::abs(found - exact) <= 1e-5 * exact);
          }
      });
    }
}

TEST_CASE("kernels: split lists the events above the threshold in order, takes them out, and sums the others") {
  const Patch t = make_patch(333, 16, 1.0 * degree, 20.0 * degree, 5.0, 11);
  const Events e = make_events(200, 1.0, 2);  // its rows serve the candidates
  std::vector<const float*> rows(e.row);
  rows.resize(t.filled, e.row[0]);
  for (const auto& range : {std::pair{0u, 336u}, {0u, 16u}, {16u, 16u}, {16u, 256u}})  // no [first, last]: C++17 captures no binding
    for (const std::size_t count : {1u, 5u, 16u})
      for (const float threshold : {0.0F, 3.0F, INFINITY})
        at_every_level([&](const Kernels& k, Output& out) {
          const std::size_t first = range.first, last = range.second;
          AlignedVector<float> a(t.filled * 16);
          k.spatial(t.view(), 16, t.vx.data(), t.vy.data(), t.vz.data(), a.data());
          const AlignedVector<float> before(a);
          std::vector<AlignedVector<float>> value(16, AlignedVector<float>(t.filled + 16)), largest_w(value);
          std::vector<std::vector<std::uint32_t>> candidate(16, std::vector<std::uint32_t>(t.filled + 16));
          Shortlist list[16];
          for (std::size_t p = 0; p < 16; ++p) {
            list[p] = {1, value[p].data(), largest_w[p].data(), candidate[p].data(), threshold, 1.0F, 2.0F, 3.0F};
            value[p][0] = 77.0F;  // an entry of an earlier season is kept
          }
          k.split(first, last, count, 16, a.data(), t.peak.data(), list);
          for (std::size_t p = 0; p < 16; ++p) {
            bool same = value[p][0] == 77.0F;
            std::size_t i = 1;
            double sum = 1.0, tail = 2.0, squares = 3.0;
            for (std::size_t c = 0; c < t.filled; ++c) {
              const float v = before[in_blocks(c, p)], r = v * t.peak[c], left = a[in_blocks(c, p)];
              if (p >= count || c < first || c >= last) {
                same &= left == v;
              } else if (r > threshold) {
                same &= left == 0.0F && i < list[p].n && value[p][i] == v && largest_w[p][i] == r && candidate[p][i] == c;
                sum += static_cast<double>(r);
                ++i;
              } else {
                same &= left == v;
                tail += static_cast<double>(r);
                squares += static_cast<double>(r) * static_cast<double>(r);
              }
            }
            CHECK(same);
            CHECK(list[p].n == i);
            check_sum(static_cast<double>(list[p].sum_largest_w), sum, sum);
            check_sum(static_cast<double>(list[p].tail), tail, tail);
            check_sum(static_cast<double>(list[p].tail_squares), squares, squares);
            for (const float v : {list[p].sum_largest_w, list[p].tail, list[p].tail_squares}) out.push_back(v);
          }
          // the sums over what is left
          const std::uint32_t which[5] = {3, 0, 7, 15, 4};
          for (const std::size_t some : {1u, 2u, 5u}) {
            AlignedVector<float> sums(16 * 5, 0.5F);
            k.tails(first, last, some, which, 16, a.data(), rows.data(), sums.data());
            out.insert(out.end(), sums.begin(), sums.end());
            for (std::size_t j = 0; j < 5; ++j)
              for (std::size_t g = 0; g < 16; ++g) {
                double sum = 0.5;
                for (std::size_t c = first; c < last && j < some; ++c)
                  sum += static_cast<double>(a[in_blocks(c, which[j])]) * static_cast<double>(rows[c][g]);
                check_sum(static_cast<double>(sums[j * 16 + g]), sum, sum, 1e-5);
              }
          }
        });
}

TEST_CASE("kernels: highest is the sum of the larger of two neighbouring columns, each event with its own factor") {
  for (const std::size_t n : {0u, 1u, 3u, 4u, 31u, 500u}) {
    const Events e = make_events(n, 1e3, static_cast<unsigned>(n));
    std::vector<float> lift;
    for (std::size_t c = 0; c < e.row.size(); ++c) lift.push_back(1.0F + 0.001F * static_cast<float>(c % 7));
    at_every_level([&](const Kernels& k, Output& out) {
      AlignedVector<float> sum(16, 1.0F);
      k.highest(e.view(n), lift.data(), e.row.data(), sum.data());
      for (std::size_t g = 0; g < 16; ++g) {
        double expected = 1.0;
        for (std::size_t i = 0; i < n; ++i) {
          const std::uint32_t c = e.candidate[i];
          const double larger = static_cast<double>(std::max(e.row[c][g], e.row[c][g == 15 ? 15 : g + 1]));
          expected += static_cast<double>(e.value[i]) * static_cast<double>(lift[c]) * larger;
        }
        check_sum(static_cast<double>(sum[g]), expected, expected, 1e-5);
        out.push_back(sum[g]);
      }
    });
  }
}
