// Where the windows of a search start and end.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "nusky/flares/flare_search.hpp"

namespace nusky {

void FlareSearch::find_edges() {
  for (WeighedEdges* list : {&starts_, &stops_, &pair_starts_, &pair_stops_}) list->edges.clear();
  if (options_.middle) return find_middle_windows();
  const double first = options_.start.value_or(-std::numeric_limits<double>::infinity());
  const double last = options_.stop.value_or(std::numeric_limits<double>::infinity());
  if (options_.start) starts_.edges.add(first, near_.not_before(first), *clock_);
  std::size_t same = 0;  // the first event of this time
  for (std::size_t i = 0; i < near_.size(); ++i) {
    const double t = near_.time[i];
    if (near_.time[same] < t) same = i;
    const double ratio = fit_.free() ? static_cast<double>(near_.peak[i]) : fit_.fixed_ratio(i);
    if (near_.ratio[i] * ratio < options_.threshold || t < first || t > last || t <= after_ || t >= before_) continue;
    std::size_t after = i + 1;
    while (after < near_.size() && near_.time[after] == t) ++after;
    if (!options_.start) starts_.edges.add(t, same, *clock_);
    if (options_.stop) continue;
    if (options_.start)
      stops_.edges.add(t, after, *clock_);
    else
      stops_.edges.add_last_of(starts_.edges, after);
  }
  find_short_windows();
}

// Half the length of a window around a moment that has dt_min of uptime.
double FlareSearch::shortest_around(double middle) const {
  std::vector<double> elapsed(clock_->width());
  const auto uptime_before = [&](double t) {
    clock_->at(t, elapsed.data());
    return elapsed.back();
  };
  double low = 0.0, high = std::max(middle - clock_->start(), clock_->stop() - middle);
  for (int step = 0; step < 200 && high - low > 1e-15 * (1.0 + std::abs(middle)); ++step) {
    const double half = 0.5 * (low + high);
    (uptime_before(middle + half) - uptime_before(middle - half) < options_.dt_min ? low : high) = half;
  }
  return high;
}

// Around a fixed middle: those that start or end at an event, and the shortest.
void FlareSearch::find_middle_windows() {
  const double middle = *options_.middle, shortest = shortest_half_;
  struct Window {
    double half, start, stop;
  };
  std::vector<Window> windows{{shortest, middle - shortest, middle + shortest}};
  for (std::size_t i = 0; i < near_.size(); ++i) {
    const double t = near_.time[i], ratio = fit_.free() ? static_cast<double>(near_.peak[i]) : fit_.fixed_ratio(i);
    if (near_.ratio[i] * ratio < options_.threshold || std::abs(t - middle) < shortest) continue;
    const double there = middle + (middle - t);  // the other side
    windows.push_back({std::abs(t - middle), std::min(t, there), std::max(t, there)});
  }
  std::sort(windows.begin(), windows.end(), [](const Window& a, const Window& b) { return a.half < b.half; });
  while (!windows.empty() && windows.back().stop - windows.back().start > box_max_) windows.pop_back();
  // each holds those before it, whatever rounding has made of the other side
  for (std::size_t i = 1; i < windows.size(); ++i) {
    windows[i].start = std::min(windows[i].start, windows[i - 1].start);
    windows[i].stop = std::max(windows[i].stop, windows[i - 1].stop);
  }
  // edges are in the order of time: the longest window starts first and ends last
  for (auto w = windows.rbegin(); w != windows.rend(); ++w) pair_starts_.edges.add(w->start, near_.not_before(w->start), *clock_);
  for (const Window& w : windows) pair_stops_.edges.add(w.stop, near_.after(w.stop), *clock_);
}

void FlareSearch::find_short_windows() {
  if (options_.stop) {
    const double last = *options_.stop;
    stops_.edges.add(last, near_.after(last), *clock_);
    const double before = stops_.edges.together[0] - options_.dt_min;
    if (before < 0.0) return;
    const double t = clock_->moment(before);
    pair_starts_.edges.add(t, near_.not_before(t), *clock_);
    pair_stops_.edges.add(last, near_.after(last), *clock_);
    return;
  }
  for (std::size_t s = 0; s < starts_.edges.size(); ++s) {
    const double after = starts_.edges.together[s] + options_.dt_min;
    if (after > clock_->days()) break;
    const double from = starts_.edges.time[s], to = std::max(from, clock_->moment(after));
    if (to - from > box_max_ || to >= before_) continue;
    pair_starts_.edges.add(from, starts_.edges.position[s], *clock_);
    pair_stops_.edges.add(to, near_.after(to), *clock_);
  }
}

}  // namespace nusky
