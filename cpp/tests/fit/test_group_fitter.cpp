// The fit of a direction against the slow reference: ordinary skies.
#include <doctest/doctest.h>

#include "fit_check.hpp"

using namespace nusky;
using namespace nusky::made_up;

TEST_CASE("fit: one season, gamma free, at random directions, on events and at both poles") {
  for (const unsigned seed : {1u, 2u}) {
    Options o;
    o.gamma_nodes = even_nodes(49);
    o.seed = seed;
    const reference::Model m = sky(o);
    const Tally t = check_fits(m, some_directions(m, 24, seed));
    CHECK(t.positive > 8);
    CHECK(t.converged == t.positive);
  }
}

TEST_CASE("fit: gamma fixed, also at both ends and between the nodes") {
  Options o;
  o.gamma_nodes = even_nodes(49);
  const reference::Model m = sky(o);
  for (const double gamma : {1.0, 2.0, 2.13, 4.0}) {
    const Tally t = check_fits(m, some_directions(m, 30, 3), gamma);
    CHECK(t.positive > 2);
    CHECK(t.converged == t.positive);
  }
}

TEST_CASE("fit: without an energy term") {
  const reference::Model m = sky(Options{});
  const Tally t = check_fits(m, some_directions(m, 60, 4));
  CHECK(t.positive > 10);
  const ScanResult r = Core(m).scan({m.seasons[0].ra[0]}, {m.seasons[0].dec[0]});
  CHECK(std::isnan(r.gamma[0]));
}

TEST_CASE("fit: one, two, three, four and five gamma nodes") {
  for (const std::size_t n : {1u, 2u, 3u, 4u, 5u}) {
    CAPTURE(n);
    Options o;
    o.gamma_nodes = even_nodes(n);
    const reference::Model m = sky(o);
    const Tally t = check_fits(m, some_directions(m, 16, 5));
    CHECK(t.positive > 5);
    if (n == 1) CHECK(Core(m).scan({m.seasons[0].ra[0]}, {m.seasons[0].dec[0]}).gamma[0] == 2.0);
  }
}

TEST_CASE("fit: several seasons of very different size share n_s by their acceptance") {
  for (const bool extended : {false, true}) {
    CAPTURE(extended);
    Options o;
    o.gamma_nodes = even_nodes(49);
    o.sizes = {2500, 120, 3};
    o.extended = extended;
    const reference::Model m = sky(o);
    const Tally t = check_fits(m, some_directions(m, 24, 6));
    CHECK(t.positive > 8);
    check_fits(m, some_directions(m, 12, 7), 2.0);
  }
}

TEST_CASE("fit: the extended likelihood with a background expectation unlike the number of events") {
  for (const double expected : {0.02, 3.0, 400.0}) {
    CAPTURE(expected);
    Options o;
    o.gamma_nodes = even_nodes(49);
    o.sizes = {30};
    o.extended = true;
    reference::Model m = sky(o);
    m.seasons[0].n_events = expected;
    const Tally t = check_fits(m, some_directions(m, 24, 8));
    CHECK(t.positive > 5);
  }
}

TEST_CASE("fit: errors of tens of degrees") {
  for (const double hardness : {1.0, -1.0}) {
    Options o;
    o.gamma_nodes = even_nodes(17);
    o.sizes = {250};
    o.hardness = hardness;
    o.sigma_low = 8.0 * degree;
    o.sigma_high = 70.0 * degree;
    const reference::Model m = sky(o);
    const Tally t = check_fits(m, some_directions(m, 12, 9), free_gamma, 33);
    CHECK(t.positive > 5);
  }
}

TEST_CASE("fit: errors from tenths to tens of degrees in one sky, with a cut of 3 sigma and without a cut") {
  for (const double cut : {3.0, std::numeric_limits<double>::infinity()}) {
    Options o;
    o.gamma_nodes = even_nodes(17);
    o.sizes = {200, 60};
    o.sigma_low = 0.2 * degree;
    o.sigma_high = 60.0 * degree;
    reference::Model m = sky(o);
    m.cut_n_sigma = cut;
    const Tally t = check_fits(m, some_directions(m, 12, 10), free_gamma, 33);
    CHECK(t.positive > 3);
  }
}

TEST_CASE("fit: a direction without events says so, one with too few to matter says that") {
  Options o;
  o.gamma_nodes = even_nodes(49);
  o.sizes = {3};
  reference::Model m = sky(o);
  for (std::size_t i = 0; i < 3; ++i) m.seasons[0].dec[i] = -1.2;
  m.seasons[0].n_events = 1e6;
  const Core core(m);
  const double edge = 3.5 * m.seasons[0].sigma[0];
  const ScanResult r = core.scan({1.0, m.seasons[0].ra[0]}, {1.2, -1.2 + edge});
  CHECK(r.status[0] == static_cast<std::int8_t>(Status::no_events));
  CHECK(r.status[1] == static_cast<std::int8_t>(Status::no_excess));
  for (const std::size_t i : {0u, 1u}) {
    CHECK(r.ts[i] == 0.0);
    CHECK(r.ns[i] == 0.0);
    CHECK(std::isnan(r.gamma[i]));
  }
}
