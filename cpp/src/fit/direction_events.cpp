#include "nusky/fit/direction_events.hpp"

#include <algorithm>

namespace nusky {
namespace {

// Near events whose u = y W can reach this somewhere are summed one by one in the profile; the others through Σw and Σw².
constexpr double weak_u = 0.05;

}  // namespace

DirectionEvents::DirectionEvents(const FitModel& model)
    : model_(&model), kernels_(&kernels()), strong_seasons_(static_cast<std::size_t>(model.index().n_seasons())) {}

void DirectionEvents::take(Tile& tile, std::size_t p, double n_ref) {
  sindec_ = tile.sindec(p);
  near_ = &tile.near(p);
  tail_ = tile.tail(p);
  ratio_rows_ = tile.ratio_rows();
  node_rows_ = tile.node_rows();
  const std::size_t room = near_->seasons.back().last + block_size;
  if (weak_.size() < room) {
    weak_.resize(room);
    strong_.resize(room);
    strong_candidate_.resize(room);
  }
  std::size_t m = 0;
  for (std::size_t k = 0; k < strong_seasons_.size(); ++k) {
    const double share = std::max(tile.highest_share(p, k), 1e-30);
    const auto threshold = static_cast<float>(weak_u / n_ref * model_->index().n_events(static_cast<int>(k)) / share);
    const Segment near = near_->seasons[k];
    strong_seasons_[k].first = m;
    m += kernels_->pick(near.last - near.first, near_->value.data() + near.first, near_->largest_w.data() + near.first,
                        near_->candidate.data() + near.first, threshold, weak_.data() + near.first, strong_.data() + m,
                        strong_candidate_.data() + m);
    strong_seasons_[k].last = m;
  }
}

void DirectionEvents::fetch_rows(int first) const {
  for (std::size_t i = 0; i < near_->seasons.back().last; ++i) __builtin_prefetch(node_rows_[near_->candidate[i]] + first);
}

}  // namespace nusky
