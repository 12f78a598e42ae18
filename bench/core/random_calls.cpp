// Random calls of the core against the slow reference, made for the sanitizers (bench/core/sanitize.sh): events, seasons, nodes, cuts,
// sources, stacks, flares, templates and threads are drawn, fits are held against the definitions, searches against whole maps, and bad
// arguments must be refused.
//
//     nusky_random_calls [calls, default 1000] [seed] [threads]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>

#include "nusky/hottest/hottest.hpp"
#include "nusky/hottest/hottest_trials.hpp"
#include "nusky/trials/point_trials.hpp"
#include "random_case.hpp"
#include "random_flare.hpp"
#include "random_stack.hpp"
#include "random_template.hpp"

namespace {

using namespace nusky;
using namespace nusky::random_calls;

void call_scan(Random& random, const Case& c) {
  const Places at = draw_places(random, c.model, 1 + random.below(40));
  const ScanResult r = Core(c.model, c.threads).scan(at.ra, at.dec, c.gamma, c.threads);
  compare(c, at, r, random.below(at.ra.size()));
}

/// Terms of priors: most of them finite.
std::vector<double> draw_terms(Random& random, std::size_t n) {
  std::vector<double> terms(n);
  for (double& t : terms) t = random.below(4) ? -30 * random.uniform() * random.uniform() : -infinity;
  return terms;
}

/// What is found for each prior must be the best of a map, to the last bit.
void compare_hottest(const ScanResult& map, const std::vector<double>& terms, const Hottest* found, std::size_t n_priors) {
  const std::size_t n = map.ts.size();
  for (std::size_t j = 0; j < n_priors; ++j) {
    std::int64_t best = -1;
    double value = -infinity;
    for (std::size_t i = 0; i < n; ++i)
      if (terms[j * n + i] > -infinity && map.ts[i] + terms[j * n + i] > value) {
        best = static_cast<std::int64_t>(i);
        value = map.ts[i] + terms[j * n + i];
      }
    if (found[j].direction != best || (best >= 0 && found[j].ts_prior != value)) fail("the hottest direction is not the map's");
  }
}

void call_hottest(Random& random, const Case& c) {
  const Places at = draw_places(random, c.model, 1 + random.below(120));
  const Directions directions(at.ra.size(), at.ra.data(), at.dec.data());
  const std::size_t n = at.ra.size(), n_priors = 1 + random.below(3);
  const std::vector<double> terms = draw_terms(random, n * n_priors);
  const Core core(c.model, c.threads);
  const ScanResult map = scan(*core.likelihood, *core.index, directions, c.gamma, c.threads);
  const HottestResult found =
      find_hottest(*core.likelihood, *core.index, SearchPlan(directions, terms.data(), n_priors), c.gamma, c.threads, random.below(4) > 0);
  compare_hottest(map, terms, found.best.data(), n_priors);
  compare(c, at, map, random.below(n));
}

/// Searches of scrambles that are drawn in the loop, against maps of the same events.
void call_scrambles(Random& random, const Case& c) {
  const Places at = draw_places(random, c.model, 1 + random.below(60));
  const Directions directions(at.ra.size(), at.ra.data(), at.dec.data());
  const std::size_t n_priors = 1 + random.below(2);
  const std::vector<double> terms = draw_terms(random, at.ra.size() * n_priors);
  const std::vector<std::int64_t> numbers = draw_numbers(random);
  const TrialRequest request{random.bits(), numbers.size(), numbers.data(), 0.0, false};
  const Core core(c.model, 1);
  std::vector<Hottest> found(numbers.size() * n_priors);
  if (!find_hottest_of_scrambles(*core.likelihood, SearchPlan(directions, terms.data(), n_priors), Scrambles(columns_of(c.model), {}, {}),
                                 {}, request, c.gamma, c.threads, found.data(), {}))
    fail("trials are missing");
  const std::size_t i = random.below(numbers.size());
  const Case same = scrambled(c, request.key, numbers[i]);
  const Core again(same.model, 1);
  const ScanResult map = scan(*again.likelihood, *again.index, directions, c.gamma, 1);
  compare_hottest(map, terms, found.data() + i * n_priors, n_priors);
}

void call_trials(Random& random, const Case& c) {
  const Core core(c.model, 1);
  const double ra = 2 * pi * random.uniform(), dec = std::asin(2 * random.uniform() - 1);
  PointSources sources;
  std::vector<std::shared_ptr<const PointRecords>> records;
  for (const auto& season : columns_of(c.model)) records.push_back(std::make_shared<PointRecords>(season, c.gamma));
  sources.source.push_back(std::make_shared<PointSource>(records, std::vector<double>{ra}, dec));
  const std::vector<std::int64_t> numbers = draw_numbers(random);
  std::vector<double> rows(3 * numbers.size(), -1.0);
  const TrialRequest request{random.bits(), numbers.size(), numbers.data(), 0.0, false};
  if (fit_point_trials(*core.likelihood, sources, request, 3, rows.data(), c.threads, [](std::size_t, std::size_t) { return true; }) !=
      numbers.size())
    fail("trials are missing");
  // the same events by way of a scan
  const std::size_t i = random.below(numbers.size());
  compare(scrambled(c, request.key, numbers[i]), Places{{ra}, {dec}}, one(rows[3 * i], rows[3 * i + 1], rows[3 * i + 2]), 0);
}

/// One number of the input is out of range, or no number: an exception, and nothing read beyond the arrays.
void call_refused(Random& random, const Case& c) {
  Case bad = c;
  reference::Season& s = bad.model.seasons[random.below(bad.model.seasons.size())];
  const std::size_t i = random.below(s.ra.size());
  const double values[] = {not_a_number, infinity, -infinity, -1.0, 0.0, 1e300};
  const double v = values[random.below(6)];
  Places at{{1.0}, {0.5}};
  bool refused = true;
  switch (random.below(6)) {
    case 0:
      s.sigma[i] = v;
      break;
    case 1:
      s.background[i] = v;
      refused = v != 1e300;
      break;
    case 2:
      s.dec[i] = v;
      refused = v != 0.0 && v != -1.0;
      break;
    case 3:
      at.dec[0] = v;
      refused = v != 0.0 && v != -1.0;
      break;
    case 4:
      s.ra[i] = v;
      refused = !std::isfinite(v);
      break;
    default:
      at.ra[0] = v;
      refused = !std::isfinite(v);
  }
  if (!refused) return;
  try {
    Core(bad.model, bad.threads).scan(at.ra, at.dec, bad.gamma, bad.threads);
  } catch (const std::invalid_argument&) {
    return;
  }
  fail("a value of " + std::to_string(v) + " was accepted");
}

int run(std::size_t calls, std::uint64_t seed, int threads) {
  std::size_t failures = 0;
  for (std::size_t i = 0; i < calls; ++i) {
    Random random{std::mt19937_64(seed * 1000003 + i)};
    const Case c = draw(random, threads, i);
    try {
      switch (random.below(16)) {
        case 0:
          call_refused(random, c);
          break;
        case 1:
        case 2:
          call_trials(random, c);
          break;
        case 3:
        case 4:
        case 5:
          call_hottest(random, c);
          break;
        case 6:
        case 7:
          call_stack(random, c);
          break;
        case 8:
        case 9:
          call_flare(random, c);
          break;
        case 10:
        case 11:
          call_template(random, c);
          break;
        case 12:
        case 13:
          call_scrambles(random, c);
          break;
        default:
          call_scan(random, c);
      }
    } catch (const std::exception& error) {
      std::printf("call %zu (seed %llu): %s\n", i, static_cast<unsigned long long>(seed), error.what());
      ++failures;
    }
  }
  std::printf("%zu calls, %zu wrong\n", calls, failures);
  return failures > 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int i, unsigned long long otherwise) { return argc > i ? std::strtoull(argv[i], nullptr, 10) : otherwise; };
  return run(number(1, 1000), number(2, 1), static_cast<int>(number(3, 2)));
}
