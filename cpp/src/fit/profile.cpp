#include "nusky/fit/profile.hpp"

#include <algorithm>
#include <cmath>

namespace nusky {
namespace {

// The last step to a maximum of the interpolated profile, in distances between coarse γ: a longer one means that it is no parabola there.
constexpr double longest_last_step = 0.1;
constexpr std::size_t fewest_points = 3;
// n to start from at least: Σw² may lie beyond float.
constexpr double least_start = 1e-6;
// Where d ln Λ/dn at n = 0 is closer to 0 than this, and than twice what a parabola adds between coarse γ, it is looked at more closely.
constexpr double excess_in_doubt = 2e-3;

}  // namespace

Profile::Profile(const FitModel& model)
    : model_(&model),
      kernels_(&kernels()),
      n_seasons_(static_cast<std::size_t>(model.index().n_seasons())),
      phi_(n_seasons_ * n_coarse_gamma),
      moments_(n_seasons_ * 4 * n_coarse_gamma),
      logs_(n_seasons_ * n_sums * n_coarse_gamma),
      has_logs_(n_seasons_ * n_sums),
      shares_(n_seasons_) {}

bool Profile::solve(const DirectionEvents& events) {
  events_ = &events;
  const Likelihood& likelihood = model_->likelihood();
  const GammaAxis& axis = likelihood.axis();
  const EventIndex& index = model_->index();
  const bool extended = likelihood.extended();
  constexpr std::size_t L = n_coarse_gamma;
  for (std::size_t g = 0; g < L; ++g) {
    likelihood.shares(events.sindec(), axis.coarse_stencil(static_cast<int>(g)), shares_.data());
    for (std::size_t k = 0; k < n_seasons_; ++k) phi_[k * L + g] = shares_[k].f / index.n_events(static_cast<int>(k));
  }
  std::fill(moments_.begin(), moments_.end(), 0.0F);
  std::fill(has_logs_.begin(), has_logs_.end(), char{0});
  alignas(64) std::array<double, L> first{}, second{}, limit{};
  limit.fill(1e12);
  for (std::size_t k = 0; k < n_seasons_; ++k) {
    float* of_weak = moments_.data() + k * 4 * L;
    float* of_strong = of_weak + 2 * L;
    const double* phi = phi_.data() + k * L;
    std::copy_n(events.tail(k), L, of_weak);
    kernels_->moments(events.weak(k), events.ratio_rows(), of_weak, of_weak + L);
    kernels_->moments(events.strong(k), events.ratio_rows(), of_strong, of_strong + L);
    kernels_->profile_begin(phi, of_weak, of_weak + L, of_strong, of_strong + L, first.data(), second.data());
    if (!extended)
      for (std::size_t g = 0; g < L; ++g) limit[g] = std::min(limit[g], Likelihood::closest_to_limit / std::max(phi[g], 1e-300));
  }
  // start from the parabola at n = 0, which lies left of the root of the convex derivative
  for (std::size_t g = 0; g < L; ++g) {
    const double slope = first[g] - 1.0;
    const bool rises = slope > 0.0;
    active_[g] = rises ? 1.0 : 0.0;
    n_[g] = std::min(rises ? std::max(slope / std::max(second[g], 1e-300), least_start) : 1.0, 0.5 * limit[g]);
    value_[g] = rises ? 0.0 : 1e-6 * slope;  // where nothing is above 0, the steepest γ still ranks first
  }
  if (falls_everywhere(first.data())) return false;
  alignas(64) std::array<float, L> y{}, s1{}, s2{};
  alignas(64) std::array<double, L> dn{}, value{};
  // Far left of the root, where one event makes all of the sum, a step no more than doubles n: with few events in a short window that is
  // a long way. Ends when nothing moves, after three steps mostly.
  for (int iteration = 0; iteration < 80; ++iteration) {
    dn.fill(0.0);
    curvature_.fill(0.0);
    for (std::size_t k = 0; k < n_seasons_; ++k) {
      const double* phi = phi_.data() + k * L;
      const float* t = moments_.data() + k * 4 * L;
      kernels_->profile_y(n_.data(), phi, extended, y.data());
      s1.fill(0.0F);
      s2.fill(0.0F);
      kernels_->profile(events.strong(k), events.ratio_rows(), y.data(), s1.data(), s2.data());
      kernels_->profile_slopes(n_.data(), phi, index.n_events(static_cast<int>(k)), extended, y.data(), s1.data(), s2.data(), t, t + L,
                               dn.data(), curvature_.data());
    }
    if (!kernels_->profile_move(dn.data(), curvature_.data(), limit.data(), active_.data(), n_.data())) break;
  }
  for (std::size_t k = 0; k < n_seasons_; ++k) {
    const double* phi = phi_.data() + k * L;
    const float* t = moments_.data() + k * 4 * L;
    kernels_->profile_y(n_.data(), phi, extended, y.data());
    s1.fill(0.0F);
    kernels_->profile_log(events.strong(k), events.ratio_rows(), y.data(), s1.data());
    kernels_->profile_value(n_.data(), phi, index.n_events(static_cast<int>(k)), extended, y.data(), s1.data(), t, t + L, value.data());
  }
  for (std::size_t g = 0; g < L; ++g) {
    value_[g] += active_[g] * value[g];
    n_[g] *= active_[g];
  }
  return true;
}

// Whether Σ φ w, known at the coarse γ to the rounding of its sums, stays below 1 between them too.
bool Profile::falls_everywhere(const double* sums) const {
  const double* highest = std::max_element(sums, sums + n_coarse_gamma);
  if (!(*highest < 1.0)) return false;
  const auto j = std::clamp<std::ptrdiff_t>(highest - sums, 1, n_coarse_gamma - 2);
  const double left = std::log(sums[j - 1]), here = std::log(sums[j]), right = std::log(sums[j + 1]);
  const double bend = left - 2.0 * here + right, from = static_cast<double>(highest - sums - j);
  const double slope = 0.5 * (right - left) + bend * from;
  const bool inwards = from == 0.0 || slope * from < 0.0;  // else an end of the range is the highest point
  const double gain = inwards && bend < 0.0 ? -0.5 * slope * slope / bend : 0.0;
  return std::log(*highest) + 2.0 * gain + excess_in_doubt < 0.0;
}

std::size_t Profile::highest() const { return static_cast<std::size_t>(std::max_element(value_.begin(), value_.end()) - value_.begin()); }

// A maximum near coarse γ i + shift, where the profile is smooth: two Newton steps on its interpolant through neighbours whose n_s is
// above 0.
bool Profile::read_maximum(std::size_t i, double shift, Maximum& out) const {
  const GammaAxis& axis = model_->likelihood().axis();
  std::size_t low = i, high = i;
  while (low > 0 && active_[low - 1] > 0.0) --low;
  while (high + 1 < n_coarse_gamma && active_[high + 1] > 0.0) ++high;
  if (high - low + 1 < fewest_points) return false;
  const double width = axis.coarse_width(), start = axis.front() + (static_cast<double>(i) + shift) * width;
  const double lowest = axis.coarse_gamma(static_cast<int>(low)), highest = axis.coarse_gamma(static_cast<int>(high));
  const CoarseWeights before(axis, start, low, high);
  const double bend = before.curvature_of(value_.data());
  if (!(bend < 0.0)) return false;
  const double step = -before.slope_of(value_.data()) / bend;
  if (!(std::abs(step) < width && start + step > lowest && start + step < highest)) return false;
  const CoarseWeights at(axis, start + step, low, high);
  const double slope = at.slope_of(value_.data());
  out.curvature = at.curvature_of(value_.data());
  out.curvature_n = at.value_of(curvature_.data());
  out.per_gamma = at.slope_of(n_.data());
  if (!(out.curvature < 0.0 && out.curvature_n < 0.0)) return false;
  const double last = -slope / out.curvature;
  out.gamma = start + step + last;
  if (!(std::abs(last) < longest_last_step * width && out.gamma > lowest && out.gamma < highest)) return false;
  out.n = at.value_of(n_.data()) + last * out.per_gamma;
  out.value = at.value_of(value_.data()) + 0.5 * slope * last;
  out.smooth = out.n > 0.0 && out.value > 0.0;
  return out.smooth;
}

Maximum* Profile::maxima(std::size_t& count) {
  const GammaAxis& axis = model_->likelihood().axis();
  const double top = *std::max_element(value_.begin(), value_.end());
  count = 0;
  for (std::size_t i = 0; i < n_coarse_gamma; ++i) {
    const bool above_left = i == 0 || value_[i] >= value_[i - 1], above_right = i + 1 == n_coarse_gamma || value_[i] > value_[i + 1];
    if (!(above_left && above_right)) continue;
    // vertex of the parabola through the neighbours
    const std::size_t j = std::clamp<std::size_t>(i, 1, n_coarse_gamma - 2);
    const double slope = 0.5 * (value_[j + 1] - value_[j - 1]), bend = value_[j + 1] - 2.0 * value_[j] + value_[j - 1];
    const double here = slope + bend * (static_cast<double>(i) - static_cast<double>(j));
    const double shift = bend < -1e-9 ? std::clamp(-here / bend, -0.5, 0.5) : (here > 0 ? 0.5 : -0.5);
    const double gain = std::max(0.0, here * shift + 0.5 * bend * shift * shift);
    if (value_[i] + 2.0 * gain + 0.01 < top) continue;
    const double vertex = axis.front() + (static_cast<double>(i) + shift) * axis.coarse_width();
    const bool at_end = i == 0 || i + 1 == n_coarse_gamma, inside = vertex > axis.front() && vertex < axis.back();
    if (at_end) {
      // Where the maximum often sits; and where the profile is not smooth, a start of its own beside the vertex.
      Maximum& p = maxima_[count++] = {};
      p.gamma = i == 0 ? axis.front() : axis.back();
      p.n = n_[i];
      p.value = value_[i];
      p.curvature_n = curvature_[i];
      p.at_end = p.smooth = active_[i] > 0.0 && p.curvature_n < 0.0 && value_[i] > 0.0 && !inside;
    }
    if (!inside) continue;
    Maximum& p = maxima_[count++] = {};
    if (!at_end && active_[i] > 0.0 && read_maximum(i, shift, p)) continue;
    p = {};
    p.gamma = vertex;
    p.n = n_[i];
    if (shift > 0 && i + 1 < n_coarse_gamma && n_[i + 1] > 0) p.n += shift * (n_[i + 1] - n_[i]);
    if (shift < 0 && i > 0 && n_[i - 1] > 0) p.n -= shift * (n_[i - 1] - n_[i]);
  }
  return maxima_.data();
}

const double* Profile::log_of(std::size_t season, Sum which) {
  const std::size_t i = season * n_sums + which;
  double* out = logs_.data() + i * n_coarse_gamma;
  if (!has_logs_[i]) {
    kernels_->logs(which == tail ? events_->tail(season) : moments_.data() + (season * 4 + which) * n_coarse_gamma, out);
    has_logs_[i] = 1;
  }
  return out;
}

double Profile::tail_sum(std::size_t season, const CoarseWeights& at, double& slope) {
  const double* log = log_of(season, tail);
  slope = at.slope_of(log);
  return std::exp(at.value_of(log));
}

EventSums Profile::weak_sums(std::size_t season, double y, const CoarseWeights& at) {
  EventSums s{};
  double power = y, order = 1.0;
  for (const Sum which : {weak, weak_squares}) {
    const double* log = log_of(season, which);
    const double m = power * std::exp(at.value_of(log)), slope = at.slope_of(log);
    s.log += m / order;
    s.p += m;
    s.q += m * order;
    s.p1 += m / order * slope;
    s.q1 += m * slope;
    s.second += m / order * (at.curvature_of(log) + slope * slope);
    power *= -y;
    order += 1.0;
  }
  return s;
}

}  // namespace nusky
