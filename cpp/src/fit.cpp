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
// Rounding of ln Λ as the float kernels evaluate it, relative to 1 + |ln Λ|.
constexpr double value_noise = 1e-7;
// Events whose u = y W can reach this somewhere are summed one by one in the profile; the others through Σw and Σw².
constexpr double weak_u = 0.05;

}  // namespace

GroupFitter::GroupFitter(const FitModel& model, bool several_tiles)
    : model_(&model),
      kernels_(&kernels()),
      n_seasons_(static_cast<std::size_t>(model.index().n_seasons())),
      tile_(model, several_tiles),
      share_bounds_(n_seasons_ * n_lanes),
      shares_(n_seasons_) {}

// The events of one direction; those that are strong at n_ref (see weak_u) are listed apart.
void GroupFitter::compact(int lane, double n_ref) {
  const std::size_t n = tile_.n_candidates();
  const bool free = model_->gamma_free();
  direction_sindec_ = tile_.sindec(static_cast<std::size_t>(lane));
  value_.resize(n + n_lanes);  // room for whole vectors beyond the last
  candidate_.resize(n + n_lanes);
  strong_.resize(n + n_lanes);
  segments_.clear();
  strong_segments_.clear();
  if (n_seasons_ > 1) model_->likelihood().share_bounds(direction_sindec_, share_bounds_.data());
  std::size_t m = 0, n_strong = 0;
  for (std::size_t k = 0; k < n_seasons_; ++k) {
    float threshold = std::numeric_limits<float>::infinity();
    if (free) {
      float most = 1.0F;
      if (n_seasons_ > 1)
        most = *std::max_element(share_bounds_.begin() + static_cast<std::ptrdiff_t>(k * n_lanes),
                                 share_bounds_.begin() + static_cast<std::ptrdiff_t>((k + 1) * n_lanes));
      threshold =
          static_cast<float>(weak_u / n_ref * model_->index().n_events(static_cast<int>(k)) / std::max(static_cast<double>(most), 1e-30));
    }
    const Segment near = tile_.segment(k);
    const std::size_t before = n_strong;
    const std::size_t found =
        kernels_->compact(near.first, near.last, tile_.values(), static_cast<std::size_t>(lane), tile_.peak(), threshold,
                          static_cast<std::uint32_t>(m), value_.data() + m, candidate_.data() + m, strong_.data(), &n_strong);
    segments_.push_back({m, m + found});
    strong_segments_.push_back({before, n_strong});
    m += found;
  }
  strong_.resize(n_strong);
  strong_value_.resize(n_strong);
  strong_candidate_.resize(n_strong);
  for (std::size_t j = 0; j < n_strong; ++j) {
    strong_value_[j] = value_[strong_[j]];
    strong_candidate_[j] = candidate_[strong_[j]];
  }
}

double GroupFitter::ns_limit(const Stencil& at) {
  if (model_->likelihood().extended()) return 1e12;
  model_->likelihood().shares(direction_sindec_, at, shares_.data());
  double limit = 1e300;
  for (std::size_t k = 0; k < n_seasons_; ++k)
    if (shares_[k].f > 0) limit = std::min(limit, model_->index().n_events(static_cast<int>(k)) / shares_[k].f);
  return limit * closest_to_limit;
}

double GroupFitter::log_moment(std::size_t season, int power, int lane) const {
  const auto j = static_cast<std::size_t>(power), g = static_cast<std::size_t>(lane);
  double& value = log_moments_[(season * 2 + j) * n_lanes + g];
  if (std::isnan(value)) value = std::log(std::max(static_cast<double>(moments_[(season * 4 + j) * n_lanes + g]), 1e-300));
  return value;
}

// Sums over the weak events of one season at (y, γ), from their power sums at the coarse γ: ln(1+u) = u − u²/2.
EventSums GroupFitter::weak_sums(std::size_t season, double y, double gamma) const {
  const GammaAxis& axis = model_->likelihood().axis();
  const double width = (axis.back() - axis.front()) / n_lanes, position = (gamma - axis.front()) / width - 0.5;
  const int left = std::clamp(static_cast<int>(std::floor(position)), 0, n_lanes - 2);
  const double t = position - left, t2 = t * t, t3 = t2 * t;
  const double value[4] = {2 * t3 - 3 * t2 + 1, -2 * t3 + 3 * t2, t3 - 2 * t2 + t, t3 - t2};
  const double first[4] = {6 * t2 - 6 * t, -6 * t2 + 6 * t, 3 * t2 - 4 * t + 1, 3 * t2 - 2 * t};
  const double second[4] = {12 * t - 6, -12 * t + 6, 6 * t - 4, 6 * t - 2};
  EventSums s{};
  double power = y;
  for (int j = 0; j < 2; ++j, power *= -y) {
    const auto l = [&](int lane) { return log_moment(season, j, lane); };
    // cubic Hermite in ln M, slopes from the parabola through three neighbours
    const auto slope = [&](int i) {
      const int m = std::clamp(i, 1, n_lanes - 2);
      return 0.5 * (l(m + 1) - l(m - 1)) + (i - m) * (l(m + 1) - 2 * l(m) + l(m - 1));
    };
    const double c[4] = {l(left), l(left + 1), slope(left), slope(left + 1)};
    double v = 0, d = 0, dd = 0;
    for (int i = 0; i < 4; ++i) {
      v += value[i] * c[i];
      d += first[i] * c[i];
      dd += second[i] * c[i];
    }
    d /= width;
    dd /= width * width;
    const double m = power * std::exp(v), order = j + 1;
    s.log += m / order;
    s.p += m;
    s.q += m * order;
    s.p1 += m / order * d;
    s.q1 += m * d;
    s.second += m / order * (dd + d * d);
  }
  return s;
}

EventSums GroupFitter::season_sums(std::size_t season, double y, const Stencil& at, double gamma, Accuracy accuracy) {
  const Segment all = segments_[season], strong = strong_segments_[season];
  const auto yf = static_cast<float>(y);
  EventSums s{};
  if (!model_->gamma_free()) {
    kernels_->sums_flat(all.last - all.first, value_.data() + all.first, yf, s);
    return s;
  }
  s = weak_sums(season, y, gamma);
  const EventView few{strong.last - strong.first, strong_value_.data() + strong.first, strong_candidate_.data() + strong.first};
  kernels_->sums(few, tile_.node_rows(), at.first, at.value.data(), at.slope.data(), at.curvature.data(), yf, s);
  if (accuracy == Accuracy::exact) {
    // Value and gradient from every event; the curvature, which only scales the last step, stays that of the profile.
    s.log = s.p = s.p1 = 0.0;
    const EventView every{all.last - all.first, value_.data() + all.first, candidate_.data() + all.first};
    kernels_->sums_first(every, tile_.node_rows(), at.first, at.value.data(), at.slope.data(), yf, s);
  }
  return s;
}

// ln Λ and its derivatives in (n, γ), from the event sums; with z = n φ, c = 1/(1 − z) and λ = ln φ:
//   ∂ ln u/∂n = c/n,  ∂ ln u/∂γ = ℓ′ + c λ′   (extended: c = 1 and the first term is −n f)
GroupFitter::Evaluation GroupFitter::evaluate(double n, const Stencil& at, double gamma, Accuracy accuracy) {
  const bool extended = model_->likelihood().extended();
  model_->likelihood().shares(direction_sindec_, at, shares_.data());
  Evaluation e;
  for (std::size_t k = 0; k < n_seasons_; ++k) {
    const double n_events = model_->index().n_events(static_cast<int>(k));
    const double f = shares_[k].f, l1 = shares_[k].slope, l2 = shares_[k].curvature, phi = f / n_events;
    const double z = extended ? 0.0 : n * phi, c = 1.0 / (1.0 - z), y = n * phi * c;
    const EventSums s = season_sums(k, y, at, gamma, accuracy);
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
  compact(lane, 1.0);
  return refine(0.0, model_->gamma(), Accuracy::exact);
}

// ln Λ maximised over n at the centre of every coarse γ interval, to the accuracy that choosing a start needs.
void GroupFitter::profile(double* n, double* value) {
  const Likelihood& likelihood = model_->likelihood();
  const GammaAxis& axis = likelihood.axis();
  const bool extended = likelihood.extended();
  const std::size_t K = n_seasons_, L = n_lanes;
  lane_shares_.resize(K * L);
  for (int g = 0; g < n_lanes; ++g) {
    likelihood.shares(direction_sindec_, axis.lane_stencil(g), shares_.data());
    for (std::size_t k = 0; k < K; ++k) lane_shares_[k * L + static_cast<std::size_t>(g)] = shares_[k];
  }
  moments_.assign(K * 4 * L, 0.0F);
  for (const std::uint32_t i : strong_) value_[i] = 0.0F;  // out of the sums over the weak, for a moment
  for (std::size_t k = 0; k < K; ++k) {
    const Segment all = segments_[k], strong = strong_segments_[k];
    float* of_weak = moments_.data() + k * 4 * L;
    float* of_strong = of_weak + 2 * L;
    kernels_->moments({all.last - all.first, value_.data() + all.first, candidate_.data() + all.first}, tile_.ratio_rows(), of_weak,
                      of_weak + L);
    kernels_->moments({strong.last - strong.first, strong_value_.data() + strong.first, strong_candidate_.data() + strong.first},
                      tile_.ratio_rows(), of_strong, of_strong + L);
  }
  for (std::size_t j = 0; j < strong_.size(); ++j) value_[strong_[j]] = strong_value_[j];
  log_moments_.assign(K * 2 * L, std::numeric_limits<double>::quiet_NaN());
  // start from the parabola at n = 0, which lies left of the root of the convex derivative
  std::array<double, n_lanes> limit{};
  std::array<bool, n_lanes> active{};
  for (std::size_t g = 0; g < L; ++g) {
    double first = -1.0, second = 0.0;
    limit[g] = 1e12;
    for (std::size_t k = 0; k < K; ++k) {
      const double phi = lane_shares_[k * L + g].f / model_->index().n_events(static_cast<int>(k));
      const float* t = moments_.data() + k * 4 * L;
      first += phi * (static_cast<double>(t[g]) + t[2 * L + g]);
      second += phi * phi * (static_cast<double>(t[L + g]) + t[3 * L + g]);
      if (!extended) limit[g] = std::min(limit[g], closest_to_limit / std::max(phi, 1e-300));
    }
    active[g] = first > 0.0;
    n[g] = active[g] ? std::min(first / std::max(second, 1e-300), 0.5 * limit[g]) : 0.0;
    value[g] = active[g] ? 0.0 : 1e-6 * first;  // where nothing is above 0, the steepest γ still ranks first
  }
  std::array<float, n_lanes> y{}, s1{}, s2{};
  for (int iteration = 0; iteration < 12; ++iteration) {
    std::array<double, n_lanes> dn{}, dnn{};
    for (std::size_t k = 0; k < K; ++k) {
      const double n_events = model_->index().n_events(static_cast<int>(k));
      for (std::size_t g = 0; g < L; ++g) {
        const double phi = lane_shares_[k * L + g].f / n_events, z = extended ? 0.0 : n[g] * phi;
        y[g] = static_cast<float>(n[g] * phi / (1.0 - z));
      }
      s1.fill(0.0F);
      s2.fill(0.0F);
      const Segment strong = strong_segments_[k];
      kernels_->profile({strong.last - strong.first, strong_value_.data() + strong.first, strong_candidate_.data() + strong.first},
                        tile_.ratio_rows(), y.data(), s1.data(), s2.data());
      const float* t = moments_.data() + k * 4 * L;
      for (std::size_t g = 0; g < L; ++g) {
        if (!active[g]) continue;
        const double phi = lane_shares_[k * L + g].f / n_events, z = extended ? 0.0 : n[g] * phi, c = 1.0 / (1.0 - z), yy = y[g];
        const double p = yy * (s1[g] + t[g] - yy * t[L + g]);
        const double p2 = yy * yy * (s2[g] + t[L + g]);
        dn[g] += (c / n[g]) * p - n_events * phi * c;
        dnn[g] += c * c * (2.0 * z * p - p2) / (n[g] * n[g]) - (extended ? 0.0 : n_events * phi * phi * c * c);
      }
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
    for (std::size_t g = 0; g < L; ++g) {
      const double phi = lane_shares_[k * L + g].f / n_events, z = extended ? 0.0 : n[g] * phi;
      y[g] = static_cast<float>(n[g] * phi / (1.0 - z));
    }
    logs.fill(0.0F);
    const Segment strong = strong_segments_[k];
    kernels_->profile_log({strong.last - strong.first, strong_value_.data() + strong.first, strong_candidate_.data() + strong.first},
                          tile_.ratio_rows(), y.data(), logs.data());
    const float* t = moments_.data() + k * 4 * L;
    for (std::size_t g = 0; g < L; ++g) {
      if (!active[g]) continue;
      const double f = lane_shares_[k * L + g].f, yy = y[g];
      value[g] += logs[g] + yy * (t[g] - 0.5 * yy * t[L + g]) + (extended ? -n[g] * f : n_events * std::log1p(-n[g] * f / n_events));
    }
  }
}

DirectionFit GroupFitter::fit_free(int lane) {
  const GammaAxis& axis = model_->likelihood().axis();
  std::array<double, n_lanes> n{}, value{};
  double n_ref = 8.0;
  for (int attempt = 0; attempt < 4; ++attempt) {
    compact(lane, n_ref);
    profile(n.data(), value.data());
    const double best_n = n[static_cast<std::size_t>(std::max_element(value.begin(), value.end()) - value.begin())];
    if (best_n <= 3.0 * n_ref) break;
    n_ref = 2.0 * best_n;  // the power series of the weak events would not hold at this n
  }
  const double width = (axis.back() - axis.front()) / n_lanes;
  const double top = *std::max_element(value.begin(), value.end());
  // Starts: every local maximum of the profile that may turn out the best, and the ends of the γ range, where the maximum
  // often sits and which lie beyond the outermost centres. Located on the profile, which costs little.
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
  double limit = ns_limit(at);
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
    if (whole && std::abs(gain) < (small ? enough_gain : 1e-7)) {
      done = true;
      break;
    }
    double t = 1.0;
    bool moved = false;
    for (int half = 0; half < 30; ++half, t *= 0.5) {
      double next_g = gamma + t * step_g;
      if (t == 1.0 && to_edge) next_g = step_g > 0 ? std::min(gamma + 0.5, axis.back()) : std::max(gamma - 0.5, axis.front());
      const Stencil next_at = free ? axis.stencil(next_g) : at;
      const double next_limit = ns_limit(next_at), next_n = std::min(n + t * step_n, next_limit);
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
