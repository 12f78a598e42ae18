#include "nusky/trials/hypothesis_trials.hpp"

#include <memory>

namespace nusky {
namespace {

// Trials of a hypothesis are long: fewer at a time than those of a position.
constexpr std::size_t first_batch = 1, grain = 1;

}  // namespace

std::size_t fit_hypothesis_trials(const Likelihood& likelihood, const Hypothesis& hypothesis, const std::vector<InjectedSeason>& injected,
                                  std::optional<double> gamma, const TrialRequest& request, int columns, double* rows, int n_threads,
                                  const Checkpoint& checkpoint) {
  const int threads = resolve_threads(n_threads);
  std::vector<std::unique_ptr<HypothesisFitter>> fitters;
  for (int t = 0; t < threads; ++t) fitters.push_back(std::make_unique<HypothesisFitter>(likelihood, hypothesis, gamma));
  const std::vector<TrialQuad> quads = quads_of(request);
  const auto fit_quad = [&](std::size_t thread, std::size_t q) {
    HypothesisFitter& fitter = *fitters[thread];
    const TrialQuad& quad = quads[q];
    fitter.draw(request.key, static_cast<std::uint64_t>(request.number[quad.first]) / trials_of_block);
    for (std::size_t i = quad.first; i < quad.last; ++i) {
      const DirectionFit fit = fitter.fit(static_cast<std::size_t>(request.number[i]) % trials_of_block, injected, i);
      double* row = rows + i * static_cast<std::size_t>(columns);
      row[0] = fit.ts;
      row[1] = fit.ns;
      if (columns > 2) row[2] = fit.gamma;
    }
  };
  std::size_t done = 0;
  run_in_batches(quads.size(), threads, first_batch, grain, fit_quad, [&](std::size_t n) {
    done = quads[n - 1].last;
    return !checkpoint || checkpoint(done, request.n);
  });
  return done;
}

}  // namespace nusky
