#include "nusky/flares/flare_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "nusky/kernels/table.hpp"

namespace nusky {
namespace {

constexpr int part_lanes = RangeWeights::part_lanes;
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
      gauss_(clock, options_, fit_),
      weights_(fit_, season_days(clock), options.dt_min),
      days_(season_days(clock)),
      n_events_(clock.n_seasons()) {
  if (!(options.dt_min > 0.0)) throw std::invalid_argument("dt_min: must be above 0 days");
  if (!(options.dt_max >= options.dt_min)) throw std::invalid_argument("dt_max: must be at least dt_min");
  if (!(options.dt_min <= clock.days())) throw std::invalid_argument("dt_min: is longer than all uptime");
  if (options.start.has_value() + options.stop.has_value() + options.middle.has_value() > 1)
    throw std::invalid_argument("start, stop, middle: one of them can be fixed");
  if (options.gaussian && (options.start || options.stop)) throw std::invalid_argument("start, stop: a Gaussian has none");
  if (options.curve != nullptr) curve_.emplace(clock, *options.curve, fit_);
  if (options.middle) shortest_half_ = shortest_around(*options.middle);
  box_max_ = options.gaussian ? 4.0 * options.dt_max : options.dt_max;  // √12 σ
}

double FlareSearch::penalty(double days) const { return options_.penalty_days > 0.0 ? 2.0 * std::log(days / options_.penalty_days) : 0.0; }

FlareFit FlareSearch::find(const EventIndex& index, const Vec3& direction, double need) {
  gather(index, direction);
  if (curve_) {
    best_ = curve_->best(near_);
    if (!fit_.free() && best_.ts > 0.0) best_.gamma = options_.gamma.value_or(std::numeric_limits<double>::quiet_NaN());
    return best_;
  }
  return best_between(-std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity(), need);
}

std::vector<FlareFit> FlareSearch::find_all(const EventIndex& index, const Vec3& direction, double least_ts) {
  if (options_.gaussian || options_.start || options_.stop || options_.middle || curve_)
    throw std::invalid_argument("several flares: only of boxes with free start and end");
  gather(index, direction);
  std::vector<FlareFit> found;
  add_between(-std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity(), least_ts, found);
  return found;
}

// The best one, then those before and after it.
void FlareSearch::add_between(double after, double before, double least_ts, std::vector<FlareFit>& found) {
  const FlareFit fit = best_between(after, before, std::nextafter(least_ts, 0.0));
  if (!(fit.ts >= least_ts) || fit.ts <= 0.0) return;
  found.push_back(fit);
  add_between(after, fit.start, least_ts, found);
  add_between(fit.stop, before, least_ts, found);
}

void FlareSearch::gather(const EventIndex& index, const Vec3& direction) {
  n_fitted_ = n_bounded_ = 0;
  near_.gather(index, direction, days_.data());
  slope_ = 1.0F;
  for (std::size_t k = 0; k < days_.size(); ++k) {
    n_events_[k] = index.n_events(static_cast<int>(k));
    slope_ = std::min(slope_, static_cast<float>((1.0 - near_.per_season[k] / n_events_[k]) * (1.0 - 1e-6)));
  }
  slope_ = std::max(slope_, 1e-3F);
  fit_.take(near_, direction.z(), n_events_);
}

FlareFit FlareSearch::best_between(double after, double before, double need) {
  best_ = FlareFit{};
  best_.status = near_.size() == 0 ? Status::no_events : Status::no_excess;
  if (near_.size() == 0) return best_;
  after_ = after;
  before_ = before;
  least_ts_ = std::max(0.0, need);
  find_edges();
  const bool pairs = pair_starts_.edges.size() > 0;
  if (options_.middle ? !pairs : starts_.edges.size() == 0 || (stops_.edges.size() == 0 && !pairs)) return best_;
  weights_.take(near_, {&starts_, &stops_, &pair_starts_, &pair_stops_});
  top_ = 0.0;
  seeds_.clear();
  search_boxes();
  if (options_.gaussian) climb();
  return best_;
}

void FlareSearch::search_boxes() {
  start_queue();
  for (;;) {
    int taken = 0;
    for (; taken < nodes_at_once && !queue_.empty() && static_cast<double>(queue_.front().bound) > needed(); ++taken) {
      std::pop_heap(queue_.begin(), queue_.end());
      const Node node = queue_.back();
      queue_.pop_back();
      if (node.level > 0)
        divide(node);
      else if (options_.gaussian)
        keep_seed(node);
      else
        fit_exactly(node);
    }
    if (taken == 0 || seeds_.size() == most_seeds) return;
    bound_proposed();
    look_at_lanes(true);
  }
}

// Boxes come in the order of their bounds.
void FlareSearch::keep_seed(const Node& node) {
  top_ = std::max(top_, static_cast<double>(node.bound));
  const double start = starts_of(node).edges.time[node.start], stop = stops_of(node).edges.time[node.stop];
  const double width = std::max(stop - start, options_.dt_min);
  for (const Seed& s : seeds_) {
    const double other = std::max(s.stop - s.start, options_.dt_min);
    if (std::abs(s.start + s.stop - start - stop) < 0.4 * std::min(width, other) && std::abs(std::log(width / other)) < 0.5) return;
  }
  if (seeds_.size() == most_seeds) return;
  seeds_.push_back({start, stop, node.part * part_lanes + node.lane});
}

void FlareSearch::climb() {
  for (const Seed& s : seeds_) {
    ++n_fitted_;
    const FlareFit found = gauss_.climb(near_, s.start, s.stop, fit_.free() ? fit_.lane_gamma(s.lane) : 0.0);
    if (found.ts > std::max(best_.ts, least_ts_)) best_ = found;
  }
  if (!fit_.free() && best_.ts > 0.0) best_.gamma = options_.gamma.value_or(std::numeric_limits<double>::quiet_NaN());
}

std::uint32_t FlareSearch::blocks(const WeighedEdges& list, std::int8_t level) {
  auto n = static_cast<std::uint32_t>(list.edges.size());
  for (std::int8_t l = 0; l < level; ++l) n = (n + block - 1) / block;
  return n;
}

void FlareSearch::push(const Node& node) {
  if (!(static_cast<double>(node.bound) > needed())) return;
  queue_.push_back(node);
  std::push_heap(queue_.begin(), queue_.end());
}

void FlareSearch::start_queue() {
  queue_.clear();
  proposed_.clear();
  windows_.clear();
  single_.clear();
  top_level_ = 0;
  while (std::max(blocks(starts_, top_level_), blocks(stops_, top_level_)) > most_blocks) ++top_level_;
  const std::uint32_t n_starts = blocks(starts_, top_level_), n_stops = blocks(stops_, top_level_);
  const auto n_pairs = static_cast<std::uint32_t>(pair_starts_.edges.size());
  for (std::size_t g = 0; g < weights_.n_parts(); ++g) {
    const auto part = static_cast<std::uint8_t>(g);
    weights_.need(g);
    for (std::uint32_t i = 0; i < n_pairs; ++i) propose(part, pair, i, options_.middle ? n_pairs - 1 - i : i);
    for (std::uint32_t s = 0; s < n_starts; ++s)
      for (std::uint32_t e = options_.start || options_.stop ? 0 : s; e < n_stops; ++e) propose(part, top_level_, s, e);
  }
  bound_proposed();
  look_at_lanes(true);
}

void FlareSearch::divide(const Node& node) {
  const auto level = static_cast<std::int8_t>(node.level - 1);
  const std::uint32_t n_starts = blocks(starts_, level), n_stops = blocks(stops_, level);
  const bool pairs = !options_.start && !options_.stop;
  for (std::uint32_t s = node.start * block; s < std::min(n_starts, (node.start + 1) * block); ++s)
    for (std::uint32_t e = pairs ? std::max(s, node.stop * block) : node.stop * block; e < std::min(n_stops, (node.stop + 1) * block); ++e)
      propose(node.part, level, s, e);
}

// Windows from a block of starts to a block of ends.
void FlareSearch::propose(std::uint8_t part, std::int8_t level, std::uint32_t start, std::uint32_t stop) {
  Proposed p{{0.0F, part, level, 7, 0, start, stop}, 0.0};
  const WeighedEdges &from = starts_of(p.node), &to = stops_of(p.node);
  const std::size_t size = std::size_t{1} << (2 * std::max<int>(level, 0));
  static_assert(block == 4, "two bits a level");
  const std::size_t s0 = start * size, s1 = std::min(from.edges.size(), s0 + size) - 1;
  const std::size_t e0 = stop * size, e1 = std::min(to.edges.size(), e0 + size) - 1;
  double days = options_.dt_min;
  if (level != pair || options_.middle) {
    days = std::min(to.edges.together[e1] - from.edges.together[s0], box_max_);
    if (days < options_.dt_min || to.edges.time[e0] - from.edges.time[s1] > box_max_) return;
  }
  p.extra = penalty(days);
  proposed_.push_back(p);
  windows_.push_back(weights_.window(part, from, s0, to, e1, (1.0 + 1e-6) / weights_.exposure(part, from, s1, to, e0)));
  if (proposed_.size() == n_coarse_gamma) bound_proposed();
}

void FlareSearch::bound_proposed() {
  if (proposed_.empty()) return;
  float bound[n_coarse_gamma];
  windows_.resize(n_coarse_gamma, windows_[0]);
  kernels().window_bounds(windows_.data(), slope_, bound);
  n_bounded_ += proposed_.size();
  for (std::size_t i = 0; i < proposed_.size(); ++i) {
    Proposed& p = proposed_[i];
    if (bound[i] <= 0.0F) continue;
    p.node.bound = static_cast<float>(2.0 * static_cast<double>(bound[i]) + p.extra);
    if (!(static_cast<double>(p.node.bound) > needed())) continue;
    if (p.node.level <= 0 && fit_.free())
      single_.push_back(p);
    else
      push(p.node);
  }
  proposed_.clear();
  windows_.clear();
  look_at_lanes(false);
}

// Lowers the bounds of single windows to what they have at the coarse γ of a part, and what may be between.
void FlareSearch::look_at_lanes(bool all) {
  constexpr float nothing = -std::numeric_limits<float>::infinity();
  constexpr std::size_t lanes = part_lanes + 1, at_once = n_coarse_gamma / lanes;
  while (single_.size() >= at_once || (all && !single_.empty())) {
    const std::size_t n = std::min(at_once, single_.size()), from = single_.size() - n;
    WindowTotals window[n_coarse_gamma];
    float here[n_coarse_gamma];
    for (std::size_t i = 0; i < n_coarse_gamma; ++i) {
      const Node& node = single_[from + std::min(i / lanes, n - 1)].node;
      const std::size_t range = weights_.range_of(node.part * part_lanes + static_cast<int>(i % lanes));
      weights_.need(range);
      const WeighedEdges &starts = starts_of(node), &stops = stops_of(node);
      window[i] = weights_.window(range, starts, node.start, stops, node.stop,
                                  1.0 / weights_.exposure(range, starts, node.start, stops, node.stop));
    }
    kernels().window_bounds(window, slope_, here);
    n_bounded_ += n * lanes;
    for (std::size_t i = 0; i < n; ++i) {
      Proposed& p = single_[from + i];
      float ts[lanes];
      for (std::size_t l = 0; l < lanes; ++l) {
        const double value = static_cast<double>(here[lanes * i + l]);
        ts[l] = value > 0.0 ? static_cast<float>(2.0 * value * (1.0 + hump_part) + p.extra + hump) : nothing;
      }
      float most = nothing;
      p.node.lane = static_cast<std::uint8_t>(std::max_element(ts, ts + lanes) - ts);
      p.node.intervals = 0;
      for (std::size_t l = 0; l + 1 < lanes; ++l) {
        const float either = std::max(ts[l], ts[l + 1]);
        most = std::max(most, either);
        if (static_cast<double>(either) > needed()) p.node.intervals |= static_cast<std::uint8_t>(1U << l);
      }
      p.node.bound = std::min(p.node.bound, most);
      push(p.node);
    }
    single_.resize(from);
  }
}

void FlareSearch::consider(double ts, double gamma, const WindowProfile& profile, double start, double stop, double days) {
  if (!(ts > needed()) || profile.n == 0.0) return;
  best_ = {ts, profile.n, gamma, start, stop, days, profile.at_limit ? Status::at_ns_limit : Status::ok};
}

void FlareSearch::fit_exactly(const Node& node) {
  const bool brief = node.level == pair && !options_.middle;
  const Edges &from = starts_of(node).edges, &to = stops_of(node).edges;
  const std::size_t K = days_.size(), w = clock_->width();
  const double start = from.time[node.start], stop = to.time[node.stop];
  const double together = to.together[node.stop] - from.together[node.start];
  if ((!brief && together < options_.dt_min) || stop - start > box_max_) return;
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
  fit_between(node, content, extra, start, stop, together);
}

void FlareSearch::fit_between(const Node& node, const WindowContent& content, double extra, double start, double stop, double days) {
  const int first = node.part * part_lanes;
  WindowProfile left;
  bool known = false;  // left
  for (int l = first; l < first + part_lanes; ++l) {
    if ((node.intervals >> (l - first) & 1) == 0) {
      known = false;
      continue;
    }
    if (!known) {
      left = fit_.at_lane(content, l);
      consider(2.0 * left.value + extra, fit_.lane_gamma(l), left, start, stop, days);
    }
    const WindowProfile right = fit_.at_lane(content, l + 1, left.n);
    consider(2.0 * right.value + extra, fit_.lane_gamma(l + 1), right, start, stop, days);
    double low = fit_.lane_gamma(l), high = fit_.lane_gamma(l + 1);
    // where n = 0 the slope is that of nothing
    const bool rises = left.slope > 0.0 || left.n == 0.0, falls = right.slope < 0.0 || right.n == 0.0;
    // twice what a parabola through both ends rises above them, and room for what is not one
    const double hump = 0.25 * (high - low) * (std::max(left.slope, 0.0) - std::min(right.slope, 0.0)) + 0.02;
    if (rises && falls && (left.n > 0.0 || right.n > 0.0) && 2.0 * (std::max(left.value, right.value) + hump) + extra > needed()) {
      double guess = std::max(left.n, right.n);
      double slope_low = left.n > 0.0 ? left.slope : 1e-3, slope_high = right.n > 0.0 ? right.slope : -1e-3;
      for (int step = 0; step < 40 && high - low > 1e-7; ++step) {
        double gamma = low + (high - low) * slope_low / (slope_low - slope_high);
        if (step % 3 == 2 || !(gamma > low && gamma < high)) gamma = 0.5 * (low + high);
        const WindowProfile p = fit_.at(content, gamma, guess);
        guess = p.n;
        consider(2.0 * p.value + extra, gamma, p, start, stop, days);
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
    known = true;
  }
}

}  // namespace nusky
