#include <cmath>
#include <random>
#include <vector>

#include "every_level.hpp"
#include "nusky/sky_events.hpp"

using namespace nusky;
using namespace nusky::made_up;

namespace {

constexpr double unit = 8388608.0, log2_e = 1.4426950408889634;

// Made-up events and a strip of 9 or 17 rows of 100 bins.
struct Strip {
  static constexpr std::size_t bins = 100, margin = 16, stride = bins + 2 * margin, n = 700;
  std::vector<float> dec, cos_dec, rate, weight, turn, row_dec, fall;
  std::vector<std::uint32_t> event, needed;
  std::size_t rows;

  Strip(std::size_t rows_, unsigned seed) : row_dec(17), fall(17), rows(rows_) {
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<double> uniform(0.0, 1.0);
    for (std::uint32_t i = 0; i < n; ++i) {
      dec.push_back(static_cast<float>(0.3 + 0.25 * uniform(random)));
      cos_dec.push_back(std::cos(dec.back()));
      const double sigma = 0.01 * std::exp(uniform(random));
      rate.push_back(static_cast<float>(0.5 / (sigma * sigma) * log2_e * unit));
      weight.push_back(static_cast<float>((12.0 * uniform(random) - 6.0) * unit));
      turn.push_back(i == 0 ? 0.0F : i == 1 ? 1.0F : static_cast<float>(uniform(random)));
      event.push_back(static_cast<std::uint32_t>(n) - 1 - i);
    }
    for (std::size_t r = 0; r < 17; ++r) {
      row_dec[r] = static_cast<float>(0.32 + 0.2 * static_cast<double>(r) / static_cast<double>(rows - 1));
      fall[r] = std::cos(row_dec[r]) * 4e-4F;
    }
    for (std::size_t i = 0; i <= bins; ++i) needed.push_back(i % 10 < 3 ? 0U : static_cast<std::uint32_t>(random()) & ((1U << rows) - 1U));
  }
  SkyEventView events() const { return {n, event.data(), dec.data(), cos_dec.data(), rate.data(), weight.data()}; }
  SkyStrip view(float* sums, bool two) const {
    const std::size_t n_sums = two ? 4 : 2;
    return {rows,
            0.42F,
            row_dec.data(),
            fall.data(),
            static_cast<float>(127.0 * unit),
            3e-5F,
            2e-5F,
            static_cast<float>(118.0 * unit),
            static_cast<float>(bins),
            needed.data(),
            sums + margin,
            stride,
            n_sums * stride,
            two ? 0.25F : 0.0F};
  }
};

double p_of(double u) { return u / (1.0 + u); }
double top_of(double u) { return 2.0 * (std::log1p(u) - p_of(u)); }

}  // namespace

TEST_CASE("kernels: each event adds to the nodes near it what a double loop adds, never too little") {
  for (const std::size_t rows : {9u, 17u})
    for (const bool two : {false, true}) {
      const Strip s(rows, static_cast<unsigned>(rows));
      const std::size_t n_sums = two ? 4 : 2;
      const auto at = [&](std::size_t r, std::size_t q) { return (r * n_sums + q) * Strip::stride + Strip::margin; };
      std::vector<double> expected(rows * n_sums * Strip::stride);
      for (std::size_t k = 0; k < Strip::n; ++k) {
        const double x = static_cast<double>(s.turn[s.event[k]] * static_cast<float>(Strip::bins)), dec = static_cast<double>(s.dec[k]);
        const auto bin = static_cast<std::size_t>(x);
        const double rate = static_cast<double>(s.rate[k]) / unit, cos_dec = static_cast<double>(s.cos_dec[k]);
        for (std::size_t r = 0; r < rows; ++r) {
          if ((s.needed[bin] >> r & 1U) == 0 || (rows == 17 && r == (s.dec[k] > 0.42F ? 0U : 16U))) continue;
          const double gap = 2.0 * std::sin(0.5 * (static_cast<double>(s.row_dec[r]) - dec));
          const double log2_highest = static_cast<double>(s.weight[k]) / unit + rate * (3e-5 + 2e-5 * cos_dec - gap * gap);
          if (log2_highest < -9.0) continue;
          for (std::size_t j = 0; j < 16; ++j) {
            const double off = static_cast<double>(bin) - 7.0 + static_cast<double>(j) - x;
            const double u = std::exp2(log2_highest - rate * cos_dec * static_cast<double>(s.fall[r]) * off * off);
            for (std::size_t q = 0; q < n_sums; ++q) {
              const double here = q < 2 ? u : 0.25 * u;
              expected[at(r, q) + bin + j - 7] += q % 2 == 0 ? p_of(here) : top_of(here);
            }
          }
        }
      }
      at_every_level([&](const Kernels& kernel, Output& out) {
        AlignedVector<float> sums(expected.size(), 0.0F);
        kernel.sky_add(s.events(), s.turn.data(), s.view(sums.data(), two));
        std::size_t below = 0, above = 0, empty = 0;
        for (std::size_t r = 0; r < rows; ++r)
          for (std::size_t q = 0; q < n_sums; ++q)
            for (std::size_t i = at(r, q) - Strip::margin; i < at(r, q) + Strip::bins + Strip::margin; ++i) {
              const auto got = static_cast<double>(sums[i]);
              below += got * (q % 2 == 0 ? 1.0026 : 1.0) < expected[i] * (1.0 - 1e-4) - 1e-6;
              above += got > 1.13 * expected[i] + 0.12 * 8.0;  // u is at most 6 % too large; some eight events are near a node
              empty += expected[i] > 0.0;
            }
        CHECK(below == 0);
        CHECK(above == 0);
        CHECK(empty > expected.size() / 3);
        out.insert(out.end(), sums.begin(), sums.end());
      });
    }
}
