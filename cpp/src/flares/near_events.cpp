#include "nusky/flares/near_events.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace nusky {
namespace {

// S/B of an event at a squared chord within its cut; ψ²/d² − 1 as a series, see kernels/tile.inl.
double spatial(const SpatialTerm& s, double d2) {
  const double series =
      ((((1.1892607e-5 * d2 + 6.0125060e-5) * d2 + 3.1746032e-4) * d2 + 1.7857143e-3) * d2 + 1.1111111e-2) * d2 + 8.3333333e-2;
  return static_cast<double>(s.weight) *
         std::exp(-static_cast<double>(s.rate) * d2 * (1.0 + static_cast<double>(s.gaussian) * series * d2));
}

constexpr std::uint32_t ahead = 12;  // events that are fetched meanwhile

// By time: by the 33 leading bits of where in the span it is, then the few that are out of order one by one.
template <class Item>
void sort_by_time(std::vector<Item>& items, std::vector<Item>& spare) {
  const std::size_t n = items.size();
  if (n < 64) {
    std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.time < b.time; });
    return;
  }
  double first = items[0].time, last = first;
  for (const Item& i : items) {
    first = std::min(first, i.time);
    last = std::max(last, i.time);
  }
  constexpr int bits = 11, passes = 3;
  const double scale = last > first ? (std::pow(2.0, bits * passes) - 1.0) / (last - first) : 0.0;
  const auto key = [&](const Item& i) { return static_cast<std::uint64_t>((i.time - first) * scale); };
  spare.resize(n);
  std::array<std::array<std::uint32_t, 1 << bits>, passes> count{};
  for (const Item& i : items)
    for (int p = 0; p < passes; ++p) ++count[static_cast<std::size_t>(p)][(key(i) >> (bits * p)) & ((1 << bits) - 1)];
  for (int p = 0; p < passes; ++p) {
    std::uint32_t sum = 0;
    for (std::uint32_t& c : count[static_cast<std::size_t>(p)]) sum += std::exchange(c, sum);
    for (const Item& i : items) spare[count[static_cast<std::size_t>(p)][(key(i) >> (bits * p)) & ((1 << bits) - 1)]++] = i;
    items.swap(spare);
  }
  for (std::size_t i = 1; i < n; ++i)
    for (std::size_t j = i; j > 0 && items[j].time < items[j - 1].time; --j) std::swap(items[j], items[j - 1]);
}

}  // namespace

void NearInTime::gather(const EventIndex& index, const Vec3& direction, const double* days) {
  found_.clear();
  const auto K = static_cast<std::size_t>(index.n_seasons());
  per_season.assign(K, 0.0);
  for (std::size_t k = 0; k < K; ++k) {
    index.near(static_cast<int>(k), direction, 0.0, ranges_);
    const std::size_t before = found_.size();
    for (const EventRange& range : ranges_)
      for (std::uint32_t i = range.first; i < range.last; ++i) {
        __builtin_prefetch(&index.record(std::min(i + ahead, range.last - 1)));
        const EventRecord& e = index.record(i);
        const Vec3 off = index.vector(i) - direction;
        const double d2 = off.squaredNorm();
        if (d2 > static_cast<double>(e.spatial.cut)) continue;
        found_.push_back({index.time(i), spatial(e.spatial, d2), i, static_cast<std::uint32_t>(k)});
      }
    per_season[k] = static_cast<double>(found_.size() - before);
  }
  sort_by_time(found_, sorted_);
  const std::size_t n = found_.size();
  for (auto* column : {&time, &weight, &ratio}) column->resize(n);
  for (auto* column : {&peak, &lift}) column->resize(n);
  season.resize(n);
  lanes_.resize(n * n_coarse_gamma);
  segment_.clear();
  log_ratio.resize(n + n_coarse_gamma);
  for (std::size_t j = 0; j < n; ++j) {
    const Found& f = found_[j];
    const EventRecord& e = index.record(f.event);
    if (j + ahead < n) __builtin_prefetch(index.record(found_[j + ahead].event).ratio);
    time[j] = f.time;
    ratio[j] = f.ratio;
    weight[j] = f.ratio * (days[f.season] / index.n_events(static_cast<int>(f.season)));
    peak[j] = e.peak;
    lift[j] = e.lift;
    season[j] = f.season;
    log_ratio[j] = e.log_ratio;
    if (e.ratio != nullptr)
      for (std::size_t l = 0; l < n_coarse_gamma; ++l) lanes_[l * n + j] = e.ratio[l];
    if (j == 0 || season[j] != season[j - 1]) segment_.push_back(j);
  }
  segment_.push_back(n);
  for (std::size_t j = n; j < n + n_coarse_gamma; ++j) {
    log_ratio[j] = n > 0 ? log_ratio[0] : nullptr;
  }
}

std::size_t NearInTime::not_before(double t) const {
  return static_cast<std::size_t>(std::lower_bound(time.begin(), time.end(), t) - time.begin());
}
std::size_t NearInTime::after(double t) const {
  return static_cast<std::size_t>(std::upper_bound(time.begin(), time.end(), t) - time.begin());
}

}  // namespace nusky
