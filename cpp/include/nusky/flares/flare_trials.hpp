#pragma once
#include <vector>

#include "nusky/flares/flare_search.hpp"
#include "nusky/trials/point_events.hpp"
#include "nusky/trials/point_trials.hpp"

namespace nusky {

/// Draws trials of a source at a fixed position and searches them for flares; the work space of one thread.
class FlareFitter {
 public:
  /// @param source timed;  @param signal with times, or nullptr: nothing is injected
  FlareFitter(const Likelihood& likelihood, const Clock& clock, const FlareOptions& options, const PointSource& source,
              const PointSignal* signal);

  /// See PointEvents.
  void draw(std::uint64_t key, std::uint64_t quad) { events_.draw(key, quad); }
  FlareFit fit(std::size_t w, double n_sig, const Poisson* poisson);
  FlareFit fit(const std::vector<EventPart>& parts, const double* n_events);
  std::vector<FlareFit> fit_all(const std::vector<EventPart>& parts, const double* n_events, double least_ts);
  const FlareSearch& search() const { return search_; }

 private:
  FlareFit find();
  PointEvents events_;
  FlareSearch search_;
};

/// As fit_point_trials. @param rows (n, columns) row-major: ts, ns, γ with five columns, start, and days from start to end
std::size_t fit_flare_trials(const Likelihood& likelihood, const Clock& clock, const FlareOptions& options, const PointSource& source,
                             const PointSignal* signal, const TrialRequest& request, int columns, double* rows, int n_threads,
                             const Checkpoint& checkpoint);

}  // namespace nusky
