#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "every_level.hpp"
#include "made_up_sky.hpp"
#include "nusky/bounds/survey.hpp"
#include "nusky/hottest/plan.hpp"

using namespace nusky;
using namespace nusky::made_up;

namespace {

// Of a fit in float; the search allows as much.
constexpr double slack = 1e-3;

Directions around(double ra0, double dec0, double size, std::size_t n, unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(-1.0, 1.0);
  std::vector<double> ra{ra0}, dec{dec0};
  while (ra.size() < n) {
    ra.push_back(ra0 + size * uniform(random) / std::cos(dec0));
    dec.push_back(dec0 + size * uniform(random));
  }
  return Directions(n, ra.data(), dec.data());
}

// A sky with its directions, clusters and exact fits.
struct Scanned {
  Core core;
  const Directions& directions;
  std::vector<double> terms;
  SearchPlan plan;
  FitModel model;
  ScanResult map;

  Scanned(const reference::Model& m, const Directions& d, std::optional<double> gamma = free_gamma)
      : core(m),
        directions(d),
        terms(d.size(), 0.0),
        plan(d, terms.data(), 1),
        model(*core.likelihood, *core.index, gamma, d.groups().size(), 1),
        map(scan(*core.likelihood, *core.index, d, gamma, 1)) {}

  double ts(const Cluster& c, std::size_t g, std::size_t p) const {
    return map.ts[directions.order()[directions.groups()[c.group[g]].first + p]];
  }
};

struct Counts {
  std::size_t cluster = 0, group = 0, direction = 0, newton = 0;  // bounds below the exact ts
  std::size_t finite = 0, directions = 0;
  std::size_t wrong() const { return cluster + group + direction + newton; }
};

// Holds all bounds of every cluster against the exact fits, for a ts up to `most`.
Counts check(const Scanned& s, const BoundConstants& constants, double most = 100.0) {
  Counts out;
  PoolSpace space;
  BoundSpace bound_space;
  for (const Cluster& c : s.plan.clusters()) {
    const auto pool = pool_of(s.model, s.directions, c, c.cap, most, constants, space, CapEvents());
    if (!pool) continue;
    const ClusterBound bound(*pool, c.cap, constants);
    GammaParts parts(s.model, bound.events(), {});
    for (std::size_t g = 0; g < c.n_groups; ++g) {
      const DirectionGroup& group = s.directions.groups()[c.group[g]];
      const double group_ts = bound.group_ts(group);
      for (std::size_t p = 0; p < group.count; ++p) {
        const double exact = s.ts(c, g, p) - slack;
        const Vec3 v = s.directions.vector(s.directions.order()[group.first + p]) - c.cap.centre;
        const float x = static_cast<float>(v.x()), y = static_cast<float>(v.y()), z = static_cast<float>(v.z()), at[3] = {x, y, z};
        ++out.directions;
        out.cluster += bound.may_drop(bound.cluster_ts(), exact);
        out.group += bound.may_drop(group_ts, exact);
        for (const float n : constants.direction_n) {
          double ts = 0.0;
          bound.direction_ts(n, 1, &x, &y, &z, &ts);
          out.direction += bound.may_drop(ts, exact);
          out.finite += std::isfinite(ts);
        }
        out.newton += exact > 0.0 && !bound.may_have(exact, at, parts, bound_space);
      }
    }
  }
  return out;
}

// Directions that the survey drops though they need no more than they have (`margin` < 0), or how many it drops at all.
std::size_t dropped(const Scanned& s, const BoundConstants& constants, double margin) {
  Survey survey(s.model, constants);
  std::vector<std::uint32_t> queue(s.plan.clusters().size());
  for (std::uint32_t c = 0; c < queue.size(); ++c) queue[c] = c;
  std::size_t n = 0;
  for (std::size_t q = 0; q < queue.size(); ++q) {
    const Cluster& c = s.plan.clusters()[q];
    std::array<double, Cluster::most_groups * group_size> needed{};
    std::array<bool, Cluster::most_groups * group_size> alive{};
    for (std::size_t g = 0; g < c.n_groups; ++g)
      for (std::size_t p = 0; p < s.directions.groups()[c.group[g]].count; ++p) {
        needed[g * group_size + p] = s.ts(c, g, p) + margin;
        alive[g * group_size + p] = true;
      }
    survey.enter(s.directions, s.plan.clusters(), queue.data() + q, queue.size() - q);
    survey.drop_hopeless(s.directions, c, needed.data(), alive.data());
    for (std::size_t g = 0; g < c.n_groups; ++g)
      for (std::size_t p = 0; p < s.directions.groups()[c.group[g]].count; ++p) n += !alive[g * group_size + p];
  }
  return n;
}

// Events that are all the same at every direction of a small cap, or with a random factor on their weights.
Pool flat_pool(std::size_t n, double b, double spread, unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  Pool pool{{unit_vector(1.0, 0.2), 1e-3}, {}, {}, 100.0, {}};
  const SurveyColumns to = pool.events.room(n);
  for (std::size_t i = 0; i < n; ++i) {
    to.x[i] = to.y[i] = to.z[i] = 0.0F;
    to.rate[i] = -1e-12F;
    to.weight[i] = static_cast<float>(b * (1.0 + spread * uniform(random)));
    to.number[i] = 0;
  }
  pool.events.set_size(n);
  return pool;
}

// What the tangent at n = 60 proves for it, in double.
double exact_tangent(const Pool& pool, double n) {
  double ts = 0.0;
  for (std::size_t i = 0; i < pool.events.size(); ++i) {
    const double u = n * static_cast<double>(pool.events.view().weight[i]), p = u / (1.0 + u);
    ts += 2.0 * (std::log1p(u) - p);
  }
  return ts;
}

// Many events in one place, and what is there.
reference::Model heap(std::size_t n_events, std::size_t injected, bool extended) {
  Options o;
  o.sizes = {n_events};
  o.extended = extended;
  reference::Model m = sky(o);
  inject(m, 0, injected, 1.0, 0.3, 1.0, 0.0);
  return m;
}

}  // namespace

TEST_CASE("cluster bound: no direction is dropped whose exact fit reaches what it needs, on random skies") {
  Options o;
  o.gamma_nodes = even_nodes(13);
  o.sizes = {25000};
  std::optional<double> gamma = free_gamma;
  double size = 0.5;
  SUBCASE("one season") {}
  SUBCASE("seasons") { o.sizes = {20000, 6000}; }
  SUBCASE("extended, few") {
    o.sizes = {400};
    o.extended = true;
  }
  SUBCASE("few") { o.sizes = {1500}; }
  SUBCASE("fixed gamma") { gamma = 2.2; }
  SUBCASE("no energy term") { o.gamma_nodes = {}; }
  SUBCASE("very telling energies") { o.hardness = 3.0; }
  SUBCASE("fine tiles") { size = 0.06; }
  SUBCASE("wide") { o.sigma_high = 40 * degree; }
  std::size_t tried = 0, finite = 0, gone = 0;
  for (unsigned seed = 1; seed < 4; ++seed) {
    CAPTURE(seed);
    o.seed = seed;
    reference::Model m = sky(o);
    inject(m, 0, 4 * seed, 1.0, 0.3, 1.0);
    const Directions d = around(1.0, 0.3, size, 1200, seed);
    const Scanned s(m, d, gamma);
    const double most = o.sizes[0] == 1500 ? 5.0 : 60.0;
    const Counts c = check(s, {}, most);
    CHECK(c.cluster == 0);
    CHECK(c.group == 0);
    CHECK(c.direction == 0);
    CHECK(c.newton == 0);
    CHECK(dropped(s, {}, -slack) == 0);
    gone += dropped(s, {}, 25.0);
    tried += c.directions;
    finite += c.finite;
    // numbers that only decide how close bounds are, and what they cost
    BoundConstants other;
    other.direction_n = {35.0F, 4.0F};
    other.cluster_n = 25.0F;
    other.group_n = {5.0F, 10.0F, 20.0F};
    other.tail_u = seed == 2 ? 3e-3F : 0.0F;
    other.small_group = 10.0;
    other.worth_a_group = 1.0;
    other.small_cluster = seed == 3 ? 0.0 : 0.3;
    other.clusters_of_pool = 5;
    other.few_clusters = 2;
    other.most_needed = 30.0;
    CHECK(check(s, other, most).wrong() == 0);
    CHECK(dropped(s, other, -slack) == 0);
  }
  MESSAGE("directions with a tangent: ", static_cast<double>(finite) / (2.0 * static_cast<double>(tried)), ", dropped: ", gone);
  if (o.sigma_high < 30 * degree) CHECK(finite > tried / 2);
  if (o.sizes[0] != 1500) CHECK(gone > 0);
}

TEST_CASE("cluster bound: without the factor for events outside the source, bounds are wrong (B1)") {
  const Directions d = around(1.0, 0.3, 0.02, 20, 1);
  const Scanned s(heap(1000, 150, false), d);
  CHECK(check(s, {}, 1.0).wrong() == 0);
  BoundConstants weak;
  weak.mixture = 0.0;
  weak.most_needed = 1e9;
  CHECK(check(s, weak, 1e9).newton > 0);
}

TEST_CASE("cluster bound: a tangent that does not fall proves nothing (B2)") {
  const Directions d = around(1.0, 0.3, 0.02, 20, 1);
  const Scanned s(heap(900, 60, true), d);
  CHECK(check(s, {}, 1e3).wrong() == 0);
  BoundConstants right, weak;
  right.direction_n = weak.direction_n = {1.0F, 0.5F};
  weak.least_fall = -1e3;
  CHECK(check(s, right, 1e3).wrong() == 0);
  CHECK(check(s, weak, 1e3).direction > 0);
}

TEST_CASE("cluster bound: beyond `most` a bound proves nothing (B1)") {
  const Directions d = around(1.0, 0.3, 0.002, 1, 1);
  const Scanned s(heap(20000, 900, false), d);
  PoolSpace space;
  BoundSpace bound_space;
  const Cluster& c = s.plan.clusters()[0];
  const auto pool = pool_of(s.model, d, c, c.cap, 5.0, {}, space, CapEvents());
  REQUIRE(pool);
  CHECK(pool->most == 5.0);
  const ClusterBound bound(*pool, c.cap);
  GammaParts parts(s.model, bound.events(), {});
  const Vec3 v = d.vector(0) - c.cap.centre;
  const float at[3] = {static_cast<float>(v.x()), static_cast<float>(v.y()), static_cast<float>(v.z())};
  const double exact = s.map.ts[0];
  CHECK(bound.may_have(exact - slack, at, parts, bound_space));
  CHECK(bound.may_have(exact + 1e5, at, parts, bound_space));
}

TEST_CASE("cluster bound: sums in float need room for their rounding, the more events the more (B7)") {
  BoundConstants right, weak;
  right.rounding_of_event = weak.rounding_of_event = 0.0;  // so that it is not covered by that
  weak.rounding = 0.0;
  std::size_t below = 0, below_of_weak = 0;
  at_every_level([&](const Kernels&, Output&) {
    for (int i = 0; i < 12; ++i) {
      const Pool pool = flat_pool(240000, (2.0 + 0.1 * i) * 1e-7, 0.0, 1);
      const double exact = exact_tangent(pool, 60.0);
      const double ts = ClusterBound(pool, pool.cap, right).cluster_ts(), wrong = ClusterBound(pool, pool.cap, weak).cluster_ts();
      REQUIRE(std::isfinite(ts));
      below += ts < exact;
      below_of_weak += wrong < exact;
    }
  });
  CHECK(below == 0);
  CHECK(below_of_weak > 0);
}

TEST_CASE("cluster bound: beyond 268 000 events the rounding of sums is larger than a thousandth (B7)") {
  BoundConstants right, weak;
  right.rounding_of_event = weak.rounding_of_event = 0.0;
  weak.rounded_events = 1e18;
  std::size_t below = 0, below_of_weak = 0;
  for (const double b : {2.15e-7, 2.25e-7, 2.9e-7}) {  // whose sums, rounded again and again, lose more than a thousandth
    const Pool pool = flat_pool(2000000, b, 0.0, 1);
    const double exact = exact_tangent(pool, 60.0);
    at_every_level([&](const Kernels&, Output&) {
      below += ClusterBound(pool, pool.cap, right).cluster_ts() < exact;
      below_of_weak += ClusterBound(pool, pool.cap, weak).cluster_ts() < exact;
    });
  }
  CHECK(below == 0);
  CHECK(below_of_weak > 0);
}

TEST_CASE("cluster bound: of an event near 1 + u = 1 more is lost than it adds (B7)") {
  BoundConstants right, weak;
  right.tail_u = weak.tail_u = 0.0F;  // so that it is not in the tail
  weak.rounding_of_event = 0.0;
  at_every_level([&](const Kernels&, Output&) {
    const Pool pool = flat_pool(16000, 1e-7, 1.0, 2);
    const double exact = exact_tangent(pool, 60.0);
    CHECK(ClusterBound(pool, pool.cap, right).cluster_ts() >= exact);
    CHECK(ClusterBound(pool, pool.cap, weak).cluster_ts() < exact);
  });
}

TEST_CASE("cluster bound: events left out one by one have to be counted by their sums (B9)") {
  Options o;
  o.gamma_nodes = even_nodes(5);
  o.sizes = {25000};
  const Directions d = around(1.0, 0.3, 0.2, 400, 1);
  const Scanned s(sky(o), d);
  BoundConstants weak;
  weak.tail_u = 0.02F;
  CHECK(check(s, weak).wrong() == 0);
  CHECK(dropped(s, weak, -slack) == 0);
  weak.tail = false;
  CHECK(dropped(s, weak, -slack) > 0);
}
