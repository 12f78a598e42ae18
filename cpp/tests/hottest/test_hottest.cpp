#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <stdexcept>
#include <vector>

#include "made_up_sky.hpp"
#include "nusky/hottest/hottest.hpp"

using namespace nusky;
using namespace nusky::made_up;

namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

std::vector<double> around(const Directions& d, const Vec3& centre, double sigma, double floor) {
  std::vector<double> term;
  for (std::size_t i = 0; i < d.size(); ++i) {
    const double psi = std::atan2(d.vector(i).cross(centre).norm(), d.vector(i).dot(centre));
    term.push_back(std::max(-psi * psi / (sigma * sigma), floor));
  }
  return term;
}

// The priors of one trial, from flat to a single direction.
std::vector<double> priors(const Directions& d, std::mt19937_64& random) {
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  const std::size_t n = d.size();
  const Vec3 centre = unit_vector(2 * pi * uniform(random), std::asin(2 * uniform(random) - 1));
  std::vector<double> all;
  const auto add = [&](const std::vector<double>& t) { all.insert(all.end(), t.begin(), t.end()); };
  add(std::vector<double>(n, 0.0));
  add(std::vector<double>(n, -3.0));
  add(around(d, centre, 10 * degree, -20.0));
  add(around(d, centre, 2 * degree, minus_infinity));
  add(around(d, centre, 60 * degree, -5.0));
  std::vector<double> single(n, minus_infinity), noise, shelf(n, -1.5);
  single[static_cast<std::size_t>(uniform(random) * static_cast<double>(n))] = -0.7;
  for (std::size_t i = 0; i < n; ++i) noise.push_back(uniform(random) < 0.3 ? minus_infinity : -8.0 * uniform(random));
  for (std::size_t i = 0; i < n; i += 3) shelf[i] = 0.0;
  add(single);
  add(noise);
  add(shelf);
  return all;
}
constexpr std::size_t n_priors = 8;

struct Expected {
  std::int64_t direction = -1;
  double ts_prior = 0.0;
};

Expected by_map(const ScanResult& map, const double* term) {
  Expected e;
  for (std::size_t i = 0; i < map.ts.size(); ++i) {
    if (!(term[i] > minus_infinity)) continue;
    const double value = map.ts[i] + term[i];
    if (e.direction < 0 || value > e.ts_prior) e = {static_cast<std::int64_t>(i), value};
  }
  return e;
}

// A whole-sky grid of directions, in the core's own tiles.
Directions whole_sky(std::size_t n) {
  std::vector<double> ra, dec;
  for (std::size_t i = 0; i < n; ++i) {  // Fibonacci points
    ra.push_back(std::fmod(2.399963229728653 * static_cast<double>(i), 2 * pi));
    dec.push_back(std::asin(-1.0 + (2.0 * static_cast<double>(i) + 1.0) / static_cast<double>(n)));
  }
  return Directions(n, ra.data(), dec.data());
}

void check_trials(const Options& base, int trials, std::size_t n_directions, std::size_t injected,
                  std::optional<double> gamma = free_gamma) {
  const Directions d = whole_sky(n_directions);
  std::size_t fitted = 0;
  for (int trial = 0; trial < trials; ++trial) {
    CAPTURE(trial);
    Options o = base;
    o.seed = static_cast<unsigned>(100 + trial);
    reference::Model m = sky(o);
    std::mt19937_64 random(static_cast<unsigned>(trial));
    if (injected > 0) inject(m, 0, 1 + static_cast<std::size_t>(trial) % injected, 0.9, 0.3, 0.5 * (trial % 8));
    const Core core(m);
    const std::vector<double> terms = priors(d, random);
    const ScanResult map = scan(*core.likelihood, *core.index, d, gamma, 1);
    for (const bool prune : {true, false}) {
      const HottestResult found =
          find_hottest(*core.likelihood, *core.index, SearchPlan(d, terms.data(), n_priors), gamma, trial % 3, prune);
      REQUIRE(found.best.size() == n_priors);
      for (std::size_t j = 0; j < n_priors; ++j) {
        CAPTURE(j);
        const Expected e = by_map(map, terms.data() + j * d.size());
        const Hottest& h = found.best[j];
        REQUIRE(h.direction == e.direction);
        if (e.direction < 0) continue;
        const auto i = static_cast<std::size_t>(e.direction);
        CHECK(h.ts_prior == e.ts_prior);
        CHECK(h.fit.ts == map.ts[i]);
        CHECK(h.fit.ns == map.ns[i]);
        CHECK(std::memcmp(&h.fit.gamma, &map.gamma[i], 8) == 0);
        CHECK(static_cast<std::int8_t>(h.fit.status) == map.status[i]);
      }
      // one prior at a time as well: what is dropped then is more
      if (prune)
        for (std::size_t j = 0; j < n_priors; ++j) {
          const HottestResult alone =
              find_hottest(*core.likelihood, *core.index, SearchPlan(d, terms.data() + j * d.size(), 1), gamma, 1, true);
          CHECK(alone.best[0].direction == found.best[j].direction);
          CHECK(alone.best[0].ts_prior == found.best[j].ts_prior);
          fitted += alone.n_fitted;
        }
    }
  }
  MESSAGE("fits per search with pruning: ", static_cast<double>(fitted) / trials / n_priors, " of ", n_directions);
}

}  // namespace

TEST_CASE("hottest: the same direction and the same bits as the whole map, over hundreds of searches") {
  Options o;
  o.gamma_nodes = even_nodes(49);
  o.sizes = {1500};
  check_trials(o, 40, 1500, 0);
}

TEST_CASE("hottest: the same with signal, with several seasons, with broad events and with few") {
  Options o;
  o.gamma_nodes = even_nodes(49);
  o.sizes = {1500};
  SUBCASE("signal") { check_trials(o, 24, 1000, 15); }
  SUBCASE("seasons") {
    o.sizes = {800, 150, 5};
    check_trials(o, 20, 800, 10);
  }
  SUBCASE("extended") {
    o.sizes = {200, 10};
    o.extended = true;
    check_trials(o, 20, 800, 3);
  }
  SUBCASE("broad") {
    o.sizes = {300};
    o.sigma_high = 80 * degree;
    check_trials(o, 12, 500, 4);
  }
  SUBCASE("few") {
    o.sizes = {6};
    check_trials(o, 20, 800, 2);
  }
  SUBCASE("very telling energies") {
    o.hardness = 4.0;
    check_trials(o, 12, 800, 5);
  }
  SUBCASE("fixed gamma") { check_trials(o, 20, 1000, 8, 2.2); }
  SUBCASE("no energy term") {
    o.gamma_nodes = {};
    check_trials(o, 20, 1000, 8);
  }
}

TEST_CASE("hottest: a prior that allows nothing has no direction, an empty sky has the prior's first maximum") {
  Options o;
  o.gamma_nodes = even_nodes(5);
  o.sizes = {0};
  reference::Model m = sky(o);
  m.seasons[0].n_events = 1.0;
  const Core core(m);
  const Directions d = whole_sky(200);
  std::vector<double> terms(400, minus_infinity);
  for (std::size_t i = 0; i < 200; ++i) terms[200 + i] = i == 77 || i == 150 ? -1.0 : -2.0;
  for (const bool prune : {true, false}) {
    const HottestResult r = find_hottest(*core.likelihood, *core.index, SearchPlan(d, terms.data(), 2), free_gamma, 1, prune);
    CHECK(r.best[0].direction == -1);
    CHECK(r.best[1].direction == 77);
    CHECK(r.best[1].ts_prior == -1.0);
    CHECK(r.best[1].fit.ts == 0.0);
    CHECK(r.best[1].fit.status == Status::no_events);
  }
}

TEST_CASE("hottest: the same bits on fine tiles, where events are fetched for many clusters at once and tiles bounded as a whole") {
  Options o;
  o.gamma_nodes = even_nodes(13);
  o.sigma_low = 0.2 * degree;
  o.sigma_high = 2.0 * degree;
  SUBCASE("one season") { o.sizes = {40000}; }
  SUBCASE("two seasons") { o.sizes = {25000, 9000}; }
  for (unsigned seed = 1; seed < 4; ++seed) {
    CAPTURE(seed);
    o.seed = seed;
    reference::Model m = sky(o);
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<double> uniform(0.0, 1.0);
    const double ra0 = 2 * pi * uniform(random), dec0 = std::asin(1.6 * uniform(random) - 0.8);
    inject(m, 0, 10 * seed, ra0 + 0.05, dec0 - 0.04, 1.0);
    const Core core(m);
    const Vec3 peak = unit_vector(ra0, dec0);
    std::vector<double> ra, dec, terms;
    while (ra.size() < 30000) {
      const double a = ra0 + (2 * uniform(random) - 1) * 0.15 / std::cos(dec0), b = dec0 + (2 * uniform(random) - 1) * 0.15;
      ra.push_back(a);
      dec.push_back(b);
      terms.push_back(-5000.0 * (1.0 - unit_vector(a, b).dot(peak)));
    }
    const Directions d(ra.size(), ra.data(), dec.data());
    const ScanResult map = scan(*core.likelihood, *core.index, d, free_gamma, 0);
    const Expected e = by_map(map, terms.data());
    for (const int threads : {1, 2}) {
      const HottestResult found = find_hottest(*core.likelihood, *core.index, SearchPlan(d, terms.data(), 1), free_gamma, threads, true);
      CHECK(found.best[0].direction == e.direction);
      CHECK(found.best[0].ts_prior == e.ts_prior);
      CHECK(found.n_fitted < d.size() / 2);
    }
  }
}

TEST_CASE("hottest: the same bits on a wide prior, with events that come one by one and make far clusters need much ts, or little") {
  Options o;
  o.gamma_nodes = even_nodes(13);
  o.sizes = {20000};
  const Directions d = whole_sky(25000);
  const std::vector<double> terms = around(d, unit_vector(2.0, 0.3), 6 * degree, -25.0);
  const SearchPlan plan(d, terms.data(), 1);
  REQUIRE(plan.wide());
  for (const std::size_t n_loose : {2u, 8u, 40u}) {
    CAPTURE(n_loose);
    const reference::Model m = sky(o);
    const Core core(m);
    reference::Model some;
    some.gamma_nodes = o.gamma_nodes;
    some.seasons.resize(1);
    inject(some, 0, n_loose, 2.03, 0.28, 1.5, 0.5);
    const reference::Season& s = some.seasons[0];
    std::vector<EventPart> parts(2);
    parts[0].columns = core.columns[0];
    parts[0].ra = m.seasons[0].ra.data();
    parts[1].columns = std::make_shared<EventColumns>(n_loose, s.dec.data(), s.sigma.data(), s.background.data(), s.log_ratio.data(),
                                                      GammaAxis(o.gamma_nodes), m.cut_n_sigma, 0.0, 1);
    parts[1].ra = s.ra.data();
    for (EventPart& part : parts) part.n = part.columns->size();
    const EventIndex index(parts, {m.seasons[0].n_events + static_cast<double>(n_loose)}, 1);
    REQUIRE(index.loose_events(0).size() == n_loose);
    const ScanResult map = scan(*core.likelihood, index, d, free_gamma, 0);
    const Expected e = by_map(map, terms.data());
    CHECK((e.ts_prior > 100.0) == (n_loose == 40));
    for (const int threads : {1, 2}) {
      const HottestResult found = find_hottest(*core.likelihood, index, plan, free_gamma, threads, true);
      CHECK(found.best[0].direction == e.direction);
      CHECK(found.best[0].ts_prior == e.ts_prior);
    }
  }
}

TEST_CASE("hottest: the same bits with so many events that bounds have to know the spectrum") {
  Options o;
  o.gamma_nodes = even_nodes(13);
  o.sizes = {300000, 20000};
  o.hardness = 0.8;
  const Directions d = whole_sky(1500);
  reference::Model m = sky(o);
  for (reference::Season& s : m.seasons)  // as in a season, the mean of R is 1 at every γ
    for (std::size_t g = 0; g < 13; ++g) {
      double sum = 0.0;
      for (std::size_t i = 0; i < s.ra.size(); ++i) sum += std::exp(static_cast<double>(s.log_ratio[13 * i + g]));
      const auto mean = static_cast<float>(std::log(sum / static_cast<double>(s.ra.size())));
      for (std::size_t i = 0; i < s.ra.size(); ++i) s.log_ratio[13 * i + g] -= mean;
    }
  inject(m, 1, 15, 2.0, 0.3, 1.0);
  const Core core(m, 0);
  const ScanResult map = scan(*core.likelihood, *core.index, d, free_gamma, 0);
  std::vector<double> terms = around(d, unit_vector(2.0, 0.3), 10 * degree, -25.0);
  const std::vector<double> flat(d.size(), 0.0);
  terms.insert(terms.end(), flat.begin(), flat.end());
  const SearchPlan both(d, terms.data(), 2), one(d, terms.data(), 1);
  for (const int threads : {1, 2}) {
    const HottestResult found = find_hottest(*core.likelihood, *core.index, both, free_gamma, threads, true);
    for (std::size_t j = 0; j < 2; ++j) {
      const Expected e = by_map(map, terms.data() + j * d.size());
      CHECK(found.best[j].direction == e.direction);
      CHECK(found.best[j].ts_prior == e.ts_prior);
    }
    CHECK(find_hottest(*core.likelihood, *core.index, one, free_gamma, threads, true).n_fitted < d.size() / 3);
  }
}

TEST_CASE("hottest: terms that are no numbers are refused, a checkpoint may stop the search") {
  Options o;
  o.gamma_nodes = even_nodes(5);
  const Core core(sky(o));
  const Directions d = whole_sky(2000);
  std::vector<double> terms(2000, 0.0);
  terms[5] = NAN;
  CHECK_THROWS_WITH_AS(SearchPlan(d, terms.data(), 1), doctest::Contains("direction 5"), std::invalid_argument);
  terms[5] = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH_AS(SearchPlan(d, terms.data(), 1), doctest::Contains("prior_terms"), std::invalid_argument);
  terms[5] = 0.0;
  const HottestResult stopped = find_hottest(*core.likelihood, *core.index, SearchPlan(d, terms.data(), 1), free_gamma, 1, true,
                                             [](std::size_t, std::size_t) { return false; });
  CHECK(stopped.interrupted);
}
