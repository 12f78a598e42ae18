#include "nusky/trials/point_signal.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "nusky/kernels/table.hpp"

namespace nusky {

double SignalTimes::at(double uniform) const {
  const auto above = std::upper_bound(part.begin(), part.end() - 1, uniform);
  const auto i = static_cast<std::size_t>(std::max<std::ptrdiff_t>(above - part.begin(), 1));
  const double width = part[i] - part[i - 1];
  const double later = width > 0.0 ? (uniform - part[i - 1]) / width * (time[i] - time[i - 1]) : 0.0;
  return std::clamp(time[i - 1] + later, time[i - 1], time[i]);
}

PointSignal::PointSignal(std::vector<std::shared_ptr<const PointRecords>> records, const std::vector<const double*>& ra,
                         const std::vector<const double*>& cumulative, const double* share, std::vector<SignalTimes> times)
    : times_(std::move(times)) {
  double sum = 0.0;
  for (std::size_t k = 0; k < records.size(); ++k) {
    const EventColumns& columns = records[k]->columns();
    const std::size_t n = columns.size();
    PointSignalSeason s;
    s.cumulative.assign(cumulative[k], cumulative[k] + n);
    s.ra.assign(ra[k], ra[k] + n);
    std::vector<double> cos_dec(n);
    s.x.resize(n);
    s.y.resize(n);
    for (std::size_t row = 0; row < n; ++row) {
      s.event.push_back(static_cast<std::uint32_t>(columns.event(row)));
      cos_dec[row] = columns.cos_dec(s.event.back());
    }
    kernels().circle(n, ra[k], cos_dec.data(), s.x.data(), s.y.data());
    if (!(share[k] >= 0.0)) throw std::invalid_argument("share: season " + std::to_string(k) + " must be at least 0");
    if (share[k] > 0.0 && n == 0) throw std::invalid_argument("share: season " + std::to_string(k) + " has no simulated events");
    share_.push_back(sum += share[k]);
    s.records = std::move(records[k]);
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
