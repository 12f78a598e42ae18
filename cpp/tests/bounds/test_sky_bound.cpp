#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "made_up_sky.hpp"
#include "nusky/bounds/sky_bound.hpp"
#include "nusky/hottest/hottest.hpp"

using namespace nusky;
using namespace nusky::made_up;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Directions fibonacci(std::size_t n, double shift = 0.0) {
  std::vector<double> ra, dec;
  for (std::size_t i = 0; i < n; ++i) {
    ra.push_back(std::fmod(2.399963229728653 * static_cast<double>(i) + shift, 2 * pi));
    dec.push_back(std::asin(-1.0 + (2.0 * static_cast<double>(i) + 1.0) / static_cast<double>(n)));
  }
  return Directions(n, ra.data(), dec.data());
}

// The columns of a model with other right ascensions, and events with a time ratio that come one by one.
struct Trial {
  std::vector<std::shared_ptr<const EventColumns>> columns;
  std::vector<std::vector<double>> ra;
  std::vector<double> n_events;

  Trial(const reference::Model& m) {
    const GammaAxis axis(m.gamma_nodes);
    for (const reference::Season& s : m.seasons) {
      columns.push_back(std::make_shared<EventColumns>(s.ra.size(), s.dec.data(), s.sigma.data(), s.background.data(),
                                                       axis.size() > 0 ? s.log_ratio.data() : nullptr, axis, m.cut_n_sigma, 0.0, 1));
      ra.push_back(s.ra);
      n_events.push_back(s.n_events);
    }
  }
  void scramble(unsigned seed) {
    std::mt19937_64 random(seed);
    for (auto& column : ra)
      for (double& a : column) a = 2 * pi * std::uniform_real_distribution<double>(0.0, 1.0)(random);
  }
  // `extra` events of the first season again, in a heap at (1.0, 0.4)
  EventIndex index(std::size_t extra = 0, std::size_t times = 1) const {
    std::vector<EventPart> parts;
    for (std::size_t k = 0; k < columns.size(); ++k)
      parts.push_back({columns[k], ra[k].size(), ra[k].data(), static_cast<int>(k), nullptr, nullptr});
    std::vector<double> there(extra, 1.0), factor(extra, 1.7);
    std::vector<std::int64_t> rows;
    for (std::size_t i = 0; rows.size() < extra; ++i)
      if (std::abs(columns[0]->dec(columns[0]->event(i)) - 0.4) < 0.03) rows.push_back(static_cast<std::int64_t>(i));
    for (std::size_t t = 0; extra > 0 && t < times; ++t)
      parts.push_back({columns[0], extra, there.data(), 0, rows.data(), nullptr, factor.data()});
    return EventIndex(parts, n_events, 1);
  }
};

Likelihood likelihood_of(const reference::Model& m) {
  return Likelihood(GammaAxis(m.gamma_nodes), m.sindec_nodes, m.log_acceptance.data(), static_cast<int>(m.seasons.size()), m.extended);
}

// 2 max G at a direction, from all events one by one; the ts of a fit is below it.
double highest_ts(const EventIndex& index, const Vec3& at) {
  std::vector<double> b;
  for (std::uint32_t k = 0; k < index.size(); ++k) {
    const IndexedEvent& e = index.event(k);
    const double d2 = (Vec3(e.x, e.y, e.z) - at).squaredNorm();
    if (d2 > static_cast<double>(e.spatial.cut)) continue;
    b.push_back(static_cast<double>(e.spatial.weight) * static_cast<double>(e.peak) * std::exp(-static_cast<double>(e.spatial.rate) * d2) /
                index.n_events(0));
  }
  double most = 0.0;
  for (double n = 0.5; n < 200.0; n *= 1.1) {
    double value = -n;
    for (const double x : b) value += std::log1p(n * x);
    most = std::max(most, 2.0 * value);
  }
  return most;
}

std::vector<std::uint32_t> all_cells(const SkyGrid& grid, std::uint32_t step = 1) {
  std::vector<std::uint32_t> cells;
  for (std::uint32_t c = 0; c < grid.size(); c += step) cells.push_back(c);
  return cells;
}

// A sky in fine cells with two tangents, and one in coarse cells with one.
struct Skies {
  SkyBound fine{SkyGrid(31, 5, 1.0), 17.0, 66.0, all_cells(SkyGrid(31, 5, 1.0))};
  SkyBound coarse{SkyGrid(15, 5, 2.0), 0.0, 100.0, all_cells(SkyGrid(15, 5, 2.0))};
};

// Returns the share of directions that have a bound.
double check_bounds(const Likelihood& likelihood, const EventIndex& index, const SkyBound& sky, std::optional<double> gamma = free_gamma,
                    bool as_fresh = true) {
  std::vector<float> bound(sky.cells().size());
  REQUIRE(sky.compute(likelihood, index, 1, bound.data()));
  const Directions d = fibonacci(4000, static_cast<double>(index.size()));
  const ScanResult map = scan(likelihood, index, d, gamma, 1);
  std::size_t below = 0, below_peak = 0, finite = 0;
  double closest = 0.0;
  for (std::size_t i = 0; i < d.size(); ++i) {
    const auto b = static_cast<double>(bound[sky.grid().cell(d.vector(i))]);
    below += map.ts[i] > b;
    finite += std::isfinite(b);
    if (index.n_seasons() > 1 || i % 8 != 0) continue;
    const double highest = highest_ts(index, d.vector(i));
    below_peak += highest > b;
    if (highest > 5.0) closest = std::max(closest, highest / b);
  }
  CHECK(below == 0);
  CHECK(below_peak == 0);
  if (index.n_seasons() == 1 && 2 * finite > d.size()) CHECK(closest > 0.1);  // one tangent leaves eight times a small ts
  if (!as_fresh) return static_cast<double>(finite) / static_cast<double>(d.size());
  // what belongs to the events serves the next trial; threads and cells that are not asked for make no difference
  const std::vector<std::uint32_t> some = all_cells(sky.grid(), 37);
  const bool two = sky.grid().n_bands() == 31;
  const SkyBound fresh(sky.grid(), two ? 17.0 : 0.0, two ? 66.0 : 100.0, some);
  std::vector<float> of_some(some.size());
  REQUIRE(fresh.compute(likelihood, index, 2, of_some.data()));
  std::size_t other = 0;
  for (std::size_t i = 0; i < some.size(); ++i) other += of_some[i] != bound[some[i]];
  CHECK(other == 0);
  return static_cast<double>(finite) / static_cast<double>(d.size());
}

}  // namespace

TEST_CASE("sky grid: every cell is found again, and cells cover the sky evenly") {
  const SkyGrid grid(25, 4, 1.0);
  std::vector<int> hits(grid.size());
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  for (int i = 0; i < 2000000; ++i) ++hits[grid.cell(unit_vector(2 * pi * uniform(random), std::asin(2 * uniform(random) - 1)))];
  CHECK(*std::max_element(hits.begin(), hits.end()) < 130);  // 39 in a cell of 0.9° squared; those around the poles are up to twice as wide
  CHECK_THROWS_AS(SkyGrid(25, 6, 1.0), std::invalid_argument);
  for (const double dec : {-0.5 * pi, -1.3, 0.0, 0.4, 0.5 * pi})
    for (const double ra : {0.0, 1.0, -1e-12, 2 * pi, 6.28318}) CHECK(grid.cell(unit_vector(ra, dec)) < grid.size());
}

TEST_CASE("sky bound: no direction has more ts than its cell, for events narrow and wide, near the poles and injected") {
  Options o;
  o.gamma_nodes = even_nodes(13);
  o.sizes = {12000};
  double finite = 0.0;
  SUBCASE("narrow") { o.sigma_low = 0.1 * degree; }
  SUBCASE("narrower than any cell") { o.sigma_low = 0.003 * degree; }
  SUBCASE("wide") {
    o.sigma_high = 40 * degree;
    o.hardness = 0.3;
    o.sizes = {20000};
  }
  SUBCASE("no energy term") { o.gamma_nodes = {}; }
  SUBCASE("extended") {
    o.sizes = {900};
    o.extended = true;
  }
  SUBCASE("seasons") { o.sizes = {9000, 3000}; }
  SUBCASE("very telling energies") { o.hardness = 3.0; }
  reference::Model m = sky(o);
  inject(m, 0, 12, 0.9, 0.3, 0.5);
  inject(m, 0, 8, 3.0, 89.5 * degree, 0.5);
  Trial trial(m);
  const Likelihood likelihood = likelihood_of(m);
  const Skies skies;
  for (const SkyBound* sky : {&skies.fine, &skies.coarse}) {
    finite += check_bounds(likelihood, trial.index(), *sky);
    for (unsigned seed = 1; seed < 3; ++seed) {
      trial.scramble(seed);
      finite += check_bounds(likelihood, trial.index(5 * seed), *sky);
    }
    if (!o.gamma_nodes.empty()) check_bounds(likelihood, trial.index(), *sky, 2.3);
    // what was found for a number of events serves another that is close, and is found again for one that is not
    for (const double factor : {0.97, 1.03, 0.8}) {
      Trial other = trial;
      other.n_events[0] *= factor;
      check_bounds(likelihood, other.index(3), *sky, free_gamma, false);
    }
  }
  MESSAGE("directions with a bound: ", finite / 6);
  CHECK(finite / 6 > (o.sigma_high > 30 * degree ? 0.2 : 0.9));
}

TEST_CASE("sky bound: nothing is said where it cannot be known") {
  Options o;
  o.gamma_nodes = even_nodes(5);
  o.sizes = {300};
  const Trial few(sky(o));
  const Skies skies;
  std::vector<float> bound(skies.coarse.cells().size());
  CHECK_FALSE(skies.coarse.compute(likelihood_of(sky(o)), few.index(), 1, bound.data()));  // n/N is not small
  o.sizes = {20000};
  const Trial many(sky(o));
  CHECK_FALSE(skies.coarse.compute(likelihood_of(sky(o)), many.index(400, 30), 1, bound.data()));  // too many events one by one
  CHECK(skies.coarse.compute(likelihood_of(sky(o)), many.index(400), 1, bound.data()));
}

TEST_CASE("sky bound: a steep prior over many fine tiles has the hottest direction of the whole map") {
  Options o;
  o.gamma_nodes = even_nodes(13);
  o.sizes = {2500};
  o.extended = true;
  reference::Model m = sky(o);
  const Directions d = fibonacci(160000);
  const Likelihood likelihood = likelihood_of(m);
  for (unsigned seed = 1; seed < 4; ++seed) {
    CAPTURE(seed);
    if (seed == 3) inject(m, 0, 25, 4.0, -0.6, 1.5, 0.3);  // hotter than the prior is steep
    Trial trial(m);
    if (seed < 3) trial.scramble(seed);
    const EventIndex index = trial.index(seed == 2 ? 12 : 0);
    std::vector<double> terms;
    const Vec3 peak = unit_vector(seed == 3 ? 5.0 : 1.2, 0.3), other = unit_vector(3.0, -0.9);
    for (std::size_t i = 0; i < d.size(); ++i) terms.push_back(-70.0 * (1.0 - d.vector(i).dot(peak)));
    for (std::size_t i = 0; i < d.size(); ++i)
      terms.push_back(d.vector(i).dot(other) > -0.9 ? -110.0 * (1.0 - d.vector(i).dot(other)) : -infinity);
    const SearchPlan plan(d, terms.data(), 2), alone(d, terms.data(), 1);
    REQUIRE(plan.wide());
    const ScanResult map = scan(likelihood, index, d, free_gamma, 0);
    const HottestResult found = find_hottest(likelihood, index, plan, free_gamma, 0, true),
                        first = find_hottest(likelihood, index, alone, free_gamma, 1, true);
    CHECK(found.n_fitted < 20000);
    for (std::size_t j = 0; j < 2; ++j) {
      std::size_t best = 0;
      for (std::size_t i = 1; i < d.size(); ++i)
        if (map.ts[i] + terms[j * d.size() + i] > map.ts[best] + terms[j * d.size() + best]) best = i;
      const Hottest& h = found.best[j];
      CHECK(h.direction == static_cast<std::int64_t>(best));
      CHECK(h.ts_prior == map.ts[best] + terms[j * d.size() + best]);
      CHECK(h.fit.ns == map.ns[best]);
    }
    CHECK(first.best[0].direction == found.best[0].direction);
    CHECK(first.best[0].ts_prior == found.best[0].ts_prior);
  }
}

namespace {

// Directions around a place where 2 max G is above the bound of the cell.
std::size_t violations(const reference::Model& m, const SkyConstants& constants, double ra = 1.0, double dec = 0.3) {
  const Trial trial(m);
  const EventIndex index = trial.index();
  const SkyBound sky(SkyGrid(31, 5, 1.0), 20.0, 66.0, all_cells(SkyGrid(31, 5, 1.0)), constants);
  std::vector<float> bound(sky.cells().size());
  REQUIRE(sky.compute(likelihood_of(m), index, 1, bound.data()));
  std::size_t wrong = 0;
  for (int i = -6; i <= 6; ++i)
    for (int j = -6; j <= 6; ++j) {
      const Vec3 at = unit_vector(ra + 0.02 * degree * i, dec + 0.02 * degree * j);
      wrong += highest_ts(index, at) > static_cast<double>(bound[sky.grid().cell(at)]);
    }
  return wrong;
}

}  // namespace

TEST_CASE("sky bound: between nodes events are higher than at them; without the bend bounds are too small (B4)") {
  Options o;
  o.gamma_nodes = even_nodes(5);
  o.sizes = {12000};
  o.sigma_low = 0.1 * degree;
  o.sigma_high = 0.3 * degree;
  o.extended = true;
  std::size_t below = 0, below_of_weak = 0;
  SkyConstants weak;
  weak.bend = 0.0;
  for (int place = 1; place < 13; ++place) {
    const double ra = 1.0 + 0.37 * degree * place, dec = 0.3 + 0.25 * degree * place;
    reference::Model m = sky(o);
    for (int i = 0; i < 20; ++i) {
      add_event(m.seasons[0], ra, dec, 0.35 * degree, 20.0 / (4 * pi));
      add_energy(m.seasons[0], m.gamma_nodes, 1.0, 1.0);
    }
    below += violations(m, {}, ra, dec);
    below_of_weak += violations(m, weak, ra, dec);
  }
  CHECK(below == 0);
  CHECK(below_of_weak > 0);
}

TEST_CASE("sky bound: what events leave outside their nodes has to be counted (B9)") {
  Options o;
  o.gamma_nodes = even_nodes(5);
  o.sizes = {20000};
  o.sigma_low = o.sigma_high = 40 * degree;
  o.hardness = 0.3;
  SkyConstants weak;
  weak.spread = false;
  const reference::Model m = sky(o);
  CHECK(violations(m, {}) == 0);
  CHECK(violations(m, weak) > 0);
}
