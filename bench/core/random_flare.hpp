#pragma once
// Random calls of searches for flares: the window that is found against the slow reference of its events.
#include <algorithm>

#include "nusky/flares/scan_flares.hpp"
#include "random_case.hpp"

namespace nusky::random_calls {

/// The events of a window, with the time ratio in B, and the shares of the seasons there.
inline Case window_of(const Case& c, const Clock& clock, const std::vector<std::vector<double>>& time, double start, double stop) {
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

inline void call_flare(Random& random, const Case& given) {
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

}  // namespace nusky::random_calls
