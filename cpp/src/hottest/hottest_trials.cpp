#include "nusky/hottest/hottest_trials.hpp"

#include <algorithm>

namespace nusky {
namespace {

std::vector<EventPart> parts_of(const std::vector<PartOfTrials>& parts, std::size_t trial) {
  std::vector<EventPart> mine;
  for (const PartOfTrials& all : parts) {
    EventPart part = all.part;
    const auto first = static_cast<std::size_t>(all.first[trial]);
    part.n = static_cast<std::size_t>(all.first[trial + 1]) - first;
    part.ra += first;
    part.rows += first;
    if (part.factor != nullptr) part.factor += first;
    mine.push_back(std::move(part));
  }
  return mine;
}

}  // namespace

bool find_hottest_of_trials(const Likelihood& likelihood, const SearchPlan& plan, const std::vector<PartOfTrials>& parts, std::size_t n,
                            const std::vector<double>& n_events, std::optional<double> gamma, int n_threads, Hottest* best,
                            const Checkpoint& checkpoint) {
  const int threads = resolve_threads(n_threads);
  // a thread for each trial; too few trials for that share the threads inside each
  const bool inside = n < static_cast<std::size_t>(threads);
  return run_in_batches(
      n, inside ? 1 : threads, 4, 1,
      [&](std::size_t, std::size_t trial) {
        const EventIndex index(parts_of(parts, trial), n_events, inside ? threads : 1, true);
        const HottestResult found = find_hottest(likelihood, index, plan, gamma, inside ? threads : 1, true);
        std::copy(found.best.begin(), found.best.end(), best + trial * plan.n_priors());
      },
      [&](std::size_t done) { return !checkpoint || checkpoint(done, n); });
}

}  // namespace nusky
