#include "nusky/flares/scan_flares.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>

#include "nusky/kernels/table.hpp"

namespace nusky {

FlareScan::FlareScan(std::size_t n)
    : ts(n, 0.0),
      ns(n, 0.0),
      gamma(n, std::numeric_limits<double>::quiet_NaN()),
      start(gamma),
      stop(gamma),
      days(n, 0.0),
      status(n, static_cast<std::int8_t>(Status::not_scanned)) {}

void FlareScan::set(std::size_t i, const FlareFit& fit) {
  ts[i] = fit.ts;
  ns[i] = fit.ns;
  gamma[i] = fit.gamma;
  start[i] = fit.start;
  stop[i] = fit.stop;
  days[i] = fit.days;
  status[i] = static_cast<std::int8_t>(fit.status);
}

namespace {

/// The largest ts + term of each prior so far, seen by all threads.
class Hottest {
 public:
  Hottest(const double* terms, std::size_t n_priors, std::size_t n_directions)
      : terms_(terms), n_directions_(n_directions), best_(n_priors) {
    for (std::size_t j = 0; j < n_priors; ++j) {
      double best = -std::numeric_limits<double>::infinity();  // ts is at least 0
      for (std::size_t i = 0; i < n_directions; ++i) best = std::max(best, term(j, i));
      best_[j].store(best, std::memory_order_relaxed);
    }
  }
  /// The ts above which a direction may be that of some prior; infinite where none wants it.
  double need(std::size_t i) const {
    if (terms_ == nullptr) return 0.0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t j = 0; j < best_.size(); ++j)
      if (term(j, i) > -std::numeric_limits<double>::infinity()) {
        const double best = best_[j].load(std::memory_order_relaxed);
        least = std::min(least, best - term(j, i) - 1e-9 * (1.0 + std::abs(best)));  // of equal ones the first is wanted
      }
    return least;
  }
  void found(std::size_t i, double ts) {
    for (std::size_t j = 0; j < best_.size(); ++j) {
      double before = best_[j].load(std::memory_order_relaxed);
      while (before < ts + term(j, i) && !best_[j].compare_exchange_weak(before, ts + term(j, i), std::memory_order_relaxed)) {
      }
    }
  }

 private:
  double term(std::size_t j, std::size_t i) const { return terms_[j * n_directions_ + i]; }
  const double* terms_;
  std::size_t n_directions_;
  std::vector<std::atomic<double>> best_;
};

void require_fitting(const Likelihood& likelihood, const EventIndex& index) {
  if (!index.timed()) throw std::invalid_argument("index: its events need times");
  if (index.n_seasons() != likelihood.n_seasons()) throw std::invalid_argument("index and likelihood must have as many seasons");
  if (index.size() > 0 && index.axis().nodes() != likelihood.axis().nodes())
    throw std::invalid_argument("gamma_nodes of the event columns and of the likelihood differ");
  kernels();  // throws for an unknown level, so not inside a parallel region
}

/// Calls work(search, direction) for all directions, neighbours after each other: they read the same events.
template <class Work>
void for_directions(const Likelihood& likelihood, const Clock& clock, const FlareOptions& options, const Directions& directions,
                    int n_threads, const Checkpoint& checkpoint, const Work& work) {
  const std::size_t n = directions.size();
  const int threads = n < 2 ? 1 : resolve_threads(n_threads);
  std::vector<std::unique_ptr<FlareSearch>> searches;
  for (int t = 0; t < threads; ++t) searches.push_back(std::make_unique<FlareSearch>(likelihood, clock, options));
  run_in_batches(
      n, threads, 16, 16, [&](std::size_t thread, std::size_t i) { work(*searches[thread], directions.order()[i]); },
      [&](std::size_t done) { return !checkpoint || checkpoint(done, n); });
}

}  // namespace

FlareScan scan_flares(const Likelihood& likelihood, const Clock& clock, const FlareOptions& options, const EventIndex& index,
                      const Directions& directions, const double* prior_terms, std::size_t n_priors, int n_threads,
                      const Checkpoint& checkpoint) {
  require_fitting(likelihood, index);
  const std::size_t n = directions.size();
  FlareScan out(n);
  Hottest hottest(prior_terms, prior_terms == nullptr ? 0 : n_priors, n);
  const auto work = [&](FlareSearch& search, std::size_t at) {
    const double need = hottest.need(at);
    if (need == std::numeric_limits<double>::infinity()) return;
    FlareFit fit = search.find(index, directions.vector(at), need);
    if (need > 0.0 && fit.ts > 0.0) fit = search.find(index, directions.vector(at));  // to the last bit what it is without a need
    hottest.found(at, fit.ts);
    out.set(at, fit);
  };
  for_directions(likelihood, clock, options, directions, n_threads, checkpoint, work);
  return out;
}

AllFlaresScan scan_all_flares(const Likelihood& likelihood, const Clock& clock, const FlareOptions& options, const EventIndex& index,
                              const Directions& directions, double least_ts, int n_threads, const Checkpoint& checkpoint) {
  require_fitting(likelihood, index);
  // find_all refuses them too, but what threads do must not throw
  if (options.gaussian || options.start || options.stop || options.middle || options.curve != nullptr)
    throw std::invalid_argument("several flares: only of boxes with free start and end");
  AllFlaresScan out{FlareScan(directions.size()), std::vector<std::int64_t>(directions.size(), 0)};
  const auto work = [&](FlareSearch& search, std::size_t at) {
    const std::vector<FlareFit> flares = search.find_all(index, directions.vector(at), least_ts);
    FlareFit sum;
    sum.status = search.n_near() == 0 ? Status::no_events : Status::no_excess;
    if (!flares.empty()) {
      sum = flares.front();  // the best one
      for (std::size_t i = 1; i < flares.size(); ++i) {
        sum.ts += flares[i].ts;
        sum.ns += flares[i].ns;
        sum.days += flares[i].days;
      }
    }
    out.sums.set(at, sum);
    out.count[at] = static_cast<std::int64_t>(flares.size());
  };
  for_directions(likelihood, clock, options, directions, n_threads, checkpoint, work);
  return out;
}

}  // namespace nusky
