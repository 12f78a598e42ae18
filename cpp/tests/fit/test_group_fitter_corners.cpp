// The fit of a direction against the slow reference: what is hardest.
#include <doctest/doctest.h>

#include "fit_check.hpp"

using namespace nusky;
using namespace nusky::made_up;

namespace {

Options forty_nine_nodes() {
  Options o;
  o.gamma_nodes = even_nodes(49);
  return o;
}

// γ grid of the profile in TS, to see how many maxima there are.
std::size_t count_maxima(const reference::Model& m, double ra, double dec) {
  const GammaAxis axis(m.gamma_nodes);
  const reference::Sky sky = reference::look(m, ra, dec);
  std::vector<double> ts;
  for (int i = 0; i <= 60; ++i) ts.push_back(reference::fit_ns(m, axis, sky, 1.0 + 0.05 * i).ts);
  std::size_t n = 0;
  for (std::size_t i = 0; i < ts.size(); ++i) n += ts[i] > 0 && (i == 0 || ts[i] > ts[i - 1]) && (i + 1 == ts.size() || ts[i] > ts[i + 1]);
  return n;
}

}  // namespace

TEST_CASE("fit: 20 events on one point, whatever their energy, with gamma at either end of the nodes") {
  bool low_end = false, high_end = false;
  for (const double energy : {-1.0, 0.5, 2.0, 4.5}) {
    CAPTURE(energy);
    reference::Model m = sky(forty_nine_nodes());
    inject(m, 0, 20, 2.0, 0.5, energy, 0.0);
    const Tally t = check_fits(m, {{2.0, 2.01}, {0.5, 0.505}});
    CHECK(t.converged == 2);
    const double gamma = Core(m).scan({2.0}, {0.5}).gamma[0];
    low_end |= gamma == 1.0;
    high_end |= gamma == 4.0;
  }
  CHECK(low_end);
  CHECK(high_end);
}

TEST_CASE("fit: sources on and beside the poles, and on both sides of RA 0") {
  for (const double dec : {pi / 2, -pi / 2, 0.0}) {
    CAPTURE(dec);
    reference::Model m = sky(forty_nine_nodes());
    inject(m, 0, 30, 0.0, dec, 1.5);
    const double d = dec == 0.0 ? 0.0 : dec > 0 ? -0.01 : 0.01;
    const Tally t = check_fits(m, {{0.0, 3.0, 2 * pi - 0.003, 0.003}, {dec, dec, dec + d, dec + d}});
    CHECK(t.converged >= 3);
  }
}

TEST_CASE("fit: of two maxima in gamma the higher one is found") {
  std::size_t with_two = 0;
  for (const auto& slopes : {std::pair{0.0, 3.0}, {0.2, 3.5}, {0.0, 4.5}})
    for (const std::size_t hard : {2u, 3u, 4u}) {
      const double first = slopes.first, second = slopes.second;  // no [first, second]: CAPTURE is a lambda, C++17 captures no binding
      CAPTURE(first);
      CAPTURE(second);
      CAPTURE(hard);
      Options o = forty_nine_nodes();
      o.sizes = {3000};
      reference::Model m = sky(o);
      inject(m, 0, 22, 2.0, 0.5, first, 0.6, 1);
      inject(m, 0, hard, 2.0, 0.5, second, 0.6, 2);
      for (float& l : m.seasons[0].log_ratio) l *= 3.0F;  // sharper than any real energy term
      const Tally t = check_fits(m, {{2.0, 2.005}, {0.5, 0.5}});
      CHECK(t.converged == t.positive);
      with_two += count_maxima(m, 2.0, 0.5) >= 2;
    }
  CHECK(with_two >= 3);
}

TEST_CASE("fit: seasons of a handful of events, where n_s comes near its limit or reaches it") {
  for (const std::size_t n : {1u, 2u, 5u, 20u}) {
    CAPTURE(n);
    Options o = forty_nine_nodes();
    o.sizes = {n};
    reference::Model apart = sky(o), together = apart;
    for (std::size_t i = 0; i < n; ++i) {
      together.seasons[0].ra[i] = 1.0 + 0.001 * together.seasons[0].ra[i];
      together.seasons[0].dec[i] = 0.3 + 0.001 * together.seasons[0].dec[i];
    }
    check_fits(apart, {{apart.seasons[0].ra[0], 1.0}, {apart.seasons[0].dec[0], 0.3}}, free_gamma, 49);
    check_fits(together, {{together.seasons[0].ra[0], 1.0}, {together.seasons[0].dec[0], 0.3}}, free_gamma, 49);
    const Tally fixed = check_fits(together, {{together.seasons[0].ra[0], 1.0}, {together.seasons[0].dec[0], 0.3}}, 2.0);
    CHECK(fixed.positive == 2);
  }
}

TEST_CASE("fit: n_s that stops at its limit is said to have stopped there") {
  for (const std::size_t n : {1u, 2u, 5u, 20u, 40u})
    for (const std::optional<double> gamma : {free_gamma, std::optional(2.0)}) {
      CAPTURE(n);
      CAPTURE(gamma.value_or(0.0));
      Options o = forty_nine_nodes();
      o.sizes = {n};
      reference::Model m = sky(o);
      for (std::size_t i = 0; i < n; ++i) {
        m.seasons[0].ra[i] = 1.0 + 0.001 * m.seasons[0].ra[i];
        m.seasons[0].dec[i] = 0.3 + 0.001 * m.seasons[0].dec[i];
      }
      const ScanResult r = Core(m).scan({1.001, 1.003, 1.005}, {0.3, 0.3, 0.3001}, gamma);
      for (const std::int8_t s : r.status) CHECK(s == static_cast<std::int8_t>(Status::at_ns_limit));
    }
}

TEST_CASE("fit: where R says nothing about gamma, ts and n_s are those of any gamma") {
  Options o = forty_nine_nodes();
  o.hardness = 0.0;
  const reference::Model m = sky(o);
  const Tally t = check_fits(m, some_directions(m, 30, 11), free_gamma, 9);
  CHECK(t.positive > 8);
}

TEST_CASE("fit: where R says nothing about gamma the fit has converged all the same") {
  Options o = forty_nine_nodes();
  o.hardness = 0.0;
  const reference::Model m = sky(o);
  const Tally t = check_fits(m, some_directions(m, 30, 11), free_gamma, 9);
  CHECK(t.converged == t.positive);
}

TEST_CASE("fit: energies ten times as telling as real ones") {
  Options o = forty_nine_nodes();
  o.hardness = 5.0;
  o.sizes = {600};
  const reference::Model m = sky(o);
  const Tally t = check_fits(m, some_directions(m, 16, 12));
  CHECK(t.positive > 4);
  CHECK(t.converged == t.positive);
}

TEST_CASE("fit: uneven gamma nodes far from the usual range") {
  Options o;
  o.gamma_nodes = {-2.0, -1.9, -0.5, 0.0, 0.3, 2.0, 2.05, 5.5};
  const reference::Model m = sky(o);
  // the curvature jumps where a wide segment meets a narrow one, and the last Newton step may cross such a knot
  const Tally t = check_fits(m, some_directions(m, 16, 13), free_gamma, 151, 5e-5);
  CHECK(t.positive > 4);
}

TEST_CASE("fit: hundreds of signal events, so that n_s is far from where the search starts") {
  for (const std::size_t n : {100u, 400u}) {
    CAPTURE(n);
    Options o = forty_nine_nodes();
    o.sizes = {3000, 50};
    reference::Model m = sky(o);
    inject(m, 0, n, 4.0, -0.3, 1.0);
    const Tally t = check_fits(m, {{4.0, 4.004, 4.02}, {-0.3, -0.3, -0.29}}, free_gamma, 25);
    CHECK(t.converged == 3);
  }
}

TEST_CASE("fit: a hundred thousand events that all reach the direction, so that a small excess is a small difference") {
  // W is near 1 for every event; what is lost in single-precision sums of 1e5 terms would show in full
  Options o;
  o.sizes = {100000};
  o.gamma_nodes = {1.0, 4.0};
  o.hardness = 0.0;
  o.sigma_low = 35.0 * degree;
  o.sigma_high = 60.0 * degree;
  reference::Model m = sky(o);
  const Core core(m);
  const std::vector<double> ra{0.5, 2.0, 3.5, 5.0}, dec{0.0, 0.4, -0.4, 1.0};
  const ScanResult r = core.scan(ra, dec);
  const GammaAxis axis(m.gamma_nodes);
  for (std::size_t i = 0; i < ra.size(); ++i) {
    const reference::Fit slow = reference::fit_ns(m, axis, reference::look(m, ra[i], dec[i]), 2.0);
    CHECK(std::abs(r.ts[i] - slow.ts) <= 1e-3);
  }
}

TEST_CASE("fit: a handful of events where next to none is expected, with two maxima in gamma") {
  // y W is 1e6 and more: n starts far below its root, and γ must not be chosen before n has arrived
  for (const double expected : {1e-4, 1e-2, 1.0})
    for (const std::size_t n : {1u, 3u, 5u}) {
      CAPTURE(expected);
      CAPTURE(n);
      Options o = forty_nine_nodes();
      o.sizes = {n};
      o.extended = true;
      reference::Model m = sky(o);
      reference::Season& s = m.seasons[0];
      s.n_events = expected;
      for (std::size_t i = 0; i < n; ++i) {
        s.ra[i] = 1.0 + 0.002 * static_cast<double>(i);
        s.dec[i] = 0.3;
        s.sigma[i] = 0.01;
        for (std::size_t g = 0; g < 49; ++g) {
          const double gamma = 1.0 + static_cast<double>(g) / 16.0, low = (gamma - 1.5) / 0.4, high = (gamma - 3.2) / 0.5;
          s.log_ratio[i * 49 + g] = static_cast<float>(4.0 * std::exp(-low * low) + 3.5 * std::exp(-high * high) - 2.0);
        }
      }
      const ScanResult r = Core(m).scan({1.001}, {0.3}, free_gamma);
      const GammaAxis axis(m.gamma_nodes);
      double best = 0.0;
      for (double gamma = 1.0; gamma <= 4.0; gamma += 0.01)
        best = std::max(best, reference::fit_ns(m, axis, reference::look(m, 1.001, 0.3), gamma).ts);
      CHECK(r.status[0] == static_cast<std::int8_t>(Status::ok));
      CHECK(r.ts[0] >= best - 1e-3);
      CHECK(r.ts[0] <= best + 0.05);  // the grid's step
      CHECK(std::abs(r.gamma[0] - 1.5) < 0.1);
    }
}

TEST_CASE("fit: ratios whose product of two leaves the range of float") {
  for (const std::optional<double> gamma : {std::optional(2.0), free_gamma})
    for (const float log_ratio : {35.0F, 42.0F, 55.0F}) {
      CAPTURE(gamma.value_or(0.0));
      CAPTURE(log_ratio);
      reference::Model m = sky(forty_nine_nodes());
      inject(m, 0, 40, 1.0, 0.3, 1.0, 0.0);
      reference::Season& s = m.seasons[0];
      std::fill(s.log_ratio.end() - 40 * 49, s.log_ratio.end(), log_ratio);
      const Tally t = check_fits(m, {{1.0}, {0.3}}, gamma, 5);
      CHECK(t.converged == 1);
    }
}

TEST_CASE("fit: an energy ratio that was clipped, so that it has kinks in gamma") {
  // The interpolant overshoots beside a kink, by some hundredths of TS over a tenth of the distance between coarse γ. Such a bump may be
  // missed, nothing larger may.
  Options o = forty_nine_nodes();
  o.hardness = 3.0;
  reference::Model m = sky(o);
  inject(m, 0, 6, 1.0, 0.3, 2.0);
  for (float& l : m.seasons[0].log_ratio) l = std::clamp(l, -2.0F, 1.5F);
  const Tally t = check_fits(m, some_directions(m, 60, 13), free_gamma, 97, 5e-2);
  CHECK(t.positive > 20);
  CHECK(t.converged == t.positive);
}
