#include "nusky/bounds/knot_events.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "nusky/threads.hpp"

namespace nusky {

KnotEvents::KnotEvents(const FitModel& model, const KnotRows::Seasons& rows, const BoundConstants& constants, int n_threads)
    : shapes_(rows.shapes) {
  const EventIndex& index = model.index();
  const double n_most = 0.5 * constants.most_of_knots / constants.least_fall;
  power_.resize(index.size() + block_size);
  shape_.resize(index.size() + block_size);
  // Events of a season that follow each other in memory, and what is added to their totals.
  struct Part {
    std::uintptr_t first;
    const std::vector<KnotEvent>* events;
    float power;
  };
  std::vector<Part> parts;
  std::vector<float> powers;
  for (int k = 0; k < index.n_seasons(); ++k) {
    float shares[n_coarse_gamma];
    model.likelihood().highest_shares_of(k, -1.0, 1.0, shares);
    const double share = static_cast<double>(*std::max_element(shares, shares + n_coarse_gamma));
    const double z = model.likelihood().extended() ? 0.0 : n_most * share / index.n_events(k);
    const double factor = bound_factor(constants.mixture * z);  // B1
    any_ = any_ && factor > 0.0;
    largest_.push_back(static_cast<float>(factor * share / index.n_events(k) * (1.0 + 1e-5)));
    powers.push_back(static_cast<float>(8388608.0 * std::log2(factor / index.n_events(k) * (1.0 + 1e-5))));
    for (const KnotRows::Season& s : rows.all)
      if (s.number == k) parts.push_back({reinterpret_cast<std::uintptr_t>(s.first), &s.events, powers.back()});
  }
  if (!any_) return;
  parallel_for(index.size(), n_threads, 16384, [&](std::size_t i) {
    const auto record = reinterpret_cast<std::uintptr_t>(index.records()[i]);
    for (const Part& part : parts) {
      const std::size_t at = (record - part.first) / sizeof(EventRecord);  // large where it lies before
      if (at >= part.events->size()) continue;
      power_[i] = part.power + (*part.events)[at].power;
      shape_[i] = (*part.events)[at].shape;
      return;
    }
  });
  for (int k = 0; k < index.n_seasons(); ++k) {
    float shares[n_coarse_gamma];
    model.likelihood().highest_shares_of(k, -1.0, 1.0, shares);
    for (const std::uint32_t i : index.loose_events(k)) {
      const KnotRow row = knot_row(index.record(i), index.axis(), shares);
      power_[i] = powers[static_cast<std::size_t>(k)] + power_of(static_cast<double>(row.total));
      shape_[i] = static_cast<std::uint32_t>(shapes_.size());
      shapes_.push_back({});
      raise(shapes_.back(), row);
    }
  }
}

}  // namespace nusky
