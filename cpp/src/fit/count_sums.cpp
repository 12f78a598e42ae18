#include "nusky/fit/count_sums.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace nusky {
namespace {

constexpr std::size_t lanes = 8, together = 16, block = lanes * together;

// A product of many factors as mantissa and exponent, so that a logarithm is taken once at the end.
struct Products {
  double mantissa[lanes];
  std::int64_t exponent[lanes];

  Products() {
    std::fill_n(mantissa, lanes, 1.0);
    std::fill_n(exponent, lanes, 0);
  }

  void take(const double* z, double n) {
    for (std::size_t j = 0; j < together; ++j)
      for (std::size_t l = 0; l < lanes; ++l) mantissa[l] *= 1.0 + n * z[j * lanes + l];
    for (std::size_t l = 0; l < lanes; ++l) {
      std::int64_t bits;
      std::memcpy(&bits, mantissa + l, sizeof bits);
      exponent[l] += (bits >> 52) - 1023;
      bits = (bits & 0xFFFFFFFFFFFFF) | (std::int64_t{1023} << 52);
      // Below or beyond what a double holds, or not above 0: found out here, as its mantissa would hide it
      const double whole = mantissa[l];
      std::memcpy(mantissa + l, &bits, sizeof bits);
      if (!(whole >= std::numeric_limits<double>::min() && whole <= std::numeric_limits<double>::max())) mantissa[l] = NAN;
    }
  }

  double log() const {
    double total = 0.0;
    std::int64_t powers = 0;
    for (std::size_t l = 0; l < lanes; ++l) {
      total += std::log(mantissa[l]);
      powers += exponent[l];
    }
    return total + static_cast<double>(powers) * M_LN2;
  }
};

}  // namespace

void log_sums(std::size_t n, const double* z, std::size_t n_nodes, const double* nodes, double* out) {
  std::vector<Products> products(n_nodes);
  const std::size_t whole = n / block * block;
  for (std::size_t i = 0; i < whole; i += block)
    for (std::size_t j = 0; j < n_nodes; ++j) products[j].take(z + i, nodes[j]);
  for (std::size_t j = 0; j < n_nodes; ++j) {
    double total = products[j].log();
    const bool fits = std::isfinite(total);
    if (!fits) total = 0.0;
    for (std::size_t i = fits ? whole : 0; i < n; ++i) total += std::log1p(nodes[j] * z[i]);
    out[j] = total;
  }
}

PowerSums power_sums(std::size_t n, const double* z, const double* count, double bound) {
  PowerSums found;
  double sum[PowerSums::moments][lanes] = {};
  double value[lanes], power[lanes];
  for (std::size_t i = 0; i < n; i += lanes) {
    const std::size_t some = std::min(lanes, n - i);
    bool any = false;
    for (std::size_t l = 0; l < lanes; ++l) {
      const double one = l < some ? z[i + l] : 0.0;
      const bool small = std::abs(one) <= bound;
      any = any || !small;
      value[l] = small ? one : 0.0;
      power[l] = count != nullptr && l < some ? count[i + l] : 1.0;
    }
    for (std::size_t k = 0; k < PowerSums::moments; ++k)
      for (std::size_t l = 0; l < lanes; ++l) {
        power[l] *= value[l];
        sum[k][l] += power[l];
      }
    if (!any) continue;
    for (std::size_t l = 0; l < some; ++l)
      if (!(std::abs(z[i + l]) <= bound)) {
        found.large.push_back(z[i + l]);
        if (count != nullptr) found.large_count.push_back(count[i + l]);
      }
  }
  for (std::size_t k = 0; k < PowerSums::moments; ++k)
    for (std::size_t l = 0; l < lanes; ++l) found.moment[k] += sum[k][l];
  return found;
}

}  // namespace nusky
