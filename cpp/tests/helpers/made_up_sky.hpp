#pragma once
// Made-up skies for the tests, and the core's fit of them. The columns are those of reference::Model, so that the core and
// the slow reference see the same events.
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "nusky/fit/scan.hpp"
#include "reference.hpp"

namespace nusky::made_up {

constexpr double degree = pi / 180.0;
constexpr std::optional<double> free_gamma;

struct Options {
  std::vector<std::size_t> sizes{800};  ///< events of every season
  std::vector<double> gamma_nodes;
  double sigma_low = 0.5 * degree, sigma_high = 3.0 * degree;  ///< log-uniform
  double hardness = 1.0;                                       ///< of the energy term: scales ln R; 0: R = 1
  bool extended = false;
  unsigned seed = 1;
};

inline std::vector<double> even_nodes(std::size_t n, double low = 1.0, double high = 4.0) {
  std::vector<double> nodes;
  for (std::size_t g = 0; g < n; ++g)
    nodes.push_back(n == 1 ? 2.0 : low + (high - low) * static_cast<double>(g) / static_cast<double>(n - 1));
  return nodes;
}

/// ln R of an event of "energy" e (0: background-like, 3: hard): a parabola in γ with its top at γ = 4 − e.
inline void add_energy(reference::Season& s, const std::vector<double>& nodes, double e, double hardness) {
  for (const double g : nodes) {
    const double x = g - (4.0 - e);
    s.log_ratio.push_back(static_cast<float>(hardness * (0.9 * e - 0.7 * x * x)));
  }
}

inline void add_event(reference::Season& s, double ra, double dec, double sigma, double background) {
  s.ra.push_back(ra);
  s.dec.push_back(dec);
  s.sigma.push_back(sigma);
  s.background.push_back(background);
}

inline reference::Model sky(const Options& o) {
  reference::Model m;
  m.gamma_nodes = o.gamma_nodes;
  m.extended = o.extended;
  m.sindec_nodes = {-1.0, -0.4, 0.1, 0.55, 1.0};
  std::mt19937_64 random(o.seed);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  for (std::size_t k = 0; k < o.sizes.size(); ++k)
    for (std::size_t d = 0; d < m.sindec_nodes.size(); ++d)
      for (std::size_t g = 0; g < std::max<std::size_t>(1, o.gamma_nodes.size()); ++g) {
        const double gamma = o.gamma_nodes.empty() ? 2.0 : o.gamma_nodes[g];
        m.log_acceptance.push_back(std::log(static_cast<double>(std::max<std::size_t>(1, o.sizes[k]))) +
                                   (0.6 * static_cast<double>(k) - 0.3) * (gamma - 2.0) +
                                   0.8 * m.sindec_nodes[d] * (static_cast<double>(k) - 0.5));
      }
  for (const std::size_t n : o.sizes) {
    reference::Season s;
    for (std::size_t i = 0; i < n; ++i) {
      const double z = 2.0 * uniform(random) - 1.0;
      add_event(s, 2 * pi * uniform(random), std::asin(z), o.sigma_low * std::pow(o.sigma_high / o.sigma_low, uniform(random)),
                (1.0 + 0.3 * z) / (4 * pi));
      add_energy(s, o.gamma_nodes, std::min(4.0, -0.5 * std::log(1.0 - uniform(random))), o.hardness);
    }
    s.n_events = static_cast<double>(n);
    m.seasons.push_back(std::move(s));
  }
  return m;
}

/// Adds n events around (ra, dec), spread by `spread` times their error; they are counted in N_k unless extended.
inline void inject(reference::Model& m, std::size_t season, std::size_t n, double ra, double dec, double energy, double spread = 1.0,
                   unsigned seed = 7) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(0.0, 1.0);
  reference::Season& s = m.seasons[season];
  for (std::size_t i = 0; i < n; ++i) {
    const double sigma = (0.6 + 0.1 * static_cast<double>(i % 7)) * degree;
    const Vec3 x = unit_vector(ra, dec), north(-std::sin(dec) * std::cos(ra), -std::sin(dec) * std::sin(ra), std::cos(dec)),
               east(-std::sin(ra), std::cos(ra), 0.0);
    const Vec3 e = (x + spread * sigma * (normal(random) * north + normal(random) * east)).normalized();
    double a = std::atan2(e.y(), e.x());
    if (a < 0) a += 2 * pi;
    add_event(s, spread == 0.0 ? ra : a, spread == 0.0 ? dec : std::asin(std::clamp(e.z(), -1.0, 1.0)), sigma, 1.0 / (4 * pi));
    add_energy(s, m.gamma_nodes, energy, 1.0);
  }
  if (!m.extended) s.n_events += static_cast<double>(n);
}

/// The core's objects of a model.
struct Core {
  std::vector<double> n_events;
  std::vector<std::shared_ptr<const EventColumns>> columns;  ///< of each season, in which row i is its event i
  std::unique_ptr<Likelihood> likelihood;
  std::unique_ptr<EventIndex> index;

  explicit Core(const reference::Model& m, int n_threads = 1) {
    const GammaAxis axis(m.gamma_nodes);
    std::vector<EventPart> parts;
    for (std::size_t k = 0; k < m.seasons.size(); ++k) {
      const reference::Season& s = m.seasons[k];
      EventPart part;
      part.columns = std::make_shared<EventColumns>(s.ra.size(), s.dec.data(), s.sigma.data(), s.background.data(),
                                                    axis.size() > 0 ? s.log_ratio.data() : nullptr, axis, m.cut_n_sigma, 0.0, n_threads);
      columns.push_back(part.columns);
      part.n = s.ra.size();
      part.ra = s.ra.data();
      part.season = static_cast<int>(k);
      parts.push_back(part);
      n_events.push_back(s.n_events);
    }
    likelihood =
        std::make_unique<Likelihood>(axis, m.sindec_nodes, m.log_acceptance.data(), static_cast<int>(m.seasons.size()), m.extended);
    index = std::make_unique<EventIndex>(parts, n_events, n_threads);
  }

  ScanResult scan(const std::vector<double>& ra, const std::vector<double>& dec, std::optional<double> gamma = free_gamma,
                  int n_threads = 1) const {
    return nusky::scan(*likelihood, *index, Directions(ra.size(), ra.data(), dec.data()), gamma, n_threads);
  }
};

/// The slow fit, with γ free or fixed.
inline reference::Fit slow_fit(const reference::Model& m, double ra, double dec, std::optional<double> gamma = free_gamma, int grid = 97) {
  if (!gamma) return reference::fit(m, ra, dec, grid);
  return reference::fit_ns(m, GammaAxis(m.gamma_nodes), reference::look(m, ra, dec), *gamma);
}

}  // namespace nusky::made_up
