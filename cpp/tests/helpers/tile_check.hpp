#pragma once
// What a tile and the lists of its directions should hold, by loops over all events.
#include <map>
#include <vector>

#include "made_up_sky.hpp"
#include "nusky/fit/tile.hpp"

namespace nusky::made_up {

/// Fibonacci points, in tiles of the core.
inline Directions fibonacci(std::size_t n) {
  std::vector<double> ra, dec;
  for (std::size_t i = 0; i < n; ++i) {
    ra.push_back(std::fmod(2.399963229728653 * static_cast<double>(i), 2 * pi));
    dec.push_back(std::asin(-1.0 + (2.0 * static_cast<double>(i) + 1.0) / static_cast<double>(n)));
  }
  return Directions(n, ra.data(), dec.data());
}

/// The numbers of all directions of a group.
inline std::vector<std::uint32_t> all_of(const DirectionGroup& group) {
  std::vector<std::uint32_t> which;
  for (std::uint32_t p = 0; p < group.count; ++p) which.push_back(p);
  return which;
}

/// One or two seasons with an energy term.
inline reference::Model seasons_for_tiles(std::size_t n_seasons, unsigned seed) {
  Options o;
  o.sizes = n_seasons > 1 ? std::vector<std::size_t>{2500, 900} : std::vector<std::size_t>{4000};
  o.gamma_nodes = even_nodes(31);
  o.sigma_low = 0.2 * degree;
  o.sigma_high = 8.0 * degree;  // some are not flat
  o.seed = seed;
  reference::Model m = sky(o);
  inject(m, 0, 12, 1.0, 0.2, 2.0);
  return m;
}

struct Pair {
  double value;              ///< S/B by the definition
  const EventRecord* event;  ///< of the core
};
/// By the row of ln R, of which every event has its own.
using Pairs = std::map<const float*, Pair>;

/// All events of a season within their cut of a direction.
inline Pairs pairs_of(const reference::Season& s, const EventColumns& columns, const Vec3& x) {
  Pairs out;
  for (std::size_t i = 0; i < s.ra.size(); ++i) {
    const Vec3 e = unit_vector(s.ra[i], s.dec[i]);
    const double value = reference::spatial(std::atan2(x.cross(e).norm(), x.dot(e)), s.sigma[i], 5.0) / s.background[i];
    if (!(value > 0.0)) continue;
    const EventRecord& record = columns.record(columns.event(i));
    out[record.log_ratio] = {value, &record};
  }
  return out;
}

}  // namespace nusky::made_up
