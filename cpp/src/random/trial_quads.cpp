#include "nusky/random/trial_quads.hpp"

#include "nusky/random/philox.hpp"

namespace nusky {

std::vector<TrialQuad> quads_of(const TrialRequest& request) {
  std::vector<TrialQuad> quads;
  const auto number = [&](std::size_t i) { return static_cast<std::uint64_t>(request.number[i]) / trials_of_block; };
  for (std::size_t i = 0; i < request.n; ++i) {
    if (i == 0 || number(i) != number(quads.back().first)) quads.push_back({i, i});
    quads.back().last = i + 1;
  }
  return quads;
}

}  // namespace nusky
