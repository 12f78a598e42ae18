#include "nusky/sphere/smeared_table.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace nusky {

SmearedTable::Corner SmearedTable::corner(std::size_t i, std::int64_t start, double ra) const {
  if (start < 0 || static_cast<std::size_t>(start) + n_pairs * n_ra + n_ra > n_points())
    throw std::invalid_argument("start[" + std::to_string(i) + "]: the rows around the place must be in the table");
  const double a = std::max(ra * (static_cast<double>(n_ra - 1) / (2.0 * M_PI)), 0.0);
  const double first = std::min(std::floor(a), static_cast<double>(n_ra - 2));
  const std::size_t row = static_cast<std::size_t>(start) / n_ra;
  return {row / n_pairs, row % n_pairs, static_cast<std::size_t>(first), static_cast<float>(std::min(a - first, 1.0))};
}

float SmearedTable::value(std::size_t map, const Corner& corner, std::size_t n, const float* weight) const {
  float total = 0.0F;
  for (std::size_t s = 0; s < 2; ++s) {
    const std::size_t parts = widths[corner.width + s].parts;
    const std::int16_t* p = at(corner, s);
    const float* from = basis + ((corner.width + s) * n_pairs + corner.pair) * most_parts * maps + map;
    for (std::size_t b = 0; b < parts; ++b) {
      float both = 0.0F;
      for (std::size_t d = 0; d < 2; ++d) {
        const auto here = static_cast<float>(p[d * parts + b]), next = static_cast<float>(p[(d + 2) * parts + b]);
        both += ((next - here) * corner.step + here) * weight[(2 * s + d) * n];
      }
      total += both * from[b * maps];
    }
  }
  return total;
}

void SmearedTable::look_up(std::size_t n, const std::int64_t* start, const float* weight, const double* ra, float* found) const {
  for (std::size_t i = 0; i < n; ++i) {
    const Corner place = corner(i, start[i], ra[i]);
    for (std::size_t m = 0; m < maps; ++m) found[m * n + i] = value(m, place, n, weight + i);
  }
}

}  // namespace nusky
