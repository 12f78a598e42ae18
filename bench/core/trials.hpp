#pragma once
// Scrambles and the search for the hottest pixel with a prior.
#include <algorithm>
#include <cstdio>
#include <random>
#include <stdexcept>
#include <string>

#include "measure.hpp"
#include "nusky/hottest/hottest.hpp"

namespace nusky::bench {

/// Prior of the tutorial's kind: a Gaussian of `fwhm` degrees around (180°, 0°) above a floor, as the term 2 ln(p/p_max).
inline std::vector<double> prior_term(const PixelTiles& pixels, double fwhm) {
  const double sigma = fwhm / 2.354820045 * pi / 180.0, peak = 1.0 / (2 * pi * sigma * sigma);
  const Vec3 middle = unit_vector(pi, 0.0);
  std::vector<double> term;
  for (std::size_t i = 0; i < pixels.ra.size(); ++i) {
    const double chord = (unit_vector(pixels.ra[i], pixels.dec[i]) - middle).norm(), psi = 2.0 * std::asin(std::min(1.0, 0.5 * chord));
    term.push_back(2.0 * std::log(std::max(peak * std::exp(-0.5 * psi * psi / (sigma * sigma)), 1e-4) / peak));
  }
  return term;
}

struct Trials {
  double index = 0, search = 0;  ///< s for a trial
  double fits = 0;               ///< for a trial
};

/// Searches `n` scrambles; the first `checks` are compared with the whole map, to the last bit.
inline Trials run_trials(const reference::Model& model, const Setup& setup, const Directions& directions, const std::vector<double>& term,
                         int threads, int n, int checks) {
  std::vector<std::vector<double>> ra;
  for (const auto& season : model.seasons) ra.emplace_back(season.ra.size());
  std::vector<EventPart> parts = setup.parts;
  for (std::size_t k = 0; k < parts.size(); ++k) parts[k].ra = ra[k].data();
  const SearchPlan search(directions, term.data(), 1);
  Trials sum;
  for (int trial = 0; trial < n; ++trial) {
    std::mt19937_64 random(static_cast<unsigned long>(trial));
    for (auto& column : ra)
      for (double& a : column) a = std::uniform_real_distribution<double>(0, 2 * pi)(random);
    const Timer indexing(threads);
    const EventIndex index(parts, setup.n_events, threads);
    sum.index += indexing.seconds();
    const Timer searching(threads);
    const HottestResult found = find_hottest(*setup.likelihood, index, search, gamma_free, threads, true);
    sum.search += searching.seconds();
    sum.fits += static_cast<double>(found.n_fitted);
    if (trial < checks) {
      const ScanResult map = scan(*setup.likelihood, index, directions, gamma_free, threads);
      std::size_t best = 0;
      for (std::size_t i = 0; i < term.size(); ++i)
        if (map.ts[i] + term[i] > map.ts[best] + term[best]) best = i;
      const Hottest& h = found.best[0];
      if (h.direction != static_cast<std::int64_t>(best) || h.fit.ts != map.ts[best] || h.fit.ns != map.ns[best])
        throw std::runtime_error("FAILED: trial " + std::to_string(trial) + ": hottest direction " + std::to_string(h.direction) +
                                 " is not that of the map, " + std::to_string(best));
    }
  }
  return {sum.index / n, sum.search / n, sum.fits / n};
}

}  // namespace nusky::bench
