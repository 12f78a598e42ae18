#include "nusky/flares/clock.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace nusky {

Clock::Clock(const std::vector<Runs>& seasons) : n_seasons_(seasons.size()) {
  if (seasons.empty()) throw std::invalid_argument("runs: at least one season is needed");
  for (std::size_t k = 0; k < seasons.size(); ++k) {
    const Runs& r = seasons[k];
    if (r.start.empty() || r.start.size() != r.stop.size())
      throw std::invalid_argument("runs: season " + std::to_string(k) + " needs at least one run, and as many ends as starts");
    for (std::size_t i = 0; i < r.start.size(); ++i)
      if (!(r.stop[i] > r.start[i]) || (i > 0 && !(r.start[i] >= r.stop[i - 1])))
        throw std::invalid_argument("runs: run " + std::to_string(i) + " of season " + std::to_string(k) +
                                    " must end after its start and begin after the run before");
    knot_.insert(knot_.end(), r.start.begin(), r.start.end());
    knot_.insert(knot_.end(), r.stop.begin(), r.stop.end());
  }
  std::sort(knot_.begin(), knot_.end());
  knot_.erase(std::unique(knot_.begin(), knot_.end()), knot_.end());
  const std::size_t n = knot_.size(), w = width();
  elapsed_.assign(n * w, 0.0);
  on_.assign(n * w, 0.0);
  for (std::size_t k = 0; k < n_seasons_; ++k) {
    std::size_t run = 0;
    for (std::size_t i = 0; i + 1 < n; ++i) {
      while (run < seasons[k].start.size() && seasons[k].stop[run] <= knot_[i]) ++run;
      if (run < seasons[k].start.size() && seasons[k].start[run] <= knot_[i]) on_[i * w + k] = on_[i * w + n_seasons_] = 1.0;
    }
  }
  for (std::size_t i = 0; i + 1 < n; ++i)
    for (std::size_t k = 0; k < w; ++k) elapsed_[(i + 1) * w + k] = elapsed_[i * w + k] + on_[i * w + k] * (knot_[i + 1] - knot_[i]);
  for (std::size_t i = 0; i < n; ++i) together_.push_back(elapsed_[i * w + n_seasons_]);
  total_.assign(elapsed_.end() - static_cast<std::ptrdiff_t>(w), elapsed_.end());
}

void Clock::at(double time, double* elapsed) const {
  const std::size_t w = width();
  const auto above = std::upper_bound(knot_.begin(), knot_.end(), time);
  if (above == knot_.begin()) {
    std::fill(elapsed, elapsed + w, 0.0);
    return;
  }
  const auto i = static_cast<std::size_t>(above - knot_.begin()) - 1;
  const double later = time - knot_[i];
  for (std::size_t k = 0; k < w; ++k) elapsed[k] = elapsed_[i * w + k] + on_[i * w + k] * later;
}

void Clock::gaussian(double t0, double sigma, double* days, double* by_t0, double* by_log_sigma) const {
  const std::size_t w = width();
  for (double* sums : {days, by_t0, by_log_sigma}) std::fill(sums, sums + w, 0.0);
  const double first = t0 - gaussian_reach * sigma, last = t0 + gaussian_reach * sigma;
  auto i = static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, std::upper_bound(knot_.begin(), knot_.end(), first) - knot_.begin() - 1));
  const double root = std::sqrt(std::acos(-1.0) / 2.0) * sigma;
  struct Place {
    double time = -std::numeric_limits<double>::infinity(), part = 0.0, density = 0.0, turned = 0.0;
  } from, to;
  const auto look_at = [&](double t, Place& place) {
    const double z = (t - t0) / sigma;
    place = {t, root * std::erf(z * std::sqrt(0.5)), std::exp(-0.5 * z * z), 0.0};
    place.turned = (t - t0) * place.density;
  };
  for (; i + 1 < knot_.size() && knot_[i] < last; ++i) {
    if (on_[i * w + n_seasons_] == 0.0) continue;
    const double start = std::max(knot_[i], first), stop = std::min(knot_[i + 1], last);
    if (!(stop > start)) continue;
    if (to.time == start)
      from = to;
    else
      look_at(start, from);
    look_at(stop, to);
    const double part = to.part - from.part;
    for (std::size_t k = 0; k < w; ++k) {
      days[k] += on_[i * w + k] * part;
      by_t0[k] += on_[i * w + k] * (from.density - to.density);
      by_log_sigma[k] += on_[i * w + k] * (part - to.turned + from.turned);
    }
  }
}

double Clock::moment(double elapsed) const {
  const auto at = std::lower_bound(together_.begin(), together_.end(), elapsed);
  if (at == together_.begin()) return knot_.front();
  if (at == together_.end()) return knot_.back();
  const auto i = static_cast<std::size_t>(at - together_.begin());
  return std::min(knot_[i], knot_[i - 1] + (elapsed - together_[i - 1]));
}

}  // namespace nusky
