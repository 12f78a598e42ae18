#include "nusky/hottest/order.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "tile_check.hpp"

using namespace nusky;
using namespace nusky::made_up;

TEST_CASE("order: the clusters near few events hold every direction with ts > 0, and no direction has more than its bound") {
  Options o;
  o.gamma_nodes = even_nodes(9);
  o.extended = true;
  std::optional<double> gamma;
  SUBCASE("one season") { o.sizes = {8}; }
  SUBCASE("two seasons") { o.sizes = {5, 3}; }
  SUBCASE("gamma fixed") {
    o.sizes = {8};
    gamma = 2.3;
  }
  SUBCASE("no energy term") {
    o.sizes = {8};
    o.gamma_nodes = {};
  }
  const Directions d = fibonacci(6000);
  const std::vector<double> terms(d.size(), 0.0);
  const SearchPlan plan(d, terms.data(), 1);
  std::size_t hot = 0, close = 0;
  for (unsigned seed = 1; seed <= 12; ++seed) {
    o.seed = seed;
    reference::Model m = sky(o);
    for (auto& season : m.seasons) season.n_events = 4.0;
    inject(m, 0, seed % 3, 1.0 + seed, 0.4, 1.0);
    const Core core(m);
    const FitModel model(*core.likelihood, *core.index, gamma, d.groups().size(), 1);
    const ScanResult map = scan(*core.likelihood, *core.index, d, gamma, 1);
    const NearClusters near = clusters_near(plan, model);
    REQUIRE(near.ts.size() == plan.clusters().size());
    REQUIRE(std::is_sorted(near.queue.begin(), near.queue.end()));
    CHECK(near.queue.size() < plan.clusters().size() / 2);
    std::vector<char> in(plan.clusters().size(), 0);
    for (const std::uint32_t c : near.queue) in[c] = 1;
    std::size_t wrong = 0;
    for (std::size_t c = 0; c < in.size(); ++c) {
      double most = 0.0;
      for (std::uint32_t g = 0; g < plan.clusters()[c].n_groups; ++g) {
        const DirectionGroup& group = d.groups()[plan.clusters()[c].group[g]];
        for (std::uint32_t p = 0; p < group.count; ++p) most = std::max(most, map.ts[d.order()[group.first + p]]);
      }
      wrong += most > 0.0 && in[c] == 0;
      wrong += most > static_cast<double>(near.ts[c]) + 1e-4;
      hot += most > 1.0;
      close += most > 1.0 && static_cast<double>(near.ts[c]) < 3.0 * most + 5.0;
    }
    CHECK(wrong == 0);
  }
  CHECK(hot > 20);
  CHECK(4 * close > hot);
}
