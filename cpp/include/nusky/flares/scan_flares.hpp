#pragma once
#include <cstdint>
#include <vector>

#include "nusky/fit/scan.hpp"
#include "nusky/flares/flare_search.hpp"
#include "nusky/sphere/directions.hpp"

namespace nusky {

/// Best flare of every direction, (P,) each; see FlareFit.
struct FlareScan {
  std::vector<double> ts, ns, gamma, start, stop, days;
  std::vector<std::int8_t> status;
  explicit FlareScan(std::size_t n);
  void set(std::size_t i, const FlareFit& fit);
};

/// Searches every direction for its best flare. @param index timed
/// @param prior_terms (J, P), −∞ where a direction is excluded; nullptr: none. With them only the directions of the largest ts + term of
/// each
///   prior get their best flare, to the last bit; the others may have a smaller ts, or none.
FlareScan scan_flares(const Likelihood& likelihood, const Clock& clock, const FlareOptions& options, const EventIndex& index,
                      const Directions& directions, const double* prior_terms, std::size_t n_priors, int n_threads,
                      const Checkpoint& checkpoint);

/// All flares of every direction: sums of their ts, ns and days, with γ, start, stop and status of the best one, and how many there are.
struct AllFlaresScan {
  FlareScan sums;
  std::vector<std::int64_t> count;
};

/// See FlareSearch::find_all.
AllFlaresScan scan_all_flares(const Likelihood& likelihood, const Clock& clock, const FlareOptions& options, const EventIndex& index,
                              const Directions& directions, double least_ts, int n_threads, const Checkpoint& checkpoint);

}  // namespace nusky
