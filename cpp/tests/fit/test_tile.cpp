#include "nusky/fit/tile.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "tile_check.hpp"

using namespace nusky;
using namespace nusky::made_up;

namespace {

constexpr double tail_u = 1e-3;  // as in tile.cpp

bool close(double a, double b) { return std::abs(a - b) <= 1e-4 * std::abs(b) + 1e-9; }

struct Counts {
  std::size_t wrong = 0, near = 0, tail = 0;
};

// Near events are those whose S/B · peak exceeds a threshold, each with its own value and rows; all others are in the tail's sums.
Counts check_season(Tile& tile, std::size_t p, std::size_t k, const Pairs& pairs, double threshold) {
  Counts c;
  const NearEvents& near = tile.near(p);
  std::map<const float*, float> listed;
  double sum = 0.0;
  for (std::size_t i = near.seasons[k].first; i < near.seasons[k].last; ++i) {
    const float* row = tile.node_rows()[near.candidate[i]];
    const auto it = pairs.find(row);
    c.wrong += it == pairs.end() || !listed.emplace(row, near.value[i]).second;
    if (it == pairs.end()) continue;
    const auto& [value, event] = it->second;
    c.wrong += !close(static_cast<double>(near.value[i]), value);
    c.wrong += near.largest_w[i] != near.value[i] * event->peak;
    c.wrong += tile.ratio_rows()[near.candidate[i]] != event->ratio;
    sum += value * static_cast<double>(event->peak);
  }
  double tail = 0.0, squares = 0.0;
  std::vector<double> rows(n_coarse_gamma, 0.0);
  for (const auto& [row, pair] : pairs) {
    const double w = pair.value * static_cast<double>(pair.event->peak);
    const bool is_near = listed.count(row) > 0;
    if (!close(w, threshold)) c.wrong += is_near != (w > threshold);
    c.near += is_near;
    if (is_near) continue;
    ++c.tail;
    tail += w;
    squares += w * w;
    for (std::size_t g = 0; g < n_coarse_gamma; ++g) rows[g] += pair.value * static_cast<double>(pair.event->ratio[g]);
  }
  c.wrong += !close(static_cast<double>(near.sum_largest_w[k]), sum);
  c.wrong += !close(static_cast<double>(near.tail[k]), tail);
  c.wrong += !close(static_cast<double>(near.tail_squares[k]), squares);
  const float* sums = tile.tail(p) + k * n_coarse_gamma;
  for (std::size_t g = 0; g < n_coarse_gamma; ++g) c.wrong += !close(static_cast<double>(sums[g]), rows[g]);
  return c;
}

// d ln Λ/dn at n = 0, where it is largest over γ.
double highest_slope(const reference::Model& m, const GammaAxis& axis, const Vec3& x) {
  const reference::Sky sky = reference::look(m, std::atan2(x.y(), x.x()), std::asin(x.z()));
  double most = -1.0;
  for (int i = 0; i <= 90; ++i) {
    const double gamma = axis.front() + (axis.back() - axis.front()) * i / 90.0;
    const std::vector<double> f = reference::shares(m, axis, sky.sindec, gamma);
    double slope = -1.0;
    for (std::size_t k = 0; k < m.seasons.size(); ++k)
      for (const reference::Event& e : sky.events[k])
        slope += f[k] / m.seasons[k].n_events * e.weight * std::exp(reference::interpolate(axis, e.row, gamma));
    most = std::max(most, slope);
  }
  return most;
}

}  // namespace

TEST_CASE("tile: near events and the sums of the tail are those of a loop over all events, listed again as well") {
  for (const std::size_t n_seasons : {1u, 2u}) {
    const reference::Model m = seasons_for_tiles(n_seasons, 11);
    const Core core(m);
    const Directions directions = fibonacci(3000);
    const FitModel model(*core.likelihood, *core.index, free_gamma, directions.groups().size(), 1);
    Tile tile(model, true);
    Counts all;
    for (std::size_t g = 0; g < directions.groups().size(); g += 9) {
      const DirectionGroup& group = directions.groups()[g];
      const std::vector<std::uint32_t> which = all_of(group);
      tile.load(directions, g, which.data(), which.size());
      std::size_t pairs_of_tile = 0;
      for (std::size_t p = 0; p < which.size(); ++p) {
        const Vec3& x = directions.vector(directions.order()[group.first + p]);
        CHECK(tile.sindec(p) == x.z());
        bool any = false;
        for (std::size_t k = 0; k < n_seasons; ++k) {
          const Pairs pairs = pairs_of(m.seasons[k], *core.columns[k], x);
          any |= !pairs.empty();
          pairs_of_tile += pairs.size();
          const Counts c = check_season(tile, p, k, pairs, tail_u / Tile::first_n_ref * m.seasons[k].n_events / tile.highest_share(p, k));
          all.wrong += c.wrong;
          all.near += c.near;
          all.tail += c.tail;
        }
        CHECK(tile.any_event(p) == any);
      }
      CHECK(tile.count_pairs() == pairs_of_tile);
      CHECK(tile.n_candidates() * which.size() >= pairs_of_tile);
      for (std::size_t p = 0; p < which.size(); p += 5) {  // more events are near where n_s may be larger
        tile.list_again(p, 300.0);
        for (std::size_t k = 0; k < n_seasons; ++k) {
          const Pairs pairs = pairs_of(m.seasons[k], *core.columns[k], directions.vector(directions.order()[group.first + p]));
          all.wrong += check_season(tile, p, k, pairs, tail_u / 300.0 * m.seasons[k].n_events / tile.highest_share(p, k)).wrong;
        }
      }
    }
    CHECK(all.wrong == 0);
    CHECK(all.near > 1000);
    CHECK(all.tail > 1000);
  }
}

TEST_CASE("tile: its bound is never below d ln Λ/dn at n = 0, and not far above; shares are never too small") {
  for (const std::size_t n_seasons : {1u, 2u}) {
    const reference::Model m = seasons_for_tiles(n_seasons, 12);
    const Core core(m);
    const GammaAxis axis(m.gamma_nodes);
    const Directions directions = fibonacci(2000);
    const FitModel model(*core.likelihood, *core.index, free_gamma, directions.groups().size(), 1);
    Tile tile(model, true);
    std::size_t below = 0, far_above = 0, positive = 0, at_most_zero = 0, small_shares = 0;
    for (std::size_t g = 0; g < directions.groups().size(); g += 6) {
      const DirectionGroup& group = directions.groups()[g];
      const std::vector<std::uint32_t> which = all_of(group);
      tile.load(directions, g, which.data(), which.size());
      for (std::size_t p = 0; p < which.size(); ++p) {
        const Vec3& x = directions.vector(directions.order()[group.first + p]);
        const double exact = highest_slope(m, axis, x), bound = static_cast<double>(tile.bound(p));
        below += bound < exact - 1e-6 * (1.0 + exact);
        if (bound > 0.0) {
          ++positive;
          far_above += bound + 1.0 > (n_seasons == 1 ? 1.25 : 1.6) * (exact + 1.0);
        } else {
          ++at_most_zero;
        }
        for (double gamma = axis.front(); gamma <= axis.back(); gamma += 0.25) {
          const std::vector<double> f = reference::shares(m, axis, x.z(), gamma);
          for (std::size_t k = 0; k < n_seasons; ++k) small_shares += tile.highest_share(p, k) < f[k] * (1.0 - 1e-6);
        }
      }
    }
    CHECK(below == 0);
    CHECK(small_shares == 0);
    CHECK(far_above == 0);
    CHECK(positive > 30);
    CHECK(at_most_zero > 30);
  }
}

TEST_CASE("tile: some directions of a group are those of the whole group, whatever tile was loaded before") {
  const reference::Model m = seasons_for_tiles(2, 13);
  const Core core(m);
  const Directions directions = fibonacci(3000);
  const FitModel model(*core.likelihood, *core.index, free_gamma, directions.groups().size(), 1);
  Tile whole(model, true), some(model, false);
  std::size_t different = 0, compared = 0;
  for (std::size_t g = 3; g < directions.groups().size(); g += 11) {
    const std::vector<std::uint32_t> all = all_of(directions.groups()[g]);
    whole.load(directions, g - 1, all_of(directions.groups()[g - 1]).data(), directions.groups()[g - 1].count);
    whole.load(directions, g, all.data(), all.size());
    std::vector<std::uint32_t> odd;
    for (std::uint32_t p = 1; p < all.size(); p += 2) odd.push_back(p);
    some.load(directions, g, odd.data(), odd.size());
    for (std::size_t j = 0; j < odd.size(); ++j) {
      const std::size_t p = odd[j];
      different += some.bound(j) != whole.bound(p) || some.sindec(j) != whole.sindec(p);
      for (std::size_t k = 0; k < 2; ++k) {
        const Segment a = some.near(j).seasons[k], b = whole.near(p).seasons[k];
        different += a.last - a.first != b.last - b.first;
        for (std::size_t i = 0; i < std::min(a.last - a.first, b.last - b.first); ++i, ++compared)
          different += some.near(j).value[a.first + i] != whole.near(p).value[b.first + i] ||
                       some.node_rows()[some.near(j).candidate[a.first + i]] != whole.node_rows()[whole.near(p).candidate[b.first + i]];
      }
      different += !std::equal(some.tail(j), some.tail(j) + 2 * n_coarse_gamma, whole.tail(p));
    }
  }
  CHECK(different == 0);
  CHECK(compared > 300);
}

TEST_CASE("tile: with γ fixed every event counts with its R there, and without events there is nothing") {
  const reference::Model m = seasons_for_tiles(1, 14);
  const Core core(m);
  const GammaAxis axis(m.gamma_nodes);
  const Directions directions = fibonacci(500);
  const FitModel model(*core.likelihood, *core.index, 2.3, directions.groups().size(), 1);
  Tile tile(model, true);
  std::size_t wrong = 0, seen = 0;
  for (std::size_t g = 0; g < directions.groups().size(); g += 3) {
    const DirectionGroup& group = directions.groups()[g];
    const std::vector<std::uint32_t> which = all_of(group);
    tile.load(directions, g, which.data(), which.size());
    for (std::size_t p = 0; p < which.size(); ++p) {
      double sum = 0.0;
      for (const auto& [row, pair] : pairs_of(m.seasons[0], *core.columns[0], directions.vector(directions.order()[group.first + p])))
        sum += pair.value * std::exp(reference::interpolate(axis, row, 2.3));
      wrong += !close(static_cast<double>(tile.near(p).sum_largest_w[0] + tile.near(p).tail[0]), sum);
      wrong += !close(static_cast<double>(tile.bound(p)) + 1.0, sum / m.seasons[0].n_events * (1.0 + 1e-4));
      seen += sum > 0.0;
    }
  }
  CHECK(wrong == 0);
  CHECK(seen > 50);
}
