#include "nusky/trials/point_trials.hpp"

#include <memory>
#include <optional>
#include <vector>

#include "nusky/threads.hpp"
#include "nusky/trials/point_fitter.hpp"

namespace nusky {

std::size_t fit_point_trials(const Likelihood& likelihood, const PointSource& source, const PointSignal* signal,
                             std::optional<double> gamma, const TrialRequest& request, int columns, double* rows, int n_threads,
                             const Checkpoint& checkpoint) {
  const int threads = resolve_threads(n_threads);
  const std::optional<Poisson> counts = request.poisson ? std::optional<Poisson>(request.n_sig) : std::nullopt;
  std::vector<std::unique_ptr<PointFitter>> fitters;
  for (int t = 0; t < threads; ++t) fitters.push_back(std::make_unique<PointFitter>(likelihood, source, signal, gamma));
  const std::vector<TrialQuad> quads = quads_of(request);
  const auto fit_quad = [&](std::size_t thread, std::size_t q) {
    PointFitter& fitter = *fitters[thread];
    const TrialQuad& quad = quads[q];
    fitter.draw(request.key, static_cast<std::uint64_t>(request.number[quad.first]) / trials_of_block);
    for (std::size_t i = quad.first; i < quad.last; ++i) {
      const std::size_t w = static_cast<std::size_t>(request.number[i]) % trials_of_block;
      const DirectionFit fit = fitter.fit(w, request.n_sig, counts ? &*counts : nullptr);
      double* row = rows + i * static_cast<std::size_t>(columns);
      row[0] = fit.ts;
      row[1] = fit.ns;
      if (columns > 2) row[2] = fit.gamma;
    }
  };
  std::size_t done = 0;
  run_in_batches(quads.size(), threads, first_quads, quads_at_once, fit_quad, [&](std::size_t n) {
    done = quads[n - 1].last;
    return !checkpoint || checkpoint(done, request.n);
  });
  return done;
}

}  // namespace nusky
