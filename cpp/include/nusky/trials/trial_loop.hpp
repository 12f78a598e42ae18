#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "nusky/random/philox.hpp"
#include "nusky/random/poisson.hpp"
#include "nusky/random/trial_quads.hpp"
#include "nusky/threads.hpp"

namespace nusky {

/// Draws and fits the trials of a request, one fitter a thread.
/// @param fitters have draw(key, quad) and fit(w, n_sig, poisson)
/// @param write (i, fit) keeps the fit of trial i of the request; from any thread
/// @return how many are done, from the first on
template <class Fitter, class Write>
std::size_t run_trials(const TrialRequest& request, const std::vector<std::unique_ptr<Fitter>>& fitters, const Write& write,
                       const Checkpoint& checkpoint) {
  const std::optional<Poisson> counts = request.poisson ? std::optional<Poisson>(request.n_sig) : std::nullopt;
  const std::vector<TrialQuad> quads = quads_of(request);
  const auto fit_quad = [&](std::size_t thread, std::size_t q) {
    Fitter& fitter = *fitters[thread];
    const TrialQuad& quad = quads[q];
    fitter.draw(request.key, static_cast<std::uint64_t>(request.number[quad.first]) / trials_of_block);
    for (std::size_t i = quad.first; i < quad.last; ++i)
      write(i, fitter.fit(static_cast<std::size_t>(request.number[i]) % trials_of_block, request.n_sig, counts ? &*counts : nullptr));
  };
  std::size_t done = 0;
  run_in_batches(quads.size(), static_cast<int>(fitters.size()), first_quads, quads_at_once, fit_quad, [&](std::size_t n) {
    done = quads[n - 1].last;
    return !checkpoint || checkpoint(done, request.n);
  });
  return done;
}

}  // namespace nusky
