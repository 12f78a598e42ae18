#include "nusky/stacking/value_events.hpp"

#include <algorithm>

namespace nusky {
namespace {

// The whole sphere is within such a squared chord.
constexpr float everywhere = 5.0F;
// Rows that there is room for at first.
constexpr std::size_t fewest = 256;

}  // namespace

ValueEvents::ValueEvents(const GammaAxis& axis)
    : stride_((static_cast<std::size_t>(axis.padded_size()) + block_size - 1) / block_size * block_size), blank_(stride_) {
  std::fill(blank_.begin(), blank_.end(), 0.0F);
}

void ValueEvents::clear() {
  records_.clear();
  rows_.clear();
  n_coarse_ = n_nodes_ = 0;
  left_out_ = {};
}

void ValueEvents::add(float value, const EventRecord& event) {
  EventRecord record = event;
  record.spatial = {0.0F, 0.0F, value, everywhere};
  records_.push_back(record);
  rows_.push_back({none, none});
}

float* ValueEvents::next_coarse() {
  if (coarse_.size() < (n_coarse_ + 1) * n_coarse_gamma) coarse_.resize(std::max(2 * coarse_.size(), fewest * n_coarse_gamma));
  return coarse_.data() + n_coarse_ * n_coarse_gamma;
}

void ValueEvents::add_with_row(float value, float peak, float lift) {
  records_.push_back({0.0, 1.0, {0.0F, 0.0F, value, everywhere}, nullptr, nullptr, peak, lift});
  rows_.push_back({n_coarse_++, none});
}

float* ValueEvents::nodes_of(std::size_t event) {
  if (nodes_.size() < (n_nodes_ + 1) * stride_) nodes_.resize(std::max(2 * nodes_.size(), fewest * stride_));
  rows_[event].nodes = n_nodes_;
  return nodes_.data() + n_nodes_++ * stride_;
}

void ValueEvents::close() {
  for (std::size_t i = 0; i < records_.size(); ++i) {
    if (rows_[i].coarse == none) continue;
    records_[i].ratio = coarse_.data() + rows_[i].coarse * n_coarse_gamma;
    records_[i].log_ratio = rows_[i].nodes == none ? blank_.data() : nodes_.data() + rows_[i].nodes * stride_;
  }
}

void ValueEvents::hand_on(EventIndex& index, int season, std::size_t first, std::size_t last) {
  index.add_values(season, last - first, records_.data() + first);
}

}  // namespace nusky
