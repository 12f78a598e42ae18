#include "nusky/flares/range_weights.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace nusky {
namespace {

static_assert((n_coarse_gamma - 1) % RangeWeights::part_lanes == 0, "parts of equal size");

}  // namespace

RangeWeights::RangeWeights(const WindowFit& fit, const std::vector<double>& days, double shortest)
    : fit_(&fit),
      days_(days),
      shortest_(shortest),
      n_parts_(fit.free() ? (n_coarse_gamma - 1) / part_lanes : 1),
      least_day_(days.size()),
      most_day_(days.size()),
      floor_(n_parts_ + n_coarse_gamma),
      scale_(n_parts_ + n_coarse_gamma),
      known_(n_parts_ + n_coarse_gamma) {}

void RangeWeights::take(const NearInTime& near, std::vector<WeighedEdges*> lists) {
  near_ = &near;
  lists_ = std::move(lists);
  for (WeighedEdges* list : lists_) {
    list->totals.resize(known_.size());
    list->least.resize(known_.size());
  }
  std::fill(known_.begin(), known_.end(), 0);
}

// The acceptances per day over a range.
void RangeWeights::bound_acceptance(std::size_t range) {
  const std::size_t K = days_.size();
  if (range >= n_parts_) {
    fit_->day_acceptances(fit_->lane_gamma(static_cast<int>(range - n_parts_)), least_day_.data());
    most_day_ = least_day_;
    return;
  }
  std::vector<double> day(K);
  std::fill(least_day_.begin(), least_day_.end(), std::numeric_limits<double>::infinity());
  std::fill(most_day_.begin(), most_day_.end(), 0.0);
  constexpr int between = 4;
  const double width = fit_->free() ? fit_->lane_gamma(1) - fit_->lane_gamma(0) : 0.0;
  for (int j = 0; j <= (fit_->free() && K > 1 ? part_lanes * between : 0); ++j) {
    fit_->day_acceptances(fit_->free() ? fit_->lane_gamma(static_cast<int>(range) * part_lanes) + width * j / between : 0.0, day.data());
    for (std::size_t k = 0; k < K; ++k) {
      least_day_[k] = std::min(least_day_[k], day[k] * (1.0 - 1e-3));
      most_day_[k] = std::max(most_day_[k], day[k] * (1.0 + 1e-3));
    }
  }
}

// The largest weights of the events in a range, their sums at all edges, the least exposures.
void RangeWeights::weigh(std::size_t range) {
  known_[range] = 1;
  bound_acceptance(range);
  const std::size_t K = days_.size(), n = near_->size();
  floor_[range] = *std::min_element(least_day_.begin(), least_day_.end()) * shortest_;
  for (WeighedEdges* list : lists_) {
    std::vector<double>& least = list->least[range];
    const std::size_t w = list->edges.size() > 0 ? list->edges.elapsed.size() / list->edges.size() : 0;
    least.resize(list->edges.size());
    for (std::size_t i = 0; i < least.size(); ++i) {
      least[i] = 0.0;
      for (std::size_t k = 0; k < K; ++k) least[i] += least_day_[k] * list->edges.elapsed[i * w + k];
    }
  }
  weight_.resize(n);
  if (fit_->free()) {
    const std::size_t first = range < n_parts_ ? range * part_lanes : range - n_parts_;
    const float* lane = near_->lane(first);
    if (range < n_parts_) {
      const float *second = near_->lane(first + 1), *third = near_->lane(first + 2), *fourth = near_->lane(first + 3);
      const float* lift = near_->lift.data();
      for (std::size_t i = 0; i < n; ++i) {
        const float a = std::max(lane[i], second[i]), b = std::max(third[i], fourth[i]);
        weight_[i] = std::max(a, b) * lift[i];
      }
      static_assert(part_lanes == 3, "the loop above");
    } else {
      std::copy_n(lane, n, weight_.begin());
    }
  } else {
    for (std::size_t i = 0; i < n; ++i) weight_[i] = static_cast<float>(fit_->fixed_ratio(i));
  }
  float top = std::numeric_limits<float>::min();
  for (std::size_t s = 0; s < near_->segments(); ++s) {
    const double day = most_day_[near_->season[near_->segment(s)]];
    for (std::size_t i = near_->segment(s); i < near_->segment(s + 1); ++i) {
      weight_[i] = static_cast<float>(near_->weight[i] * day * static_cast<double>(weight_[i]));
      top = std::max(top, weight_[i]);
    }
  }
  scale_[range].set(top, n);
  std::vector<const Edges*> edges;
  std::vector<AlignedVector<ClassTotals>*> totals;
  for (WeighedEdges* list : lists_) {
    edges.push_back(&list->edges);
    totals.push_back(&list->totals[range]);
  }
  units_.class_of.resize(n);
  units_.units.resize(n);
  scale_[range].sort(n, weight_.data(), units_.class_of.data(), units_.units.data());
  sum_classes(units_, edges, totals);
}

}  // namespace nusky
