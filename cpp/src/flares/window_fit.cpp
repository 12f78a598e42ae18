#include "nusky/flares/window_fit.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include "nusky/kernels/table.hpp"

namespace nusky {
namespace {

constexpr std::size_t few = 16;  // a window with less than a sixteenth of the events evaluates R for itself

}  // namespace

WindowFit::WindowFit(const Likelihood& likelihood, std::vector<double> days, std::optional<double> gamma)
    : likelihood_(&likelihood),
      days_(std::move(days)),
      free_(likelihood.axis().free() && !gamma),
      extended_(likelihood.extended()),
      lanes_(n_coarse_gamma) {
  const GammaAxis& axis = likelihood.axis();
  const auto K = static_cast<std::size_t>(likelihood.n_seasons());
  if (days_.size() != K) throw std::invalid_argument("runs: as many seasons as the likelihood has are needed");
  if (gamma && axis.size() == 0) throw std::invalid_argument("gamma: cannot be fixed without an energy term (gamma_nodes is empty)");
  if (gamma && !(*gamma >= axis.front() && *gamma <= axis.back()))
    throw std::invalid_argument("gamma: " + std::to_string(*gamma) + " is outside the nodes " + std::to_string(axis.front()) + " … " +
                                std::to_string(axis.back()));
  if (!free_ && axis.size() > 0) fixed_stencil_ = axis.stencil(gamma ? *gamma : axis.front());
  for (const double d : days_) together_ += d;
  shares_.resize(K);
  for (auto* v : {&beta_, &p_, &p_slope_, &share_slope_, &outside_}) v->resize(K);
}

void WindowFit::take(const NearInTime& near, double sindec, const std::vector<double>& n_events) {
  near_ = &near;
  sindec_ = sindec;
  n_events_ = n_events;
  for (Ratios& r : lanes_) r.known = false;
  if (!free_ && likelihood_->axis().size() > 0) evaluate_ratios(fixed_stencil_, 0, near.size(), fixed_, none_);
}

void WindowFit::evaluate_ratios(const Stencil& at, std::size_t first, std::size_t last, std::vector<float>& ratio,
                                std::vector<float>& change) const {
  ratio.resize(last - first + n_coarse_gamma);
  change.resize(last - first + n_coarse_gamma);
  kernels().flare_ratios(last - first, near_->log_ratio.data() + first, at.first, at.value.data(), at.slope.data(), ratio.data(),
                         change.data());
}

void WindowFit::day_acceptances(double gamma, double* a) const {
  const GammaAxis& axis = likelihood_->axis();
  likelihood_->shares(sindec_, free_ ? axis.stencil(gamma) : fixed_stencil_, shares_.data());
  for (std::size_t k = 0; k < days_.size(); ++k) a[k] = shares_[k].f * together_ / days_[k];
}

WindowProfile WindowFit::at_lane(const WindowContent& content, int lane, double guess) {
  if (!free_) return at_fixed(content);
  Ratios& r = lanes_[static_cast<std::size_t>(lane)];
  const Stencil& at = likelihood_->axis().coarse_stencil(lane);
  if (!r.known && few * (content.last - content.first) < near_->size()) return profile_at(content, at, guess);
  if (!r.known) {
    evaluate_ratios(at, 0, near_->size(), r.ratio, r.change);
    r.known = true;
  }
  return profile(content, at, r.ratio.data() + content.first, r.change.data() + content.first, guess);
}

WindowProfile WindowFit::at_fixed(const WindowContent& content) {
  return profile(content, fixed_stencil_, fixed_.empty() ? nullptr : fixed_.data() + content.first, nullptr, 0.0);
}

WindowProfile WindowFit::at(const WindowContent& content, double gamma, double guess) {
  return profile_at(content, likelihood_->axis().stencil(gamma), guess);
}

WindowProfile WindowFit::profile_at(const WindowContent& content, const Stencil& at, double guess) {
  evaluate_ratios(at, content.first, content.last, ratio_, change_);
  return profile(content, at, ratio_.data(), change_.data(), guess);
}

// f′(n) n is concave but for the small terms of p; Newton's method with a bracket. a_ and outside_, p_ hold the weights.
double WindowFit::best_n(std::size_t count, double n_max, double guess) {
  const auto derivatives = [&](double n, double& f1, double& f2) {
    kernels().weight_sums(count, a_.data(), n, &f1, &f2);
    f2 = -f2;
    if (extended_) f1 -= 1.0;
    for (std::size_t k = 0; k < p_.size(); ++k) {
      const double r = p_[k] / (1.0 - n * p_[k]);
      f1 -= outside_[k] * r;
      f2 -= outside_[k] * r * r;
    }
  };
  double f1 = 0.0, f2 = 0.0;
  derivatives(0.0, f1, f2);
  if (f1 <= 0.0) return 0.0;
  double low = 0.0, high = n_max, n = std::min(0.5 * n_max, guess > 0.0 ? guess : static_cast<double>(count) + 1.0);
  for (int step = 0; step < 60; ++step) {
    derivatives(n, f1, f2);
    (f1 > 0.0 ? low : high) = n;
    const double h = n * f1, h1 = f1 + n * f2;
    if (std::abs(h) < 1e-11 * (1.0 + n)) break;
    double next = h1 < 0.0 ? n - h / h1 : 2.0 * n;
    if (!(next > low && next < high))
      next = low > 0.0 && high < 4.0 * low ? 0.5 * (low + high) : std::sqrt(std::max(low, 1e-3 * high) * high);
    if (std::abs(next - n) < 1e-12 * n) break;
    n = next;
  }
  return n;
}

// Calls with the season, the first event and the number of events of each segment in a window.
template <class Call>
void WindowFit::for_segments(const WindowContent& content, const Call& call) const {
  for (std::size_t s = 0; s < near_->segments(); ++s) {
    const std::size_t first = std::max(near_->segment(s), content.first), last = std::min(near_->segment(s + 1), content.last);
    if (first < last) call(near_->season[first], first, last - first);
  }
}

WindowProfile WindowFit::profile(const WindowContent& content, const Stencil& at, const float* ratio, const float* change, double guess) {
  const std::size_t K = days_.size(), count = content.last - content.first;
  likelihood_->shares(sindec_, at, shares_.data());
  double exposure = 0.0, exposure_slope = 0.0;
  for (std::size_t k = 0; k < K; ++k) {
    const double a = shares_[k].f / days_[k];
    exposure += a * content.days[k];
    exposure_slope += a * content.days[k] * shares_[k].slope;
  }
  exposure_slope /= exposure;
  double p_max = 0.0;
  for (std::size_t k = 0; k < K; ++k) {
    const double a = shares_[k].f / days_[k];
    beta_[k] = a / exposure;
    share_slope_[k] = shares_[k].slope - exposure_slope;
    p_[k] = beta_[k] * content.days[k] / n_events_[k];
    p_slope_[k] = p_[k] * share_slope_[k];
    outside_[k] = n_events_[k];
    p_max = std::max(p_max, p_[k]);
    if (extended_) p_[k] = p_slope_[k] = 0.0;
  }
  a_.resize(count);
  const double* weight = content.shape == nullptr ? near_->weight.data() + content.first : content.shape->weight.data();
  for_segments(content, [&](std::size_t k, std::size_t first, std::size_t n) {
    const std::size_t i = first - content.first;
    kernels().window_weights(n, weight + i, ratio == nullptr ? nullptr : ratio + i, beta_[k], p_[k], a_.data() + i);
    outside_[k] -= static_cast<double>(n);
  });
  // Σ x/(1 + n x) = 1 has its solution below the number of events
  const double n_max = extended_ ? static_cast<double>(count) + 1.0 : Likelihood::closest_to_limit / p_max;
  WindowProfile out;
  out.n = best_n(count, n_max, guess);
  if (out.n == 0.0) return out;
  out.at_limit = out.n > n_max * (1.0 - 1e-9);
  out.value = kernels().weight_logs(count, a_.data(), out.n) - (extended_ ? out.n : 0.0);
  for (std::size_t k = 0; k < K; ++k)
    if (outside_[k] > 0.0) out.value += outside_[k] * std::log1p(-out.n * p_[k]);
  if (change != nullptr) out.slope = slope_of(content, out.n, change);
  if (content.shape == nullptr || content.shape->by_days[0].empty()) return out;
  for (std::size_t j = 0; j < 2; ++j) {
    const std::vector<double>& by_days = content.shape->by_days[j];
    exposure_slope = 0.0;
    for (std::size_t k = 0; k < K; ++k) exposure_slope += shares_[k].f / days_[k] * by_days[k];
    exposure_slope /= exposure;
    for (std::size_t k = 0; k < K; ++k) {
      share_slope_[k] = -exposure_slope;
      p_slope_[k] = extended_ ? 0.0 : beta_[k] * by_days[k] / n_events_[k] - p_[k] * exposure_slope;
    }
    out.shape_slope[j] = slope_of(content, out.n, content.shape->change[j].data());
  }
  return out;
}

// Of ln Λ at its maximum in n, where ln of the events' weights changes by change + share_slope_, and p_ by p_slope_.
double WindowFit::slope_of(const WindowContent& content, double n, const float* change) {
  d_.resize(a_.size());
  for_segments(content, [&](std::size_t k, std::size_t first, std::size_t events) {
    const std::size_t i = first - content.first;
    kernels().window_changes(events, a_.data() + i, change + i, p_[k], share_slope_[k], p_slope_[k], d_.data() + i);
  });
  double slope = n * kernels().weight_changes(a_.size(), a_.data(), d_.data(), n);
  for (std::size_t k = 0; k < p_.size(); ++k)
    if (outside_[k] > 0.0) slope -= outside_[k] * n * p_slope_[k] / (1.0 - n * p_[k]);
  return slope;
}

}  // namespace nusky
