// Newton on surfaces whose maxima are known, and its rules one by one.
#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "nusky/fit/newton.hpp"

using namespace nusky;

namespace {

// A parabola in (n, γ): value = top − ½ a (n − n₀)² − b (n − n₀)(γ − γ₀) − ½ c (γ − γ₀)².
class Parabola : public Surface {
 public:
  double top = 10.0, n0 = 5.0, g0 = 2.5, a = 0.2, b = 0.0, c = 4.0, limit = 100.0;
  int evaluations = 0;
  double enter(double) override { return limit; }
  Evaluation evaluate(double n, double gamma) override {
    ++evaluations;
    const double x = n - n0, y = gamma - g0;
    return {top - 0.5 * a * x * x - b * x * y - 0.5 * c * y * y, -a * x - b * y, -b * x - c * y, -a, -b, -c};
  }
};

constexpr GammaRange free_range{true, 1.0, 4.0};

Newton::Point at(Surface& s, double n, double gamma) {
  const double limit = s.enter(gamma);
  return {n, gamma, limit, s.evaluate(n, gamma)};
}

}  // namespace

TEST_CASE("newton: the maximum of a parabola, wherever it starts") {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  for (int trial = 0; trial < 200; ++trial) {
    Parabola s;
    s.n0 = 1.0 + 20.0 * uniform(random);
    s.g0 = 1.3 + 2.4 * uniform(random);
    s.b = (2.0 * uniform(random) - 1.0) * 0.8 * std::sqrt(s.a * s.c);
    s.top = 200.0;
    const DirectionFit fit = Newton(s, free_range).maximise(0.5 + 30.0 * uniform(random), 1.0 + 3.0 * uniform(random));
    CHECK(fit.status == Status::ok);
    CHECK(fit.ts == doctest::Approx(400.0).epsilon(1e-9));
    CHECK(fit.ns == doctest::Approx(s.n0).epsilon(1e-3));
    CHECK(fit.gamma == doctest::Approx(s.g0).epsilon(1e-3));
  }
}

TEST_CASE("newton: where the Hessian is not negative definite, a step goes uphill") {
  Parabola s;
  CHECK(Newton(s, free_range).propose(at(s, 4.0, 2.3)).origin == Newton::Origin::newton);
  s.c = -4.0;  // curves upwards in γ
  const Newton newton(s, free_range);
  const Newton::Point p = at(s, 4.0, 2.3);
  const Newton::Step step = newton.propose(p);
  CHECK(step.origin == Newton::Origin::uphill);
  CHECK(p.e.dn * step.n + p.e.dg * step.gamma > 0.0);
  CHECK_FALSE(Newton::converged(newton.into_box(step, p), p));
}

TEST_CASE("newton: the box leaves a step, shortens it as a whole, or takes gamma to its edge and n to where it is best there") {
  Parabola s;
  const Newton newton(s, free_range);
  Newton::Point p = at(s, 4.0, 2.4);
  Newton::Step step = newton.propose(p), boxed = newton.into_box(step, p);
  CHECK(boxed.box == Newton::Box::inside);
  CHECK(boxed.n == step.n);
  CHECK(boxed.gain == doctest::Approx(s.top - p.e.value));

  s.n0 = 90.0;
  p = at(s, 4.0, 2.5);  // n may grow to ten times as much
  step = newton.propose(p);
  boxed = newton.into_box(step, p);
  CHECK(boxed.box == Newton::Box::shortened);
  CHECK(boxed.n == doctest::Approx(36.0));
  CHECK(boxed.gamma * step.n == doctest::Approx(step.gamma * boxed.n));
  CHECK_FALSE(Newton::converged(boxed, p));

  s.n0 = 5.0;
  s.b = 0.3;
  p = at(s, 4.0, 1.2);  // γ is 1.3 from where it is best
  boxed = newton.into_box(newton.propose(p), p);
  CHECK(boxed.box == Newton::Box::to_edge);
  CHECK(boxed.gamma == 0.5);
  CHECK(boxed.n == doctest::Approx(5.0 - 0.3 / 0.2 * (1.7 - 2.5) - 4.0));  // dn = 0 at γ = 1.7
  CHECK(newton.take(p, boxed));
  CHECK(p.gamma == 1.7);
}

TEST_CASE("newton: gamma that cannot follow leaves n alone") {
  Parabola s;
  s.a = -0.2;  // n curves upwards, so that the edge is no way out
  const Newton newton(s, free_range);
  const Newton::Point p = at(s, 4.0, 4.0);
  Newton::Step step{1.0, 1.0, Newton::Origin::uphill, false};
  step = newton.into_box(step, p);
  CHECK(step.box == Newton::Box::n_alone);
  CHECK(step.gamma == 0.0);
  CHECK(step.n == -0.5 * p.n);  // ln Λ falls with n
}

TEST_CASE("newton: n at its limit is held, and said to be there") {
  Parabola s;
  s.limit = 3.0;
  const Newton newton(s, free_range);
  const Newton::Step step = newton.propose(at(s, 3.0, 2.0));
  CHECK(step.n_held);
  CHECK(step.n == 0.0);
  const DirectionFit fit = Newton(s, free_range).maximise(1.0, 2.0);
  CHECK(fit.status == Status::at_ns_limit);
  CHECK(fit.ns == 3.0);
  CHECK(fit.gamma == doctest::Approx(2.5).epsilon(1e-3));
}

TEST_CASE("newton: gamma is held where it is fixed, and at an end beyond which ln Lambda rises") {
  Parabola s;
  s.g0 = 5.0;
  const Newton newton(s, free_range);
  CHECK(newton.gamma_held(at(s, 4.0, 4.0)));
  CHECK_FALSE(newton.gamma_held(at(s, 4.0, 3.9)));
  CHECK_FALSE(newton.gamma_held(at(s, 4.0, 1.0)));
  CHECK(Newton(s, GammaRange{}).gamma_held(at(s, 4.0, 3.9)));
  const DirectionFit fit = Newton(s, free_range).maximise(1.0, 2.0);
  CHECK(fit.gamma == 4.0);
  CHECK(fit.ns == doctest::Approx(5.0).epsilon(1e-3));
  CHECK(Newton(s, GammaRange{}).maximise(1.0, 4.6).gamma == 4.6);
}

TEST_CASE("newton: on the way to n = 0 there is no excess") {
  Parabola s;
  s.n0 = -2.0;
  s.top = 0.5 * s.a * s.n0 * s.n0;  // 0 at n = 0
  CHECK(Newton::vanishes(at(s, 5e-4, 2.5)));
  CHECK_FALSE(Newton::vanishes(at(s, 0.5, 2.5)));
  const DirectionFit fit = Newton(s, free_range).maximise(3.0, 2.5);
  CHECK(fit.status == Status::no_excess);
  CHECK(fit.ts == 0.0);
  CHECK(std::isnan(fit.gamma));
}

TEST_CASE("newton: a step that falls is halved, and one without any rise is not taken") {
  Parabola s;
  const Newton newton(s, free_range);
  Newton::Point p = at(s, 4.0, 2.5);
  CHECK(newton.take(p, {6.0, 0.0, Newton::Origin::newton, false}));  // 10 is as far below the top as 0: 7 is not below 4's value
  CHECK(p.n == 5.5);
  const Newton::Point before = p;
  CHECK_FALSE(newton.take(p, {-5.0, -3.0e9, Newton::Origin::newton, false}));
  CHECK(p.n == before.n);
}
