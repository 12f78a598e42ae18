#include "nusky/tile.hpp"

#include <algorithm>
#include <cmath>

namespace nusky {
namespace {

// The derivative test is a bound in exact arithmetic; float sums of a thousand terms stay within this of it.
constexpr float screen_slack = 1e-4F;

}  // namespace

Tile::Tile(const FitModel& model, bool several)
    : model_(&model),
      kernels_(&kernels()),
      several_(several),
      neighbourhood_(static_cast<std::size_t>(model.index().n_seasons())),
      n_seasons_(static_cast<std::size_t>(model.index().n_seasons())),
      share_bounds_(n_seasons_ * n_lanes),
      shares_(n_seasons_) {}

// Neighbouring tiles share most of their candidates, so the index is asked for a wider cap once; the test of the single
// event below makes the candidates of a tile the same whatever cap they came from, and in the same order.
void Tile::gather(const DirectionGroup& group) {
  const EventIndex& index = model_->index();
  const double apart = 2.0 * std::asin(std::min(1.0, 0.5 * (group.centre - neighbourhood_centre_).norm()));
  if (!(apart + group.radius <= neighbourhood_radius_)) {
    const double wide = several_ ? group.radius + std::clamp(3.0 * group.radius, 1.0 * pi / 180.0, 5.0 * pi / 180.0) : group.radius;
    neighbourhood_centre_ = group.centre;
    neighbourhood_radius_ = wide;
    for (std::size_t k = 0; k < n_seasons_; ++k) {
      Neighbourhood& near = neighbourhood_[k];
      index.near(static_cast<int>(k), group.centre, wide, ranges_);
      std::size_t most = 0, n = 0;
      for (const EventRange r : ranges_) most += r.last - r.first;
      near.ids.resize(most + n_lanes);
      for (const EventRange r : ranges_)
        n += kernels_->within(index.caps(r.first, r.last - r.first), static_cast<float>(group.centre.x()),
                              static_cast<float>(group.centre.y()), static_cast<float>(group.centre.z()),
                              static_cast<float>(std::cos(wide + 1e-6)), static_cast<float>(std::sin(wide + 1e-6)), r.first,
                              near.ids.data() + n);
      for (auto* column : {&near.x, &near.y, &near.z, &near.cos_cut, &near.sin_cut}) column->resize(n);
      for (std::size_t i = 0; i < n; ++i) {
        const CapView e = index.caps(near.ids[i], 1);
        near.x[i] = *e.x;
        near.y[i] = *e.y;
        near.z[i] = *e.z;
        near.cos_cut[i] = *e.cos_cut;
        near.sin_cut[i] = *e.sin_cut;
      }
    }
  }
  ids_.clear();
  segments_.clear();
  for (std::size_t k = 0; k < n_seasons_; ++k) {
    const Neighbourhood& near = neighbourhood_[k];
    const CapView view{near.x.size(), near.x.data(), near.y.data(), near.z.data(), near.cos_cut.data(), near.sin_cut.data()};
    found_.resize(view.n + n_lanes);
    const std::size_t n = kernels_->within(view, static_cast<float>(group.centre.x()), static_cast<float>(group.centre.y()),
                                           static_cast<float>(group.centre.z()), static_cast<float>(std::cos(group.radius)),
                                           static_cast<float>(std::sin(group.radius)), 0, found_.data());
    const std::size_t first = ids_.size();
    ids_.resize(first + n);
    for (std::size_t i = 0; i < n; ++i) ids_[first + i] = near.ids[found_[i]];
    segments_.push_back({first, first + n});
  }
}

void Tile::load(const Directions& directions, const DirectionGroup& group) {
  const EventIndex& index = model_->index();
  const bool free = model_->gamma_free();
  gather(group);
  const std::size_t n = ids_.size(), filled = (n + n_lanes - 1) / n_lanes * n_lanes;
  for (auto* column : {&x_, &y_, &z_, &rate_, &gaussian_, &weight_, &cut_, &peak_}) column->resize(filled);
  for (std::size_t i = 0; i < n; ++i) {
    const IndexedEvent& e = index.event(ids_[i]);
    x_[i] = static_cast<float>(e.x - group.centre.x());
    y_[i] = static_cast<float>(e.y - group.centre.y());
    z_[i] = static_cast<float>(e.z - group.centre.z());
    rate_[i] = e.spatial.rate;
    gaussian_[i] = e.spatial.gaussian;
    weight_[i] = e.spatial.weight;
    cut_[i] = e.spatial.cut;
    peak_[i] = e.peak;
    if (!free) weight_[i] *= model_->fixed_ratio(ids_[i]);
  }
  for (std::size_t i = n; i < filled; ++i) {
    for (auto* column : {&x_, &y_, &z_, &rate_, &gaussian_, &weight_, &peak_}) (*column)[i] = 0.0F;
    cut_[i] = -1.0F;
  }
  count_ = group.count;
  alignas(64) float vx[n_lanes], vy[n_lanes], vz[n_lanes];
  for (std::uint32_t p = 0; p < group.count; ++p) {
    const Vec3& v = directions.vector(directions.order()[group.first + p]);
    vx[p] = static_cast<float>(v.x() - group.centre.x());
    vy[p] = static_cast<float>(v.y() - group.centre.y());
    vz[p] = static_cast<float>(v.z() - group.centre.z());
    sindec_[p] = v.z();
  }
  a_.resize(filled * n_lanes);
  const CandidateView view{n, x_.data(), y_.data(), z_.data(), rate_.data(), gaussian_.data(), weight_.data(), cut_.data()};
  kernels_->spatial(view, count_, vx, vy, vz, a_.data());
}

void Tile::screen() {
  const Likelihood& likelihood = model_->likelihood();
  const EventIndex& index = model_->index();
  for (std::size_t p = 0; p < count_; ++p) any_event_[p] = false;
  if (!model_->gamma_free()) {
    for (std::size_t p = 0; p < count_; ++p) {
      likelihood.shares(sindec_[p], model_->stencil(), shares_.data());
      double excess = 0.0;
      for (std::size_t k = 0; k < n_seasons_; ++k) {
        const float sum = kernels_->total(segments_[k].first, segments_[k].last, a_.data(), p);
        excess += shares_[k].f / index.n_events(static_cast<int>(k)) * static_cast<double>(sum);
        any_event_[p] |= sum > 0.0F;
      }
      bound_[p] = static_cast<float>(excess * (1.0 + static_cast<double>(screen_slack)) - 1.0);
    }
    return;
  }
  const std::size_t n = ids_.size();
  ratio_rows_.resize(n);
  node_rows_.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    const IndexedEvent& e = index.event(ids_[i]);
    ratio_rows_[i] = e.ratio;
    node_rows_[i] = e.log_ratio;
    __builtin_prefetch(e.ratio);
    __builtin_prefetch(e.ratio + n_lanes);
    for (int line = 0; line < 4; ++line) __builtin_prefetch(e.log_ratio + 16 * line);
  }
  season_sums_.assign(n_seasons_ * n_lanes * n_lanes, 0.0F);
  for (std::size_t k = 0; k < n_seasons_; ++k)
    kernels_->screen(segments_[k].first, segments_[k].last, count_, a_.data(), ratio_rows_.data(),
                     season_sums_.data() + k * n_lanes * n_lanes);
  for (std::size_t p = 0; p < count_; ++p) {
    likelihood.share_bounds(sindec_[p], share_bounds_.data());
    float most = 0.0F;
    for (std::size_t g = 0; g < n_lanes; ++g) {
      float sum = 0.0F;
      for (std::size_t k = 0; k < n_seasons_; ++k) {
        const float part = season_sums_[(k * n_lanes + p) * n_lanes + g];
        sum += part * share_bounds_[k * n_lanes + g] * static_cast<float>(1.0 / index.n_events(static_cast<int>(k)));
        any_event_[p] |= part > 0.0F;
      }
      most = std::max(most, sum);
    }
    bound_[p] = most * (1.0F + screen_slack) - 1.0F;
  }
}

std::size_t Tile::count_pairs() const {
  std::size_t pairs = 0;
  for (std::size_t i = 0; i < ids_.size(); ++i)
    for (std::size_t p = 0; p < count_; ++p) pairs += a_[(i / n_lanes * n_lanes + p) * n_lanes + i % n_lanes] > 0.0F;
  return pairs;
}

}  // namespace nusky
