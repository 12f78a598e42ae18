#include "nusky/fit/direction_events.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tile_check.hpp"

using namespace nusky;
using namespace nusky::made_up;

namespace {

constexpr double weak_u = 0.05;  // as in direction_events.cpp

}  // namespace

TEST_CASE("direction events: the strong are those of the near whose u can exceed a twentieth; all others are weak") {
  for (const std::size_t n_seasons : {1u, 2u}) {
    const reference::Model m = seasons_for_tiles(n_seasons, 21);
    const Core core(m);
    const Directions directions = fibonacci(2500);
    const FitModel model(*core.likelihood, *core.index, free_gamma, directions.groups().size(), 1);
    Tile tile(model, true);
    DirectionEvents events(model);
    std::size_t wrong = 0, n_strong = 0, n_weak = 0;
    for (std::size_t g = 0; g < directions.groups().size(); g += 5) {
      const DirectionGroup& group = directions.groups()[g];
      const std::vector<std::uint32_t> which = all_of(group);
      tile.load(directions, g, which.data(), which.size());
      for (std::size_t p = 0; p < which.size(); ++p)
        for (const double n_ref : {Tile::first_n_ref, 40.0, 0.5}) {
          events.take(tile, p, n_ref);
          CHECK(events.sindec() == directions.vector(directions.order()[group.first + p]).z());
          CHECK(events.ratio_rows() == tile.ratio_rows());
          CHECK(events.node_rows() == tile.node_rows());
          const NearEvents& near = tile.near(p);
          for (std::size_t k = 0; k < n_seasons; ++k) {
            const EventView every = events.every(k), strong = events.strong(k), weak = events.weak(k);
            const Segment s = near.seasons[k];
            REQUIRE(every.n == s.last - s.first);
            REQUIRE(weak.n == every.n);
            std::size_t j = 0;  // of the strong, which are in the order of the near ones
            for (std::size_t i = 0; i < every.n; ++i) {
              const double u = n_ref * tile.highest_share(p, k) / m.seasons[k].n_events * static_cast<double>(near.largest_w[s.first + i]);
              wrong += every.value[i] != near.value[s.first + i] || every.candidate[i] != near.candidate[s.first + i];
              wrong += weak.candidate[i] != every.candidate[i];
              const bool is_strong = j < strong.n && strong.candidate[j] == every.candidate[i];
              if (std::abs(u - weak_u) > 1e-5 * weak_u) wrong += is_strong != (u > weak_u);
              wrong += weak.value[i] != (is_strong ? 0.0F : every.value[i]);
              if (is_strong) wrong += strong.value[j++] != every.value[i];
              n_strong += is_strong;
              n_weak += !is_strong;
            }
            wrong += j != strong.n;
            wrong += !std::equal(events.tail(k), events.tail(k) + n_coarse_gamma, tile.tail(p) + k * n_coarse_gamma);
          }
        }
    }
    CHECK(wrong == 0);
    CHECK(n_strong > 100);
    CHECK(n_weak > 1000);
  }
}

TEST_CASE("direction events: what a fit sums over them is what a loop over all events gives") {
  const reference::Model m = seasons_for_tiles(2, 22);
  const Core core(m);
  const GammaAxis axis(m.gamma_nodes);
  const Directions directions = fibonacci(600);
  const FitModel model(*core.likelihood, *core.index, free_gamma, directions.groups().size(), 1);
  Tile tile(model, true);
  DirectionEvents events(model);
  double worst = 0.0;
  std::size_t seen = 0;
  for (std::size_t g = 0; g < directions.groups().size(); g += 2) {
    const DirectionGroup& group = directions.groups()[g];
    const std::vector<std::uint32_t> which = all_of(group);
    tile.load(directions, g, which.data(), which.size());
    for (std::size_t p = 0; p < which.size(); ++p) {
      events.take(tile, p, Tile::first_n_ref);
      for (std::size_t k = 0; k < 2; ++k)
        for (std::size_t c = 0; c < n_coarse_gamma; c += 5) {
          double all = 0.0, found = static_cast<double>(events.tail(k)[c]);
          for (const auto& [row, pair] : pairs_of(m.seasons[k], *core.columns[k], directions.vector(directions.order()[group.first + p])))
            all += pair.value * static_cast<double>(pair.event->ratio[c]);
          for (const EventView& some : {events.strong(k), events.weak(k)})
            for (std::size_t i = 0; i < some.n; ++i)
              found += static_cast<double>(some.value[i]) * static_cast<double>(events.ratio_rows()[some.candidate[i]][c]);
          if (all == 0.0) continue;
          worst = std::max(worst, std::abs(found - all) / all);
          ++seen;
        }
    }
  }
  CHECK(worst < 1e-4);
  CHECK(seen > 500);
}
