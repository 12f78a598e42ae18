#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "made_up_sky.hpp"
#include "nusky/fit/scan.hpp"
#include "nusky/kernels/table.hpp"

using namespace nusky;
using namespace nusky::made_up;

namespace {

reference::Model two_seasons() {
  Options o;
  o.gamma_nodes = even_nodes(49);
  o.sizes = {6000, 900};
  o.sigma_high = 20.0 * degree;
  return sky(o);
}

struct Grid {
  std::vector<double> ra, dec, tile_ra, tile_dec;
  std::vector<std::int64_t> tile;
};

// A patch of 4 × 4 directions to a tile.
Grid grid(int tiles) {
  Grid g;
  for (int a = 0; a < tiles; ++a)
    for (int b = 0; b < tiles; ++b) {
      const double ra = 1.0 + 0.04 * a, dec = -0.4 + 0.04 * b;
      for (int k = 0; k < 16; ++k) {
        g.ra.push_back(ra + 0.01 * (k % 4 - 1.5));
        g.dec.push_back(dec + 0.01 * (k / 4 - 1.5));
        g.tile.push_back(static_cast<std::int64_t>(g.tile_ra.size()));
      }
      g.tile_ra.push_back(ra);
      g.tile_dec.push_back(dec);
    }
  return g;
}

Directions directions(const Grid& g, const std::vector<std::size_t>& pick) {
  std::vector<double> ra, dec;
  std::vector<std::int64_t> tile;
  for (const std::size_t i : pick) {
    ra.push_back(g.ra[i]);
    dec.push_back(g.dec[i]);
    tile.push_back(g.tile[i]);
  }
  const std::vector<double> radius(g.tile_ra.size(), 0.03);
  return Directions(ra.size(), ra.data(), dec.data(), tile.data(), g.tile_ra.size(), g.tile_ra.data(), g.tile_dec.data(), radius.data());
}

std::vector<std::size_t> all_of(const Grid& g) {
  std::vector<std::size_t> pick(g.ra.size());
  std::iota(pick.begin(), pick.end(), std::size_t{0});
  return pick;
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}
bool same(const ScanResult& a, const ScanResult& b) {
  return same_bits(a.ts, b.ts) && same_bits(a.ns, b.ns) && same_bits(a.gamma, b.gamma) && a.status == b.status;
}

}  // namespace

TEST_CASE("scan: the number of threads changes no bit") {
  const reference::Model m = two_seasons();
  const Grid g = grid(12);
  const Directions d = directions(g, all_of(g));
  for (const std::optional<double> gamma : {free_gamma, std::optional(2.3)}) {
    const ScanResult one = scan(*Core(m, 1).likelihood, *Core(m, 1).index, d, gamma, 1);
    const Core many(m, 2);
    for (const int threads : {2, 3, 0}) CHECK(same(one, scan(*many.likelihood, *many.index, d, gamma, threads)));
  }
}

TEST_CASE("scan: a direction's result does not depend on which others are scanned, nor on their order") {
  const reference::Model m = two_seasons();
  const Core core(m);
  const Grid g = grid(6);
  const ScanResult whole = scan(*core.likelihood, *core.index, directions(g, all_of(g)), free_gamma, 1);
  std::mt19937_64 random(4);
  for (const std::size_t n : {1u, 7u, 100u, 500u}) {
    std::vector<std::size_t> pick = all_of(g);
    std::shuffle(pick.begin(), pick.end(), random);
    pick.resize(n);
    const ScanResult part = scan(*core.likelihood, *core.index, directions(g, pick), free_gamma, 1);
    std::size_t different = 0;
    for (std::size_t i = 0; i < n; ++i)
      different += std::memcmp(&part.ts[i], &whole.ts[pick[i]], 8) != 0 || std::memcmp(&part.ns[i], &whole.ns[pick[i]], 8) != 0 ||
                   std::memcmp(&part.gamma[i], &whole.gamma[pick[i]], 8) != 0 || part.status[i] != whole.status[pick[i]];
    CHECK(different == 0);
  }
}

TEST_CASE("scan: with other tiles, or the events in another order, only rounding changes") {
  const reference::Model m = two_seasons();
  const Core core(m);
  const Grid g = grid(6);
  const ScanResult tiled = scan(*core.likelihood, *core.index, directions(g, all_of(g)), free_gamma, 1);
  const ScanResult own = core.scan(g.ra, g.dec);
  reference::Model turned = m;
  for (reference::Season& s : turned.seasons) {
    const std::size_t n = s.ra.size(), G = m.gamma_nodes.size();
    std::vector<float> rows;
    for (std::size_t i = n; i-- > 0;)
      rows.insert(rows.end(), s.log_ratio.begin() + static_cast<std::ptrdiff_t>(i * G),
                  s.log_ratio.begin() + static_cast<std::ptrdiff_t>((i + 1) * G));
    s.log_ratio = rows;
    for (auto* c : {&s.ra, &s.dec, &s.sigma, &s.background}) std::reverse(c->begin(), c->end());
  }
  const Core reversed(turned);
  const ScanResult other = scan(*reversed.likelihood, *reversed.index, directions(g, all_of(g)), free_gamma, 1);
  double tiles = 0.0, order = 0.0;
  for (std::size_t i = 0; i < g.ra.size(); ++i) {
    tiles = std::max(tiles, std::abs(own.ts[i] - tiled.ts[i]) / (1e-6 * tiled.ts[i] + 1e-5));
    order = std::max(order, std::abs(other.ts[i] - tiled.ts[i]) / (1e-6 * tiled.ts[i] + 1e-5));
  }
  CHECK(tiles <= 1.0);
  CHECK(order <= 1.0);
}

TEST_CASE("scan: AVX2 and AVX-512 give the same bits, SSE2 the same up to rounding") {
  const reference::Model m = two_seasons();
  const Grid g = grid(8);
  const Directions d = directions(g, all_of(g));
  const std::string before = kernels().name;
  std::istringstream names(simd_levels());
  ScanResult fused;
  for (const std::optional<double> gamma : {free_gamma, std::optional(2.3)}) {
    ScanResult plain, last;
    std::istringstream levels(simd_levels());
    for (std::string level; levels >> level;) {
      CAPTURE(level);
      set_simd_level(level);
      const Core core(m);
      const ScanResult r = scan(*core.likelihood, *core.index, d, gamma, 1);
      if (plain.ts.empty()) {
        plain = r;
        continue;
      }
      if (!last.ts.empty()) CHECK(same(last, r));
      last = r;
      double worst = 0.0;
      for (std::size_t i = 0; i < r.ts.size(); ++i) worst = std::max(worst, std::abs(r.ts[i] - plain.ts[i]) / (1e-6 * plain.ts[i] + 1e-5));
      CHECK(worst <= 1.0);
    }
  }
  set_simd_level(before);
}

TEST_CASE("scan: a checkpoint sees progress that ends at the total, and may stop: what is done is kept, the rest says so") {
  const reference::Model m = two_seasons();
  const Core core(m);
  const Grid g = grid(40);
  const Directions d = directions(g, all_of(g));
  std::vector<std::size_t> seen;
  const ScanResult whole = scan(*core.likelihood, *core.index, d, free_gamma, 0, [&](std::size_t done, std::size_t total) {
    CHECK(total == d.size());
    seen.push_back(done);
    return true;
  });
  REQUIRE(!seen.empty());
  CHECK(std::is_sorted(seen.begin(), seen.end()));
  CHECK(seen.back() == d.size());
  const ScanResult stopped = scan(*core.likelihood, *core.index, d, free_gamma, 0, [](std::size_t, std::size_t) { return false; });
  std::size_t left_out = 0, different = 0;
  for (std::size_t i = 0; i < d.size(); ++i) {
    const bool skipped = stopped.status[i] == static_cast<std::int8_t>(Status::not_scanned);
    left_out += skipped;
    different += !skipped && std::memcmp(&stopped.ts[i], &whole.ts[i], 8) != 0;
  }
  CHECK(left_out > 0);
  CHECK(left_out < d.size());
  CHECK(different == 0);
}

TEST_CASE("scan: no directions, no events, no seasons' worth of either") {
  const reference::Model m = two_seasons();
  const Core core(m);
  CHECK(core.scan({}, {}).ts.empty());
  Options o;
  o.gamma_nodes = even_nodes(5);
  o.sizes = {0};
  reference::Model empty = sky(o);
  empty.seasons[0].n_events = 1.0;
  const ScanResult r = Core(empty).scan({1.0}, {0.5});
  CHECK(r.status[0] == static_cast<std::int8_t>(Status::no_events));
}

TEST_CASE("scan: arguments that do not fit together are refused") {
  const reference::Model m = two_seasons();
  const Core core(m);
  Options o;
  o.gamma_nodes = even_nodes(49);
  const Core one(sky(o));
  const double ra = 1.0, dec = 0.1;
  const Directions d(1, &ra, &dec);
  CHECK_THROWS_WITH_AS(scan(*one.likelihood, *core.index, d, free_gamma, 1), doctest::Contains("seasons"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(scan(*core.likelihood, *core.index, d, 4.5, 1), doctest::Contains("gamma: 4.5"), std::invalid_argument);
  o.gamma_nodes = {};
  const Core flat(sky(o));
  CHECK_THROWS_WITH_AS(scan(*flat.likelihood, *flat.index, d, 2.0, 1), doctest::Contains("gamma"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(scan(*one.likelihood, *flat.index, d, free_gamma, 1), doctest::Contains("gamma_nodes"), std::invalid_argument);
  const Grid g = grid(4);
  CHECK_THROWS_WITH_AS(scan(*core.likelihood, *core.index, directions(g, all_of(g)), free_gamma, -2), doctest::Contains("n_threads"),
                       std::invalid_argument);
}
