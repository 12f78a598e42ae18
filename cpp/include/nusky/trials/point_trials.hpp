#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "nusky/likelihood/likelihood.hpp"
#include "nusky/random/trial_quads.hpp"
#include "nusky/threads.hpp"
#include "nusky/trials/point_signal.hpp"
#include "nusky/trials/point_source.hpp"

namespace nusky {

/// Events that are injected into the trials of a batch, of one season: those of trial i are first[i] … first[i + 1] − 1.
struct InjectedRecords {
  std::shared_ptr<const PointRecords> records;
  const double* ra;           ///< (n,) rad, by row
  const std::int64_t* first;  ///< (trials + 1,)
};

/// Sources that are fitted one by one to the same trials, and what is injected into these.
struct PointSources {
  std::vector<std::shared_ptr<const PointSource>> source;
  const PointSignal* signal = nullptr;                 ///< drawn for each trial; nullptr: nothing
  std::vector<std::vector<InjectedRecords>> injected;  ///< per source (K,); empty: nothing
  std::size_t n_positions() const;
};

/// Draws trials and fits every position of every source to each; a fit is a function of (key, number), of what is injected and of its
/// position alone.
/// @param rows (n, positions, columns) row-major: ts and, where there are more columns, ns and γ
/// @return how many trials are done, from the first on: fewer than n where the checkpoint stopped
std::size_t fit_point_trials(const Likelihood& likelihood, const PointSources& sources, const TrialRequest& request, int columns,
                             double* rows, int n_threads, const Checkpoint& checkpoint);

}  // namespace nusky
