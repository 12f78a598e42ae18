#include "nusky/flares/flare_trials.hpp"

#include <stdexcept>

#include "nusky/trials/trial_loop.hpp"

namespace nusky {

FlareFitter::FlareFitter(const Likelihood& likelihood, const Clock& clock, const FlareOptions& options, const PointSource& source,
                         const PointSignal* signal)
    : events_(likelihood.axis(), source, signal), search_(likelihood, clock, options) {
  if (!source.timed()) throw std::invalid_argument("source: its events need times");
}

FlareFit FlareFitter::fit(std::size_t w, double n_sig, const Poisson* poisson) {
  events_.take(w, n_sig, poisson);
  return find();
}

FlareFit FlareFitter::fit(const std::vector<EventPart>& parts, const double* n_events) {
  events_.take(parts, n_events);
  return find();
}

std::vector<FlareFit> FlareFitter::fit_all(const std::vector<EventPart>& parts, const double* n_events, double least_ts) {
  events_.take(parts, n_events);
  return search_.find_all(events_.index(), events_.source().directions().vector(0), least_ts);
}

FlareFit FlareFitter::find() { return search_.find(events_.index(), events_.source().directions().vector(0)); }

std::size_t fit_flare_trials(const Likelihood& likelihood, const Clock& clock, const FlareOptions& options, const PointSource& source,
                             const PointSignal* signal, const TrialRequest& request, int columns, double* rows, int n_threads,
                             const Checkpoint& checkpoint) {
  const int threads = resolve_threads(n_threads);
  std::vector<std::unique_ptr<FlareFitter>> fitters;
  for (int t = 0; t < threads; ++t) fitters.push_back(std::make_unique<FlareFitter>(likelihood, clock, options, source, signal));
  const auto write = [&](std::size_t i, const FlareFit& fit) {
    double* row = rows + i * static_cast<std::size_t>(columns);
    *row++ = fit.ts;
    *row++ = fit.ns;
    if (columns > 4) *row++ = fit.gamma;
    *row++ = fit.start;
    *row++ = options.curve == nullptr ? fit.stop - fit.start : fit.stop;
  };
  return run_trials(request, fitters, write, checkpoint);
}

}  // namespace nusky
