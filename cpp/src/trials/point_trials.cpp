#include "nusky/trials/point_trials.hpp"

#include <memory>
#include <vector>

#include "nusky/threads.hpp"
#include "nusky/trials/point_fitter.hpp"
#include "nusky/trials/trial_loop.hpp"

namespace nusky {

std::size_t fit_point_trials(const Likelihood& likelihood, const PointSource& source, const PointSignal* signal,
                             std::optional<double> gamma, const TrialRequest& request, int columns, double* rows, int n_threads,
                             const Checkpoint& checkpoint) {
  const int threads = resolve_threads(n_threads);
  std::vector<std::unique_ptr<PointFitter>> fitters;
  for (int t = 0; t < threads; ++t) fitters.push_back(std::make_unique<PointFitter>(likelihood, source, signal, gamma));
  const auto write = [&](std::size_t i, const DirectionFit& fit) {
    double* row = rows + i * static_cast<std::size_t>(columns);
    row[0] = fit.ts;
    row[1] = fit.ns;
    if (columns > 2) row[2] = fit.gamma;
  };
  return run_trials(request, fitters, write, checkpoint);
}

}  // namespace nusky
