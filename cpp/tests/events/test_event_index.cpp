#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "made_up_sky.hpp"
#include "nusky/events/event_index.hpp"
#include "nusky/fit/group_fitter.hpp"

using namespace nusky;
using namespace nusky::made_up;

namespace {

double separation(const Vec3& a, const Vec3& b) { return std::atan2(a.cross(b).norm(), a.dot(b)); }

// Where a search may go wrong: poles, both sides of RA 0, edges of zones, and anywhere.
std::vector<Vec3> hard_centres(std::mt19937_64& random) {
  std::vector<Vec3> centres{unit_vector(0, pi / 2),          unit_vector(0, -pi / 2),  unit_vector(0, 0),
                            unit_vector(2 * pi - 1e-9, 0.4), unit_vector(1e-9, -0.4),  unit_vector(pi, 1.5),
                            unit_vector(6.2, -1.5),          unit_vector(3.0, 1.5707), unit_vector(1.0, -1.5707)};
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  for (int i = 0; i < 60; ++i) centres.push_back(unit_vector(2 * pi * uniform(random), std::asin(2 * uniform(random) - 1)));
  return centres;
}

struct Found {
  std::size_t within = 0, asked = 0;
};

// Every event that reaches into the cap must be among those returned; ranges ascend and lie within the season.
Found check_search(const EventIndex& index, const std::vector<EventPart>& parts, int season, const Vec3& centre, double radius) {
  std::vector<EventRange> ranges;
  index.near(season, centre, 2.0 * std::sin(0.5 * radius), ranges);
  std::vector<char> covered(index.size(), 0);
  std::uint32_t last = 0;
  Found found;
  for (const EventRange r : ranges) {
    REQUIRE(r.first < r.last);
    REQUIRE(r.first >= last);
    REQUIRE(r.last <= index.size());
    last = r.last;
    for (std::uint32_t i = r.first; i < r.last; ++i) covered[i] = 1;
    found.asked += r.last - r.first;
  }
  // by brute force from the indexed events themselves
  std::size_t missed = 0;
  for (std::uint32_t i = 0; i < index.size(); ++i) {
    const IndexedEvent& e = index.event(i);
    const double cut = e.spatial.cut >= 5.0F ? pi : 2.0 * std::asin(std::min(1.0, 0.5 * std::sqrt(static_cast<double>(e.spatial.cut))));
    const bool in_season = parts.size() == 1 || (e.peak == static_cast<float>(season));
    if (!in_season || separation({e.x, e.y, e.z}, centre) > cut + radius) continue;
    ++found.within;
    missed += covered[i] == 0;
  }
  CHECK(missed == 0);
  return found;
}

}  // namespace

TEST_CASE("event index: the search returns every event whose cut reaches the cap, at poles, around RA 0, for all cuts") {
  std::mt19937_64 random(3);
  const std::vector<Vec3> centres = hard_centres(random);
  for (const auto& [n, low, high] : {std::tuple{100u, 0.2, 3.0},
                                     {700u, 0.2, 170.0},
                                     {20000u, 0.2, 1.0},
                                     {20000u, 0.2, 40.0},
                                     {5000u, 15.0, 16.1},
                                     {5000u, 17.9, 18.2}}) {
    Options o;
    o.sizes = {n};
    o.sigma_low = low * degree;
    o.sigma_high = high * degree;
    const reference::Model m = sky(o);
    const Core core(m);
    CHECK(core.index->size() == n);
    std::size_t within = 0, asked = 0;
    for (const Vec3& c : centres)
      for (const double radius : {1e-9, 0.7 * degree, 4.0 * degree, 30.0 * degree}) {
        const Found f = check_search(*core.index, {EventPart{}}, 0, c, radius);
        if (radius < 1.0 * degree) {
          within += f.within;
          asked += f.asked;
        }
      }
    if (n == 20000 && high == 1.0) CHECK(asked < 12 * within);  // it is a search, not a loop over all events
  }
}

TEST_CASE("event index: the pairs within the cut that a fit sees are those of a double loop") {
  for (const double widest : {3.0, 60.0, 170.0}) {
    Options o;
    o.sizes = {3000, 700};
    o.sigma_high = widest * degree;
    const reference::Model m = sky(o);
    const Core core(m);
    std::mt19937_64 random(5);
    std::vector<double> ra, dec;
    for (const Vec3& c : hard_centres(random)) {
      ra.push_back(std::atan2(c.y(), c.x()));
      dec.push_back(std::asin(c.z()));
    }
    for (int i = 0; i < 100; ++i) {  // more than 64 directions: they are grouped
      ra.push_back(0.03 * i);
      dec.push_back(1.56 - 0.03 * i);
    }
    const Directions directions(ra.size(), ra.data(), dec.data());
    const FitModel model(*core.likelihood, *core.index, free_gamma, directions.groups().size(), 1);
    GroupFitter fitter(model);
    std::size_t pairs = 0, expected = 0;
    for (std::size_t g = 0; g < directions.groups().size(); ++g) {
      fitter.load(directions, g);
      pairs += fitter.count_pairs();
    }
    for (std::size_t j = 0; j < ra.size(); ++j)
      for (const reference::Season& s : m.seasons)
        for (std::size_t i = 0; i < s.ra.size(); ++i) {
          const double psi = separation(unit_vector(ra[j], dec[j]), unit_vector(s.ra[i], s.dec[i]));
          expected += psi <= std::min(pi, 5.0 * s.sigma[i]) && reference::spatial(psi, s.sigma[i], 5.0) > 0;
        }
    CHECK(pairs == expected);
  }
}

TEST_CASE("event index: seasons stay apart, and a season without events is searched without harm") {
  Options o;
  o.sizes = {900, 0, 40};
  reference::Model m = sky(o);
  m.seasons[1].n_events = 5.0;
  const Core core(m);
  std::vector<EventRange> ranges;
  std::size_t total = 0;
  for (int k = 0; k < 3; ++k) {
    core.index->near(k, unit_vector(1.0, 0.2), 2.0, ranges);
    std::size_t n = 0;
    for (const EventRange r : ranges) n += r.last - r.first;
    CHECK(n == m.seasons[static_cast<std::size_t>(k)].ra.size());
    total += n;
  }
  CHECK(total == core.index->size());
}

TEST_CASE("event index: right ascensions outside 0 ... 2 pi are the same directions") {
  Options o;
  o.sizes = {2000};
  reference::Model m = sky(o), turned = m;
  for (std::size_t i = 0; i < turned.seasons[0].ra.size(); ++i) turned.seasons[0].ra[i] += 2 * pi * (static_cast<double>(i % 5) - 2.0);
  const Core a(m), b(turned);
  const std::vector<double> ra{0.0, 1.0, 6.28, 3.0}, dec{0.1, -0.7, 1.2, -1.57};
  const ScanResult x = a.scan(ra, dec), y = b.scan(ra, dec);
  for (std::size_t i = 0; i < ra.size(); ++i) CHECK(x.ts[i] == doctest::Approx(y.ts[i]).epsilon(1e-6).scale(1.0));
}

TEST_CASE("event index: rows pick and repeat events, a factor multiplies the weight") {
  Options o;
  o.sizes = {50};
  const reference::Model m = sky(o);
  const reference::Season& s = m.seasons[0];
  const auto columns =
      std::make_shared<EventColumns>(50, s.dec.data(), s.sigma.data(), s.background.data(), nullptr, GammaAxis(), 5.0, 0.0, 1);
  const std::vector<std::int64_t> rows{3, 3, 49, 0};
  const std::vector<double> ra{0.1, 0.2, 0.3, 0.4}, factor{1.0, 0.0, 2.5, 7.0};
  EventPart part{columns, 4, ra.data(), 0, rows.data(), nullptr, factor.data()};
  const EventIndex index({part}, {10.0}, 1);
  REQUIRE(index.size() == 4);
  std::multiset<float> expected, found;
  for (std::size_t i = 0; i < 4; ++i) {
    expected.insert(static_cast<float>(factor[i]) * columns->spatial(columns->event(static_cast<std::size_t>(rows[i]))).weight);
    found.insert(index.event(static_cast<std::uint32_t>(i)).spatial.weight);
  }
  CHECK(expected == found);
}

TEST_CASE("event index: what cannot be is refused before anything is built") {
  const double dec = 0.1, sigma = 0.01, background = 0.1, ra = 1.0, nan = NAN, negative = -1.0;
  const auto columns = std::make_shared<EventColumns>(1, &dec, &sigma, &background, nullptr, GammaAxis(), 5.0, 0.0, 1);
  const std::vector<float> flat(2, 0.0F);
  const auto other = std::make_shared<EventColumns>(1, &dec, &sigma, &background, flat.data(), GammaAxis({1.0, 2.0}), 5.0, 0.0, 1);
  const std::int64_t row = 0, beyond = 1;
  const EventPart good{columns, 1, &ra, 0, &row, nullptr};
  EventPart bad = good;
  bad.ra = &nan;
  CHECK_THROWS_WITH_AS(EventIndex({bad}, {1.0}, 1), doctest::Contains("ra: row 0"), std::invalid_argument);
  bad = good;
  bad.rows = &beyond;
  CHECK_THROWS_WITH_AS(EventIndex({bad}, {1.0}, 1), doctest::Contains("rows: entry 0"), std::invalid_argument);
  bad = good;
  bad.factor = &negative;
  CHECK_THROWS_WITH_AS(EventIndex({bad}, {1.0}, 1), doctest::Contains("factor"), std::invalid_argument);
  bad = good;
  bad.rows = nullptr;
  bad.n = 0;
  CHECK_THROWS_WITH_AS(EventIndex({bad}, {1.0}, 1), doctest::Contains("the columns 1"), std::invalid_argument);
  bad = good;
  bad.season = 1;
  CHECK_THROWS_WITH_AS(EventIndex({bad}, {1.0}, 1), doctest::Contains("season 1"), std::invalid_argument);
  bad = good;
  bad.columns = other;
  CHECK_THROWS_WITH_AS(EventIndex({good, bad}, {1.0}, 1), doctest::Contains("part 1"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(EventIndex({good}, {}, 1), doctest::Contains("n_events"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(EventIndex({good}, {0.0}, 1), doctest::Contains("season 0"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(EventIndex({good}, {nan}, 1), doctest::Contains("n_events"), std::invalid_argument);
}
