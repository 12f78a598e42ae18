// Stand-alone benchmark of the core: no Python at run time. Asserts its answers before it times them.
#include <cstdio>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>

#include "dump.hpp"
#include "generator.hpp"
#include "measure.hpp"
#include "nusky/kernels/table.hpp"
#include "nusky/threads.hpp"
#include "options.hpp"
#include "peak.hpp"
#include "sweep.hpp"
#include "trials.hpp"

namespace {

using namespace nusky;
using namespace nusky::bench;

void print_heading(const Options& o) {
  std::printf("nusky_bench   compiler %s   Eigen %d.%d.%d   SIMD %s (of %s)\n", __VERSION__, EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION,
              EIGEN_MINOR_VERSION, kernels().name, simd_levels().c_str());
  std::printf("flags         %s\n", NUSKY_FLAGS);
  std::printf("data          %s\n", o.dump.empty() ? "synthetic" : o.dump.c_str());
}

int run(const Options& o) {
  if (!o.level.empty()) set_simd_level(o.level);
  const reference::Model model = o.dump.empty() ? generate(o.events, o.seasons, 1) : read_dump(o.dump);
  print_heading(o);
  if (!o.sweep.empty()) {
    sweep(o, model, o.dump.empty() ? "synthetic events" : "events of a dump");
    return 0;
  }
  const PixelTiles pixels = pixel_tiles(o.nside, o.max_dec * pi / 180.0);
  const Directions directions = directions_of(pixels);
  auto begin = Clock::now();
  const Setup setup = set_up(model);
  const double columns_seconds = seconds_since(begin);
  std::printf("seasons       %zu\nevents        %zu\ndirections    %zu (nside %d, |dec| <= %g deg)\n", model.seasons.size(), setup.events,
              directions.size(), o.nside, o.max_dec);
  std::printf("columns       %.1f ms (once per analysis)\n", 1e3 * columns_seconds);

  const int most = resolve_threads(o.threads);
  std::vector<int> counts{1};
  if (most > 1) counts.push_back(most);
  Work work;
  {
    const EventIndex index(setup.parts, setup.n_events, most);
    work = count_work(setup, index, directions, most);
    const ScanResult result = scan(*setup.likelihood, index, directions, gamma_free, most);
    const Difference difference = check(model, pixels, result, o.checks);
    std::size_t positive = 0, bad = 0;
    for (std::size_t i = 0; i < result.ts.size(); ++i) {
      positive += result.ts[i] > 0;
      bad += result.status[i] == static_cast<std::int8_t>(Status::not_converged);
    }
    std::printf("pairs         %zu within the cut, %zu evaluated\nfits          %zu directions with TS > 0, %zu not converged\n",
                work.pairs, work.evaluated, positive, bad);
    std::printf("check         |dTS| against the slow reference at %d directions: largest %.1e, median of those with TS > 0 %.1e\n",
                o.checks, difference.largest, difference.median);
    if (difference.largest > 1e-3) {
      std::fprintf(stderr, "FAILED: |dTS| above 1e-3\n");
      return 1;
    }
  }
  std::printf("\n%8s %12s %12s %12s %14s %14s\n", "threads", "index ms", "scan s", "scans/s", "ns/pair", "ns/pair/core");
  for (const int threads : counts) {
    const Times best = time_scan(setup, directions, threads, o.repeat, 1e300);
    const auto pairs = static_cast<double>(work.pairs);
    std::printf("%8d %12.2f %12.4f %12.2f %14.3f %14.3f\n", threads, 1e3 * best.index, best.scan, 1.0 / best.scan, 1e9 * best.scan / pairs,
                1e9 * best.scan * threads / pairs);
  }
  if (o.trials > 0) {
    const std::vector<double> term = prior_term(pixels, o.prior);
    std::printf("\n%8s %12s %12s %12s %14s\n", "threads", "index ms", "search ms", "fits", "trials/s");
    for (const int threads : counts) {
      const Trials t = run_trials(model, setup, directions, term, threads, o.trials, o.checks);
      std::printf("%8d %12.2f %12.2f %12.1f %14.1f\n", threads, 1e3 * t.index, 1e3 * t.search, t.fits, 1.0 / (t.index + t.search));
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(parse(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "nusky_bench: %s\n", error.what());
    return 2;
  }
}
