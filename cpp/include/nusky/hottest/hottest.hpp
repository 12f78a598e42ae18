#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "nusky/fit/group_fitter.hpp"
#include "nusky/hottest/plan.hpp"
#include "nusky/threads.hpp"

namespace nusky {

/// Hottest direction of one prior: the largest ts + term.
struct Hottest {
  std::int64_t direction = -1;  ///< −1: every term is −∞; the lowest of several equal ones
  double ts_prior = 0.0;        ///< ts + term
  DirectionFit fit;
};

struct HottestResult {
  std::vector<Hottest> best;  // per prior
  std::size_t n_fitted = 0;   ///< directions that got a fit
  bool interrupted = false;
};

/// Finds max over directions of ts + term for every prior of the plan, the same to the last bit as from a whole scan.
///
/// With `prune`, directions are dropped as soon as a bound on ts that holds for every γ shows that they cannot win; see Survey.
HottestResult find_hottest(const Likelihood& likelihood, const EventIndex& index, const SearchPlan& plan, std::optional<double> gamma,
                           int n_threads, bool prune, const Checkpoint& checkpoint = {});

}  // namespace nusky
