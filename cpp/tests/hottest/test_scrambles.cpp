#include "nusky/hottest/scrambles.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "nusky/hottest/hottest_trials.hpp"
#include "tile_check.hpp"

using namespace nusky;
using namespace nusky::made_up;

namespace {

constexpr std::uint64_t key = 0x123456789abcdefULL;
constexpr std::int64_t numbers[] = {0, 1, 2, 5, 11, 1000000007};
constexpr std::size_t n = 6, n_ra = 8, n_dec = 4;

// Two seasons, one of them large enough to be kept as a whole, and which of their events matter where.
struct Sky {
  Options options;
  reference::Model model;
  std::unique_ptr<Core> core;
  std::vector<float> grid;
  std::vector<std::vector<std::int64_t>> rows;
  std::vector<std::vector<std::int32_t>> first_cell;
  std::vector<std::vector<float>> reach;

  Sky() : rows(2), first_cell(2), reach(2) {
    options.gamma_nodes = even_nodes(9);
    options.sizes = {5000, 600};
    model = sky(options);
    core = std::make_unique<Core>(model);
    std::mt19937_64 random(3);
    std::uniform_real_distribution<float> uniform(0.0F, 1.0F);
    for (std::size_t i = 0; i < n_dec * (n_ra + 1); ++i) grid.push_back(uniform(random));
    for (std::size_t k = 0; k < 2; ++k)
      for (std::size_t row = 0; row < core->columns[k]->size(); ++row) {
        if (uniform(random) < 0.3F) continue;
        rows[k].push_back(static_cast<std::int64_t>(row));
        first_cell[k].push_back(static_cast<std::int32_t>(row % n_dec * (n_ra + 1)));
        reach[k].push_back(uniform(random));
      }
  }

  Scrambles scrambles(bool near) const {
    if (!near) return {core->columns, {}, {}};
    std::vector<NearSeason> seasons;
    for (std::size_t k = 0; k < 2; ++k) seasons.push_back({rows[k].size(), rows[k].data(), first_cell[k].data(), reach[k].data()});
    return {core->columns, {n_ra, grid}, seasons};
  }

  // The rows of a season that matter in a trial, and the right ascensions of all of its rows, one by one.
  void draw(std::size_t k, std::int64_t number, std::vector<std::int64_t>& chosen, std::vector<double>& ra) const {
    const auto trial = static_cast<std::uint64_t>(number);
    const RandomPlace place = random_place(key, trial / 4, Purpose::right_ascension, static_cast<std::uint32_t>(k));
    for (std::size_t row = 0; row < core->columns[k]->size(); ++row)
      ra.push_back(right_ascension_of(random_block(place, static_cast<std::uint32_t>(row))[trial % 4]));
    for (std::size_t i = 0; i < rows[k].size(); ++i) {
      const double at = ra[static_cast<std::size_t>(rows[k][i])];
      const auto cell = first_cell[k][i] + static_cast<std::int32_t>(at * (n_ra / (2 * pi)));
      if (grid[static_cast<std::size_t>(cell)] <= reach[k][i]) chosen.push_back(rows[k][i]);
    }
  }
};

bool same(const Hottest& a, const Hottest& b) {
  return a.direction == b.direction && a.ts_prior == b.ts_prior && a.fit.ns == b.fit.ns && a.fit.status == b.fit.status &&
         std::memcmp(&a.fit.gamma, &b.fit.gamma, sizeof(double)) == 0;
}

}  // namespace

TEST_CASE("scrambles: every trial is what its events give one by one, on any number of threads") {
  const Sky sky;
  const Directions d = fibonacci(400);
  std::vector<double> terms;
  for (std::size_t i = 0; i < d.size(); ++i) terms.push_back(-2.0 * (1.0 - d.vector(i).dot(unit_vector(1.0, 0.3))));
  const SearchPlan plan(d, terms.data(), 1);
  // injected events: rows 7, 8, … of the small season, so many as the number of the trial in the list
  std::vector<double> injected_ra;
  std::vector<std::int64_t> injected_row, first{0};
  for (std::size_t t = 0; t < n; ++t) {
    for (std::size_t i = 0; i < t; ++i) {
      injected_ra.push_back(1.0 + 0.01 * static_cast<double>(i));
      injected_row.push_back(static_cast<std::int64_t>(7 + i));
    }
    first.push_back(static_cast<std::int64_t>(injected_ra.size()));
  }
  EventPart extra;
  extra.columns = sky.core->columns[1];
  extra.season = 1;
  extra.n = injected_ra.size();
  extra.ra = injected_ra.data();
  extra.rows = injected_row.data();
  const TrialRequest request{key, n, numbers, 0.0, false};
  for (const bool near : {false, true})
    for (const int threads : {1, 2, 8}) {
      CAPTURE(near);
      CAPTURE(threads);
      std::vector<Hottest> found(n);
      CHECK(find_hottest_of_scrambles(*sky.core->likelihood, plan, sky.scrambles(near), {{extra, first.data()}}, request, free_gamma,
                                      threads, found.data(), {}));
      for (std::size_t t = 0; t < n; ++t) {
        std::vector<std::vector<std::int64_t>> chosen(2);
        std::vector<std::vector<double>> ra(2), of_chosen(2);
        std::vector<EventPart> parts;
        std::vector<double> n_events;
        for (std::size_t k = 0; k < 2; ++k) {
          sky.draw(k, numbers[t], chosen[k], ra[k]);
          for (const std::int64_t row : chosen[k]) of_chosen[k].push_back(ra[k][static_cast<std::size_t>(row)]);
          EventPart part;
          part.columns = sky.core->columns[k];
          part.season = static_cast<int>(k);
          part.n = near ? chosen[k].size() : ra[k].size();
          part.ra = near ? of_chosen[k].data() : ra[k].data();
          part.rows = near ? chosen[k].data() : nullptr;
          parts.push_back(part);
          n_events.push_back(static_cast<double>(ra[k].size()));
        }
        EventPart mine = extra;
        mine.n = t;
        mine.ra += first[t];
        mine.rows += first[t];
        mine.few = true;
        parts.push_back(mine);
        n_events[1] += static_cast<double>(t);
        const EventIndex index(parts, n_events, 1);
        CHECK(same(found[t], find_hottest(*sky.core->likelihood, index, plan, free_gamma, 1, false).best[0]));
      }
    }
}

TEST_CASE("scrambles: parts keep the order of their columns, and hold until the next") {
  const Sky sky;
  const Scrambles scrambles = sky.scrambles(true);
  DrawnScrambles drawn(scrambles);
  drawn.draw(key, 2);
  for (std::size_t w = 0; w < 4; ++w) {
    std::vector<EventPart> parts;
    drawn.append(w, parts);
    REQUIRE(parts.size() == 2);
    for (std::size_t k = 0; k < 2; ++k) {
      std::vector<std::int64_t> chosen;
      std::vector<double> ra;
      sky.draw(k, static_cast<std::int64_t>(8 + w), chosen, ra);
      REQUIRE(parts[k].n == chosen.size());
      CHECK(chosen.size() > 50);
      std::vector<std::int64_t> rows;
      bool ascending = true, right = true;
      for (std::size_t i = 0; i < parts[k].n; ++i) {
        const std::size_t row = sky.core->columns[k]->row(parts[k].event[i]);
        rows.push_back(static_cast<std::int64_t>(row));
        ascending = ascending && (i == 0 || parts[k].event[i - 1] < parts[k].event[i]);
        right = right && parts[k].ra[i] == ra[row];
      }
      std::sort(rows.begin(), rows.end());
      CHECK(rows == chosen);
      CHECK(ascending);
      CHECK(right);
    }
  }
}

TEST_CASE("scrambles: a checkpoint may stop the search between blocks") {
  const Sky sky;
  const Directions d = fibonacci(50);
  const std::vector<double> terms(50, 0.0);
  std::vector<std::int64_t> many;
  for (std::int64_t j = 0; j < 40; ++j) many.push_back(j);
  std::vector<Hottest> found(40);
  const TrialRequest request{key, 40, many.data(), 0.0, false};
  std::size_t told = 0;
  CHECK_FALSE(find_hottest_of_scrambles(*sky.core->likelihood, SearchPlan(d, terms.data(), 1), sky.scrambles(false), {}, request,
                                        free_gamma, 1, found.data(), [&](std::size_t done, std::size_t) {
                                          told = done;
                                          return false;
                                        }));
  CHECK(told % 4 == 0);
  CHECK(found[told - 1].direction >= 0);
  CHECK(found[told].direction == -1);
}
