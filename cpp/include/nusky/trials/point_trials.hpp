#pragma once
#include <cstdint>
#include <optional>

#include "nusky/fit/scan.hpp"
#include "nusky/trials/point_source.hpp"
#include "nusky/trials/trial_quads.hpp"

namespace nusky {

/// Draws and fits trials of a source, each a function of (key, number) alone.
/// @param rows (n, columns) row-major: ts, ns and, with three columns, γ
/// @return how many are done, from the first on: fewer than n where the checkpoint stopped
std::size_t fit_point_trials(const Likelihood& likelihood, const PointSource& source, const PointSignal* signal,
                             std::optional<double> gamma, const TrialRequest& request, int columns, double* rows, int n_threads,
                             const Checkpoint& checkpoint);

}  // namespace nusky
