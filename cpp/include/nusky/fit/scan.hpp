#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "nusky/fit/group_fitter.hpp"
#include "nusky/threads.hpp"

namespace nusky {

/// Best fits of many directions, in their order.
struct ScanResult {
  std::vector<double> ts, ns, gamma;
  std::vector<std::int8_t> status;
};

/// Fits every direction. @param gamma none: γ free; @param n_threads 0: all that the process may use
/// @param checkpoint counts directions
ScanResult scan(const Likelihood& likelihood, const EventIndex& index, const Directions& directions, std::optional<double> gamma,
                int n_threads, const Checkpoint& checkpoint = {});

}  // namespace nusky
