#include "nusky/hottest/plan.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tile_check.hpp"

using namespace nusky;
using namespace nusky::made_up;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// Terms of two priors: a Gaussian on a floor, and another that leaves half of the sky out.
std::vector<double> two_priors(const Directions& d, double floor) {
  std::vector<double> terms;
  const Vec3 a = unit_vector(1.0, 0.3), b = unit_vector(4.0, -0.9);
  for (std::size_t i = 0; i < d.size(); ++i) terms.push_back(std::max(floor, -300.0 * (1.0 - d.vector(i).dot(a))));
  for (std::size_t i = 0; i < d.size(); ++i) {
    const double cosine = d.vector(i).dot(b);
    terms.push_back(cosine < 0.0 ? -infinity : 5.0 - 90.0 * (1.0 - cosine));
  }
  return terms;
}

struct Expected {
  std::vector<double> top;      // by prior
  std::vector<double> promise;  // by direction
};

Expected loop(const std::vector<double>& terms, std::size_t n) {
  Expected e;
  e.promise.assign(n, -infinity);
  for (std::size_t j = 0; j < terms.size() / n; ++j) {
    double top = -infinity;
    for (std::size_t i = 0; i < n; ++i) top = std::max(top, terms[j * n + i]);
    e.top.push_back(top);
    for (std::size_t i = 0; i < n; ++i) e.promise[i] = std::max(e.promise[i], terms[j * n + i] - top);
  }
  return e;
}

}  // namespace

TEST_CASE("plan: terms, tops and promises are those of a loop over directions") {
  const Directions d = fibonacci(4000);
  const std::vector<double> terms = two_priors(d, -7.0);
  const SearchPlan plan(d, terms.data(), 2);
  const Expected e = loop(terms, d.size());
  REQUIRE(plan.n_priors() == 2);
  CHECK(&plan.directions() == &d);
  std::size_t wrong = 0;
  for (std::size_t j = 0; j < 2; ++j) {
    CHECK(plan.top(j) == e.top[j]);
    for (std::size_t slot = 0; slot < d.size(); ++slot) wrong += plan.term(j, slot) != terms[j * d.size() + d.order()[slot]];
  }
  for (std::size_t slot = 0; slot < d.size(); ++slot) wrong += plan.promise(slot) != e.promise[d.order()[slot]];
  CHECK(wrong == 0);
}

TEST_CASE("plan: every group that may win is in one cluster, whose cap holds it; the promising come first") {
  const Directions d = fibonacci(4000);
  for (const double floor : {-7.0, -40.0, -infinity}) {
    const std::vector<double> terms = two_priors(d, floor);
    const SearchPlan plan(d, terms.data(), 2);
    const Expected e = loop(terms, d.size());
    const std::vector<DirectionGroup>& groups = d.groups();
    std::vector<double> best(groups.size(), -infinity);  // promise of each group
    for (std::size_t g = 0; g < groups.size(); ++g)
      for (std::uint32_t p = 0; p < groups[g].count; ++p) best[g] = std::max(best[g], e.promise[d.order()[groups[g].first + p]]);
    std::vector<std::size_t> times(groups.size(), 0);
    std::size_t outside = 0, wrong_top = 0, out_of_order = 0, wrong_side = 0;
    std::size_t n_far = 0;  // clusters that need a ts of 20 or more
    double before = 0.0;
    for (std::size_t c = 0; c < plan.clusters().size(); ++c) {
      const Cluster& cluster = plan.clusters()[c];
      REQUIRE(cluster.n_groups >= 1);
      REQUIRE(cluster.n_groups <= Cluster::most_groups);
      double top[2] = {-infinity, -infinity}, promise = -infinity;
      for (std::uint32_t i = 0; i < cluster.n_groups; ++i) {
        const std::uint32_t g = cluster.group[i];
        ++times[g];
        promise = std::max(promise, best[g]);
        wrong_side += (best[g] < -10.0) != (c >= plan.first_far());
        for (std::uint32_t p = 0; p < groups[g].count; ++p) {
          const std::size_t direction = d.order()[groups[g].first + p];
          const Vec3& x = d.vector(direction);
          outside += std::atan2(x.cross(cluster.cap.centre).norm(), x.dot(cluster.cap.centre)) > cluster.cap.radius + 1e-12;
          for (std::size_t j = 0; j < 2; ++j) top[j] = std::max(top[j], terms[j * d.size() + direction]);
        }
      }
      for (std::size_t j = 0; j < 2; ++j) wrong_top += plan.cluster_top(c, j) != top[j];
      n_far += top[0] <= plan.top(0) - 20.0 && top[1] <= plan.top(1) - 20.0;
      // in steps of two, so that neighbours still follow each other
      if (c < plan.first_far()) out_of_order += std::floor(promise / 2.0) > std::floor(before / 2.0);
      before = promise;
    }
    for (std::size_t g = 0; g < groups.size(); ++g) CHECK(times[g] == (best[g] > -infinity ? 1 : 0));
    CHECK(outside == 0);
    CHECK(wrong_top == 0);
    CHECK(out_of_order == 0);
    CHECK(wrong_side == 0);
    CHECK(plan.first_far() > 0);
    CHECK(plan.first_far() <= plan.clusters().size());
    CHECK((plan.first_far() < plan.clusters().size()) == (floor < -10.0));
    CHECK(plan.wide() == (n_far > 300));
  }
}

TEST_CASE("plan: on a wide prior every direction has the cell that holds it, and a cell the largest term of its far directions") {
  const Directions d = fibonacci(60000);
  for (const auto& kind : {std::pair{-60.0, false}, std::pair{-60.0, true}, std::pair{-200.0, false}, std::pair{-200.0, true}}) {
    const double floor = kind.first;
    const bool coarse = kind.second;
    CAPTURE(floor);
    CAPTURE(coarse);
    const std::vector<double> terms = two_priors(d, floor);
    const SearchPlan plan(d, terms.data(), 2);
    const Expected e = loop(terms, d.size());
    REQUIRE(plan.wide());
    const PlanCells& here = coarse ? plan.coarse_cells() : plan.cells();
    REQUIRE(here.sky().size() == (floor < -80.0 && !coarse ? 2 : 1));  // -200: a second, coarser grid below -80
    std::vector<std::uint32_t> cells;                                  // of all grids, one after the other
    std::vector<std::size_t> first;
    for (const auto& sky : here.sky()) {
      first.push_back(cells.size());
      CHECK(std::is_sorted(sky->cells().begin(), sky->cells().end()));
      cells.insert(cells.end(), sky->cells().begin(), sky->cells().end());
    }
    REQUIRE(here.n_cells() == cells.size());
    std::vector<std::size_t> cluster_of(d.size(), 0);  // by slot
    for (std::size_t c = 0; c < plan.clusters().size(); ++c)
      for (std::uint32_t i = 0; i < plan.clusters()[c].n_groups; ++i) {
        const DirectionGroup& g = d.groups()[plan.clusters()[c].group[i]];
        for (std::size_t slot = g.first; slot < g.first + g.count; ++slot) cluster_of[slot] = c;
      }
    std::vector<double> top(2 * cells.size(), -infinity);
    std::vector<std::set<std::uint32_t>> far(cells.size());
    std::size_t wrong_cell = 0, without = 0;
    for (std::size_t slot = 0; slot < d.size(); ++slot) {
      const std::size_t direction = d.order()[slot];
      const std::uint32_t cell = here.cell(slot);
      if (cell == PlanCells::no_cell) {
        ++without;
        wrong_cell += e.promise[direction] > -infinity;
        continue;
      }
      const std::size_t grid = e.promise[direction] > -80.0 || coarse ? 0 : 1;
      wrong_cell += cell < first[grid] || cells[cell] != here.sky()[grid]->grid().cell(d.vector(direction));
      if (cluster_of[slot] < plan.first_far()) continue;
      for (std::size_t j = 0; j < 2; ++j)
        top[j * cells.size() + cell] = std::max(top[j * cells.size() + cell], terms[j * d.size() + direction]);
      far[cell].insert(static_cast<std::uint32_t>(cluster_of[slot]));
    }
    CHECK(wrong_cell == 0);
    CHECK(without == 0);
    std::size_t wrong_top = 0, wrong_far = 0, n_far = 0;
    for (std::size_t cell = 0; cell < cells.size(); ++cell) {
      for (std::size_t j = 0; j < 2; ++j) wrong_top += here.cell_top(j)[cell] != top[j * cells.size() + cell];
      wrong_far += std::set<std::uint32_t>(here.far_begin(cell), here.far_end(cell)) != far[cell];
      n_far += far[cell].size();
    }
    CHECK(wrong_top == 0);
    CHECK(wrong_far == 0);
    CHECK(n_far > 1000);
    for (std::size_t j = 0; j < 2; ++j) {
      double most = -infinity;
      for (std::size_t c = plan.first_far(); c < plan.clusters().size(); ++c) most = std::max(most, plan.cluster_top(c, j));
      CHECK(plan.far_top(j) == most);
    }
  }
}

TEST_CASE("plan: a term that is no number is refused with its prior and direction; without a finite one there are no clusters") {
  const Directions d = fibonacci(100);
  std::vector<double> terms(200, -1.0);
  terms[130] = std::nan("");
  CHECK_THROWS_WITH_AS(SearchPlan(d, terms.data(), 2), doctest::Contains("prior 1, direction 30"), std::invalid_argument);
  terms[130] = infinity;
  CHECK_THROWS_AS(SearchPlan(d, terms.data(), 2), std::invalid_argument);
  const std::vector<double> none(100, -infinity);
  const SearchPlan plan(d, none.data(), 1);
  CHECK(plan.clusters().empty());
  CHECK(plan.first_far() == 0);
}

TEST_CASE("plan: the clusters near a place hold every direction within the chord, and few others") {
  const Directions d = fibonacci(20000);
  const std::vector<double> terms = two_priors(d, -7.0);
  const SearchPlan plan(d, terms.data(), 2);
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  for (int i = 0; i < 30; ++i) {
    const Vec3 place = unit_vector(2 * pi * uniform(random), std::asin(2 * uniform(random) - 1));
    const double chord = i == 0 ? 2.3 : 0.5 * uniform(random);
    std::vector<std::uint32_t> near;
    plan.near(place, chord, near);
    const std::set<std::uint32_t> found(near.begin(), near.end());
    std::size_t missed = 0, within = 0, held = 0;
    for (std::uint32_t c = 0; c < plan.clusters().size(); ++c) {
      const Cluster& cluster = plan.clusters()[c];
      for (std::uint32_t g = 0; g < cluster.n_groups; ++g)
        for (std::uint32_t p = 0; p < d.groups()[cluster.group[g]].count; ++p) {
          const Vec3& v = d.vector(d.order()[d.groups()[cluster.group[g]].first + p]);
          const bool inside = (v - place).norm() <= chord;
          within += inside;
          held += found.count(c);
          missed += inside && found.count(c) == 0;
        }
    }
    CHECK(missed == 0);
    CHECK(held < 3 * within + 2000);
  }
  CHECK(plan.top_direction(0) == std::max_element(terms.begin(), terms.begin() + 20000) - terms.begin());
  const std::vector<double> nothing(20000, -infinity);
  CHECK(SearchPlan(d, nothing.data(), 1).top_direction(0) == -1);
}
