#pragma once
// Fits of the core held against the slow reference, direction by direction.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "made_up_sky.hpp"

namespace nusky::made_up {

struct Places {
  std::vector<double> ra, dec;
};

/// Half of them anywhere, half on events (where there is something to fit), and both poles.
inline Places some_directions(const reference::Model& m, std::size_t n, unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  Places p;
  for (std::size_t i = 0; i < n; ++i) {
    const reference::Season& s = m.seasons[i % m.seasons.size()];
    if (i % 2 == 1 && !s.ra.empty()) {
      const auto j = static_cast<std::size_t>(uniform(random) * static_cast<double>(s.ra.size()));
      p.ra.push_back(s.ra[j]);
      p.dec.push_back(s.dec[j]);
    } else {
      p.ra.push_back(2 * pi * uniform(random));
      p.dec.push_back(std::asin(2 * uniform(random) - 1));
    }
  }
  for (const double pole : {-pi / 2, pi / 2}) {
    p.ra.push_back(1.0);
    p.dec.push_back(pole);
  }
  return p;
}

struct Tally {
  std::size_t positive = 0, converged = 0, at_limit = 0;
  double worst = 0.0;  ///< largest |ΔTS|
};

/// |ΔTS| ≤ 1e-6 TS + 1e-5 everywhere; 1e-3 is what is promised, the rest is what single precision leaves room for.
inline Tally check_fits(const reference::Model& m, const Places& at, std::optional<double> gamma = free_gamma, int grid = 97,
                        double tolerance = 1e-5) {
  const Core core(m);
  const ScanResult r = core.scan(at.ra, at.dec, gamma);
  const GammaAxis axis(m.gamma_nodes);
  Tally t;
  for (std::size_t i = 0; i < at.ra.size(); ++i) {
    CAPTURE(i);
    CAPTURE(at.ra[i]);
    CAPTURE(at.dec[i]);
    const reference::Fit slow = slow_fit(m, at.ra[i], at.dec[i], gamma, grid);
    const double difference = std::abs(r.ts[i] - slow.ts);
    CHECK(difference <= 1e-6 * slow.ts + tolerance);
    t.worst = std::max(t.worst, difference);
    // n_s and γ are where that ts is: the maximum is flat, so their own differences say less
    if (r.ts[i] > 0) {
      CHECK(r.ns[i] > 0.0);
      const double again = 2 * reference::log_likelihood(m, axis, reference::look(m, at.ra[i], at.dec[i]), r.ns[i],
                                                         axis.free() && !gamma ? r.gamma[i] : gamma.value_or(2.0));
      CHECK(std::abs(again - r.ts[i]) <= 1e-6 * slow.ts + 5e-5);
    }
    const auto status = static_cast<Status>(r.status[i]);
    if (slow.ts > 1e-5) {
      ++t.positive;
      t.converged += status == Status::ok;
      t.at_limit += status == Status::at_ns_limit;
    }
    CHECK((r.ts[i] > 0) == (status == Status::ok || status == Status::at_ns_limit || status == Status::not_converged));
  }
  return t;
}

}  // namespace nusky::made_up
