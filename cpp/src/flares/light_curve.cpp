#include "nusky/flares/light_curve.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace nusky {
namespace {

constexpr int lane_step = 3;  // of the grid: every third coarse γ
constexpr std::size_t most_kept = 3;
constexpr int rounds = 6, fine = 2;  // finer grids, of 2 · fine + 1 places to a side
constexpr double finer = 0.4;

double place_in(double low, double high, int i, int n) { return n < 2 ? 0.5 * (low + high) : low + (high - low) * i / (n - 1); }

}  // namespace

CurveFit::CurveFit(const Clock& clock, const LightCurve& curve, WindowFit& fit)
    : clock_(&clock), curve_(&curve), fit_(&fit), days_(clock.n_seasons()), from_(clock.width()), to_(clock.width()) {
  if (curve.value.empty() || curve.edge.size() != curve.value.size() + 1)
    throw std::invalid_argument("light curve: edges must be one more than values, of which there is at least one");
  for (std::size_t b = 0; b < curve.value.size(); ++b)
    if (!(curve.edge[b + 1] > curve.edge[b]) || !(curve.value[b] >= 0.0) || !std::isfinite(curve.value[b]))
      throw std::invalid_argument("light curve: bin " + std::to_string(b) + " must have a length and a finite value of at least 0");
  top_ = *std::max_element(curve.value.begin(), curve.value.end());
  if (!(top_ > 0.0)) throw std::invalid_argument("light curve: some value must be above 0");
  if (!(curve.thresh_low >= 0.0 && curve.thresh_low <= curve.thresh_high && curve.thresh_high < top_))
    throw std::invalid_argument("light curve: thresholds must lie between 0 and the largest value");
  if (!(curve.lag_low <= curve.lag_high)) throw std::invalid_argument("light curve: the range of lags must ascend");
}

// The flux above a threshold, over the largest one, at the events and over the uptime. False: there is none while the detector was up.
bool CurveFit::shape(const NearInTime& near, double thresh, double lag) {
  const std::vector<double>&edge = curve_->edge, &value = curve_->value;
  const std::size_t K = clock_->n_seasons();
  shape_.weight.assign(near.size(), 0.0);
  std::fill(days_.begin(), days_.end(), 0.0);
  content_ = {0, near.size(), days_.data(), &shape_};
  std::size_t i = near.not_before(edge.front() + lag);
  clock_->at(edge.front() + lag, to_.data());
  double all = 0.0;
  for (std::size_t b = 0; b < value.size(); ++b) {
    std::swap(from_, to_);
    clock_->at(edge[b + 1] + lag, to_.data());
    const double flux = std::max(0.0, value[b] - thresh) / (top_ - thresh);
    for (std::size_t k = 0; k < K; ++k) days_[k] += flux * (to_[k] - from_[k]);
    all += flux * (to_[K] - from_[K]);
    for (; i < near.size() && near.time[i] < edge[b + 1] + lag; ++i) shape_.weight[i] = near.weight[i] * flux;
  }
  return all > 0.0;
}

CurveFit::Place CurveFit::rough(const NearInTime& near, double thresh, double lag) {
  Place place{thresh, lag, -1.0, 0};
  if (!shape(near, thresh, lag)) return place;
  place.value = 0.0;
  double n = 0.0;  // of the γ before
  for (int lane = 0; lane < (fit_->free() ? n_coarse_gamma : 1); lane += lane_step) {
    const WindowProfile p = fit_->at_lane(content_, lane, n);
    n = p.n;
    if (p.value > place.value) {
      place.value = p.value;
      place.lane = lane;
    }
  }
  return place;
}

FlareFit CurveFit::exact(const NearInTime& near, const Place& place) {
  FlareFit best;
  if (!shape(near, place.thresh, place.lag)) return best;
  double all = 0.0;
  for (const double d : days_) all += d;
  const auto consider = [&](const WindowProfile& p, double gamma) {
    if (p.n > 0.0 && 2.0 * p.value > best.ts)
      best = {2.0 * p.value, p.n, gamma, place.thresh, place.lag, all, p.at_limit ? Status::at_ns_limit : Status::ok};
  };
  if (!fit_->free()) {
    consider(fit_->at_fixed(content_), std::numeric_limits<double>::quiet_NaN());
    return best;
  }
  // The profile in γ at all coarse γ, then between those beside the best one.
  int top = 0;
  double value = -1.0, n = 0.0;
  for (int lane = 0; lane < n_coarse_gamma; ++lane) {
    const WindowProfile p = fit_->at_lane(content_, lane, n);
    n = p.n;
    consider(p, fit_->lane_gamma(lane));
    if (p.value > value) {
      value = p.value;
      top = lane;
    }
  }
  double low = fit_->lane_gamma(std::max(top - 1, 0)), high = fit_->lane_gamma(std::min(top + 1, n_coarse_gamma - 1));
  for (int step = 0; step < 40 && high - low > 1e-7 && best.ts > 0.0; ++step) {
    const double gamma = 0.5 * (low + high);
    const WindowProfile p = fit_->at(content_, gamma, best.ns);
    consider(p, gamma);
    (p.slope > 0.0 ? low : high) = gamma;
  }
  return best;
}

FlareFit CurveFit::best(const NearInTime& near) {
  const LightCurve& c = *curve_;
  const bool free_thresh = c.thresh_high > c.thresh_low, free_lag = c.lag_high > c.lag_low;
  std::vector<Place> places;
  const int n_thresh = free_thresh ? c.n_thresh : 1, n_lag = free_lag ? c.n_lag : 1;
  for (int l = 0; l < n_lag; ++l)
    for (int t = 0; t < n_thresh; ++t)
      places.push_back(rough(near, place_in(c.thresh_low, c.thresh_high, t, n_thresh), place_in(c.lag_low, c.lag_high, l, n_lag)));
  std::stable_sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.value > b.value; });
  FlareFit best;
  for (std::size_t i = 0; i < std::min(most_kept, places.size()) && places[i].value > 0.0; ++i) {
    Place here = places[i];
    double by_thresh = free_thresh ? (c.thresh_high - c.thresh_low) / std::max(1, c.n_thresh - 1) / fine : 0.0;
    double by_lag = free_lag ? (c.lag_high - c.lag_low) / std::max(1, c.n_lag - 1) / fine : 0.0;
    for (int round = 0; round < rounds && (free_thresh || free_lag); ++round) {
      const Place centre = here;
      for (int l = free_lag ? -fine : 0; l <= (free_lag ? fine : 0); ++l)
        for (int t = free_thresh ? -fine : 0; t <= (free_thresh ? fine : 0); ++t) {
          const Place next = rough(near, std::clamp(centre.thresh + t * by_thresh, c.thresh_low, c.thresh_high),
                                   std::clamp(centre.lag + l * by_lag, c.lag_low, c.lag_high));
          if (next.value > here.value) here = next;
        }
      by_thresh *= finer;
      by_lag *= finer;
    }
    const FlareFit found = exact(near, here);
    if (found.ts > best.ts) best = found;
  }
  if (best.ts == 0.0) best.status = near.size() == 0 ? Status::no_events : Status::no_excess;
  return best;
}

}  // namespace nusky
