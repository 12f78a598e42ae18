// Stand-alone benchmark of the core: no Python at run time. Asserts its answers before it times them.
#include <ctime>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>

#include "dump.hpp"
#include "generator.hpp"
#include "healpix.hpp"
#include "nusky/hottest.hpp"
#include "nusky/kernels.hpp"
#include "nusky/scan.hpp"
#include "nusky/threads.hpp"

namespace {

using namespace nusky;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

struct Setup {
  std::vector<std::shared_ptr<const EventColumns>> columns;
  std::vector<EventPart> parts;
  std::vector<double> n_events;
  std::unique_ptr<Likelihood> likelihood;
};

Setup set_up(const reference::Model& m) {
  Setup s;
  const GammaAxis axis(m.gamma_nodes);
  for (std::size_t k = 0; k < m.seasons.size(); ++k) {
    const reference::Season& season = m.seasons[k];
    s.columns.push_back(std::make_shared<EventColumns>(season.ra.size(), season.dec.data(), season.sigma.data(), season.background.data(),
                                                       season.log_ratio.data(), axis, m.cut_n_sigma, 0.0, 0));
    EventPart part;
    part.columns = s.columns.back();
    part.n = season.ra.size();
    part.ra = season.ra.data();
    part.season = static_cast<int>(k);
    s.parts.push_back(part);
    s.n_events.push_back(season.n_events);
  }
  s.likelihood =
      std::make_unique<Likelihood>(axis, m.sindec_nodes, m.log_acceptance.data(), static_cast<int>(m.seasons.size()), m.extended);
  return s;
}

// The fits of a few directions against the slow reference. Returns the largest |ΔTS|.
double check(const reference::Model& m, const bench::PixelTiles& pixels, const ScanResult& result, int n) {
  double worst = 0.0;
  for (int j = 0; j < n; ++j) {
    const std::size_t i = (static_cast<std::size_t>(j) * 7919 + 13) % pixels.ra.size();
    const reference::Fit expected = reference::fit(m, pixels.ra[i], pixels.dec[i], 49);
    worst = std::max(worst, std::abs(expected.ts - result.ts[i]));
  }
  return worst;
}

struct Options {
  std::size_t events = 138000, seasons = 1;
  int nside = 64, repeat = 5, checks = 5, threads = 0, trials = 0;
  double max_dec = 85.0, prior = 10.0;
  std::string dump, level;
};

Options parse(int argc, char** argv) {
  Options o;
  const std::map<std::string, std::string> help{{"--events", "synthetic events in all (138000)"},
                                                {"--seasons", "synthetic seasons (1)"},
                                                {"--dump", "file of nusky.dump.write_dump instead of synthetic events"},
                                                {"--nside", "of the scanned map (64)"},
                                                {"--max-dec", "degrees (85)"},
                                                {"--repeat", "scans per figure, the best counts (5)"},
                                                {"--threads", "most threads (0: all)"},
                                                {"--checks", "directions compared with the slow reference (5)"},
                                                {"--trials", "scrambles whose hottest pixel with a prior is searched (0)"},
                                                {"--prior", "FWHM of that prior in degrees (10)"},
                                                {"--level", "instruction set: sse2, avx2, avx512 (best)"}};
  for (int i = 1; i < argc; ++i) {
    const std::string key = argv[i];
    if (key == "--help" || key == "-h") {
      for (const auto& [name, text] : help) std::printf("  %-10s %s\n", name.c_str(), text.c_str());
      std::exit(0);
    }
    if (help.count(key) == 0 || i + 1 >= argc) throw std::invalid_argument("unknown or incomplete option " + key + "; see --help");
    const std::string value = argv[++i];
    if (key == "--events") o.events = std::stoul(value);
    if (key == "--seasons") o.seasons = std::stoul(value);
    if (key == "--dump") o.dump = value;
    if (key == "--nside") o.nside = std::stoi(value);
    if (key == "--max-dec") o.max_dec = std::stod(value);
    if (key == "--repeat") o.repeat = std::stoi(value);
    if (key == "--threads") o.threads = std::stoi(value);
    if (key == "--checks") o.checks = std::stoi(value);
    if (key == "--trials") o.trials = std::stoi(value);
    if (key == "--prior") o.prior = std::stod(value);
    if (key == "--level") o.level = value;
  }
  if (o.nside < 4 || (o.nside & (o.nside - 1)) != 0) throw std::invalid_argument("--nside must be a power of two, at least 4");
  if (o.events == 0 || o.seasons == 0) throw std::invalid_argument("--events and --seasons must be positive");
  return o;
}

// Prior of the tutorial's kind: a Gaussian of `fwhm` degrees around (180°, 0°) above a floor, as the term 2 ln(p/p_max).
std::vector<double> prior_term(const bench::PixelTiles& pixels, double fwhm) {
  const double sigma = fwhm / 2.354820045 * pi / 180.0, peak = 1.0 / (2 * pi * sigma * sigma);
  const Vec3 middle = unit_vector(pi, 0.0);
  std::vector<double> term;
  for (std::size_t i = 0; i < pixels.ra.size(); ++i) {
    const double chord = (unit_vector(pixels.ra[i], pixels.dec[i]) - middle).norm(), psi = 2.0 * std::asin(std::min(1.0, 0.5 * chord));
    term.push_back(2.0 * std::log(std::max(peak * std::exp(-0.5 * psi * psi / (sigma * sigma)), 1e-4) / peak));
  }
  return term;
}

// Scrambles: the hottest pixel with a prior, first compared with the whole map to the last bit, then timed.
int run_trials(const Options& o, const reference::Model& model, const Setup& setup, const Directions& directions,
               const bench::PixelTiles& pixels, int threads) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> term = prior_term(pixels, o.prior);
  std::vector<std::vector<double>> ra;
  for (const auto& season : model.seasons) ra.emplace_back(season.ra.size());
  std::vector<EventPart> parts = setup.parts;
  for (std::size_t k = 0; k < parts.size(); ++k) parts[k].ra = ra[k].data();
  double index_seconds = 0, search_seconds = 0;
  std::size_t fitted = 0;
  for (int trial = 0; trial < o.trials; ++trial) {
    std::mt19937_64 random(static_cast<unsigned long>(trial));
    for (auto& column : ra)
      for (double& a : column) a = std::uniform_real_distribution<double>(0, 2 * pi)(random);
    const auto clock = [&] {
      return threads == 1 ? cpu_seconds() : std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
    };
    double begin = clock();
    const EventIndex index(parts, setup.n_events, threads);
    index_seconds += clock() - begin;
    begin = clock();
    const HottestResult found = find_hottest(*setup.likelihood, index, directions, term.data(), 1, nan, threads, true);
    search_seconds += clock() - begin;
    fitted += found.n_fitted;
    if (trial < o.checks) {
      const ScanResult map = scan(*setup.likelihood, index, directions, nan, o.threads);
      std::size_t best = 0;
      for (std::size_t i = 0; i < term.size(); ++i)
        if (map.ts[i] + term[i] > map.ts[best] + term[best]) best = i;
      const Hottest& h = found.best[0];
      if (h.direction != static_cast<std::int64_t>(best) || h.fit.ts != map.ts[best] || h.fit.ns != map.ns[best]) {
        std::fprintf(stderr, "FAILED: trial %d: hottest direction %ld is not that of the map, %zu\n", trial, static_cast<long>(h.direction),
                     best);
        return 1;
      }
    }
  }
  const double n = o.trials, all = index_seconds + search_seconds;
  std::printf("%8d %12.2f %12.2f %12.1f %14.1f\n", threads, 1e3 * index_seconds / n, 1e3 * search_seconds / n,
              static_cast<double>(fitted) / n, n / all);
  return 0;
}

int run(const Options& o) {
  if (!o.level.empty()) set_simd_level(o.level);
  const reference::Model model = o.dump.empty() ? bench::generate(o.events, o.seasons, 1) : bench::read_dump(o.dump);
  const bench::PixelTiles pixels = bench::pixel_tiles(o.nside, o.max_dec * pi / 180.0);
  const Directions directions(pixels.ra.size(), pixels.ra.data(), pixels.dec.data(), pixels.tile.data(), pixels.tile_ra.size(),
                              pixels.tile_ra.data(), pixels.tile_dec.data(), pixels.radius);
  auto begin = Clock::now();
  const Setup setup = set_up(model);
  const double columns_seconds = seconds_since(begin);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  std::size_t events = 0;
  for (const auto& c : setup.columns) events += c->size();
  std::printf("nusky_bench   compiler %s   Eigen %d.%d.%d   SIMD %s (of %s)\n", __VERSION__, EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION,
              EIGEN_MINOR_VERSION, kernels().name, simd_levels().c_str());
  std::printf("flags         %s\n", NUSKY_FLAGS);
  std::printf("data          %s\n", o.dump.empty() ? "synthetic" : o.dump.c_str());
  std::printf("seasons       %zu\nevents        %zu\ndirections    %zu (nside %d, |dec| <= %g deg)\n", model.seasons.size(), events,
              directions.size(), o.nside, o.max_dec);
  std::printf("columns       %.1f ms (once per analysis)\n", 1e3 * columns_seconds);

  const int most = resolve_threads(o.threads);
  std::vector<int> counts{1};
  if (most > 1) counts.push_back(most);
  std::size_t pairs = 0, candidates = 0;
  {
    const EventIndex index(setup.parts, setup.n_events, most);
    const FitModel fit(*setup.likelihood, index, nan, directions.groups().size(), most);
    GroupFitter fitter(fit);
    for (const DirectionGroup& g : directions.groups()) {
      fitter.load(directions, g);
      const std::size_t lanes = g.count;
      pairs += fitter.count_pairs() * lanes / n_lanes;
      candidates += fitter.n_candidates() * lanes;
    }
    const ScanResult result = scan(*setup.likelihood, index, directions, nan, most);
    const double worst = check(model, pixels, result, o.checks);
    std::size_t positive = 0, bad = 0;
    for (std::size_t i = 0; i < result.ts.size(); ++i) {
      positive += result.ts[i] > 0;
      bad += result.status[i] == static_cast<std::int8_t>(Status::not_converged);
    }
    std::printf("pairs         %zu within the cut, %zu evaluated\nfits          %zu directions with TS > 0, %zu not converged\n", pairs,
                candidates, positive, bad);
    std::printf("check         largest |dTS| against the slow reference at %d directions: %.1e\n", o.checks, worst);
    if (worst > 1e-3) {
      std::fprintf(stderr, "FAILED: |dTS| above 1e-3\n");
      return 1;
    }
  }
  std::printf("\n%8s %12s %12s %12s %14s %14s\n", "threads", "index ms", "scan s", "scans/s", "ns/pair", "ns/pair/core");
  for (const int threads : counts) {
    double best = 1e300, best_index = 1e300;
    for (int r = 0; r < o.repeat; ++r) {
      begin = Clock::now();
      const EventIndex index(setup.parts, setup.n_events, threads);
      best_index = std::min(best_index, seconds_since(begin));
      begin = Clock::now();
      const double cpu = cpu_seconds();
      const ScanResult result = scan(*setup.likelihood, index, directions, nan, threads);
      // one thread: processor time, which does not see what else the machine does
      best = std::min(best, threads == 1 ? cpu_seconds() - cpu : seconds_since(begin));
      if (result.ts.empty()) return 1;
    }
    std::printf("%8d %12.2f %12.4f %12.2f %14.3f %14.3f\n", threads, 1e3 * best_index, best, 1.0 / best,
                1e9 * best / static_cast<double>(pairs), 1e9 * best * threads / static_cast<double>(pairs));
  }
  if (o.trials > 0) {
    std::printf("\n%8s %12s %12s %12s %14s\n", "threads", "index ms", "search ms", "fits", "trials/s");
    for (const int threads : counts)
      if (const int failed = run_trials(o, model, setup, directions, pixels, threads)) return failed;
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
