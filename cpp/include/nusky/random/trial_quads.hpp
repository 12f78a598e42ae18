#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace nusky {

/// Which trials are drawn.
struct TrialRequest {
  std::uint64_t key;           ///< of the seed
  std::size_t n;               ///< trials
  const std::int64_t* number;  ///< (n,) of the trials, not negative
  double n_sig;
  bool poisson;
};

/// Trials that follow each other in a request and share their blocks of random numbers.
struct TrialQuad {
  std::size_t first, last;
};

std::vector<TrialQuad> quads_of(const TrialRequest& request);

/// Groups of trials of the first batch of a thread, and those that a thread takes at a time.
constexpr std::size_t first_quads = 32, quads_at_once = 4;

}  // namespace nusky
