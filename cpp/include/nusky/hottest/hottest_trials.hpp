#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "nusky/events/event_part.hpp"
#include "nusky/hottest/hottest.hpp"
#include "nusky/hottest/scrambles.hpp"
#include "nusky/random/trial_quads.hpp"

namespace nusky {

/// Events of many trials that enter together: those of trial t are the entries first[t] … first[t + 1] − 1 of the part, which has rows.
struct PartOfTrials {
  EventPart part;
  const std::int64_t* first;  ///< (n + 1,)
};

/// Finds the hottest directions of each of n trials of few events, as find_hottest does of one.
/// @param n_events (K,) of every trial
/// @param best (n, priors) row-major
/// @param checkpoint counts trials
/// @return false: the checkpoint stopped it
bool find_hottest_of_trials(const Likelihood& likelihood, const SearchPlan& plan, const std::vector<PartOfTrials>& parts, std::size_t n,
                            const std::vector<double>& n_events, std::optional<double> gamma, int n_threads, Hottest* best,
                            const Checkpoint& checkpoint);

/// The same for trials of whole seasons: their own events are drawn here, and others may be injected.
/// @param injected events of the trials of the request, each of which also counts in the N of its season
/// @param request its numbers alone are used: how much signal there is, `injected` says
bool find_hottest_of_scrambles(const Likelihood& likelihood, const SearchPlan& plan, const Scrambles& scrambles,
                               const std::vector<PartOfTrials>& injected, const TrialRequest& request, std::optional<double> gamma,
                               int n_threads, Hottest* best, const Checkpoint& checkpoint);

}  // namespace nusky
