#include "nusky/flares/flare_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "nusky/kernels/table.hpp"

namespace nusky {
namespace {

constexpr int part_lanes = 3;  // coarse γ intervals of a part of the γ range
static_assert((n_coarse_gamma - 1) % part_lanes == 0, "parts of equal size");
constexpr std::size_t most_blocks = 48;
// What ts between two coarse γ may have over the larger of its values there, and in part of it: five times what fits show.
constexpr double hump = 0.05, hump_part = 0.05;

std::vector<double> season_days(const Clock& clock) {
  std::vector<double> days;
  for (std::size_t k = 0; k < clock.n_seasons(); ++k) days.push_back(clock.days(k));
  return days;
}

}  // namespace

FlareSearch::FlareSearch(const Likelihood& likelihood, const Clock& clock, const FlareOptions& options)
    : clock_(&clock),
      options_(options),
      fit_(likelihood, season_days(clock), options.gamma),
      n_parts_(fit_.free() ? (n_coarse_gamma - 1) / part_lanes : 1),
      least_day_((n_parts_ + n_coarse_gamma) * clock.n_seasons()),
      most_day_(least_day_.size()),
      floor_(n_parts_ + n_coarse_gamma),
      scale_(n_parts_ + n_coarse_gamma),
      known_(n_coarse_gamma),
      days_(season_days(clock)),
      n_events_(clock.n_seasons()) {
  if (!(options.dt_min > 0.0)) throw std::invalid_argument("dt_min: must be above 0 days");
  if (!(options.dt_max >= options.dt_min)) throw std::invalid_argument("dt_max: must be at least dt_min");
  if (!(options.dt_min <= clock.days())) throw std::invalid_argument("dt_min: is longer than all uptime");
  if (options.start && options.stop) throw std::invalid_argument("start, stop: one of them can be fixed");
}

double FlareSearch::penalty(double days) const { return options_.penalty_days > 0.0 ? 2.0 * std::log(days / options_.penalty_days) : 0.0; }

FlareFit FlareSearch::find(const EventIndex& index, const Vec3& direction, double need) {
  best_ = FlareFit{};
  n_fitted_ = n_bounded_ = 0;
  near_.gather(index, direction, days_.data());
  best_.status = near_.size() == 0 ? Status::no_events : Status::no_excess;
  if (near_.size() == 0) return best_;
  slope_ = 1.0F;
  for (std::size_t k = 0; k < days_.size(); ++k) {
    n_events_[k] = index.n_events(static_cast<int>(k));
    slope_ = std::min(slope_, static_cast<float>((1.0 - near_.per_season[k] / n_events_[k]) * (1.0 - 1e-6)));
  }
  slope_ = std::max(slope_, 1e-3F);
  least_ts_ = std::max(0.0, need);
  fit_.take(near_, direction.z(), n_events_);
  find_edges();
  if (starts_.edges.size() == 0 || (stops_.edges.size() == 0 && short_starts_.edges.size() == 0)) return best_;
  weigh();
  start_queue();
  while (!queue_.empty() && static_cast<double>(queue_.front().bound) > std::max(best_.ts, least_ts_)) {
    std::pop_heap(queue_.begin(), queue_.end());
    const Node node = queue_.back();
    queue_.pop_back();
    if (node.level > 0)
      divide(node);
    else
      fit_exactly(node);
  }
  return best_;
}

void FlareSearch::find_edges() {
  for (List* list : {&starts_, &stops_, &short_starts_, &short_stops_}) list->edges.clear();
  const double first = options_.start.value_or(-std::numeric_limits<double>::infinity());
  const double last = options_.stop.value_or(std::numeric_limits<double>::infinity());
  if (options_.start) starts_.edges.add(first, near_.not_before(first), *clock_);
  for (std::size_t i = 0; i < near_.size(); ++i) {
    const double t = near_.time[i];
    const double ratio = fit_.free() ? static_cast<double>(near_.peak[i]) : fit_.fixed_ratio(i);
    if (near_.ratio[i] * ratio < options_.threshold || t < first || t > last) continue;
    if (!options_.start) starts_.edges.add(t, near_.not_before(t), *clock_);
    if (!options_.stop) stops_.edges.add(t, near_.after(t), *clock_);
  }
  if (options_.stop) {
    stops_.edges.add(last, near_.after(last), *clock_);
    const double before = stops_.edges.together(0, *clock_) - options_.dt_min;
    if (before < 0.0) return;
    const double t = clock_->moment(before);
    short_starts_.edges.add(t, near_.not_before(t), *clock_);
    short_stops_.edges.add(last, near_.after(last), *clock_);
    return;
  }
  for (std::size_t s = 0; s < starts_.edges.size(); ++s) {
    const double after = starts_.edges.together(s, *clock_) + options_.dt_min;
    if (after > clock_->days()) break;
    const double from = starts_.edges.time[s], to = std::max(from, clock_->moment(after));
    if (to - from > options_.dt_max) continue;
    short_starts_.edges.add(from, starts_.edges.position[s], *clock_);
    short_stops_.edges.add(to, near_.after(to), *clock_);
  }
}

std::uint32_t FlareSearch::blocks(const List& list, std::int8_t level) const {
  auto n = static_cast<std::uint32_t>(list.edges.size());
  for (std::int8_t l = 0; l < level; ++l) n = (n + block - 1) / block;
  return n;
}

// The acceptances per day over a part of the γ range.
void FlareSearch::bound_acceptance(std::size_t part) {
  const std::size_t K = days_.size();
  std::vector<double> day(K);
  double* least = least_day_.data() + part * K;
  double* most = most_day_.data() + part * K;
  std::fill(least, least + K, std::numeric_limits<double>::infinity());
  std::fill(most, most + K, 0.0);
  constexpr int between = 4;
  const double width = fit_.free() ? fit_.lane_gamma(1) - fit_.lane_gamma(0) : 0.0;
  for (int j = 0; j <= (fit_.free() && K > 1 ? part_lanes * between : 0); ++j) {
    fit_.day_acceptances(fit_.free() ? fit_.lane_gamma(static_cast<int>(part) * part_lanes) + width * j / between : 0.0, day.data());
    for (std::size_t k = 0; k < K; ++k) {
      least[k] = std::min(least[k], day[k] * (1.0 - 1e-3));
      most[k] = std::max(most[k], day[k] * (1.0 + 1e-3));
    }
  }
}

// For each part of the γ range: the largest weights of the events in it, their sums at all edges, the least exposures.
void FlareSearch::weigh() {
  top_level_ = 0;
  while (std::max(blocks(starts_, top_level_), blocks(stops_, top_level_)) > most_blocks) ++top_level_;
  for (List* list : {&starts_, &stops_, &short_starts_, &short_stops_}) {
    list->sums.resize(n_parts_ + n_coarse_gamma);
    list->least.resize(n_parts_ + n_coarse_gamma);
  }
  std::fill(known_.begin(), known_.end(), 0);
  for (std::size_t g = 0; g < n_parts_; ++g) {
    bound_acceptance(g);
    weigh_range(g);
    for (std::int8_t level = 1; level <= top_level_; ++level)
      for (List* list : {&starts_, &stops_}) {
        list->sums[g].resize(static_cast<std::size_t>(top_level_) + 1);
        const ClassSums& below = list->sums[g][static_cast<std::size_t>(level) - 1];
        ClassSums& here = list->sums[g][static_cast<std::size_t>(level)];
        const std::size_t n = blocks(*list, level), fine = blocks(*list, static_cast<std::int8_t>(level - 1));
        here.resize(n);
        for (std::size_t q = 0; q < weight_classes; ++q)
          for (std::size_t i = 0; i < n; ++i) {
            const std::size_t from = list == &starts_ ? i * block : std::min(fine, (i + 1) * block) - 1;
            here.count[q * here.stride + i] = below.count[q * below.stride + from];
            here.sum[q * here.stride + i] = below.sum[q * below.stride + from];
          }
      }
  }
}

void FlareSearch::need_lane(int lane) {
  if (known_[static_cast<std::size_t>(lane)] != 0) return;
  known_[static_cast<std::size_t>(lane)] = 1;
  const std::size_t K = days_.size(), range = range_of(lane);
  fit_.day_acceptances(fit_.lane_gamma(lane), least_day_.data() + range * K);
  std::copy_n(least_day_.data() + range * K, K, most_day_.data() + range * K);
  weigh_range(range);
}

void FlareSearch::weigh_range(std::size_t range) {
  const std::size_t K = days_.size(), w = clock_->width();
  const double* day = least_day_.data() + range * K;
  floor_[range] = *std::min_element(day, day + K) * options_.dt_min;
  for (List* list : {&starts_, &stops_, &short_starts_, &short_stops_}) {
    if (list->sums[range].empty()) list->sums[range].resize(1);
    std::vector<double>& least = list->least[range];
    least.resize(list->edges.size());
    for (std::size_t i = 0; i < least.size(); ++i) {
      least[i] = 0.0;
      for (std::size_t k = 0; k < K; ++k) least[i] += day[k] * list->edges.elapsed[i * w + k];
    }
  }
  weight_.resize(near_.size());
  const std::size_t first = range < n_parts_ ? range * part_lanes : range - n_parts_, last = range < n_parts_ ? first + part_lanes : first;
  float top = std::numeric_limits<float>::min();
  for (std::size_t i = 0; i < near_.size(); ++i) {
    double ratio = 0.0;
    if (fit_.free()) {
      const float* row = near_.coarse[i];
      float most = row[first];
      for (std::size_t l = first + 1; l <= last; ++l) most = std::max(most, row[l]);
      ratio = static_cast<double>(range < n_parts_ ? most * near_.lift[i] : most);
    } else {
      ratio = fit_.fixed_ratio(i);
    }
    weight_[i] = static_cast<float>(near_.weight[i] * most_day_[range * K + near_.season[i]] * ratio);
    top = std::max(top, weight_[i]);
  }
  scale_[range].set(top);
  sum_classes(weight_, scale_[range], {&starts_.edges, &stops_.edges, &short_starts_.edges, &short_stops_.edges},
              {&starts_.sums[range][0], &stops_.sums[range][0], &short_starts_.sums[range][0], &short_stops_.sums[range][0]});
}

void FlareSearch::push(const Node& node) {
  if (!(static_cast<double>(node.bound) > std::max(best_.ts, least_ts_))) return;
  queue_.push_back(node);
  std::push_heap(queue_.begin(), queue_.end());
}

void FlareSearch::start_queue() {
  queue_.clear();
  const std::uint32_t n_starts = blocks(starts_, top_level_), n_stops = blocks(stops_, top_level_);
  for (std::size_t g = 0; g < n_parts_; ++g) {
    const auto part = static_cast<std::uint8_t>(g);
    bound_shortest(part);
    for (std::uint32_t s = 0; s < n_starts; ++s)
      for (std::uint32_t e = options_.start || options_.stop ? 0 : s; e < n_stops; e += n_coarse_gamma)
        bound_row(part, top_level_, s, e, std::min<std::uint32_t>(n_coarse_gamma, n_stops - e));
  }
}

void FlareSearch::divide(const Node& node) {
  const auto level = static_cast<std::int8_t>(node.level - 1);
  const std::uint32_t n_starts = blocks(starts_, level), n_stops = blocks(stops_, level);
  const bool pairs = !options_.start && !options_.stop;
  for (std::uint32_t s = node.start * block; s < std::min(n_starts, (node.start + 1) * block); ++s) {
    const std::uint32_t first = pairs ? std::max(s, node.stop * block) : node.stop * block;
    const std::uint32_t last = std::min(n_stops, (node.stop + 1) * block);
    if (first < last) bound_row(node.part, level, s, first, last - first);
  }
}

// Windows from a block of starts to each of n ≤ 16 blocks of ends.
void FlareSearch::bound_row(std::uint8_t part, std::int8_t level, std::uint32_t start, std::uint32_t stop, std::uint32_t n) {
  std::uint32_t size = 1;
  for (std::int8_t l = 0; l < level; ++l) size *= block;
  const Edges &from = starts_.edges, &to = stops_.edges;
  const std::size_t s0 = std::size_t{start} * size, s1 = std::min<std::size_t>(from.size(), s0 + size) - 1;
  const std::vector<double>&start_least = starts_.least[part], &stop_least = stops_.least[part];
  float beta[n_coarse_gamma] = {}, bound[n_coarse_gamma];
  double extra[n_coarse_gamma];
  bool any = false;
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::size_t e0 = std::size_t{stop + i} * size, e1 = std::min<std::size_t>(to.size(), e0 + size) - 1;
    const double days = std::min(to.together(e1, *clock_) - from.together(s0, *clock_), options_.dt_max);
    if (days < options_.dt_min || to.time[e0] - from.time[s1] > options_.dt_max) continue;
    const double exposure = std::max(floor_[part], stop_least[e0] - start_least[s1]);
    beta[i] = static_cast<float>((1.0 + 1e-6) / exposure);
    extra[i] = penalty(days);
    any = true;
  }
  if (!any) return;
  const ClassSums &a = starts_.sums[part][static_cast<std::size_t>(level)], &b = stops_.sums[part][static_cast<std::size_t>(level)];
  kernels().window_bounds({a.count.data() + start, a.sum.data() + start, b.count.data() + stop, b.sum.data() + stop, a.stride, b.stride,
                           true, scale_[part].unit(), beta, slope_},
                          bound);
  n_bounded_ += n;
  for (std::uint32_t i = 0; i < n; ++i)
    bound[i] = beta[i] > 0.0F && bound[i] > 0.0F ? static_cast<float>(2.0 * static_cast<double>(bound[i]) + extra[i]) : 0.0F;
  if (level == 0 && fit_.free()) look_at_lanes(part, starts_, stops_, start, stop, true, n, extra, bound);
  for (std::uint32_t i = 0; i < n; ++i) push({bound[i], part, level, start, stop + i});
}

// Lowers the bounds of single windows to what they have at the coarse γ of a part, and what may be between.
void FlareSearch::look_at_lanes(std::uint8_t part, const List& from, const List& to, std::uint32_t start, std::uint32_t stop,
                                bool one_start, std::uint32_t n, const double* extra, float* bound) {
  const auto needed = static_cast<float>(std::max(best_.ts, least_ts_));
  if (std::none_of(bound, bound + n, [&](float b) { return b > needed; })) return;
  double most[n_coarse_gamma];
  std::fill(most, most + n_coarse_gamma, -std::numeric_limits<double>::infinity());
  for (int lane = part * part_lanes; lane <= (part + 1) * part_lanes; ++lane) {
    need_lane(lane);
    const std::size_t range = range_of(lane);
    float beta[n_coarse_gamma] = {}, here[n_coarse_gamma];
    for (std::uint32_t i = 0; i < n; ++i) {
      const double exposure = to.least[range][stop + i] - from.least[range][one_start ? start : start + i];
      beta[i] = static_cast<float>(1.0 / std::max(floor_[range], exposure));
    }
    const ClassSums &a = from.sums[range][0], &b = to.sums[range][0];
    kernels().window_bounds({a.count.data() + start, a.sum.data() + start, b.count.data() + stop, b.sum.data() + stop, a.stride, b.stride,
                             one_start, scale_[range].unit(), beta, slope_},
                            here);
    n_bounded_ += n;
    for (std::uint32_t i = 0; i < n; ++i)
      if (here[i] > 0.0F) most[i] = std::max(most[i], 2.0 * static_cast<double>(here[i]) * (1.0 + hump_part) + extra[i] + hump);
  }
  for (std::uint32_t i = 0; i < n; ++i) bound[i] = std::min(bound[i], static_cast<float>(most[i]));
}

void FlareSearch::bound_shortest(std::uint8_t part) {
  const Edges& from = short_starts_.edges;
  const ClassSums &a = short_starts_.sums[part][0], &b = short_stops_.sums[part][0];
  double extra[n_coarse_gamma];
  std::fill(extra, extra + n_coarse_gamma, penalty(options_.dt_min));
  for (std::uint32_t first = 0; first < from.size(); first += n_coarse_gamma) {
    float beta[n_coarse_gamma] = {}, bound[n_coarse_gamma];
    const auto n = std::min<std::uint32_t>(n_coarse_gamma, static_cast<std::uint32_t>(from.size()) - first);
    for (std::uint32_t i = 0; i < n; ++i) {
      const double exposure = std::max(floor_[part], short_stops_.least[part][first + i] - short_starts_.least[part][first + i]);
      beta[i] = static_cast<float>((1.0 + 1e-6) / exposure);
    }
    kernels().window_bounds({a.count.data() + first, a.sum.data() + first, b.count.data() + first, b.sum.data() + first, a.stride, b.stride,
                             false, scale_[part].unit(), beta, slope_},
                            bound);
    n_bounded_ += n;
    for (std::uint32_t i = 0; i < n; ++i)
      bound[i] = bound[i] > 0.0F ? static_cast<float>(2.0 * static_cast<double>(bound[i]) + extra[i]) : 0.0F;
    if (fit_.free()) look_at_lanes(part, short_starts_, short_stops_, first, first, false, n, extra, bound);
    for (std::uint32_t i = 0; i < n; ++i) push({bound[i], part, shortest, first + i, first + i});
  }
}

void FlareSearch::consider(double ts, double gamma, const WindowProfile& profile, double start, double stop, double days) {
  if (!(ts > std::max(best_.ts, least_ts_)) || profile.n == 0.0) return;
  best_ = {ts, profile.n, gamma, start, stop, days, profile.at_limit ? Status::at_ns_limit : Status::ok};
}

void FlareSearch::fit_exactly(const Node& node) {
  const bool brief = node.level == shortest;
  const Edges &from = brief ? short_starts_.edges : starts_.edges, &to = brief ? short_stops_.edges : stops_.edges;
  const std::size_t K = days_.size(), w = clock_->width();
  const double start = from.time[node.start], stop = to.time[node.stop];
  const double together = to.together(node.stop, *clock_) - from.together(node.start, *clock_);
  if ((!brief && together < options_.dt_min) || stop - start > options_.dt_max) return;
  std::vector<double> days(K);
  for (std::size_t k = 0; k < K; ++k) days[k] = to.elapsed[node.stop * w + k] - from.elapsed[node.start * w + k];
  const WindowContent content{from.position[node.start], to.position[node.stop], days.data()};
  const double extra = penalty(together);
  ++n_fitted_;
  if (!fit_.free()) {
    const WindowProfile p = fit_.at_lane(content, 0);
    consider(2.0 * p.value + extra, options_.gamma.value_or(std::numeric_limits<double>::quiet_NaN()), p, start, stop, together);
    return;
  }
  const int first = node.part * part_lanes;
  WindowProfile left = fit_.at_lane(content, first);
  consider(2.0 * left.value + extra, fit_.lane_gamma(first), left, start, stop, together);
  for (int l = first; l < first + part_lanes; ++l) {
    const WindowProfile right = fit_.at_lane(content, l + 1);
    consider(2.0 * right.value + extra, fit_.lane_gamma(l + 1), right, start, stop, together);
    double low = fit_.lane_gamma(l), high = fit_.lane_gamma(l + 1);
    // where n = 0 the slope is that of nothing
    const bool rises = left.slope > 0.0 || left.n == 0.0, falls = right.slope < 0.0 || right.n == 0.0;
    // twice what a parabola through both ends rises above them, and room for what is not one
    const double hump = 0.25 * (high - low) * (std::max(left.slope, 0.0) - std::min(right.slope, 0.0)) + 0.02;
    if (rises && falls && (left.n > 0.0 || right.n > 0.0) &&
        2.0 * (std::max(left.value, right.value) + hump) + extra > std::max(best_.ts, least_ts_)) {
      double slope_low = left.n > 0.0 ? left.slope : 1e-3, slope_high = right.n > 0.0 ? right.slope : -1e-3;
      for (int step = 0; step < 40 && high - low > 1e-7; ++step) {
        double gamma = low + (high - low) * slope_low / (slope_low - slope_high);
        if (step % 3 == 2 || !(gamma > low && gamma < high)) gamma = 0.5 * (low + high);
        const WindowProfile p = fit_.at(content, gamma);
        consider(2.0 * p.value + extra, gamma, p, start, stop, together);
        if (p.n > 0.0 && std::abs(p.slope) * (high - low) < 1e-9) break;
        if (p.slope > 0.0 || (p.n == 0.0 && left.n == 0.0)) {
          low = gamma;
          slope_low = p.n > 0.0 ? p.slope : 1e-3;
        } else {
          high = gamma;
          slope_high = p.n > 0.0 ? p.slope : -1e-3;
        }
      }
    }
    left = right;
  }
}

}  // namespace nusky
