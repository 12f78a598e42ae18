#include "nusky/sky_table.hpp"

#include <algorithm>
#include <cmath>

namespace nusky {
namespace {

// What sums may reach, in terms of n: p and top beyond prove nothing.
constexpr double most_p = 1.1, most_top = 1.5;

double value_of(std::size_t sum, double u) {
  const double p = u / (1.0 + u);
  return sum % 2 == SkyTable::p ? p : std::max(0.0, 2.0 * (std::log1p(u) - p));
}

}  // namespace

SkyTable::SkyTable(double n, double ratio) {
  for (std::size_t sum = 0; sum < n_sums; ++sum) {
    unit[sum] = static_cast<float>((sum % 2 == p ? most_p : most_top) * n / 65535.0);
    const double scale = sum < low_p ? 1.0 : ratio, in_units = (1.0 + 1e-6) / static_cast<double>(unit[sum]);
    const auto units = [&](std::size_t step) {
      const double octaves = static_cast<double>(step) / per_octave - octaves_below;
      return in_units * value_of(sum, scale * std::exp2(octaves));
    };
    for (std::size_t i = 0; i < n_pieces; ++i) {
      if (units((i + 2) * piece) > 65000.0) {
        base[sum][i] = 65535;
        slope[sum][i] = 0;
        continue;
      }
      slope[sum][i] = static_cast<std::uint16_t>(std::ceil(units((i + 1) * piece) - units(i * piece)));
      base[sum][i] = 0;
      double missing = 0.0;
      for (std::size_t k = 0; k < piece; ++k) missing = std::max(missing, units(i * piece + k) - at(sum, i * piece + k));
      base[sum][i] = static_cast<std::uint16_t>(std::ceil(missing));
    }
  }
}

}  // namespace nusky
