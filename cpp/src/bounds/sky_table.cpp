#include "nusky/bounds/sky_table.hpp"

#include <algorithm>
#include <cmath>

namespace nusky {
namespace {

// How large the numbers become, in terms of n: no ts beyond is of interest at the start, and where lines meet; at the end, beyond 4 n no
// bound is possible.
constexpr double most_ts = 1.5, most_end = 4.1;

}  // namespace

// Where u is small, tangents cross at the mean of their n. That at the smaller n is convex in ln u up to twice that n.
SkyTable::SkyTable(double low_n, double n, const SkyConstants& constants) : SkyLines{} {
  const auto whole = [&](double x) { return static_cast<std::uint16_t>(constants.round_up ? std::ceil(x) : std::floor(x)); };  // B6
  low = low_n / n;
  if (low > 0.0) joint = std::min(2.0 * low, 0.5 * (1.0 + low));  // B3, B5
  const auto value = [&](std::size_t sum, double u) {
    const double small = low > 0.0 ? low * u : u, p = u / (1.0 + u), small_p = small / (1.0 + small);
    if (sum == start) return std::max(0.0, 2.0 * (std::log1p(small) - small_p));
    if (sum == end) return 2.0 * (std::log1p(u) + p);
    return 2.0 * std::max(std::log1p(small) + (joint / low - 1.0) * small_p, std::log1p(u) - (1.0 - joint) * p);
  };
  for (std::size_t sum = 0; sum < n_sums(); ++sum) {
    const double most = (sum == end ? most_end : most_ts) * n + (sum == join ? 2.0 * joint * n : 0.0);
    unit[sum] = static_cast<float>(most / 65535.0);
    const double in_units = (1.0 + 1e-6) / static_cast<double>(unit[sum]);
    const auto units = [&](std::size_t step) {
      return in_units * value(sum, std::exp2(static_cast<double>(step) / per_octave - octaves_below));
    };
    for (std::size_t i = 0; i < n_pieces; ++i) {
      if (i + 1 == n_pieces || units((i + 2) * piece) > 65000.0) {  // the last piece stands for all steps beyond, too
        base[sum][i] = 65535;
        slope[sum][i] = 0;
        continue;
      }
      slope[sum][i] = whole(units((i + 1) * piece) - units(i * piece));
      base[sum][i] = 0;
      double missing = 0.0;
      for (std::size_t k = 0; k < piece; ++k) missing = std::max(missing, units(i * piece + k) - at(sum, i * piece + k));
      base[sum][i] = whole(missing);
    }
  }
}

double SkyTable::of_small(std::size_t sum, double u, double u2) const {
  if (sum == start) return (low > 0.0 ? low * low : 1.0) * u2;
  return sum == end ? 4.0 * u : 2.0 * (joint * u + (1.0 - joint) * u2);
}

}  // namespace nusky
