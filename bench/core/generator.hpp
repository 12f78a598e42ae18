#pragma once
// Synthetic seasons for the benchmark: a northern and a southern population with widths, energies and energy ratios of
// realistic size. Not a model of any detector.
#include <random>

#include "reference.hpp"

namespace nusky::bench {

inline reference::Model generate(std::size_t n_events, std::size_t n_seasons, unsigned seed) {
  reference::Model m;
  const std::size_t G = 49;
  for (std::size_t g = 0; g < G; ++g) m.gamma_nodes.push_back(1.0 + static_cast<double>(g) / 16.0);
  m.sindec_nodes = {-1.0, 0.0, 1.0};
  for (std::size_t k = 0; k < n_seasons; ++k)
    for (std::size_t d = 0; d < 3; ++d)
      for (std::size_t g = 0; g < G; ++g)
        m.log_acceptance.push_back(0.1 * static_cast<double>(k) + 0.2 * static_cast<double>(d) * (m.gamma_nodes[g] - 2.0));
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  std::normal_distribution<double> normal(0.0, 1.0);
  for (std::size_t k = 0; k < n_seasons; ++k) {
    reference::Season s;
    const std::size_t n = n_events / n_seasons + (k < n_events % n_seasons ? 1 : 0);
    for (std::size_t i = 0; i < n; ++i) {
      const double z = 2.0 * uniform(random) - 1.0;
      const bool north = z > -0.09;
      const double log_energy = (north ? 3.0 : 4.9) + 0.5 * normal(random);
      double sigma = 0.012 * std::exp(0.55 * normal(random));             // median 0.7°
      if (uniform(random) < 0.01) sigma = 0.09 + 0.25 * uniform(random);  // and one in a hundred of 5° to 20°
      s.ra.push_back(2 * pi * uniform(random));
      s.dec.push_back(std::asin(z));
      s.sigma.push_back(std::max(sigma, 0.2 * pi / 180));
      s.background.push_back(1.0 / (4 * pi));
      // signal: Gaussian in log E around a mean that moves with γ, background: Gaussian, cut off so that R averages to about 1
      for (std::size_t g = 0; g < G; ++g) {
        const double mean = (north ? 3.0 : 4.9) + 0.42 * (4.0 - m.gamma_nodes[g]), width = 0.5;
        const double a = (log_energy - mean) / width, b = (log_energy - (north ? 3.0 : 4.9)) / 0.5;
        s.log_ratio.push_back(static_cast<float>(std::clamp(-0.5 * a * a + 0.5 * b * b, -12.0, 8.0)));
      }
    }
    s.n_events = static_cast<double>(n);
    m.seasons.push_back(std::move(s));
  }
  return m;
}

}  // namespace nusky::bench
