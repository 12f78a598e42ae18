#include "nusky/fit.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

namespace nusky {
namespace {

// n_s may come this close to its bound n_k = N_k, where ln(1 − n_k/N_k) diverges.
constexpr double closest_to_limit = 1.0 - 1e-6;
// Newton ends when the step in hand would gain less than this in ln Λ; the step and its gain are still applied,
// so what is lost is of third order and far smaller.
constexpr double enough_gain = 2e-5;
// A step that promises less ends the search whatever the curvature: close to n_s = 0 it is all but flat.
constexpr double nothing_to_gain = 1e-10;
// Rounding of ln Λ as the float kernels evaluate it, relative to 1 + |ln Λ|.
constexpr double value_noise = 1e-7;
// Near events whose u = y W can reach this somewhere are summed one by one in the profile; the others through Σw and Σw².
constexpr double weak_u = 0.05;

}  // namespace

GroupFitter::GroupFitter(const FitModel& model, bool several_tiles)
    : model_(&model),
      kernels_(&kernels()),
      n_seasons_(static_cast<std::size_t>(model.index().n_seasons())),
      tile_(model, several_tiles),
      strong_segments_(n_seasons_),
      shares_(n_seasons_) {}

// The near events of one direction; those that are strong at n_ref (see weak_u) are listed once more.
void GroupFitter::take(int lane, double n_ref) {
  const auto p = static_cast<std::size_t>(lane);
  direction_sindec_ = tile_.sindec(p);
  near_ = &tile_.near(p);
  tail_ = tile_.tail(p);
  const std::size_t n = near_->seasons.back().last;
  strong_.resize(n);
  std::size_t m = 0;
  for (std::size_t k = 0; k < n_seasons_; ++k) {
    const double share = std::max(tile_.highest_share(p, k), 1e-30);
    const auto threshold = static_cast<float>(weak_u / n_ref * model_->index().n_events(static_cast<int>(k)) / share);
    strong_segments_[k].first = m;
    for (std::size_t i = near_->seasons[k].first; i < near_->seasons[k].last; ++i) {
      strong_[m] = static_cast<std::uint32_t>(i);
      m += near_->reach[i] > threshold;
    }
    strong_segments_[k].last = m;
  }
  strong_.resize(m);
  strong_value_.resize(m);
  strong_candidate_.resize(m);
  for (std::size_t j = 0; j < m; ++j) {
    strong_value_[j] = near_->value[strong_[j]];
    strong_candidate_[j] = near_->candidate[strong_[j]];
  }
}

// Prepares `evaluate` for a γ, and returns how far n_s may go there.
double GroupFitter::enter(const Stencil& at) {
  model_->likelihood().shares(direction_sindec_, at, shares_.data());
  if (model_->likelihood().extended()) return 1e12;
  double limit = 1e300;
  for (std::size_t k = 0; k < n_seasons_; ++k)
    if (shares_[k].f > 0) limit = std::min(limit, model_->index().n_events(static_cast<int>(k)) / shares_[k].f);
  return limit * closest_to_limit;
}

double GroupFitter::log_sum(std::size_t season, LaneSum which, int lane) const {
  const auto j = static_cast<std::size_t>(which), g = static_cast<std::size_t>(lane);
  double& value = log_sums_[(season * n_lane_sums + j) * n_lanes + g];
  if (std::isnan(value)) {
    const float sum = which == LaneSum::tail ? tail_[season * n_lanes + g] : moments_[(season * 4 + j) * n_lanes + g];
    value = std::log(std::max(static_cast<double>(sum), 1e-300));
  }
  return value;
}

// Lagrange weights of six neighbouring coarse γ, and of the first and second derivative.
GroupFitter::LaneWeights GroupFitter::lane_weights(double gamma) const {
  const GammaAxis& axis = model_->likelihood().axis();
  const double width = axis.lane_width(), position = (gamma - axis.front()) / width;
  LaneWeights w;
  w.first = std::clamp(static_cast<int>(position) - 2, 0, n_lanes - LaneWeights::n);
  const double t = position - w.first;
  for (int j = 0; j < LaneWeights::n; ++j) {
    double v = 1.0, d = 0.0, dd = 0.0;
    for (int m = 0; m < LaneWeights::n; ++m) {
      if (m == j) continue;
      const double rise = 1.0 / (j - m), factor = (t - m) * rise;
      dd = dd * factor + 2.0 * d * rise;
      d = d * factor + v * rise;
      v *= factor;
    }
    const auto i = static_cast<std::size_t>(j);
    w.value[i] = v;
    w.slope[i] = d / width;
    w.curvature[i] = dd / (width * width);
  }
  return w;
}

// A sum over events known at the coarse γ, between them: its logarithm is interpolated.
GroupFitter::Interpolated GroupFitter::between_lanes(std::size_t season, LaneSum which, const LaneWeights& at) const {
  double v = 0, d = 0, dd = 0;
  for (int j = 0; j < LaneWeights::n; ++j) {
    const double l = log_sum(season, which, at.first + j);
    const auto i = static_cast<std::size_t>(j);
    v += at.value[i] * l;
    d += at.slope[i] * l;
    dd += at.curvature[i] * l;
  }
  return {std::exp(v), d, dd};
}

// Sums over the weak events of one season at (y, γ), from their power sums at the coarse γ: ln(1+u) = u − u²/2.
EventSums GroupFitter::weak_sums(std::size_t season, double y, const LaneWeights& lanes) const {
  EventSums s{};
  double power = y, order = 1.0;
  for (const LaneSum which : {LaneSum::weak, LaneSum::weak_squares}) {
    const Interpolated sum = between_lanes(season, which, lanes);
    const double m = power * sum.value;
    s.log += m / order;
    s.p += m;
    s.q += m * order;
    s.p1 += m / order * sum.slope;
    s.q1 += m * sum.slope;
    s.second += m / order * (sum.curvature + sum.slope * sum.slope);
    power *= -y;
    order += 1.0;
  }
  return s;
}

EventSums GroupFitter::season_sums(std::size_t season, double y, const Stencil& at, const LaneWeights& lanes, Accuracy accuracy) {
  const Segment near = near_->seasons[season], strong = strong_segments_[season];
  const auto yf = static_cast<float>(y);
  EventSums s{};
  if (!model_->gamma_free()) {
    kernels_->sums_flat(near.last - near.first, near_->value.data() + near.first, yf, s);
    const double u = y * static_cast<double>(tail_[season * n_lanes]), u2 = y * y * static_cast<double>(near_->tail_squares[season]);
    s.log += u - 0.5 * u2;
    s.p += u - u2;
    s.q += u - 2.0 * u2;
    return s;
  }
  const float* const* rows = tile_.node_rows();
  s = weak_sums(season, y, lanes);
  const EventView few{strong.last - strong.first, strong_value_.data() + strong.first, strong_candidate_.data() + strong.first};
  kernels_->sums(few, rows, at.first, at.value.data(), at.slope.data(), at.curvature.data(), yf, s);
  if (accuracy == Accuracy::exact) {
    // Value and gradient from every near event and the tail; the curvature, which only scales the last step, stays that of the
    // profile.
    const Interpolated tail = between_lanes(season, LaneSum::tail, lanes);
    const double u = y * tail.value, most = y * static_cast<double>(near_->tail[season]);
    const double u2 = most > 0.0 ? y * y * static_cast<double>(near_->tail_squares[season]) * (u / most) * (u / most) : 0.0;
    s.log = u - 0.5 * u2;
    s.p = u - u2;
    s.p1 = s.p * tail.slope;
    const EventView every{near.last - near.first, near_->value.data() + near.first, near_->candidate.data() + near.first};
    kernels_->sums_first(every, rows, at.first, at.value.data(), at.slope.data(), yf, s);
  }
  return s;
}

// ln Λ and its derivatives in (n, γ), from the event sums; with z = n φ, c = 1/(1 − z) and λ = ln φ:
//   ∂ ln u/∂n = c/n,  ∂ ln u/∂γ = ℓ′ + c λ′   (extended: c = 1 and the first term is −n f)
GroupFitter::Evaluation GroupFitter::evaluate(double n, const Stencil& at, double gamma, Accuracy accuracy) {
  const bool extended = model_->likelihood().extended();
  const LaneWeights lanes = model_->gamma_free() ? lane_weights(gamma) : LaneWeights{};
  Evaluation e;
  for (std::size_t k = 0; k < n_seasons_; ++k) {
    const double n_events = model_->index().n_events(static_cast<int>(k));
    const double f = shares_[k].f, l1 = shares_[k].slope, l2 = shares_[k].curvature, phi = f / n_events;
    const double z = extended ? 0.0 : n * phi, c = 1.0 / (1.0 - z), y = n * phi * c;
    const EventSums s = season_sums(k, y, at, lanes, accuracy);
    const double np = n_events * phi;
    e.value += s.log + (extended ? -n * f : n_events * std::log1p(-z));
    e.dn += (c / n) * s.p - np * c;
    e.dnn += ((s.q - (1.0 - 2.0 * z) * s.p) * c * c) / (n * n) - (extended ? 0.0 : np * phi * c * c);
    e.dg += s.p1 + c * l1 * s.p - n * np * l1 * c;
    e.dng += (c / n) * (s.q1 + c * l1 * s.q) + s.p * c * c * z * l1 / n - np * l1 * c * c;
    e.dgg +=
        s.second + 2.0 * c * l1 * s.q1 + c * c * l1 * l1 * s.q + (c * c * z * l1 * l1 + c * l2) * s.p - n * np * (l1 * l1 * c * c + l2 * c);
  }
  return e;
}

DirectionFit GroupFitter::fit(int lane) {
  const auto p = static_cast<std::size_t>(lane);
  DirectionFit out;
  if (!tile_.any_event(p)) {
    out.status = Status::no_events;
    return out;
  }
  out.status = Status::no_excess;
  if (proven_zero(lane)) return out;
  return model_->gamma_free() ? fit_free(lane) : fit_fixed(lane);
}

DirectionFit GroupFitter::fit_fixed(int lane) {
  double n_ref = Tile::first_n_ref;
  for (;;) {
    take(lane, n_ref);
    const DirectionFit found = refine(0.0, model_->gamma(), Accuracy::exact);
    if (found.ns <= 2.0 * n_ref) return found;
    n_ref = 2.0 * found.ns;  // the tail is small up to n_ref only
    tile_.list_again(static_cast<std::size_t>(lane), n_ref);
  }
}

// ln Λ maximised over n at every coarse γ, to the accuracy that choosing a start needs.
void GroupFitter::profile(double* n, double* value) {
  const Likelihood& likelihood = model_->likelihood();
  const GammaAxis& axis = likelihood.axis();
  const bool extended = likelihood.extended();
  const std::size_t K = n_seasons_, L = n_lanes;
  lane_phi_.resize(K * L);
  for (int g = 0; g < n_lanes; ++g) {
    likelihood.shares(direction_sindec_, axis.lane_stencil(g), shares_.data());
    for (std::size_t k = 0; k < K; ++k)
      lane_phi_[k * L + static_cast<std::size_t>(g)] = shares_[k].f / model_->index().n_events(static_cast<int>(k));
  }
  moments_.assign(K * 4 * L, 0.0F);
  for (const std::uint32_t i : strong_) near_->value[i] = 0.0F;  // out of the sums over the weak, for a moment
  for (std::size_t k = 0; k < K; ++k) {
    const Segment near = near_->seasons[k], strong = strong_segments_[k];
    float* of_weak = moments_.data() + k * 4 * L;
    float* of_strong = of_weak + 2 * L;
    std::copy_n(tail_ + k * L, L, of_weak);
    kernels_->moments({near.last - near.first, near_->value.data() + near.first, near_->candidate.data() + near.first}, tile_.ratio_rows(),
                      of_weak, of_weak + L);
    kernels_->moments({strong.last - strong.first, strong_value_.data() + strong.first, strong_candidate_.data() + strong.first},
                      tile_.ratio_rows(), of_strong, of_strong + L);
  }
  for (std::size_t j = 0; j < strong_.size(); ++j) near_->value[strong_[j]] = strong_value_[j];
  log_sums_.assign(K * n_lane_sums * L, std::numeric_limits<double>::quiet_NaN());
  // start from the parabola at n = 0, which lies left of the root of the convex derivative
  std::array<double, n_lanes> limit{};
  std::array<bool, n_lanes> active{};
  for (std::size_t g = 0; g < L; ++g) {
    double first = -1.0, second = 0.0;
    limit[g] = 1e12;
    for (std::size_t k = 0; k < K; ++k) {
      const double phi = lane_phi_[k * L + g];
      const float* t = moments_.data() + k * 4 * L;
      first += phi * (static_cast<double>(t[g]) + t[2 * L + g]);
      second += phi * phi * (static_cast<double>(t[L + g]) + t[3 * L + g]);
      if (!extended) limit[g] = std::min(limit[g], closest_to_limit / std::max(phi, 1e-300));
    }
    active[g] = first > 0.0;
    n[g] = active[g] ? std::min(first / std::max(second, 1e-300), 0.5 * limit[g]) : std::min(1.0, 0.5 * limit[g]);
    value[g] = active[g] ? 0.0 : 1e-6 * first;  // where nothing is above 0, the steepest γ still ranks first
  }
  std::array<float, n_lanes> y{}, s1{}, s2{};
  // Far left of the root, where one event makes all of the sum, a step no more than doubles n: with few events in a short window that is
  // a long way. Ends when nothing moves, after four steps mostly.
  for (int iteration = 0; iteration < 80; ++iteration) {
    std::array<double, n_lanes> dn{}, dnn{};
    for (std::size_t k = 0; k < K; ++k) {
      const double* phi = lane_phi_.data() + k * L;
      const float* t = moments_.data() + k * 4 * L;
      const Segment strong = strong_segments_[k];
      kernels_->profile_y(n, phi, extended, y.data());
      s1.fill(0.0F);
      s2.fill(0.0F);
      kernels_->profile({strong.last - strong.first, strong_value_.data() + strong.first, strong_candidate_.data() + strong.first},
                        tile_.ratio_rows(), y.data(), s1.data(), s2.data());
      kernels_->profile_slopes(n, phi, model_->index().n_events(static_cast<int>(k)), extended, y.data(), s1.data(), s2.data(), t, t + L,
                               dn.data(), dnn.data());
    }
    bool moving = false;
    for (std::size_t g = 0; g < L; ++g) {
      if (!active[g]) continue;
      const double step = dnn[g] < 0.0 ? -dn[g] / dnn[g] : n[g];
      const double next = std::clamp(n[g] + step, 0.2 * n[g], std::min(5.0 * n[g], limit[g]));
      moving |= std::abs(next - n[g]) > 0.02 * n[g];
      n[g] = next;
    }
    if (!moving) break;
  }
  std::array<float, n_lanes> logs{};
  for (std::size_t k = 0; k < K; ++k) {
    const double n_events = model_->index().n_events(static_cast<int>(k));
    const double* phi = lane_phi_.data() + k * L;
    const float* t = moments_.data() + k * 4 * L;
    const Segment strong = strong_segments_[k];
    kernels_->profile_y(n, phi, extended, y.data());
    logs.fill(0.0F);
    kernels_->profile_log({strong.last - strong.first, strong_value_.data() + strong.first, strong_candidate_.data() + strong.first},
                          tile_.ratio_rows(), y.data(), logs.data());
    for (std::size_t g = 0; g < L; ++g) {
      if (!active[g]) continue;
      const double z = n[g] * phi[g], yy = static_cast<double>(y[g]);
      // N ln(1 − z); for z below a hundredth three terms are good to 1e-6 of it
      const double missing = extended ? -n_events * z : z < 0.01 ? -n_events * z * (1.0 + z * (0.5 + z / 3.0)) : n_events * std::log1p(-z);
      value[g] += static_cast<double>(logs[g]) + yy * (static_cast<double>(t[g]) - 0.5 * yy * static_cast<double>(t[L + g])) + missing;
    }
  }
  for (std::size_t g = 0; g < L; ++g)
    if (!active[g]) n[g] = 0.0;
}

DirectionFit GroupFitter::fit_free(int lane) {
  const GammaAxis& axis = model_->likelihood().axis();
  std::array<double, n_lanes> n{}, value{};
  double n_ref = Tile::first_n_ref;
  for (int attempt = 0; attempt < 4; ++attempt) {
    take(lane, n_ref);
    profile(n.data(), value.data());
    const double best_n = n[static_cast<std::size_t>(std::max_element(value.begin(), value.end()) - value.begin())];
    if (best_n <= 2.0 * n_ref || attempt == 3) break;
    n_ref = 2.0 * best_n;  // the power series of the weak events and of the tail would not hold at this n
    tile_.list_again(static_cast<std::size_t>(lane), n_ref);
  }
  const double width = axis.lane_width();
  const auto highest = std::max_element(value.begin(), value.end());
  const double top = *highest;
  // what the exact pass will read, most of it for the first time in this tile
  const int node = axis.lane_stencil(static_cast<int>(highest - value.begin())).first;
  for (std::size_t i = 0; i < near_->seasons.back().last; ++i) __builtin_prefetch(tile_.node_rows()[near_->candidate[i]] + node);
  // Starts: every local maximum of the profile that may turn out the best, among them the ends of the γ range, where the maximum
  // often sits. Located on the profile, which costs little.
  std::array<DirectionFit, n_lanes + 2> found;
  std::size_t n_found = 0;
  const auto locate = [&](double start, double gamma) {
    DirectionFit near = refine(start > 0.0 ? start : 0.01, gamma, Accuracy::profile);
    if (!(near.ts > 0.0)) near = {0.0, 0.01, gamma, Status::ok};
    found[n_found++] = near;
  };
  for (int g = 0; g < n_lanes; ++g) {
    const auto i = static_cast<std::size_t>(g);
    const bool above_left = g == 0 || value[i] >= value[i - 1], above_right = g == n_lanes - 1 || value[i] > value[i + 1];
    const auto j = static_cast<std::size_t>(std::clamp(g, 1, n_lanes - 2));
    // vertex of the parabola through the neighbours
    const double slope = 0.5 * (value[j + 1] - value[j - 1]), curvature = value[j + 1] - 2 * value[j] + value[j - 1];
    const double here = slope + curvature * (static_cast<double>(g) - static_cast<double>(j));
    const double shift = curvature < -1e-9 ? std::clamp(-here / curvature, -0.5, 0.5) : (here > 0 ? 0.5 : -0.5);
    const double gain = std::max(0.0, here * shift + 0.5 * curvature * shift * shift);
    const bool may_win = value[i] + 2.0 * gain + 0.01 >= top;
    if (!(above_left && above_right && may_win)) continue;
    const double vertex = axis.lane_gamma(g) + shift * width;
    if (vertex > axis.front() && vertex < axis.back()) {
      double start = n[i];
      if (shift > 0 && g + 1 < n_lanes && n[i + 1] > 0) start += shift * (n[i + 1] - n[i]);
      if (shift < 0 && g > 0 && n[i - 1] > 0) start -= shift * (n[i - 1] - n[i]);
      locate(start, vertex);
    }
    if (g == 0 || g == n_lanes - 1) locate(n[i], g == 0 ? axis.front() : axis.back());
  }
  std::sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(n_found),
            [](const DirectionFit& a, const DirectionFit& b) { return a.ts > b.ts; });
  DirectionFit best;
  best.status = Status::no_excess;
  for (std::size_t k = 0; k < n_found; ++k) {
    const DirectionFit& near = found[k];
    if (k > 0) {
      const DirectionFit& before = found[k - 1];
      if (std::abs(near.gamma - before.gamma) < 1e-3 && std::abs(near.ns - before.ns) < 1e-3 * (1.0 + near.ns)) continue;  // the same place
      if (near.ts + 5e-3 + 1e-3 * near.ts < best.ts) break;  // the profile is good to less than this
    }
    const DirectionFit exact = refine(near.ns, near.gamma, Accuracy::exact);
    if (k == 0 || exact.ts > best.ts) best = exact;
  }
  return best;
}

DirectionFit GroupFitter::refine(double n, double gamma, Accuracy accuracy) {
  const GammaAxis& axis = model_->likelihood().axis();
  const bool free = model_->gamma_free();
  DirectionFit out;
  out.status = Status::not_converged;
  Stencil at = free ? axis.stencil(gamma) : model_->stencil();
  double limit = enter(at);
  if (!(n > 0.0)) n = std::min(1.0, 0.25 * limit);
  n = std::min(n, limit);
  Evaluation e = evaluate(n, at, gamma, accuracy);
  double step_n = 0.0, step_g = 0.0, gain = 0.0;
  bool done = false, at_limit = false;
  for (int iteration = 0; iteration < 60 && !done; ++iteration) {
    const bool low = free && gamma <= axis.front(), high = free && gamma >= axis.back();
    const bool held = !free || (low && e.dg <= 0.0) || (high && e.dg >= 0.0);
    at_limit = n >= limit && e.dn > 0.0;
    step_g = 0.0;
    bool newton = true;
    if (held) {
      newton = e.dnn < 0.0;
      step_n = newton ? -e.dn / e.dnn : (e.dn > 0 ? n : -0.5 * n);
    } else {
      // in (ln n, γ), where both are of order one; a direction that curves upwards is followed uphill instead
      Eigen::Matrix2d hessian;
      hessian << n * n * e.dnn, n * e.dng, n * e.dng, e.dgg;
      const Eigen::Vector2d gradient(n * e.dn, e.dg);
      Eigen::SelfAdjointEigenSolver<Eigen::Matrix2d> eigen;
      eigen.computeDirect(hessian);
      const Eigen::Vector2d lambda = eigen.eigenvalues();
      const double least = 1e-4 * lambda.cwiseAbs().maxCoeff() + 1e-12;
      newton = lambda[1] <= -least;
      const Eigen::Vector2d step =
          eigen.eigenvectors() * (eigen.eigenvectors().transpose() * gradient).cwiseQuotient(lambda.cwiseAbs().cwiseMax(least));
      step_n = n * step[0];
      step_g = step[1];
    }
    if (at_limit) step_n = 0.0;
    // The box shortens a step as a whole: cutting one component alone could turn it downhill. A shortened step is no
    // Newton step, and its gain says nothing about convergence.
    const double room_n = step_n > 0 ? std::min(limit, 10.0 * n) - n : -0.9 * n;
    const double room_g = step_g > 0 ? std::min(0.5, axis.back() - gamma) : step_g < 0 ? std::max(-0.5, axis.front() - gamma) : 0.0;
    double share = 1.0;
    if (std::abs(step_n) > std::abs(room_n)) share = room_n / step_n;
    if (std::abs(step_g) > std::abs(room_g)) share = std::min(share, room_g / step_g);
    const double conditional = -(e.dn + e.dng * room_g) / e.dnn;  // best n once γ is at the edge of the box
    const bool to_edge = std::abs(step_g) > std::abs(room_g) && e.dnn < 0.0 && !at_limit && conditional >= -0.9 * n &&
                         n + conditional <= std::min(limit, 10.0 * n) && e.dn * conditional + e.dg * room_g > 0.0;
    if (to_edge) {
      step_n = conditional;
      step_g = room_g;
      share = 0.0;
    } else if (share > 0.0) {
      step_n *= share;
      step_g *= share;
    } else {  // γ sits at its end and cannot follow: n alone
      step_g = 0.0;
      step_n = std::clamp(e.dnn < 0.0 ? -e.dn / e.dnn : (e.dn > 0 ? n : -0.5 * n), -0.9 * n, std::min(limit, 10.0 * n) - n);
    }
    const bool whole = newton && share == 1.0;
    gain = 0.5 * (e.dn * step_n + e.dg * step_g);
    if (n < 1e-3 && e.dn <= 0.0 && e.value <= 1e-7) {  // running into n = 0, where ln Λ = 0 for every γ
      out.status = Status::no_excess;
      return out;
    }
    const bool small = std::abs(step_g) < 0.1 && std::abs(step_n) < 0.2 * n;
    const double enough = whole ? (small ? enough_gain : 1e-7) : nothing_to_gain;
    if (share == 1.0 && std::abs(gain) < enough) {
      done = true;
      break;
    }
    double t = 1.0;
    bool moved = false;
    for (int half = 0; half < 30; ++half, t *= 0.5) {
      double next_g = gamma + t * step_g;
      if (t == 1.0 && to_edge) next_g = step_g > 0 ? std::min(gamma + 0.5, axis.back()) : std::max(gamma - 0.5, axis.front());
      const Stencil next_at = free ? axis.stencil(next_g) : at;
      const double next_limit = enter(next_at), next_n = std::min(n + t * step_n, next_limit);
      const Evaluation next = evaluate(next_n, next_at, next_g, accuracy);
      if (next.value >= e.value - value_noise * (1.0 + std::abs(e.value))) {
        n = next_n;
        gamma = next_g;
        at = next_at;
        limit = next_limit;
        e = next;
        moved = true;
        break;
      }
    }
    if (!moved) {  // nothing above rounding left to gain: the step itself is not taken
      done = std::abs(gain) < 1e-5;
      step_n = step_g = gain = 0.0;
      break;
    }
  }
  if (done) {
    out.status = at_limit ? Status::at_ns_limit : Status::ok;
    n += step_n;
    if (free) gamma += step_g;
  } else {
    gain = 0.0;
  }
  out.ts = 2.0 * (e.value + gain);
  out.ns = n;
  out.gamma = free || axis.size() > 0 ? gamma : std::numeric_limits<double>::quiet_NaN();
  if (!(out.ts > 0.0)) {
    out = DirectionFit{};
    out.status = Status::no_excess;
  }
  return out;
}

}  // namespace nusky
