#include "nusky/hottest/hottest_trials.hpp"

#include <algorithm>
#include <memory>

namespace nusky {
namespace {

void append_parts(const std::vector<PartOfTrials>& parts, std::size_t trial, std::vector<EventPart>& mine) {
  for (const PartOfTrials& all : parts) {
    EventPart part = all.part;
    const auto first = static_cast<std::size_t>(all.first[trial]);
    part.n = static_cast<std::size_t>(all.first[trial + 1]) - first;
    part.ra += first;
    part.rows += first;
    if (part.factor != nullptr) part.factor += first;
    part.few = true;  // the columns hold the events of all trials
    mine.push_back(std::move(part));
  }
}

// The work space of a thread.
struct Worker {
  explicit Worker(const Scrambles& scrambles) : drawn(scrambles) {}
  DrawnScrambles drawn;
  EventIndex index;
  std::vector<EventPart> parts;
};

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
        std::vector<EventPart> mine;
        append_parts(parts, trial, mine);
        const EventIndex index(mine, n_events, inside ? threads : 1);
        const HottestResult found = find_hottest(likelihood, index, plan, gamma, inside ? threads : 1, true);
        std::copy(found.best.begin(), found.best.end(), best + trial * plan.n_priors());
      },
      [&](std::size_t done) { return !checkpoint || checkpoint(done, n); });
}

bool find_hottest_of_scrambles(const Likelihood& likelihood, const SearchPlan& plan, const Scrambles& scrambles,
                               const std::vector<PartOfTrials>& injected, const TrialRequest& request, std::optional<double> gamma,
                               int n_threads, Hottest* best, const Checkpoint& checkpoint) {
  const int threads = resolve_threads(n_threads);
  const std::vector<TrialQuad> quads = quads_of(request);
  const bool inside = quads.size() < static_cast<std::size_t>(threads);
  std::vector<std::unique_ptr<Worker>> workers;
  for (int t = 0; t < (inside ? 1 : threads); ++t) workers.push_back(std::make_unique<Worker>(scrambles));
  const auto search = [&](Worker& worker, std::size_t i) {
    std::vector<EventPart>& parts = worker.parts;
    parts.clear();
    worker.drawn.append(static_cast<std::size_t>(request.number[i]) % trials_of_block, parts);
    std::vector<double> n_events;
    for (const EventPart& season : parts) n_events.push_back(static_cast<double>(season.columns->size()));
    append_parts(injected, i, parts);
    for (std::size_t p = n_events.size(); p < parts.size(); ++p)
      n_events[static_cast<std::size_t>(parts[p].season)] += static_cast<double>(parts[p].n);
    worker.index.fill(parts, std::move(n_events), inside ? threads : 1);
    const HottestResult found = find_hottest(likelihood, worker.index, plan, gamma, inside ? threads : 1, true);
    std::copy(found.best.begin(), found.best.end(), best + i * plan.n_priors());
  };
  return run_in_batches(
      quads.size(), static_cast<int>(workers.size()), 1, 1,
      [&](std::size_t thread, std::size_t q) {
        Worker& worker = *workers[thread];
        worker.drawn.draw(request.key, static_cast<std::uint64_t>(request.number[quads[q].first]) / trials_of_block);
        for (std::size_t i = quads[q].first; i < quads[q].last; ++i) search(worker, i);
      },
      [&](std::size_t n) { return !checkpoint || checkpoint(quads[n - 1].last, request.n); });
}

}  // namespace nusky
