#include <cmath>
#include <random>
#include <vector>

#include "every_level.hpp"
#include "nusky/sky_events.hpp"

using namespace nusky;
using namespace nusky::made_up;

namespace {

constexpr double unit = 8388608.0, log2_e = 1.4426950408889634;

// Made-up visits to a strip of 9 or 17 rows, of 100 bins, or of 10, which is fewer than a window has.
struct Strip {
  static constexpr std::size_t margin = 16, n = 700;
  std::size_t rows, bins, stride;
  std::vector<SkyVisit> visits;
  std::vector<float> highest, turn, fall;
  std::vector<std::uint32_t> needed;

  Strip(std::size_t rows_, std::size_t bins_, unsigned seed) : rows(rows_), bins(bins_), stride(bins_ + 2 * margin) {
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<double> uniform(0.0, 1.0);
    for (std::size_t r = 0; r < 17; ++r) fall.push_back(4e-4F * (1.0F - 0.01F * static_cast<float>(r)));
    for (std::uint32_t i = 0; i < n; ++i) {
      const double sigma = 0.01 * std::exp(uniform(random)), peak = 12.0 * uniform(random) - 6.0;
      SkyVisit v{static_cast<std::uint32_t>(n) - 1 - i,
                 static_cast<std::uint32_t>(highest.size()),
                 static_cast<float>(0.5 / (sigma * sigma) * log2_e * unit),
                 0,
                 0,
                 0};
      v.first = static_cast<std::uint16_t>(uniform(random) * static_cast<double>(rows - 3));
      const std::size_t many = std::min<std::size_t>({rows - v.first, 16, 1 + static_cast<std::size_t>(uniform(random) * 16.0)});
      for (std::size_t r = 0; r < many; ++r) {
        v.rows |= static_cast<std::uint16_t>(1U << r);
        if (random() % 3 == 0) v.narrow |= static_cast<std::uint16_t>(1U << r);
        highest.push_back(static_cast<float>((127.0 + peak - 0.1 * static_cast<double>(r)) * unit));
      }
      visits.push_back(v);
      turn.push_back(i == 0 ? 0.0F : i == 1 ? 1.0F : static_cast<float>(uniform(random)));
    }
    for (std::size_t i = 0; i <= bins; ++i) needed.push_back(i % 10 < 3 ? 0U : static_cast<std::uint32_t>(random()) & ((1U << rows) - 1U));
  }
  SkyVisitView view() const { return {visits.size(), visits.data(), highest.data()}; }
  SkyStrip strip(float* sums, bool two) const {
    const std::size_t n_sums = two ? 4 : 2;
    return {fall.data(), static_cast<float>(bins), needed.data(), sums + margin, stride, n_sums * stride, two ? 0.25F : 0.0F};
  }
};

double p_of(double u) { return u / (1.0 + u); }
double top_of(double u) { return 2.0 * (std::log1p(u) - p_of(u)); }

}  // namespace

TEST_CASE("kernels: each event adds to the nodes near it what a double loop adds, never too little") {
  for (const std::size_t rows : {9u, 17u})
    for (const std::size_t bins : {100u, 10u})
      for (const bool two : {false, true}) {
        const Strip s(rows, bins, static_cast<unsigned>(rows + bins));
        const std::size_t n_sums = two ? 4 : 2;
        const auto at = [&](std::size_t r, std::size_t q) { return (r * n_sums + q) * s.stride + Strip::margin; };
        std::vector<double> expected(rows * n_sums * s.stride), nearby(expected.size()), count(expected.size());
        for (const SkyVisit& v : s.visits) {
          const double x = static_cast<double>(s.turn[v.event] * static_cast<float>(bins));
          const auto bin = static_cast<std::size_t>(x);
          std::size_t from = v.at;
          for (std::size_t r = v.first; r < v.first + 16U; ++r) {
            const unsigned bit = 1U << (r - v.first);
            if ((v.rows & bit) == 0) continue;
            const double log2_highest = static_cast<double>(s.highest[from++]) / unit - 127.0;
            if ((s.needed[bin] >> r & 1U) == 0) continue;
            const bool narrow = (v.narrow & bit) != 0;
            for (std::size_t j = narrow ? 4 : 0; j < (narrow ? 12 : 16); ++j) {
              const double off = static_cast<double>(bin) - 7.0 + static_cast<double>(j) - x, away = std::abs(off);
              if (2.0 * away > static_cast<double>(bins)) continue;  // the other side of the circle holds this node
              const double fall = static_cast<double>(v.rate) / unit * static_cast<double>(s.fall[r]);
              const double u = std::exp2(log2_highest - fall * away * away),
                           most = std::exp2(log2_highest - fall * std::pow(std::max(0.0, away - 1.0 / 64), 2));
              for (std::size_t q = 0; q < n_sums; ++q) {
                const std::size_t node = at(r, q) + bin + j - 7;
                const double share = q < 2 ? 1.0 : 0.25;
                expected[node] += q % 2 == 0 ? p_of(share * u) : top_of(share * u);
                nearby[node] += q % 2 == 0 ? p_of(share * 1.0625 * most) : top_of(share * 1.0625 * most);
                count[node] += 1.0;
              }
            }
          }
        }
        at_every_level([&](const Kernels& kernel, Output& out) {
          AlignedVector<float> sums(expected.size(), 0.0F);
          kernel.sky_add(s.view(), s.turn.data(), s.strip(sums.data(), two));
          std::size_t below = 0, above = 0, filled = 0;
          for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t q = 0; q < n_sums; ++q)
              for (std::size_t i = at(r, q) - Strip::margin; i < at(r, q) + bins + Strip::margin; ++i) {
                const auto got = static_cast<double>(sums[i]);
                below += got * (q % 2 == 0 ? 1.0026 : 1.0) < expected[i] * (1.0 - 1e-4) - 1e-6;
                // a node half a circle away may be there twice
                if (bins > 16) above += got > nearby[i] * (1.0 + 1e-4) + (q % 2 == 0 ? 1e-6 : 0.126 * count[i]);
                filled += expected[i] > 0.0;
              }
          CHECK(below == 0);
          CHECK(above == 0);
          CHECK(filled > expected.size() / 4);
          out.insert(out.end(), sums.begin(), sums.end());
        });
      }
}
