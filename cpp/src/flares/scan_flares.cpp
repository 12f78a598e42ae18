#include "nusky/flares/scan_flares.hpp"

#include <algorithm>
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

FlareScan scan_flares(const Likelihood& likelihood, const Clock& clock, const FlareOptions& options, const EventIndex& index,
                      const Directions& directions, int n_threads, const Checkpoint& checkpoint) {
  if (!index.timed()) throw std::invalid_argument("index: its events need times");
  if (index.n_seasons() != likelihood.n_seasons()) throw std::invalid_argument("index and likelihood must have as many seasons");
  if (index.size() > 0 && index.axis().nodes() != likelihood.axis().nodes())
    throw std::invalid_argument("gamma_nodes of the event columns and of the likelihood differ");
  kernels();  // throws for an unknown level, so not inside a parallel region
  const std::size_t n = directions.size();
  const int threads = n < 2 ? 1 : resolve_threads(n_threads);
  FlareScan out(n);
  std::vector<std::unique_ptr<FlareSearch>> searches;
  for (int t = 0; t < threads; ++t) searches.push_back(std::make_unique<FlareSearch>(likelihood, clock, options));
  // in the order of the tiles: neighbours read the same events
  const auto work = [&](std::size_t thread, std::size_t i) {
    const std::size_t at = directions.order()[i];
    out.set(at, searches[thread]->find(index, directions.vector(at)));
  };
  run_in_batches(n, threads, 16, 16, work, [&](std::size_t done) { return !checkpoint || checkpoint(done, n); });
  return out;
}

}  // namespace nusky
