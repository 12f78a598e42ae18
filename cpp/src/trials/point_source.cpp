#include "nusky/trials/point_source.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "nusky/kernels/table.hpp"

namespace nusky {
namespace {

// An event just outside the computed arc could be just inside the cut as the fit tests it: a margin costs nothing.
constexpr double margin = 1e-5;

// Half the arc of right ascension, in rad, within which an event can be within `cut` of the source; π where it always can, below 0 where
// it never can.
double half_arc(double cut, double dec, double source_dec) {
  const double difference = std::abs(dec - source_dec);
  if (difference > cut) return -1.0;
  const double hav = std::pow(std::sin(0.5 * std::min(cut, pi)), 2) - std::pow(std::sin(0.5 * difference), 2);
  const double cosines = std::cos(dec) * std::cos(source_dec);
  if (cut >= pi || cosines < 1e-12 || hav >= cosines) return pi;
  return 2.0 * std::asin(std::sqrt(std::max(0.0, hav) / cosines)) * (1.0 + margin) + margin;
}

}  // namespace

PointSource::PointSource(std::vector<std::shared_ptr<const EventColumns>> columns, double ra, double dec,
                         const std::vector<const double*>& times)
    : directions_(1, &ra, &dec), timed_(!times.empty()) {
  for (std::shared_ptr<const EventColumns>& season : columns) {
    PointBackground b;
    for (std::size_t i = 0; i < season->size(); ++i) {
      const double half = half_arc(static_cast<double>(season->cut(i)) * (1.0 + margin) + margin, season->dec(i), dec);
      if (half < 0.0) continue;
      const bool everywhere = half >= pi;
      const double low = std::floor((ra - half) / right_ascension_step), high = std::ceil((ra + half) / right_ascension_step);
      b.item.push_back(static_cast<std::uint32_t>(season->row(i)));
      b.first.push_back(everywhere ? 0 : static_cast<std::uint32_t>(static_cast<std::int64_t>(low)));
      b.width.push_back(everywhere ? 0xffffffffU : static_cast<std::uint32_t>(std::min(high - low, 4294967295.0)));
      b.event.push_back(static_cast<std::uint32_t>(i));
      b.cos_dec.push_back(season->cos_dec(i));
      if (timed_) b.time.push_back(times[seasons_.size()][season->row(i)]);
    }
    for (auto* words : {&b.item, &b.first, &b.width}) words->resize(words->size() + random_room, 0);
    b.columns = std::move(season);
    seasons_.push_back(std::move(b));
  }
}

std::size_t PointSource::n_in_reach() const {
  std::size_t n = 0;
  for (const PointBackground& season : seasons_) n += season.size();
  return n;
}

double SignalTimes::at(double uniform) const {
  const auto above = std::upper_bound(part.begin(), part.end() - 1, uniform);
  const auto i = static_cast<std::size_t>(std::max<std::ptrdiff_t>(above - part.begin(), 1));
  const double width = part[i] - part[i - 1];
  const double later = width > 0.0 ? (uniform - part[i - 1]) / width * (time[i] - time[i - 1]) : 0.0;
  return std::clamp(time[i - 1] + later, time[i - 1], time[i]);
}

PointSignal::PointSignal(std::vector<std::shared_ptr<const EventColumns>> columns, const std::vector<const double*>& ra,
                         const std::vector<const double*>& cumulative, const double* share, std::vector<SignalTimes> times)
    : times_(std::move(times)) {
  double sum = 0.0;
  for (std::size_t k = 0; k < columns.size(); ++k) {
    const std::size_t n = columns[k]->size();
    PointSignalSeason s;
    s.cumulative.assign(cumulative[k], cumulative[k] + n);
    std::vector<double> cos_dec(n);
    s.x.resize(n);
    s.y.resize(n);
    for (std::size_t row = 0; row < n; ++row) {
      s.event.push_back(static_cast<std::uint32_t>(columns[k]->event(row)));
      cos_dec[row] = columns[k]->cos_dec(s.event.back());
    }
    kernels().circle(n, ra[k], cos_dec.data(), s.x.data(), s.y.data());
    if (!(share[k] >= 0.0)) throw std::invalid_argument("share: season " + std::to_string(k) + " must be at least 0");
    if (share[k] > 0.0 && n == 0) throw std::invalid_argument("share: season " + std::to_string(k) + " has no simulated events");
    share_.push_back(sum += share[k]);
    s.columns = std::move(columns[k]);
    seasons_.push_back(std::move(s));
  }
  if (!(sum > 0.0)) throw std::invalid_argument("share: no season has any");
  for (double& c : share_) c /= sum;
}

void PointSignal::draw(std::uint64_t key, std::uint64_t trial, double n_sig, const Poisson* poisson,
                       std::vector<InjectedEvent>& out) const {
  out.clear();
  auto n = static_cast<std::int64_t>(n_sig);
  if (poisson != nullptr) n = poisson->count(uniform_of(random_block(random_place(key, trial, Purpose::signal_count, 0), 0), 0));
  const RandomPlace place = random_place(key, trial, Purpose::signal, 0), when = random_place(key, trial, Purpose::signal_time, 0);
  for (std::int64_t m = 0; m < n; ++m) {
    const RandomBlock block = random_block(place, static_cast<std::uint32_t>(m));
    // the last season, and the last row, of any probability take what rounding leaves
    const auto k = static_cast<std::size_t>(std::upper_bound(share_.begin(), share_.end() - 1, uniform_of(block, 1)) - share_.begin());
    const std::vector<double>& c = seasons_[k].cumulative;
    const double most = std::nextafter(c.back(), 0.0);
    const auto row = std::upper_bound(c.begin(), c.end(), std::min(uniform_of(block, 0), most)) - c.begin();
    double time = std::numeric_limits<double>::quiet_NaN();
    if (!times_.empty()) time = times_[k].at(uniform_of(random_block(when, static_cast<std::uint32_t>(m)), 0));
    out.push_back({static_cast<std::uint32_t>(k), static_cast<std::uint32_t>(row), time});
  }
}

}  // namespace nusky
