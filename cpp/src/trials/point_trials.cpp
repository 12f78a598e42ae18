#include "nusky/trials/point_trials.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "nusky/threads.hpp"
#include "nusky/trials/point_fitter.hpp"

namespace nusky {
namespace {

// Seconds of work between two looks at signals and progress, and trials before the first.
constexpr double checkpoint_interval = 0.15;
constexpr std::size_t first_batch = 256;

struct Quad {  // trials of the same blocks of random numbers
  std::size_t first, last;
};

std::vector<Quad> quads_of(const TrialRequest& request, std::size_t first, std::size_t last) {
  std::vector<Quad> quads;
  const auto number = [&](std::size_t i) { return static_cast<std::uint64_t>(request.number[i]) / trials_of_block; };
  for (std::size_t i = first; i < last; ++i) {
    if (i == first || number(i) != number(quads.back().first)) quads.push_back({i, i});
    quads.back().last = i + 1;
  }
  return quads;
}

}  // namespace

std::size_t fit_point_trials(const Likelihood& likelihood, const PointSource& source, const PointSignal* signal, double gamma,
                             const TrialRequest& request, int columns, double* rows, int n_threads, const Checkpoint& checkpoint) {
  using Clock = std::chrono::steady_clock;
  const int threads = resolve_threads(n_threads);
  const std::optional<Poisson> counts = request.poisson ? std::optional<Poisson>(request.n_sig) : std::nullopt;
  std::vector<std::unique_ptr<PointFitter>> fitters;
  for (int t = 0; t < threads; ++t) fitters.push_back(std::make_unique<PointFitter>(likelihood, source, signal, gamma));
  std::size_t done = 0, batch = first_batch;
  while (done < request.n) {
    const std::size_t end = std::min(request.n, done + batch);
    const std::vector<Quad> quads = quads_of(request, done, end);
    const auto begin = Clock::now();
    const auto n_quads = static_cast<std::ptrdiff_t>(quads.size());
#pragma omp parallel for num_threads(threads) schedule(dynamic, 4) if (threads > 1)
    for (std::ptrdiff_t q = 0; q < n_quads; ++q) {
      PointFitter& fitter = *fitters[static_cast<std::size_t>(thread_number())];
      const Quad& quad = quads[static_cast<std::size_t>(q)];
      fitter.draw(request.key, static_cast<std::uint64_t>(request.number[quad.first]) / trials_of_block);
      for (std::size_t i = quad.first; i < quad.last; ++i) {
        const std::size_t w = static_cast<std::size_t>(request.number[i]) % trials_of_block;
        const DirectionFit fit = fitter.fit(w, request.n_sig, counts ? &*counts : nullptr);
        double* row = rows + i * static_cast<std::size_t>(columns);
        row[0] = fit.ts;
        row[1] = fit.ns;
        if (columns > 2) row[2] = fit.gamma;
      }
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    const double wanted = static_cast<double>(end - done) * checkpoint_interval / std::max(seconds, 1e-6);
    done = end;
    batch = std::clamp(static_cast<std::size_t>(wanted), first_batch, 8 * batch);
    if (checkpoint && !checkpoint(done, request.n)) break;
  }
  return done;
}

}  // namespace nusky
