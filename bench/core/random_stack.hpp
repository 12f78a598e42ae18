#pragma once
// Random calls of stacks against the slow sum over their sources.
#include "nusky/stacking/stack.hpp"
#include "nusky/trials/hypothesis_trials.hpp"
#include "random_case.hpp"

namespace nusky::random_calls {

/// Sources with weights that depend on γ.
struct DrawnStack {
  std::vector<double> ra, dec, extension;
  std::vector<double> log_weight;  // (K, J, max(G, 1))
};

inline DrawnStack draw_stack(Random& random, const reference::Model& m) {
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
inline reference::Sky look_at_stack(const Case& c, const DrawnStack& stack, std::vector<std::vector<float>>& rows) {
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

inline void call_stack(Random& random, const Case& given) {
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

}  // namespace nusky::random_calls
