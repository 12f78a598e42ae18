#include "nusky/fit/tile.hpp"

#include <algorithm>
#include <cmath>

namespace nusky {
namespace {

// The derivative test is a bound in exact arithmetic; float sums of a thousand terms stay within this of it.
constexpr float screen_slack = 1e-4F;
alignas(64) constexpr float no_row[n_coarse_gamma] = {};
// So many tiles that follow each other get their events from one search of the index: where tiles are small, the cut of the
// events is larger than a few of them.
constexpr std::size_t tiles_of_pool = 4, small_tiles_of_pool = 16;
constexpr double small_tile = 0.03;
// Chords are compared in float, with some slack; so much more must be in the pool, or the same tile would find other candidates in another
// one.
constexpr double pool_margin = 1e-5;

double chord_of(const DirectionGroup& group) { return 2.0 * std::sin(0.5 * std::min(pi, group.radius)); }

// Room for n entries, without writing those that are there already.
template <class T>
void at_least(T& column, std::size_t n) {
  if (column.size() < n) column.resize(n);
}

}  // namespace

Tile::Tile(const FitModel& model, bool several)
    : model_(&model),
      kernels_(&kernels()),
      several_(several),
      pools_(static_cast<std::size_t>(model.index().n_seasons())),
      n_seasons_(static_cast<std::size_t>(model.index().n_seasons())),
      tails_(n_seasons_ * group_size * n_coarse_gamma),
      season_tails_(group_size * n_coarse_gamma),
      left_out_(n_seasons_),
      left_sums_(n_seasons_ * n_coarse_gamma, 0.0F),
      share_bounds_(n_seasons_ * group_size * n_coarse_gamma, 1.0F),
      highest_share_(n_seasons_ * group_size, 1.0F),
      shares_(n_seasons_) {
  for (NearEvents& e : near_) {
    e.seasons.resize(n_seasons_);
    e.sum_largest_w.resize(n_seasons_);
    e.tail.resize(n_seasons_);
    e.tail_squares.resize(n_seasons_);
  }
}

// Neighbouring tiles share most of their events, so the index is asked for those of several tiles at once; the test of the
// single event in `select` makes the candidates of a tile the same whatever pool they came from, and in the same order.
void Tile::fill_pools(const Directions& directions, std::size_t group) {
  const EventIndex& index = model_->index();
  const std::vector<DirectionGroup>& groups = directions.groups();
  const DirectionGroup& here = groups[group];
  std::array<std::uint32_t, small_tiles_of_pool> near{};
  std::size_t n_near = 0;
  const bool small = here.radius < small_tile;
  const std::size_t end = several_ ? std::min(groups.size(), group + (small ? small_tiles_of_pool : tiles_of_pool)) : group + 1;
  for (std::size_t g = group; g < end; ++g)
    if (g == group || worth_joining(here, groups[g], small ? 9.0 : 4.5)) near[n_near++] = static_cast<std::uint32_t>(g);
  middle_ = enclosing_cap(groups, near.data(), n_near).centre;
  chord_ = 0.0;
  for (std::size_t g = 0; g < n_near; ++g) chord_ = std::max(chord_, (groups[near[g]].centre - middle_).norm() + chord_of(groups[near[g]]));
  const double chord = chord_ + pool_margin;
  const FixedCap cap = fixed_cap(middle_, chord);
  for (std::size_t k = 0; k < n_seasons_; ++k) {
    Pool& pool = pools_[k];
    index.near(static_cast<int>(k), middle_, chord, ranges_);
    std::size_t room = block_size;
    for (const EventRange r : ranges_) room += r.last - r.first;
    at_least(pool.ids, room);
    for (auto* column : {&pool.x, &pool.y, &pool.z}) at_least(*column, room);
    for (auto* column : {&pool.cut_chord, &pool.rate, &pool.gaussian, &pool.weight, &pool.cut, &pool.peak, &pool.lift})
      at_least(*column, room);
    at_least(pool.ratio, room);
    at_least(pool.log_ratio, room);
    std::size_t n = 0;
    for (const EventRange r : ranges_)
      n += kernels_->within(index.view(r).position, cap, r.first,
                            {pool.ids.data() + n, pool.x.data() + n, pool.y.data() + n, pool.z.data() + n, pool.cut_chord.data() + n});
    pool.n = n;
    kernels_->unpack(index.records(), n, pool.ids.data(),
                     {pool.rate.data(), pool.gaussian.data(), pool.weight.data(), pool.cut.data(), pool.peak.data(), pool.lift.data(),
                      pool.ratio.data(), pool.log_ratio.data()});
    if (model_->gamma_free()) continue;
    for (std::size_t i = 0; i < n; ++i) {
      pool.weight[i] *= model_->fixed_ratio(pool.ids[i]);
      pool.peak[i] = 1.0F;
      pool.ratio[i] = pool.log_ratio[i] = no_row;
    }
  }
}

void Tile::select(const DirectionGroup& group) {
  std::size_t room = (n_seasons_ + 1) * block_size;
  for (const Pool& pool : pools_) room += pool.n;
  for (auto* column : {&x_, &y_, &z_, &rate_, &gaussian_, &weight_, &cut_, &peak_, &lift_}) at_least(*column, room);
  at_least(ratio_rows_, room);
  at_least(node_rows_, room);
  segments_.clear();
  n_candidates_ = n_filled_ = 0;
  const FixedCap cap = fixed_cap(group.centre, chord_of(group));
  for (const Pool& pool : pools_) {
    const PoolView view{{pool.n, pool.x.data(), pool.y.data(), pool.z.data(), pool.cut_chord.data()},
                        pool.rate.data(),
                        pool.gaussian.data(),
                        pool.weight.data(),
                        pool.cut.data(),
                        pool.peak.data(),
                        pool.lift.data(),
                        pool.ratio.data(),
                        pool.log_ratio.data()};
    const std::size_t first = n_filled_;
    const CandidateColumns out{x_.data() + first,        y_.data() + first,          z_.data() + first,        rate_.data() + first,
                               gaussian_.data() + first, weight_.data() + first,     cut_.data() + first,      peak_.data() + first,
                               lift_.data() + first,     ratio_rows_.data() + first, node_rows_.data() + first};
    const std::size_t n = kernels_->select(view, cap, out);
    n_candidates_ += n;
    fill_up(first + n);
    for (std::size_t i = first + n; i < n_filled_; ++i) {
      for (auto* column : {&x_, &y_, &z_, &rate_, &gaussian_, &weight_}) (*column)[i] = 0.0F;
      cut_[i] = -1.0F;
    }
    segments_.push_back({first, n_filled_});
  }
}

// Up to a whole block, beyond n candidates.
void Tile::fill_up(std::size_t n) {
  n_filled_ = (n + block_size - 1) / block_size * block_size;
  for (std::size_t i = n; i < n_filled_; ++i) {
    peak_[i] = lift_[i] = 0.0F;
    ratio_rows_[i] = node_rows_[i] = no_row;
  }
}

void Tile::load(const Directions& directions, std::size_t g, const std::uint32_t* which, std::size_t count) {
  const DirectionGroup& group = directions.groups()[g];
  if (!((group.centre - middle_).norm() + chord_of(group) <= chord_)) fill_pools(directions, g);
  select(group);
  count_ = count;
  alignas(64) float vx[group_size], vy[group_size], vz[group_size];
  for (std::size_t p = 0; p < count; ++p) {
    const Vec3& v = directions.vector(directions.order()[group.first + which[p]]);
    vx[p] = static_cast<float>(v.x() - group.centre.x());
    vy[p] = static_cast<float>(v.y() - group.centre.y());
    vz[p] = static_cast<float>(v.z() - group.centre.z());
    sindec_[p] = v.z();
  }
  if (n_seasons_ > 1) bound_shares();
  at_least(a_, n_filled_ * count_);
  const CandidateView view{n_filled_, x_.data(), y_.data(), z_.data(), rate_.data(), gaussian_.data(), weight_.data(), cut_.data()};
  kernels_->spatial(view, count_, vx, vy, vz, a_.data());
  split(0, count_, first_n_ref);
  for (std::size_t p = 0; p < count_; ++p) screen(p);
}

void Tile::load(double sindec, const PointPlace& place, const std::vector<PointPart>& parts) {
  std::size_t room = (n_seasons_ + 1) * block_size;
  for (const PointPart& part : parts) room += part.n;
  for (auto* column : {&peak_, &lift_, &a_}) at_least(*column, room);
  at_least(ratio_rows_, room);
  at_least(node_rows_, room);
  forget();
  segments_.clear();
  count_ = 1;
  n_candidates_ = n_filled_ = 0;
  sindec_[0] = sindec;
  for (std::size_t k = 0; k < n_seasons_; ++k) {
    const std::size_t first = n_filled_;
    std::size_t at = first;
    for (const PointPart& part : parts) {
      if (part.season != k) continue;
      kernels_->point_candidates(part.n, part.number, part.angle, part.events, place,
                                 {a_.data() + at, peak_.data() + at, lift_.data() + at, ratio_rows_.data() + at, node_rows_.data() + at});
      if (!model_->gamma_free()) std::fill_n(ratio_rows_.begin() + static_cast<std::ptrdiff_t>(at), part.n, no_row);
      if (!model_->gamma_free()) std::fill_n(node_rows_.begin() + static_cast<std::ptrdiff_t>(at), part.n, no_row);
      at += part.n;
    }
    n_candidates_ += at - first;
    fill_up(at);
    std::fill(a_.begin() + static_cast<std::ptrdiff_t>(at), a_.begin() + static_cast<std::ptrdiff_t>(n_filled_), 0.0F);
    segments_.push_back({first, n_filled_});
  }
  if (n_seasons_ > 1) bound_shares();
  split(0, 1, first_n_ref);
  screen(0);
}

// The largest share of every season at every direction, at each γ.
void Tile::bound_shares() {
  const Likelihood& likelihood = model_->likelihood();
  for (std::size_t p = 0; p < count_; ++p) {
    float* bounds = share_bounds_.data() + p * n_seasons_ * n_coarse_gamma;
    if (model_->gamma_free()) {
      likelihood.share_bounds(sindec_[p], bounds);
    } else {
      likelihood.shares(sindec_[p], model_->stencil(), shares_.data());
      for (std::size_t k = 0; k < n_seasons_; ++k)
        std::fill_n(bounds + k * n_coarse_gamma, n_coarse_gamma, static_cast<float>(shares_[k].f));
    }
    for (std::size_t k = 0; k < n_seasons_; ++k)
      highest_share_[p * n_seasons_ + k] = *std::max_element(bounds + k * n_coarse_gamma, bounds + (k + 1) * n_coarse_gamma);
  }
}

// Lists the near events of some directions so that their tails are small up to n_ref.
void Tile::split(std::size_t first, std::size_t count, double n_ref) {
  std::array<Shortlist, group_size> list{};
  for (std::size_t j = 0; j < count; ++j) {
    NearEvents& near = near_[first + j];
    at_least(near.value, n_filled_ + block_size);
    at_least(near.largest_w, n_filled_ + block_size);
    at_least(near.candidate, n_filled_ + block_size);
    list[j] = {0, near.value.data(), near.largest_w.data(), near.candidate.data(), 0.0F, 0.0F, 0.0F, 0.0F};
  }
  for (std::size_t k = 0; k < n_seasons_; ++k) {
    for (std::size_t j = 0; j < count; ++j) {
      const double share = std::max(highest_share(first + j, k), 1e-30);
      // a season of no acceptance has no limit of its own; the squares of the tail must stay within float
      list[j].threshold = static_cast<float>(std::min(tail_u / n_ref * model_->index().n_events(static_cast<int>(k)) / share, 1e17));
      list[j].sum_largest_w = list[j].tail = list[j].tail_squares = 0.0F;
      near_[first + j].seasons[k].first = list[j].n;
    }
    kernels_->split(segments_[k].first, segments_[k].last, count, count_, a_.data() + first * block_size, peak_.data(), list.data());
    for (std::size_t j = 0; j < count; ++j) {
      near_[first + j].seasons[k].last = list[j].n;
      near_[first + j].sum_largest_w[k] = list[j].sum_largest_w;
      near_[first + j].tail[k] = list[j].tail + static_cast<float>(left_out_[k].largest_w);
      near_[first + j].tail_squares[k] = list[j].tail_squares + static_cast<float>(left_out_[k].squares);
    }
  }
}

void Tile::list_again(std::size_t p, double n_ref) {
  const NearEvents& near = near_[p];
  for (std::size_t i = 0; i < near.seasons.back().last; ++i) {
    const std::size_t c = near.candidate[i];
    a_[in_blocks(c, p)] = near.value[i];
  }
  split(p, 1, n_ref);
  has_tail_[p] = false;
}

void Tile::screen(std::size_t p) {
  const EventIndex& index = model_->index();
  const NearEvents& near = near_[p];
  // a first bound, with every event at its own best γ, settles a fifth of the sky; with γ fixed it is the answer
  float most = 0.0F;
  any_event_[p] = has_tail_[p] = false;
  for (std::size_t k = 0; k < n_seasons_; ++k) {
    const float weight = near.sum_largest_w[k] + near.tail[k];
    most += weight * static_cast<float>(highest_share(p, k) / index.n_events(static_cast<int>(k)));
    any_event_[p] |= weight > 0.0F;
  }
  bound_[p] = most * (1.0F + screen_slack) - 1.0F;
  if (bound_[p] <= 0.0F || !model_->gamma_free()) return;
  std::array<float, n_coarse_gamma> excess{};
  for (std::size_t k = 0; k < n_seasons_; ++k) {
    const Segment listed = near.seasons[k];
    const EventView events{listed.last - listed.first, near.value.data() + listed.first, near.candidate.data() + listed.first};
    alignas(64) float sum[n_coarse_gamma] = {};
    kernels_->highest(events, lift_.data(), ratio_rows_.data(), sum);
    const float* bounds = share_bounds_.data() + (p * n_seasons_ + k) * n_coarse_gamma;
    const auto one = static_cast<float>(1.0 / index.n_events(static_cast<int>(k)));
    for (std::size_t g = 0; g < n_coarse_gamma; ++g) excess[g] += (sum[g] + near.tail[k]) * bounds[g] * one;
  }
  bound_[p] = *std::max_element(excess.begin(), excess.end()) * (1.0F + screen_slack) - 1.0F;
}

void Tile::sum_tails(const std::uint32_t* which, std::size_t count) {
  for (std::size_t k = 0; k < n_seasons_; ++k) {
    for (std::size_t j = 0; j < count; ++j)
      std::copy_n(left_sums_.data() + k * n_coarse_gamma, n_coarse_gamma, season_tails_.data() + j * n_coarse_gamma);
    if (model_->gamma_free()) {
      kernels_->tails(segments_[k].first, segments_[k].last, count, which, count_, a_.data(), ratio_rows_.data(), season_tails_.data());
    } else {
      for (std::size_t j = 0; j < count; ++j) season_tails_[j * n_coarse_gamma] = near_[which[j]].tail[k];
    }
    for (std::size_t j = 0; j < count; ++j)
      std::copy_n(season_tails_.begin() + static_cast<std::ptrdiff_t>(j * n_coarse_gamma), n_coarse_gamma,
                  tails_.begin() + static_cast<std::ptrdiff_t>((which[j] * n_seasons_ + k) * n_coarse_gamma));
  }
  for (std::size_t j = 0; j < count; ++j) has_tail_[which[j]] = true;
}

void Tile::sum_tails() {
  std::array<std::uint32_t, group_size> which{};
  std::size_t n = 0;
  for (std::uint32_t p = 0; p < count_; ++p)
    if (bound_[p] > 0.0F && !has_tail_[p]) which[n++] = p;
  sum_tails(which.data(), n);
}

const float* Tile::tail(std::size_t p) {
  const auto which = static_cast<std::uint32_t>(p);
  if (!has_tail_[p]) sum_tails(&which, 1);
  return tails_.data() + p * n_seasons_ * n_coarse_gamma;
}

std::size_t Tile::count_pairs() const {
  std::size_t pairs = 0;
  for (std::size_t p = 0; p < count_; ++p) pairs += near_[p].seasons.back().last;
  for (std::size_t c = 0; c < n_filled_; ++c)
    for (std::size_t p = 0; p < count_; ++p) pairs += a_[in_blocks(c, p)] > 0.0F;
  return pairs;
}

}  // namespace nusky
