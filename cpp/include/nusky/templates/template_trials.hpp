#pragma once
#include <memory>
#include <vector>

#include "nusky/random/trial_quads.hpp"
#include "nusky/templates/template_fitter.hpp"
#include "nusky/threads.hpp"

namespace nusky {

/// Events injected into the trials of a batch, season by season: those of trial i are first[i] … first[i + 1] − 1.
struct InjectedTemplate {
  std::shared_ptr<const TemplateEvents> events;
  std::vector<std::uint32_t> word;  ///< (n,) of their right ascensions in the order of the rows, with room for template_room more
  const std::int64_t* first;        ///< (trials + 1,)
};

/// Draws the backgrounds of trials, adds what is injected, and fits a template; each trial is a function of (key, number) and of its
/// injected events alone.
/// @param injected (K,), of trials in the order of the request, or empty
/// @param rows (n, columns) row-major: ts, ns and, with three columns, γ
/// @return how many are done, from the first on: fewer than n where the checkpoint stopped
std::size_t fit_template_trials(const SkyTemplate& sky, const std::vector<InjectedTemplate>& injected, const TrialRequest& request,
                                int columns, double* rows, int n_threads, const Checkpoint& checkpoint);

}  // namespace nusky
