#include "nusky/hottest/order.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
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

TEST_CASE(
    "order: near clusters that loose events lie in leave the queue, those with most first; far ones and many events leave it as it is") {
  Options o;
  o.gamma_nodes = even_nodes(9);
  o.sizes = {5000};
  const reference::Model m = sky(o);
  const Core core(m);
  const Directions d = fibonacci(6000);
  std::vector<double> terms;
  for (std::size_t i = 0; i < d.size(); ++i) terms.push_back(std::max(-25.0, -100.0 * (1.0 - d.vector(i).dot(unit_vector(1.0, 0.4)))));
  const SearchPlan plan(d, terms.data(), 1);
  REQUIRE(plan.first_far() > 4);
  REQUIRE(plan.first_far() < plan.clusters().size());
  const auto queue_of = [&](std::size_t n, double ra, ClusterQueue& first) {
    reference::Model some;
    some.gamma_nodes = o.gamma_nodes;
    some.seasons.resize(1);
    inject(some, 0, n, ra, 0.4, 1.0);
    const reference::Season& s = some.seasons[0];
    std::vector<EventPart> parts(2);
    parts[0].columns = core.columns[0];
    parts[0].ra = m.seasons[0].ra.data();
    parts[1].columns = std::make_shared<EventColumns>(n, s.dec.data(), s.sigma.data(), s.background.data(), s.log_ratio.data(),
                                                      GammaAxis(o.gamma_nodes), 5.0, 0.0, 1);
    parts[1].ra = s.ra.data();
    for (EventPart& part : parts) part.n = part.columns->size();
    const EventIndex index(parts, {6000.0}, 1);
    ClusterQueue queue(plan.clusters().size());
    std::iota(queue.begin(), queue.end(), 0U);
    first = loose_first(queue, plan, index);
    return queue;
  };
  ClusterQueue first;
  const ClusterQueue left = queue_of(20, 1.0, first);
  REQUIRE(!first.empty());
  CHECK(first.size() <= 4);
  const Cap& cap = plan.clusters()[first[0]].cap;
  CHECK(std::acos(cap.centre.dot(unit_vector(1.0, 0.4))) < cap.radius + 1.5 * degree);
  for (const std::uint32_t c : first) CHECK(c < plan.first_far());
  CHECK(left.size() + first.size() == plan.clusters().size());
  for (const std::uint32_t c : first) CHECK(std::find(left.begin(), left.end(), c) == left.end());
  CHECK(std::is_sorted(left.begin(), left.end()));
  CHECK(queue_of(20, 4.0, first).size() == plan.clusters().size());
  CHECK(first.empty());
  CHECK(queue_of(65, 1.0, first).size() == plan.clusters().size());
}
