#include "nusky/fit/scan.hpp"

#include <algorithm>
#include <chrono>

#include "nusky/threads.hpp"

namespace nusky {
namespace {

// Seconds of work between two looks at signals and progress.
constexpr double checkpoint_interval = 0.15;

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

ScanResult scan(const Likelihood& likelihood, const EventIndex& index, const Directions& directions, double gamma, int n_threads,
                const Checkpoint& checkpoint) {
  const std::size_t n = directions.size();
  const std::vector<DirectionGroup>& groups = directions.groups();
  const int threads = std::min(resolve_threads(n_threads), groups.size() < 2 ? 1 : max_threads());
  const FitModel model(likelihood, index, gamma, groups.size(), threads);
  ScanResult out{std::vector<double>(n, 0.0), std::vector<double>(n, 0.0), std::vector<double>(n, std::numeric_limits<double>::quiet_NaN()),
                 std::vector<std::int8_t>(n, static_cast<std::int8_t>(Status::not_scanned))};
  std::vector<GroupFitter> fitters;
  for (int t = 0; t < threads; ++t) fitters.emplace_back(model, groups.size() > 8);
  using Clock = std::chrono::steady_clock;
  std::size_t done = 0, batch = std::max<std::size_t>(64, static_cast<std::size_t>(threads) * 32);
  std::size_t directions_done = 0;
  while (done < groups.size()) {
    const std::size_t end = std::min(groups.size(), done + batch);
    const auto begin = Clock::now();
    if (threads == 1) {
      for (std::size_t g = done; g < end; ++g) fit_group(fitters[0], directions, g, out);
    } else {
      const auto first = static_cast<std::ptrdiff_t>(done), last = static_cast<std::ptrdiff_t>(end);
#pragma omp parallel num_threads(threads)
      {
        GroupFitter& fitter = fitters[static_cast<std::size_t>(thread_number())];
#pragma omp for schedule(dynamic, 4)
        for (std::ptrdiff_t g = first; g < last; ++g) fit_group(fitter, directions, static_cast<std::size_t>(g), out);
      }
    }
    for (std::size_t g = done; g < end; ++g) directions_done += groups[g].count;
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    const double wanted = static_cast<double>(end - done) * checkpoint_interval / std::max(seconds, 1e-6);
    done = end;
    batch = std::max<std::size_t>(64, static_cast<std::size_t>(std::min(wanted, 8.0 * static_cast<double>(batch))));
    if (checkpoint && !checkpoint(directions_done, n)) break;
  }
  return out;
}

}  // namespace nusky
