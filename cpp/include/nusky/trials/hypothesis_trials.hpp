#pragma once
#include "nusky/random/trial_quads.hpp"
#include "nusky/threads.hpp"
#include "nusky/trials/hypothesis_fitter.hpp"

namespace nusky {

/// Draws the backgrounds of trials, adds what is injected, and fits a hypothesis; each trial is a function of (key, number) and of its
/// injected events alone.
/// @param injected (K,), of trials in the order of the request, or empty
/// @param rows (n, columns) row-major: ts, ns and, with three columns, γ
/// @return how many are done, from the first on: fewer than n where the checkpoint stopped
std::size_t fit_hypothesis_trials(const Likelihood& likelihood, const Hypothesis& hypothesis, const std::vector<InjectedSeason>& injected,
                                  std::optional<double> gamma, const TrialRequest& request, int columns, double* rows, int n_threads,
                                  const Checkpoint& checkpoint);

}  // namespace nusky
