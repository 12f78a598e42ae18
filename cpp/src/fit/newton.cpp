#include "nusky/fit/newton.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

namespace nusky {
namespace {

constexpr int most_steps = 60, most_halvings = 30;
// The box around a point: n within these factors of it, γ within this distance.
constexpr double largest_growth = 10.0, largest_loss = 0.9, widest_gamma = 0.5;
// What a Newton step may gain at most at the end where it is not small, and any other step: close to n_s = 0 ln Λ is all but flat.
constexpr double enough_gain_of_long = 1e-7, nothing_to_gain = 1e-10;
// Where no part of a step raises ln Λ, a gain below this is rounding.
constexpr double rounded_gain = 1e-5;

double largest_n(const Newton::Point& at) { return std::min(at.limit, largest_growth * at.n); }

// The step in n with γ where it is, by Newton or uphill.
double step_of_n(const Newton::Point& at) { return at.e.dnn < 0.0 ? -at.e.dn / at.e.dnn : (at.e.dn > 0 ? at.n : -0.5 * at.n); }

double gain_of(double n, double gamma, const Evaluation& e) { return 0.5 * (e.dn * n + e.dg * gamma); }

}  // namespace

Newton::Point Newton::point(double n, double gamma, double limit) const {
  const double inside = std::min(n, limit);
  return {inside, gamma, limit, surface_->evaluate(inside, gamma)};
}

Newton::Point Newton::start(double n, double gamma) const {
  const double limit = surface_->enter(gamma);
  return point(n > 0.0 ? n : std::min(1.0, 0.25 * limit), gamma, limit);
}

bool Newton::gamma_held(const Point& at) const {
  const bool low = range_.free && at.gamma <= range_.low, high = range_.free && at.gamma >= range_.high;
  return !range_.free || (low && at.e.dg <= 0.0) || (high && at.e.dg >= 0.0);
}

bool Newton::vanishes(const Point& at) { return at.n < 1e-3 && at.e.dn <= 0.0 && at.e.value <= 1e-7; }

Newton::Step Newton::propose(const Point& at) const {
  const double n = at.n;
  const Evaluation& e = at.e;
  Step step{0.0, 0.0, Origin::newton, n >= at.limit && e.dn > 0.0};
  if (gamma_held(at)) {
    if (!(e.dnn < 0.0)) step.origin = Origin::uphill;
    step.n = step_of_n(at);
  } else {
    // in (ln n, γ), where both are of order one
    Eigen::Matrix2d hessian;
    hessian << n * n * e.dnn, n * e.dng, n * e.dng, e.dgg;
    const Eigen::Vector2d gradient(n * e.dn, e.dg);
    Eigen::SelfAdjointEigenSolver<Eigen::Matrix2d> eigen;
    eigen.computeDirect(hessian);
    const Eigen::Vector2d lambda = eigen.eigenvalues();
    const double least = 1e-4 * lambda.cwiseAbs().maxCoeff() + 1e-12;
    if (!(lambda[1] <= -least)) step.origin = Origin::uphill;
    const Eigen::Vector2d move =
        eigen.eigenvectors() * (eigen.eigenvectors().transpose() * gradient).cwiseQuotient(lambda.cwiseAbs().cwiseMax(least));
    step.n = n * move[0];
    step.gamma = move[1];
  }
  if (step.n_held) step.n = 0.0;
  return step;
}

// Whether n can be `best_n` further where γ is at the edge of the box, and ln Λ rises on the way.
bool Newton::fits_edge(const Step& step, const Point& at, double room_g, double best_n) const {
  return std::abs(step.gamma) > std::abs(room_g) && at.e.dnn < 0.0 && !step.n_held && best_n >= -largest_loss * at.n &&
         at.n + best_n <= largest_n(at) && at.e.dn * best_n + at.e.dg * room_g > 0.0;
}

Newton::Step Newton::into_box(Step step, const Point& at) const {
  const double room_n = step.n > 0 ? largest_n(at) - at.n : -largest_loss * at.n;
  const double room_g = step.gamma > 0   ? std::min(widest_gamma, range_.high - at.gamma)
                        : step.gamma < 0 ? std::max(-widest_gamma, range_.low - at.gamma)
                                         : 0.0;
  double share = 1.0;
  if (std::abs(step.n) > std::abs(room_n)) share = room_n / step.n;
  if (std::abs(step.gamma) > std::abs(room_g)) share = std::min(share, room_g / step.gamma);
  const double best_n = -(at.e.dn + at.e.dng * room_g) / at.e.dnn;
  if (fits_edge(step, at, room_g, best_n)) {
    step.box = Box::to_edge;
    step.n = best_n;
    step.gamma = room_g;
  } else if (share == 1.0) {
    step.box = Box::inside;
  } else if (share > 0.0) {
    step.box = Box::shortened;
    step.n *= share;
    step.gamma *= share;
  } else {
    step.box = Box::n_alone;
    step.gamma = 0.0;
    step.n = std::clamp(step_of_n(at), -largest_loss * at.n, largest_n(at) - at.n);
  }
  step.gain = gain_of(step.n, step.gamma, at.e);
  return step;
}

bool Newton::converged(const Step& step, const Point& at) {
  if (step.box != Box::inside) return false;
  const bool small = std::abs(step.gamma) < small_step_gamma && std::abs(step.n) < small_step_n * at.n;
  const double enough = step.origin == Origin::uphill ? nothing_to_gain : small ? enough_gain : enough_gain_of_long;
  return std::abs(step.gain) < enough;
}

bool Newton::take(Point& at, const Step& step) const {
  double t = 1.0;
  for (int half = 0; half < most_halvings; ++half, t *= 0.5) {
    double gamma = at.gamma + t * step.gamma;
    if (t == 1.0 && step.box == Box::to_edge)  // the edge itself, without rounding
      gamma = step.gamma > 0 ? std::min(at.gamma + widest_gamma, range_.high) : std::max(at.gamma - widest_gamma, range_.low);
    const double limit = surface_->enter(gamma);
    const Point next = point(at.n + t * step.n, gamma, limit);
    if (next.e.value >= at.e.value - value_noise * (1.0 + std::abs(at.e.value))) {
      at = next;
      return true;
    }
  }
  return false;
}

DirectionFit Newton::maximise(double n, double gamma) {
  Point at = start(n, gamma);
  DirectionFit out;
  out.status = Status::no_excess;
  Status end = Status::not_converged;
  Step last{};  // to be added to where the loop ends
  for (int i = 0; i < most_steps; ++i) {
    if (vanishes(at)) return out;
    const Step step = into_box(propose(at), at);
    const Status reached = step.n_held ? Status::at_ns_limit : Status::ok;
    if (converged(step, at)) {
      end = reached;
      last = step;
      break;
    }
    if (take(at, step)) continue;
    if (std::abs(step.gain) < rounded_gain) end = reached;
    break;
  }
  const double ts = 2.0 * (at.e.value + last.gain);
  if (ts > 0.0) out = {ts, at.n + last.n, at.gamma + last.gamma, end};
  return out;
}

}  // namespace nusky
