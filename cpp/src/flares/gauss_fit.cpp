#include "nusky/flares/gauss_fit.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nusky {

GaussFit::GaussFit(const Clock& clock, const FlareOptions& options, WindowFit& fit)
    : clock_(&clock), options_(&options), fit_(&fit), days_(clock.width()), by_t0_(clock.width()), by_log_sigma_(clock.width()) {}

GaussFit::Point GaussFit::look_at(const NearInTime& near, const double* at, double guess) {
  Point p{};
  std::copy_n(at, parameters, p.at);
  p.ts = -std::numeric_limits<double>::infinity();
  const double t0 = at[0] * unit_, sigma = std::exp(at[1]);
  clock_->gaussian(t0, sigma, days_.data(), by_t0_.data(), by_log_sigma_.data());
  const std::size_t K = clock_->n_seasons();
  if (!(days_[K] > 0.0)) return p;
  const WindowContent content{near.not_before(t0 - gaussian_reach * sigma), near.after(t0 + gaussian_reach * sigma), days_.data(), &shape_};
  const std::size_t n = content.last - content.first;
  shape_.weight.resize(n);
  for (auto& change : shape_.change) change.resize(n + n_coarse_gamma);
  for (std::size_t i = 0; i < n; ++i) {
    const double z = (near.time[content.first + i] - t0) / sigma;
    shape_.weight[i] = near.weight[content.first + i] * std::exp(-0.5 * z * z);
    shape_.change[0][i] = static_cast<float>(z / sigma * unit_);
    shape_.change[1][i] = static_cast<float>(z * z);
  }
  shape_.by_days[0].assign(by_t0_.begin(), by_t0_.begin() + static_cast<std::ptrdiff_t>(K));
  for (double& by : shape_.by_days[0]) by *= unit_;
  shape_.by_days[1].assign(by_log_sigma_.begin(), by_log_sigma_.begin() + static_cast<std::ptrdiff_t>(K));
  const WindowProfile profile = fit_->free() ? fit_->at(content, at[2], guess) : fit_->at_fixed(content);
  p.n = profile.n;
  p.at_limit = profile.at_limit;
  p.days = days_[K];
  p.ts = 2.0 * profile.value;
  const double slopes[parameters] = {profile.shape_slope[0], profile.shape_slope[1], profile.slope};
  for (int j = 0; j < parameters; ++j) p.slope[j] = 2.0 * slopes[j];
  if (options_->penalty_days > 0.0) {
    p.ts += 2.0 * std::log(p.days / options_->penalty_days);
    p.slope[0] += 2.0 * by_t0_[K] * unit_ / p.days;
    p.slope[1] += 2.0 * by_log_sigma_[K] / p.days;
  }
  return p;
}

bool GaussFit::frozen(const Point& p, int j, double direction) const {
  return (p.at[j] <= low_[j] && direction <= 0.0) || (p.at[j] >= high_[j] && direction >= 0.0);
}

FlareFit GaussFit::climb(const NearInTime& near, double start, double stop, double gamma) {
  const double least = options_->dt_min, most = std::min(options_->dt_max, clock_->stop() - clock_->start());
  const double sigma = std::clamp((stop - start) / std::sqrt(12.0), least, most);
  unit_ = sigma;
  const double lows[parameters] = {options_->middle.value_or(clock_->start()) / unit_, std::log(least), fit_->gamma_front()};
  const double highs[parameters] = {options_->middle.value_or(clock_->stop()) / unit_, std::log(most), fit_->gamma_back()};
  std::copy_n(lows, parameters, low_);
  std::copy_n(highs, parameters, high_);
  const double first[parameters] = {options_->middle.value_or(0.5 * (start + stop)) / unit_, std::log(sigma),
                                    fit_->free() ? gamma : low_[2]};
  constexpr double longest[parameters] = {1.5, 1.0, 0.7};  // steps; that of t0 in units of σ
  Point here = look_at(near, first, 0.0);
  double inverse[parameters][parameters] = {};  // of minus the second derivatives
  const auto forget = [&] {
    for (int i = 0; i < parameters; ++i)
      for (int j = 0; j < parameters; ++j) inverse[i][j] = i == j ? 0.15 : 0.0;
  };
  forget();
  bool fresh = true;
  for (int step = 0; step < 80 && here.ts > -std::numeric_limits<double>::infinity() && here.n > 0.0; ++step) {
    double go[parameters], rise = 0.0, scale = 1.0;
    const double width = std::exp(here.at[1]) / unit_;
    for (int i = 0; i < parameters; ++i) {
      go[i] = 0.0;
      if (frozen(here, i, here.slope[i])) continue;
      for (int j = 0; j < parameters; ++j)
        if (!frozen(here, j, here.slope[j])) go[i] += inverse[i][j] * here.slope[j];
    }
    for (int i = 0; i < parameters; ++i) {
      rise += go[i] * here.slope[i];
      scale = std::max(scale, std::abs(go[i]) / (longest[i] * (i == 0 ? width : 1.0)));
    }
    if (!(rise > 1e-9)) {
      if (fresh) break;
      forget();
      fresh = true;
      continue;
    }
    Point next = here;
    bool better = false;
    double part = 1.0 / scale;
    for (int tries = 0; tries < 12 && !better; ++tries, part *= 0.35) {
      double at[parameters];
      for (int i = 0; i < parameters; ++i) at[i] = std::clamp(here.at[i] + part * go[i], low_[i], high_[i]);
      next = look_at(near, at, here.n);
      better = next.ts > here.ts + 1e-4 * part * rise;
    }
    if (!better) {
      if (fresh) break;
      forget();
      fresh = true;
      continue;
    }
    // BFGS
    double s[parameters], y[parameters], sy = 0.0;
    for (int i = 0; i < parameters; ++i) {
      s[i] = next.at[i] - here.at[i];
      y[i] = here.slope[i] - next.slope[i];
      sy += s[i] * y[i];
    }
    if (sy > 1e-12) {
      double hy[parameters], yhy = 0.0;
      for (int i = 0; i < parameters; ++i) {
        hy[i] = 0.0;
        for (int j = 0; j < parameters; ++j) hy[i] += inverse[i][j] * y[j];
      }
      for (int i = 0; i < parameters; ++i) yhy += y[i] * hy[i];
      for (int i = 0; i < parameters; ++i)
        for (int j = 0; j < parameters; ++j) inverse[i][j] += (1.0 + yhy / sy) * s[i] * s[j] / sy - (hy[i] * s[j] + s[i] * hy[j]) / sy;
    }
    fresh = false;
    here = next;
  }
  const double t0 = here.at[0] * unit_, width = std::exp(here.at[1]);
  FlareFit found;
  if (!(here.ts > 0.0) || here.n == 0.0) return found;
  found = {here.ts, here.n, here.at[2], t0 - 0.5 * width, t0 + 0.5 * width, here.days, here.at_limit ? Status::at_ns_limit : Status::ok};
  return found;
}

}  // namespace nusky
