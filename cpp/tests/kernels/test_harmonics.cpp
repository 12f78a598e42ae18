#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <random>
#include <vector>

#include "every_level.hpp"

using namespace nusky;

namespace {

// λ_lm from the largest order on, without a scale.
double slow(unsigned l, unsigned m, double theta) {
  long double here = (m % 2 == 0 ? 1.0L : -1.0L) / std::sqrt(4.0L * static_cast<long double>(M_PI)), before = 0.0L;
  for (unsigned i = 1; i <= m; ++i) here *= std::sqrt((2.0L * i + 1.0L) / (2.0L * i)) * static_cast<long double>(std::sin(theta));
  for (unsigned i = m + 1; i <= l; ++i) {
    const long double a = std::sqrt((4.0L * i * i - 1.0L) / (1.0L * i * i - 1.0L * m * m));
    const long double b = i < m + 2 ? 0.0L : std::sqrt(((i - 1.0L) * (i - 1.0L) - 1.0L * m * m) / (4.0L * (i - 1.0L) * (i - 1.0L) - 1.0L));
    const long double next = a * (static_cast<long double>(std::cos(theta)) * here - b * before);
    before = here;
    here = next;
  }
  return static_cast<double>(here);
}

}  // namespace

TEST_CASE("kernels: spherical harmonics grow from below what a double holds, and their sums split by parity") {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> one(-1.0F, 1.0F);
  for (const unsigned m : {0U, 1U, 7U, 150U}) {
    const std::size_t n = 90, columns = 6;
    std::array<double, 16> cosine{}, theta{}, start{}, scale{};
    for (std::size_t k = 0; k < 16; ++k) {
      theta[k] = k == 0 ? 1e-5 : 0.1 * static_cast<double>(k);
      cosine[k] = std::cos(theta[k]);
      double log = 0.5 * std::log2((2.0 * m + 1.0) / (4.0 * M_PI)) + (m == 0 ? 0.0 : m * std::log2(std::sin(theta[k])));
      for (unsigned i = 1; i <= m; ++i) log += 0.5 * std::log2((2.0 * i - 1.0) / (2.0 * i));
      scale[k] = std::min(0.0, std::floor((log + 256.0) / 512.0));
      start[k] = (m % 2 == 0 ? 1.0 : -1.0) * std::exp2(log - 512.0 * scale[k]);
    }
    std::vector<double> a(n), b(n, 0.0);
    for (std::size_t j = 0; j < n; ++j) {
      const double l = static_cast<double>(m + j), m2 = static_cast<double>(m) * m;
      a[j] = std::sqrt((4.0 * (l + 1) * (l + 1) - 1.0) / ((l + 1) * (l + 1) - m2));
      if (j > 0) b[j] = std::sqrt((l * l - m2) / (4.0 * l * l - 1.0));
    }
    std::vector<float> coefficient(n * columns);
    for (float& c : coefficient) c = one(random);
    made_up::at_every_level([&](const Kernels& kernels, made_up::Output& out) {
      AlignedVector<float> rows(16 * n), even(16 * columns), odd(16 * columns);
      const std::size_t first = kernels.legendre_rows(n, a.data(), b.data(), cosine.data(), start.data(), scale.data(), rows.data());
      REQUIRE(first < n);
      for (std::size_t j = 0; j < n; ++j)
        for (std::size_t k = 0; k < 16; ++k) {
          const double expected = slow(m + static_cast<unsigned>(j), m, theta[k]);
          CHECK(std::abs(static_cast<double>(rows[16 * j + k]) - expected) < 2e-6 * (std::abs(expected) + 1e-6));
        }
      if (m == 150) CHECK(rows[16 * (n - 1)] == 0.0F);
      kernels.legendre_sums(rows.data(), first, n, coefficient.data(), columns, even.data(), odd.data());
      for (std::size_t c = 0; c < columns; ++c)
        for (std::size_t k = 0; k < 16; ++k) {
          double sum[2] = {0.0, 0.0}, moduli = 0.0;
          for (std::size_t j = 0; j < n; ++j) {
            const double term = static_cast<double>(rows[16 * j + k]) * static_cast<double>(coefficient[j * columns + c]);
            sum[j % 2] += term;
            moduli += std::abs(term);
          }
          made_up::check_sum(static_cast<double>(even[16 * c + k]), sum[0], moduli);
          made_up::check_sum(static_cast<double>(odd[16 * c + k]), sum[1], moduli);
          out.push_back(even[16 * c + k]);
        }
    });
  }
}
