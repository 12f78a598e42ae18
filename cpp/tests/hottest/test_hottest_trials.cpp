#include "nusky/hottest/hottest_trials.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "tile_check.hpp"

using namespace nusky;
using namespace nusky::made_up;

TEST_CASE("hottest of trials: each is what it is alone, and what the whole map gives, at any number of threads") {
  Options o;
  o.gamma_nodes = even_nodes(9);
  o.sizes = {400, 120};
  o.extended = true;
  reference::Model m = sky(o);
  for (auto& season : m.seasons) season.n_events = 3.0;
  const Core core(m);
  const Directions d = fibonacci(6000);
  std::vector<double> terms;
  for (std::size_t i = 0; i < d.size(); ++i) terms.push_back(-2.0 * (1.0 - d.vector(i).dot(unit_vector(1.0, 0.3))));
  for (std::size_t i = 0; i < d.size(); ++i) terms.push_back(i % 3 == 0 ? 0.0 : -1.0);
  const SearchPlan plan(d, terms.data(), 2);
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  constexpr std::size_t n = 40;
  std::vector<std::vector<double>> ra(2);
  std::vector<std::vector<std::int64_t>> rows(2), first(2, {0});
  for (std::size_t t = 0; t < n; ++t)
    for (std::size_t k = 0; k < 2; ++k) {
      const auto events = static_cast<std::size_t>(t % 7 == 0 ? 0 : 5 * uniform(random));
      for (std::size_t i = 0; i < events; ++i) {
        ra[k].push_back(2 * pi * uniform(random));
        rows[k].push_back(static_cast<std::int64_t>(uniform(random) * static_cast<double>(core.columns[k]->size())));
      }
      first[k].push_back(static_cast<std::int64_t>(ra[k].size()));
    }
  std::vector<PartOfTrials> parts;
  for (std::size_t k = 0; k < 2; ++k) {
    EventPart part;
    part.columns = core.columns[k];
    part.n = ra[k].size();
    part.ra = ra[k].data();
    part.rows = rows[k].data();
    part.season = static_cast<int>(k);
    parts.push_back({part, first[k].data()});
  }
  std::vector<Hottest> one(n * 2), two(n * 2);
  CHECK(find_hottest_of_trials(*core.likelihood, plan, parts, n, core.n_events, free_gamma, 1, one.data(), {}));
  CHECK(find_hottest_of_trials(*core.likelihood, plan, parts, n, core.n_events, free_gamma, 2, two.data(), {}));
  std::size_t empty = 0, near_events = 0;
  for (std::size_t t = 0; t < n; ++t) {
    std::vector<EventPart> mine;
    for (std::size_t k = 0; k < 2; ++k) {
      EventPart part = parts[k].part;
      const auto begin = static_cast<std::size_t>(first[k][t]);
      part.n = static_cast<std::size_t>(first[k][t + 1]) - begin;
      part.ra += begin;
      part.rows += begin;
      mine.push_back(part);
    }
    const EventIndex index(mine, core.n_events, 1, true);
    const HottestResult whole = find_hottest(*core.likelihood, index, plan, free_gamma, 1, false);
    for (std::size_t j = 0; j < 2; ++j) {
      CAPTURE(t);
      CAPTURE(j);
      const Hottest &a = one[2 * t + j], &b = two[2 * t + j], &e = whole.best[j];
      CHECK(a.direction == e.direction);
      CHECK(a.ts_prior == e.ts_prior);
      CHECK(a.fit.ns == e.fit.ns);
      CHECK(a.fit.status == e.fit.status);
      CHECK(std::memcmp(&a.fit.gamma, &e.fit.gamma, 8) == 0);
      CHECK(std::memcmp(&a, &b, offsetof(Hottest, fit) + 24) == 0);
      empty += a.fit.status == Status::no_events;
      near_events += a.fit.ts > 0.0;
    }
  }
  CHECK(empty >= 10);
  CHECK(near_events >= 10);
}

TEST_CASE("hottest of trials: a checkpoint may stop it") {
  Options o;
  o.gamma_nodes = even_nodes(5);
  o.sizes = {30};
  const Core core(sky(o));
  const Directions d = fibonacci(500);
  const std::vector<double> terms(500, 0.0);
  std::vector<double> ra(100, 1.0);
  std::vector<std::int64_t> rows(100, 4), first;
  for (std::int64_t t = 0; t <= 100; ++t) first.push_back(t);
  EventPart part;
  part.columns = core.columns[0];
  part.n = 100;
  part.ra = ra.data();
  part.rows = rows.data();
  std::vector<Hottest> best(100);
  const auto stop = [](std::size_t, std::size_t) { return false; };
  CHECK_FALSE(find_hottest_of_trials(*core.likelihood, SearchPlan(d, terms.data(), 1), {{part, first.data()}}, 100, core.n_events,
                                     free_gamma, 1, best.data(), stop));
  CHECK(best[0].direction >= 0);
  CHECK(best[99].direction == -1);
}
