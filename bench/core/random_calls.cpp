// Random calls of the core against the slow reference, made for the sanitizers (bench/core/sanitize.sh): events, seasons, nodes, cuts,
// sources and threads are drawn, fits are held against the definitions, searches against whole maps, and bad arguments must be refused.
//
//     nusky_random_calls [calls, default 1000] [seed] [threads]
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>

#include "made_up_sky.hpp"
#include "nusky/hottest/hottest.hpp"
#include "nusky/trials/point_trials.hpp"

namespace {

using namespace nusky;
using namespace nusky::made_up;

constexpr double infinity = std::numeric_limits<double>::infinity(), not_a_number = std::numeric_limits<double>::quiet_NaN();

struct Random {
  std::mt19937_64 bits;
  double uniform() { return std::uniform_real_distribution<double>(0.0, 1.0)(bits); }
  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(bits); }
};

/// One analysis with its core, and what is asked of it.
struct Case {
  reference::Model model;
  std::optional<double> gamma;
  int threads;
};

Case draw(Random& random, int threads) {
  Options o;
  const std::size_t nodes[] = {0, 1, 2, 5, 13, 49};
  o.gamma_nodes = even_nodes(nodes[random.below(6)], 0.5 + random.uniform(), 3.5 + random.uniform());
  o.sizes.clear();
  for (std::size_t k = 1 + random.below(3); k > 0; --k) o.sizes.push_back(1 + random.below(random.below(4) ? 60 : 600));
  o.sigma_low = degree * (0.2 + random.uniform());
  o.sigma_high = random.below(5) ? 4 * degree : 120 * degree;
  o.hardness = 1.5 * random.uniform();
  o.extended = random.below(3) == 0;
  o.seed = static_cast<unsigned>(random.below(1u << 30));
  Case c{sky(o), std::nullopt, 1 + static_cast<int>(random.below(static_cast<std::size_t>(threads)))};
  if (random.below(2))
    inject(c.model, random.below(o.sizes.size()), 1 + random.below(12), 2 * pi * random.uniform(), std::asin(2 * random.uniform() - 1),
           4 * random.uniform(), random.uniform(), o.seed);
  const double cuts[] = {1.0, 3.0, 5.0, infinity};
  c.model.cut_n_sigma = cuts[random.below(4)];
  if (!o.gamma_nodes.empty() && random.below(3) == 0)
    c.gamma = o.gamma_nodes.front() + random.uniform() * (o.gamma_nodes.back() - o.gamma_nodes.front());
  return c;
}

std::vector<std::shared_ptr<const EventColumns>> columns_of(const reference::Model& m) {
  std::vector<std::shared_ptr<const EventColumns>> out;
  const GammaAxis axis(m.gamma_nodes);
  for (const reference::Season& s : m.seasons)
    out.push_back(std::make_shared<EventColumns>(s.ra.size(), s.dec.data(), s.sigma.data(), s.background.data(),
                                                 axis.size() > 0 ? s.log_ratio.data() : nullptr, axis, m.cut_n_sigma, 0.0, 1));
  return out;
}

struct Places {
  std::vector<double> ra, dec;
};

Places draw_places(Random& random, const reference::Model& m, std::size_t n) {
  Places p;
  for (std::size_t i = 0; i < n; ++i) {
    const reference::Season& s = m.seasons[random.below(m.seasons.size())];
    const std::size_t j = random.below(s.ra.size());
    const bool on = random.below(2);
    p.ra.push_back(on ? s.ra[j] : 2 * pi * random.uniform());
    p.dec.push_back(on ? s.dec[j] : random.below(20) == 0 ? pi / 2 : std::asin(2 * random.uniform() - 1));
  }
  return p;
}

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

/// The TS must be that of its own n_s and γ, and no lower than what the slow reference finds on a grid of γ.
void compare(const Case& c, const Places& at, const ScanResult& r, std::size_t i) {
  const GammaAxis axis(c.model.gamma_nodes);
  const reference::Sky sky = reference::look(c.model, at.ra[i], at.dec[i]);
  const double gamma = c.gamma ? *c.gamma : axis.free() ? r.gamma[i] : axis.size() == 1 ? axis.front() : 0.0;
  const double tolerance = 1e-3;  // what is promised
  if (!(r.ts[i] >= 0.0) || !(r.ns[i] >= 0.0)) fail("ts or n_s is negative or no number");
  if (r.ts[i] > 0) {
    const double again = 2 * reference::log_likelihood(c.model, axis, sky, r.ns[i], gamma);
    if (!(std::abs(again - r.ts[i]) <= 1e-5 * r.ts[i] + tolerance))
      fail("ts " + std::to_string(r.ts[i]) + " is not that of its n_s " + std::to_string(r.ns[i]) + " and gamma " + std::to_string(gamma) +
           ", " + std::to_string(again) + " (cut " + std::to_string(c.model.cut_n_sigma) + ")");
  }
  const int grid = axis.free() && !c.gamma ? 7 : 1;
  for (int k = 0; k < grid; ++k) {
    const double g = grid == 1 ? gamma : axis.front() + (axis.back() - axis.front()) * k / (grid - 1);
    const double slow = reference::fit_ns(c.model, axis, sky, g).ts;
    if (!(r.ts[i] >= slow * (1 - 1e-5) - tolerance))
      fail("ts " + std::to_string(r.ts[i]) + " is below " + std::to_string(slow) + " at gamma " + std::to_string(g));
  }
}

void call_scan(Random& random, const Case& c) {
  const Places at = draw_places(random, c.model, 1 + random.below(40));
  const ScanResult r = Core(c.model, c.threads).scan(at.ra, at.dec, c.gamma, c.threads);
  compare(c, at, r, random.below(at.ra.size()));
}

void call_hottest(Random& random, const Case& c) {
  const Places at = draw_places(random, c.model, 1 + random.below(120));
  const Directions directions(at.ra.size(), at.ra.data(), at.dec.data());
  const std::size_t n = at.ra.size(), n_priors = 1 + random.below(3);
  std::vector<double> terms(n * n_priors);
  for (double& t : terms) t = random.below(4) ? -30 * random.uniform() * random.uniform() : -infinity;
  const Core core(c.model, c.threads);
  const ScanResult map = scan(*core.likelihood, *core.index, directions, c.gamma, c.threads);
  const HottestResult found =
      find_hottest(*core.likelihood, *core.index, SearchPlan(directions, terms.data(), n_priors), c.gamma, c.threads, random.below(4) > 0);
  for (std::size_t j = 0; j < n_priors; ++j) {
    std::int64_t best = -1;
    double value = -infinity;
    for (std::size_t i = 0; i < n; ++i)
      if (terms[j * n + i] > -infinity && map.ts[i] + terms[j * n + i] > value) {
        best = static_cast<std::int64_t>(i);
        value = map.ts[i] + terms[j * n + i];
      }
    if (found.best[j].direction != best || (best >= 0 && found.best[j].ts_prior != value)) fail("the hottest direction is not the map's");
  }
  compare(c, at, map, random.below(n));
}

void call_trials(Random& random, const Case& c) {
  const Core core(c.model, 1);
  const double ra = 2 * pi * random.uniform(), dec = std::asin(2 * random.uniform() - 1);
  const auto columns = columns_of(c.model);
  const PointSource source(columns, ra, dec);
  std::vector<std::int64_t> numbers;
  for (std::size_t i = 1 + random.below(12); i > 0; --i) numbers.push_back(static_cast<std::int64_t>(random.below(1u << 20)));
  std::vector<double> rows(3 * numbers.size(), -1.0);
  const TrialRequest request{random.bits(), numbers.size(), numbers.data(), 0.0, false};
  if (fit_point_trials(*core.likelihood, source, nullptr, c.gamma, request, 3, rows.data(), c.threads,
                       [](std::size_t, std::size_t) { return true; }) != numbers.size())
    fail("trials are missing");
  // the same events by way of a scan
  const std::size_t i = random.below(numbers.size());
  Case same = c;
  const auto j = static_cast<std::uint64_t>(numbers[i]);
  for (std::size_t k = 0; k < same.model.seasons.size(); ++k) {
    same.model.seasons[k].n_events = static_cast<double>(same.model.seasons[k].ra.size());  // all are a trial's own
    const RandomPlace place = random_place(request.key, j / trials_of_block, Purpose::right_ascension, static_cast<std::uint32_t>(k));
    for (std::size_t e = 0; e < same.model.seasons[k].ra.size(); ++e)
      same.model.seasons[k].ra[e] = right_ascension_of(random_block(place, static_cast<std::uint32_t>(e))[j % trials_of_block]);
  }
  ScanResult r;
  r.ts = {rows[3 * i]};
  r.ns = {rows[3 * i + 1]};
  r.gamma = {rows[3 * i + 2]};
  compare(same, {{ra}, {dec}}, r, 0);
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
    const Case c = draw(random, threads);
    try {
      switch (random.below(8)) {
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
