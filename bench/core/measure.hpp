#pragma once
// An analysis as the core takes it, the work of a scan, and its time.
#include <chrono>
#include <cmath>
#include <ctime>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "healpix.hpp"
#include "nusky/fit/scan.hpp"
#include "reference.hpp"

namespace nusky::bench {

using Clock = std::chrono::steady_clock;
constexpr std::optional<double> gamma_free;

inline double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }
inline double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// Processor time for one thread, which does not see what else the machine does; wall time for more.
class Timer {
 public:
  explicit Timer(int threads) : cpu_(threads == 1), cpu_begin_(cpu_seconds()), begin_(Clock::now()) {}
  double seconds() const { return cpu_ ? cpu_seconds() - cpu_begin_ : seconds_since(begin_); }

 private:
  bool cpu_;
  double cpu_begin_;
  Clock::time_point begin_;
};

struct Setup {
  std::vector<std::shared_ptr<const EventColumns>> columns;
  std::vector<EventPart> parts;
  std::vector<double> n_events;
  std::unique_ptr<Likelihood> likelihood;
  std::size_t events = 0;
};

inline Setup set_up(const reference::Model& m) {
  Setup s;
  const GammaAxis axis(m.gamma_nodes);
  for (std::size_t k = 0; k < m.seasons.size(); ++k) {
    const reference::Season& season = m.seasons[k];
    s.columns.push_back(std::make_shared<EventColumns>(season.ra.size(), season.dec.data(), season.sigma.data(), season.background.data(),
                                                       season.log_ratio.data(), axis, m.cut_n_sigma, 0.0, 0));
    EventPart part;
    part.columns = s.columns.back();
    part.n = season.ra.size();
    part.ra = season.ra.data();
    part.season = static_cast<int>(k);
    s.parts.push_back(part);
    s.n_events.push_back(season.n_events);
    s.events += season.ra.size();
  }
  s.likelihood =
      std::make_unique<Likelihood>(axis, m.sindec_nodes, m.log_acceptance.data(), static_cast<int>(m.seasons.size()), m.extended);
  return s;
}

inline Directions directions_of(const PixelTiles& pixels) {
  return Directions(pixels.ra.size(), pixels.ra.data(), pixels.dec.data(), pixels.tile.data(), pixels.tile_ra.size(), pixels.tile_ra.data(),
                    pixels.tile_dec.data(), pixels.radius.data());
}

/// |ΔTS| of the fits of a few directions against the slow reference.
struct Difference {
  double largest = 0.0, median = 0.0;  ///< the median of those with TS > 0
};
inline Difference check(const reference::Model& m, const PixelTiles& pixels, const ScanResult& result, int n) {
  Difference d;
  std::vector<double> of_fits;
  for (int j = 0; j < n; ++j) {
    const std::size_t i = (static_cast<std::size_t>(j) * 7919 + 13) % pixels.ra.size();
    const reference::Fit expected = reference::fit(m, pixels.ra[i], pixels.dec[i], 49);
    const double difference = std::abs(expected.ts - result.ts[i]);
    d.largest = std::max(d.largest, difference);
    if (expected.ts > 0) of_fits.push_back(difference);
  }
  std::sort(of_fits.begin(), of_fits.end());
  if (!of_fits.empty()) d.median = of_fits[of_fits.size() / 2];
  return d;
}

/// Pairs of a direction and an event, by what must be done with them.
struct Work {
  std::size_t evaluated = 0;  ///< the event is near the direction's tile: S/B is evaluated, and enters the derivative test
  std::size_t pairs = 0;      ///< of these the event's S reaches the direction. What "per pair" means everywhere
  std::size_t fitted = 0;     ///< of these the direction has no proof of TS = 0 (a tile's pairs shared evenly by its directions)
  std::size_t fits = 0;       ///< directions without that proof
};

inline Work count_work(const Setup& setup, const EventIndex& index, const Directions& directions, int threads) {
  Work w;
  const FitModel fit(*setup.likelihood, index, gamma_free, directions.groups().size(), threads);
  GroupFitter fitter(fit);
  for (std::size_t i = 0; i < directions.groups().size(); ++i) {
    const DirectionGroup& g = directions.groups()[i];
    fitter.load(directions, i);
    const std::size_t near = fitter.count_pairs();
    std::size_t open = 0;
    for (std::uint32_t lane = 0; lane < g.count; ++lane) open += !fitter.proven_zero(lane);
    w.evaluated += fitter.n_candidates() * g.count;
    w.pairs += near;
    w.fitted += near * open / g.count;
    w.fits += open;
  }
  return w;
}

/// What a scan asks of a machine at least, if every pair near a tile is looked at once, and every pair of a direction that is
/// fitted enters one sum for each of 16 γ. Counted from the formulas, not from the code: a floor that stays where it is when the
/// code changes. Finding the events, proofs, profiles, Newton's steps and all else that is once for a direction count as nothing.
struct Demand {
  double flops = 0;  ///< single precision, without the exponentials
  double exps = 0;   ///< single precision
  double bytes = 0;  ///< to and from the second-level cache; what a tile's 16 directions share is shared among them
};

constexpr double flops_of_pair = 12;                   // chord² 3 −, 3 ×, 2 +; exponent and weight 2 ×; into one sum × +
constexpr double bytes_of_pair = 7 * 4 / 16.0 + 4;     // 7 columns of the event; S/B written
constexpr double flops_of_fitted = 16 * 2;             // S/B R into the sums at 16 γ
constexpr double bytes_of_fitted = 4 + 16 * 4 / 16.0;  // S/B; 16 ratios of the event

inline Demand demand_of(const Work& w) {
  const auto evaluated = static_cast<double>(w.evaluated), fitted = static_cast<double>(w.fitted);
  return {evaluated * flops_of_pair + fitted * flops_of_fitted, evaluated, evaluated * bytes_of_pair + fitted * bytes_of_fitted};
}

struct Times {
  double index = 1e300, scan = 1e300;  // s
  ScanResult result;                   // of the last scan
};

/// The best of some scans with a new index each, until `repeat` are done or `budget` seconds have passed.
inline Times time_scan(const Setup& setup, const Directions& directions, int threads, int repeat, double budget) {
  Times best;
  const auto begin = Clock::now();
  for (int r = 0; r < repeat && (r == 0 || seconds_since(begin) < budget); ++r) {
    const Timer indexing(threads);
    const EventIndex index(setup.parts, setup.n_events, threads);
    best.index = std::min(best.index, indexing.seconds());
    const Timer scanning(threads);
    best.result = scan(*setup.likelihood, index, directions, gamma_free, threads);
    best.scan = std::min(best.scan, scanning.seconds());
  }
  return best;
}

}  // namespace nusky::bench
