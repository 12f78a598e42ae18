#pragma once
#include <functional>
#include <limits>
#include <vector>

#include "nusky/fit/group_fitter.hpp"

namespace nusky {

/// Best fits of many directions, in their order.
struct ScanResult {
  std::vector<double> ts, ns, gamma;
  std::vector<std::int8_t> status;
};

/// Called from the calling thread between chunks with (done, total) directions; return false to stop: what is done is kept.
using Checkpoint = std::function<bool(std::size_t, std::size_t)>;

/// Fits every direction. @param gamma NaN: γ free; @param n_threads 0: all that the process may use
ScanResult scan(const Likelihood& likelihood, const EventIndex& index, const Directions& directions, double gamma, int n_threads,
                const Checkpoint& checkpoint = {});

}  // namespace nusky
