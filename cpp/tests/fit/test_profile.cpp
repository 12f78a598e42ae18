#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

#include "every_level.hpp"
#include "fit_check.hpp"
#include "made_up_sky.hpp"
#include "nusky/fit/profile.hpp"

using namespace nusky;
using namespace nusky::made_up;

TEST_CASE("kernels: moments, profile and its logarithm are sums at the sixteen coarse gamma") {
  for (const std::size_t n : {0u, 1u, 31u, 500u}) {
    const Events e = make_events(n, 1e3, static_cast<unsigned>(n));
    AlignedVector<float> y(16);
    for (std::size_t g = 0; g < 16; ++g) y[g] = static_cast<float>(std::pow(10.0, static_cast<double>(g) / 3.0 - 4.0));
    at_every_level([&](const Kernels& k, Output& out) {
      AlignedVector<float> m1(16, 1.0F), m2(16, 2.0F), s1(16, 3.0F), s2(16, 4.0F), logs(16, 5.0F);
      k.moments(e.view(n), e.row.data(), m1.data(), m2.data());
      k.profile(e.view(n), e.row.data(), y.data(), s1.data(), s2.data());
      k.profile_log(e.view(n), e.row.data(), y.data(), logs.data());
      for (std::size_t g = 0; g < 16; ++g) {
        double a = 1, b = 2, c = 3, d = 4, l = 5;
        for (std::size_t i = 0; i < n; ++i) {
          const double w = static_cast<double>(e.value[i]) * static_cast<double>(e.row[e.candidate[i]][g]),
                       r = w / (1 + static_cast<double>(y[g]) * w);
          a += w;
          b += w * w;
          c += r;
          d += r * r;
          l += std::log1p(static_cast<double>(y[g]) * w);
        }
        check_sum(static_cast<double>(m1[g]), a, a, 1e-5);
        check_sum(static_cast<double>(m2[g]), b, b, 1e-5);
        check_sum(static_cast<double>(s1[g]), c, c, 1e-5);
        check_sum(static_cast<double>(s2[g]), d, d, 1e-5);
        CHECK(std::abs(static_cast<double>(logs[g]) - l) <= 1e-5 * l + 2e-7 * static_cast<double>(n));
        for (const float v : {m1[g], m2[g], s1[g], s2[g], logs[g]}) out.push_back(v);
      }
    });
  }
}

TEST_CASE("kernels: y and the slopes of the profile are those of the likelihood written out, with and without the extended form") {
  const Events e = make_events(60, 1e3, 8);
  for (const bool extended : {false, true}) {
    std::vector<double> n(16), phi(16);
    AlignedVector<float> y(16), s1(16), s2(16), m1(16), m2(16);
    const double n_events = 1e5;
    for (std::size_t g = 0; g < 16; ++g) {
      n[g] = 0.3 * std::pow(1.7, static_cast<double>(g));
      phi[g] = (1.0 - 0.05 * static_cast<double>(g)) / n_events;
      m1[g] = 300.0F + static_cast<float>(g);
      m2[g] = 4e4F;
    }
    at_every_level([&](const Kernels& k, Output& out) {
      k.profile_y(n.data(), phi.data(), extended, y.data());
      s1.assign(16, 0.0F);
      s2.assign(16, 0.0F);
      k.profile(e.view(60), e.row.data(), y.data(), s1.data(), s2.data());
      std::vector<double> dn(16, 1.0), dnn(16, 2.0);
      k.profile_slopes(n.data(), phi.data(), n_events, extended, y.data(), s1.data(), s2.data(), m1.data(), m2.data(), dn.data(),
                       dnn.data());
      for (std::size_t g = 0; g < 16; ++g) {
        // ln Λ of the strong events one by one and of the weak ones to second order, differentiated in steps
        const auto log_lambda = [&](double at) {
          const double z = extended ? 0.0 : at * phi[g], yy = at * phi[g] / (1.0 - z);
          double sum = extended ? -n_events * at * phi[g] : n_events * std::log1p(-z);
          for (std::size_t i = 0; i < 60; ++i)
            sum += std::log1p(yy * static_cast<double>(e.value[i]) * static_cast<double>(e.row[e.candidate[i]][g]));
          return sum + yy * (static_cast<double>(m1[g]) - 0.5 * yy * static_cast<double>(m2[g]));
        };
        const double h = 1e-3 * n[g], up = log_lambda(n[g] + h), here = log_lambda(n[g]), down = log_lambda(n[g] - h);
        CHECK(static_cast<double>(y[g]) == doctest::Approx(n[g] * phi[g] / (extended ? 1.0 : 1.0 - n[g] * phi[g])).epsilon(1e-7));
        CHECK(dn[g] - 1.0 == doctest::Approx((up - down) / (2 * h)).epsilon(2e-4));
        CHECK(dnn[g] - 2.0 == doctest::Approx((up - 2 * here + down) / (h * h)).epsilon(2e-3));
        out.push_back(y[g]);
        out.push_back(static_cast<float>(dn[g]));
        out.push_back(static_cast<float>(dnn[g]));
      }
    });
  }
}

TEST_CASE("kernels: a step of the profile is Newton's, within a factor of five and the limit, for the active gamma only") {
  std::mt19937_64 random(4);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<double> dn(16), dnn(16), limit(16), active(16), n(16);
    for (std::size_t g = 0; g < 16; ++g) {
      n[g] = std::pow(10.0, 4 * uniform(random) - 2);
      dn[g] = std::pow(10.0, 4 * uniform(random) - 4) * (uniform(random) < 0.5 ? -1 : 1);
      dnn[g] = uniform(random) < 0.2 ? 1e-3 : -std::pow(10.0, 4 * uniform(random) - 3);
      limit[g] = uniform(random) < 0.3 ? 1.1 * n[g] : 1e12;
      active[g] = uniform(random) < 0.7 ? 1.0 : 0.0;
      if (trial % 5 == 0) dn[g] = 0.01 * n[g] * (dnn[g] < 0 ? -dnn[g] : 1.0) * (dnn[g] < 0 ? 1.0 : 0.0);  // a hundredth is no move
      if (trial % 5 == 0 && dnn[g] > 0) active[g] = 0.0;
    }
    at_every_level([&](const Kernels& k, Output& out) {
      std::vector<double> next(n);
      const bool moved = k.profile_move(dn.data(), dnn.data(), limit.data(), active.data(), next.data());
      bool expected = false;
      for (std::size_t g = 0; g < 16; ++g) {
        const double step = dnn[g] < 0 ? -dn[g] / dnn[g] : n[g];
        const double to = active[g] > 0 ? std::min(std::max(n[g] + step, 0.2 * n[g]), std::min(5 * n[g], limit[g])) : n[g];
        CHECK(next[g] == doctest::Approx(to).epsilon(1e-14));
        expected |= std::abs(to - n[g]) > 0.02 * n[g];
        out.push_back(static_cast<float>(next[g]));
      }
      CHECK(moved == expected);
    });
  }
}

TEST_CASE("kernels: the start and the value of the profile are those of the likelihood written out") {
  for (const bool extended : {false, true}) {
    std::vector<double> n(16), phi(16);
    AlignedVector<float> y(16), logs(16), m1(16), m2(16), s1(16), s2(16);
    const double n_events = 200.0;
    for (std::size_t g = 0; g < 16; ++g) {
      n[g] = 0.01 * std::pow(1.9, static_cast<double>(g));  // z from 5e-5 to 0.7: both forms of ln(1 − z)
      phi[g] = 1.0 / n_events;
      const auto at = static_cast<float>(g);
      m1[g] = 3.0F + at;
      m2[g] = 0.1F * at;
      s1[g] = 20.0F - at;
      s2[g] = 40.0F + at;
      logs[g] = 0.3F * at;
    }
    at_every_level([&](const Kernels& k, Output& out) {
      std::vector<double> first(16, 1.0), second(16, 2.0), value(16, 3.0), log(16);
      k.profile_begin(phi.data(), m1.data(), m2.data(), s1.data(), s2.data(), first.data(), second.data());
      k.profile_y(n.data(), phi.data(), extended, y.data());
      k.profile_value(n.data(), phi.data(), n_events, extended, y.data(), logs.data(), m1.data(), m2.data(), value.data());
      k.logs(s2.data(), log.data());
      for (std::size_t g = 0; g < 16; ++g) {
        const auto of = [&](const AlignedVector<float>& v) { return static_cast<double>(v[g]); };
        CHECK(first[g] == doctest::Approx(1.0 + phi[g] * (of(m1) + of(s1))).epsilon(1e-13));
        CHECK(second[g] == doctest::Approx(2.0 + phi[g] * phi[g] * (of(m2) + of(s2))).epsilon(1e-13));
        const double z = n[g] * phi[g], expected = 3.0 + of(logs) + of(y) * of(m1) - 0.5 * of(y) * of(y) * of(m2) +
                                                   (extended ? -n_events * z : n_events * std::log1p(-z));
        CHECK(value[g] == doctest::Approx(expected).epsilon(1e-6));
        CHECK(std::abs(log[g] - std::log(of(s2))) < 5e-7);
        for (const double v : {first[g], second[g], value[g], log[g]}) out.push_back(static_cast<float>(v));
      }
      const AlignedVector<float> none(16, 0.0F);
      k.logs(none.data(), log.data());
      CHECK(log[7] == doctest::Approx(std::log(1e-37)));
    });
  }
}

TEST_CASE("kernels: pick lists the strong events in order and leaves a hole for each among the weak") {
  for (const std::size_t n : {0u, 1u, 15u, 16u, 17u, 333u}) {
    const Events e = make_events(n, 1.0, static_cast<unsigned>(n + 3));
    std::vector<float> largest_w(n + 16);
    for (std::size_t i = 0; i < n; ++i) largest_w[i] = 2.0F * e.value[i];
    for (const float threshold : {0.0F, 0.01F, INFINITY})
      at_every_level([&](const Kernels& k, Output& out) {
        std::vector<float> weak(n + 16, -1.0F), strong(n + 16, -1.0F);
        std::vector<std::uint32_t> candidate(n + 16);
        const std::size_t m =
            k.pick(n, e.value.data(), largest_w.data(), e.candidate.data(), threshold, weak.data(), strong.data(), candidate.data());
        std::size_t found = 0;
        for (std::size_t i = 0; i < n; ++i) {
          const bool is = largest_w[i] > threshold;
          CHECK(weak[i] == (is ? 0.0F : e.value[i]));
          if (!is) continue;
          CHECK(strong[found] == e.value[i]);
          CHECK(candidate[found] == e.candidate[i]);
          ++found;
        }
        CHECK(m == found);
        out.assign(weak.begin(), weak.begin() + static_cast<std::ptrdiff_t>(n));
        out.insert(out.end(), strong.begin(), strong.begin() + static_cast<std::ptrdiff_t>(m));
      });
  }
}

namespace {

// ln Λ maximised over n at one γ, and what the profile says of a direction, side by side.
void compare_profile(const reference::Model& m, double ra, double dec, std::size_t& rising, std::size_t& smooth) {
  const Core core(m);
  const FitModel model(*core.likelihood, *core.index, free_gamma, 1, 1);
  const Directions one(1, &ra, &dec);
  Tile tile(model, false);
  const std::uint32_t only = 0;
  tile.load(one, 0, &only, 1);
  if (!(tile.bound(0) > 0.0F)) return;
  DirectionEvents events(model);
  Profile profile(model);
  events.take(tile, 0, Tile::first_n_ref);
  const GammaAxis axis(m.gamma_nodes);
  const reference::Sky sky = reference::look(m, ra, dec);
  if (!profile.solve(events)) {
    CHECK(reference::fit(m, ra, dec).ts < 1e-5);
    return;
  }
  ++rising;
  double top = 0.0;
  for (int g = 0; g < n_coarse_gamma; ++g) top = std::max(top, 0.5 * reference::fit_ns(m, axis, sky, axis.coarse_gamma(g)).ts);
  const auto highest = profile.highest();
  if (profile.n(highest) > 2.0 * Tile::first_n_ref) return;  // the lists hold up to there
  const reference::Fit at = reference::fit_ns(m, axis, sky, axis.coarse_gamma(static_cast<int>(highest)));
  if (at.ts > 1e-3) CHECK(profile.n(highest) == doctest::Approx(at.ns).epsilon(2e-2));
  std::size_t count = 0;
  const Maximum* maxima = profile.maxima(count);
  REQUIRE(count >= 1);
  for (std::size_t i = 0; i < count; ++i) {
    const Maximum& p = maxima[i];
    if (!p.smooth) continue;
    ++smooth;
    const reference::Fit here = reference::fit_ns(m, axis, sky, p.gamma);
    CHECK(std::abs(p.value - 0.5 * here.ts) < 3e-3 + 1e-3 * top);
    CHECK(p.n == doctest::Approx(here.ns).epsilon(3e-2));
    const auto log_lambda = [&](double n) { return reference::log_likelihood(m, axis, sky, n, p.gamma); };
    const double h = 0.01 * here.ns, bend = (log_lambda(here.ns + h) - 2 * log_lambda(here.ns) + log_lambda(here.ns - h)) / (h * h);
    CHECK(p.curvature_n == doctest::Approx(bend).epsilon(0.1));
    if (p.at_end) continue;
    const auto at_gamma = [&](double gamma) { return reference::fit_ns(m, axis, sky, gamma); };
    const double w = 0.02;
    const reference::Fit left = at_gamma(p.gamma - w), right = at_gamma(p.gamma + w);
    CHECK(p.curvature == doctest::Approx((0.5 * left.ts - here.ts + 0.5 * right.ts) / (w * w)).epsilon(0.1));
    CHECK(std::abs(p.per_gamma - (right.ns - left.ns) / (2 * w)) < 0.1 * (1.0 + std::abs(p.per_gamma)));
  }
}

}  // namespace

TEST_CASE("profile: best n, value and curvatures are those of the slow reference, for one and several seasons") {
  std::size_t rising = 0, smooth = 0;
  for (const bool extended : {false, true})
    for (const auto& sizes : {std::vector<std::size_t>{800}, std::vector<std::size_t>{500, 60, 900}}) {
      Options o;
      o.sizes = sizes;
      o.gamma_nodes = even_nodes(31);
      o.extended = extended;
      o.seed = static_cast<unsigned>(sizes.size() + 10 * extended);
      reference::Model m = sky(o);
      inject(m, 0, 5, 1.0, 0.3, 1.8);
      const Places at = some_directions(m, 24, 5);
      for (std::size_t i = 0; i < at.ra.size(); ++i) compare_profile(m, at.ra[i], at.dec[i], rising, smooth);
      compare_profile(m, 1.0, 0.3, rising, smooth);
    }
  CHECK(rising >= 20);
  CHECK(smooth >= 15);
}
