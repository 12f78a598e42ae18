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

void SmearedTable::terms(std::size_t n, const std::int64_t* start, const float* weight, const std::int64_t* order, std::size_t n_given,
                         const double* ra, const double* column, const double* factor, bool one_factor, const double* background,
                         double scale, double* z) const {
  // The table is larger than the caches: rows are asked for some places before they are read
  constexpr std::size_t ahead = 24;
  const auto place_of = [&](std::size_t i) {
    if (order[i] < 0 || static_cast<std::size_t>(order[i]) >= n_given)
      throw std::invalid_argument("order[" + std::to_string(i) + "]: there is no such right ascension");
    return corner(i, start[i], ra[order[i]]);
  };
  Corner coming[ahead] = {};
  for (std::size_t i = 0; i < n + ahead; ++i) {
    const Corner place = coming[i % ahead];
    if (i < n) {
      coming[i % ahead] = place_of(i);
      for (const std::size_t s : {std::size_t{0}, std::size_t{1}}) __builtin_prefetch(at(coming[i % ahead], s));
    }
    if (i < ahead) continue;
    const std::size_t j = i - ahead;
    double total = 0.0;
    for (std::size_t m = 0; m < maps; ++m) {
      const double part = column[m] * static_cast<double>(value(m, place, n, weight + j));
      total += one_factor ? part : part * factor[m * n + j];
    }
    if (one_factor) total *= factor[j];
    z[j] = scale * (std::max(total, 0.0) - background[j]);
  }
}

}  // namespace nusky
