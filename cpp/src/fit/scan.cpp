#include "nusky/fit/scan.hpp"

#include <algorithm>
#include <limits>

namespace nusky {
namespace {

void fit_group(GroupFitter& fitter, const Directions& directions, std::size_t g, ScanResult& out) {
  const DirectionGroup& group = directions.groups()[g];
  fitter.load(directions, g);
  fitter.prepare();
  for (std::uint32_t lane = 0; lane < group.count; ++lane) {
    const DirectionFit fit = fitter.fit(lane);
    const std::size_t i = directions.order()[group.first + lane];
    out.ts[i] = fit.ts;
    out.ns[i] = fit.ns;
    out.gamma[i] = fit.gamma;
    out.status[i] = static_cast<std::int8_t>(fit.status);
  }
}

}  // namespace

ScanResult scan(const Likelihood& likelihood, const EventIndex& index, const Directions& directions, std::optional<double> gamma,
                int n_threads, const Checkpoint& checkpoint) {
  const std::size_t n = directions.size();
  const std::vector<DirectionGroup>& groups = directions.groups();
  const int threads = std::min(resolve_threads(n_threads), groups.size() < 2 ? 1 : max_threads());
  const FitModel model(likelihood, index, gamma, groups.size(), threads);
  ScanResult out{std::vector<double>(n, 0.0), std::vector<double>(n, 0.0), std::vector<double>(n, std::numeric_limits<double>::quiet_NaN()),
                 std::vector<std::int8_t>(n, static_cast<std::int8_t>(Status::not_scanned))};
  std::vector<GroupFitter> fitters;
  for (int t = 0; t < threads; ++t) fitters.emplace_back(model, groups.size() > 8);
  const auto work = [&](std::size_t thread, std::size_t g) { fit_group(fitters[thread], directions, g, out); };
  // groups follow each other in the order of the directions
  const auto after = [&](std::size_t done) { return !checkpoint || checkpoint(groups[done - 1].first + groups[done - 1].count, n); };
  run_in_batches(groups.size(), threads, 32, 4, work, after);
  return out;
}

}  // namespace nusky
