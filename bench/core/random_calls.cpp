// Random calls of the core against the slow reference, made for the sanitizers (bench/core/sanitize.sh): events, seasons, nodes, cuts,
// sources, stacks, flares and threads are drawn, fits are held against the definitions, searches against whole maps, and bad arguments must
// be refused.
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

#include "nusky/flares/scan_flares.hpp"
#include "nusky/hottest/hottest.hpp"
#include "nusky/stacking/stack.hpp"
#include "nusky/trials/hypothesis_trials.hpp"
#include "nusky/trials/point_trials.hpp"
#include "random_case.hpp"

namespace {

using namespace nusky;
using namespace nusky::random_calls;

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

/// Sources with weights that depend on γ.
struct DrawnStack {
  std::vector<double> ra, dec, extension;
  std::vector<double> log_weight;  // (K, J, max(G, 1))
};

DrawnStack draw_stack(Random& random, const reference::Model& m) {
  DrawnStack s;
  const std::size_t n = 1 + random.below(random.below(6) ? 4 : 30);
  const Places at = draw_places(random, m, n);
  s.ra = at.ra;
  s.dec = at.dec;
  for (std::size_t j = 0; j < n; ++j) s.extension.push_back(random.below(3) ? 0.0 : 3 * degree * random.uniform());
  for (std::size_t k = 0; k < m.seasons.size(); ++k)
    for (std::size_t j = 0; j < n; ++j) {
      const double top = 4 * random.uniform(), slope = 2 * random.uniform() - 1;
      if (m.gamma_nodes.empty()) s.log_weight.push_back(top);
      for (const double g : m.gamma_nodes) s.log_weight.push_back(top + slope * (g - 2.5));
    }
  return s;
}

/// The slow sum over sources. With γ free ln Σ p_j S_ij is interpolated between the nodes, as the model says; a fixed γ needs no nodes.
reference::Sky look_at_stack(const Case& c, const DrawnStack& stack, std::vector<std::vector<float>>& rows) {
  const reference::Model& m = c.model;
  const GammaAxis axis(m.gamma_nodes);
  const std::size_t n = stack.ra.size(), G = std::max<std::size_t>(1, m.gamma_nodes.size());
  const bool fixed = c.gamma || !axis.free();
  reference::Sky sky;
  sky.sindec = 0.0;
  for (std::size_t k = 0; k < m.seasons.size(); ++k) {
    const reference::Season& s = m.seasons[k];
    std::vector<std::vector<double>> share(fixed ? 1 : G, std::vector<double>(n));
    for (std::size_t g = 0; g < share.size(); ++g) {
      double sum = 0.0;
      for (std::size_t j = 0; j < n; ++j) {
        const double* logs = stack.log_weight.data() + (k * n + j) * G;
        const std::vector<float> as_row(logs, logs + G);
        sum += share[g][j] = std::exp(c.gamma && G > 1 ? reference::interpolate(axis, as_row.data(), *c.gamma) : logs[g]);
      }
      for (double& p : share[g]) p /= sum;
    }
    sky.events.emplace_back();
    for (std::size_t i = 0; i < s.ra.size(); ++i) {
      const Vec3 e = unit_vector(s.ra[i], s.dec[i]);
      std::vector<double> total(share.size(), 0.0);
      for (std::size_t j = 0; j < n; ++j) {
        const Vec3 x = unit_vector(stack.ra[j], stack.dec[j]);
        const double density =
            reference::spatial(std::atan2(x.cross(e).norm(), x.dot(e)), std::hypot(s.sigma[i], stack.extension[j]), m.cut_n_sigma);
        for (std::size_t g = 0; g < total.size(); ++g) total[g] += share[g][j] * density / s.background[i];
      }
      if (!(total[0] > 0)) continue;
      const float* row = m.gamma_nodes.empty() ? nullptr : s.log_ratio.data() + i * G;
      if (!fixed) {
        rows.emplace_back(G);
        for (std::size_t g = 0; g < G; ++g) rows.back()[g] = row[g] + static_cast<float>(std::log(total[g]));
        row = rows.back().data();  // stays where it is when the outer vector grows
      }
      sky.events.back().push_back({fixed ? total[0] : 1.0, row});
    }
  }
  return sky;
}

void call_stack(Random& random, const Case& given) {
  Case c = given;
  reference::Model& m = c.model;
  const DrawnStack drawn = draw_stack(random, m);
  const std::size_t n = drawn.ra.size(), G = std::max<std::size_t>(1, m.gamma_nodes.size());
  m.sindec_nodes = {0.0};
  m.log_acceptance.clear();
  for (std::size_t k = 0; k < m.seasons.size(); ++k)
    for (std::size_t g = 0; g < G; ++g) {
      double sum = 0.0;
      for (std::size_t j = 0; j < n; ++j) sum += std::exp(drawn.log_weight[(k * n + j) * G + g]);
      m.log_acceptance.push_back(std::log(sum));
    }
  const Core core(m, 1);
  const Stack stack(columns_of(m), drawn.ra, drawn.dec, drawn.extension, drawn.log_weight.data(), m.cut_n_sigma, c.threads);
  const std::vector<std::int64_t> numbers = draw_numbers(random);
  std::vector<double> rows(3 * numbers.size(), -1.0);
  const TrialRequest request{random.bits(), numbers.size(), numbers.data(), 0.0, false};
  if (fit_hypothesis_trials(*core.likelihood, stack, {}, c.gamma, request, 3, rows.data(), c.threads,
                            [](std::size_t, std::size_t) { return true; }) != numbers.size())
    fail("trials are missing");
  const std::size_t i = random.below(numbers.size());
  const Case same = scrambled(c, request.key, numbers[i]);
  std::vector<std::vector<float>> kept;
  const reference::Sky sky = look_at_stack(same, drawn, kept);
  compare(same, sky, one(rows[3 * i], rows[3 * i + 1], rows[3 * i + 2]), 0);
}

/// The events of a window, with the time ratio in B, and the shares of the seasons there.
Case window_of(const Case& c, const Clock& clock, const std::vector<std::vector<double>>& time, double start, double stop) {
  Case out = c;
  const std::size_t K = c.model.seasons.size();
  std::vector<double> before(K + 1), after(K + 1);
  clock.at(start, before.data());
  clock.at(stop, after.data());
  for (std::size_t k = 0; k < K; ++k) {
    const double part = (after[k] - before[k]) / clock.days(k);
    reference::Season &s = out.model.seasons[k], whole = s;
    s.ra.clear();
    s.dec.clear();
    s.sigma.clear();
    s.background.clear();
    s.log_ratio.clear();
    const std::size_t G = c.model.gamma_nodes.size();
    for (std::size_t i = 0; part > 0 && i < whole.ra.size(); ++i) {
      if (time[k][i] < start || time[k][i] > stop) continue;
      add_event(s, whole.ra[i], whole.dec[i], whole.sigma[i], whole.background[i] * part);
      s.log_ratio.insert(s.log_ratio.end(), whole.log_ratio.begin() + static_cast<std::ptrdiff_t>(i * G),
                         whole.log_ratio.begin() + static_cast<std::ptrdiff_t>((i + 1) * G));
    }
    const std::size_t block = out.model.log_acceptance.size() / K;
    for (std::size_t j = 0; j < block; ++j) out.model.log_acceptance[k * block + j] += part > 0 ? std::log(part) : -500.0;
  }
  return out;
}

void call_flare(Random& random, const Case& given) {
  Case c = given;
  c.model.extended = false;
  for (reference::Season& s : c.model.seasons) s.n_events = static_cast<double>(s.ra.size());
  std::vector<Runs> runs;
  std::vector<std::vector<double>> time;
  const std::size_t K = c.model.seasons.size();
  for (std::size_t k = 0; k < K; ++k) {
    const double first = 100.0 * static_cast<double>(k);
    runs.push_back({{first, first + 50}, {first + 40, first + 90}});
    time.emplace_back();
    const double flare = first + 10 + 20 * random.uniform();
    for (std::size_t i = 0; i < c.model.seasons[k].ra.size(); ++i)
      time.back().push_back(random.below(3) == 0 ? flare + random.uniform()
                                                 : first + 40 * random.uniform() + 50 * static_cast<double>(random.below(2)));
  }
  const Clock clock(runs);
  FlareOptions options;
  options.dt_min = std::pow(10.0, -3 * random.uniform());
  if (random.below(2)) options.dt_max = 1 + 60 * random.uniform();
  options.threshold = std::pow(10.0, 3 * random.uniform());
  options.penalty_days = random.below(2) ? 90.0 * static_cast<double>(K) : 0.0;
  options.gamma = c.gamma;
  const Core core(c.model, 1);
  std::vector<EventPart> parts;
  for (std::size_t k = 0; k < K; ++k) {
    EventPart part;
    part.columns = core.columns[k];
    part.n = c.model.seasons[k].ra.size();
    part.ra = c.model.seasons[k].ra.data();
    part.season = static_cast<int>(k);
    part.time = time[k].data();
    parts.push_back(part);
  }
  const EventIndex index(parts, core.n_events, 1);
  const Places at = draw_places(random, c.model, 1 + random.below(6));
  const Directions directions(at.ra.size(), at.ra.data(), at.dec.data());
  const FlareScan found = scan_flares(*core.likelihood, clock, options, index, directions, nullptr, 0, c.threads, {});
  const std::vector<double> flat(at.ra.size(), 0.0);
  const FlareScan hottest = scan_flares(*core.likelihood, clock, options, index, directions, flat.data(), 1, c.threads, {});
  const auto first = static_cast<std::size_t>(std::max_element(found.ts.begin(), found.ts.end()) - found.ts.begin());
  if (hottest.ts[first] != found.ts[first] || *std::max_element(hottest.ts.begin(), hottest.ts.end()) != found.ts[first])
    fail("the hottest flare is not that of the scan");
  const std::size_t i = random.below(at.ra.size());
  if (!(found.ts[i] >= 0.0)) fail("ts of a flare is negative or no number");
  if (found.ts[i] == 0.0) return;
  const double days = found.days[i], start = found.start[i], stop = found.stop[i];
  if (!(days >= options.dt_min * (1 - 1e-6)) || !(stop - start <= options.dt_max * (1 + 1e-9))) fail("a window that was not allowed");
  const double penalty = options.penalty_days > 0 ? 2 * std::log(days / options.penalty_days) : 0.0;
  compare(window_of(c, clock, time, start, stop), Places{{at.ra[i]}, {at.dec[i]}}, one(found.ts[i] - penalty, found.ns[i], found.gamma[i]),
          0);
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
      switch (random.below(12)) {
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
