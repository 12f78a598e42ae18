#pragma once
// The slow, obvious reference of the likelihood, in double precision from the definitions. It shares the γ axis with the
// core (the interpolant is part of the model) and nothing else.
#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "nusky/gamma/gamma_axis.hpp"
#include "nusky/sphere/sphere.hpp"

namespace nusky::reference {

struct Season {
  std::vector<double> ra, dec, sigma, background;
  std::vector<float> log_ratio;  // (N, G)
  double n_events = 0;
};

struct Model {
  std::vector<double> gamma_nodes, sindec_nodes, log_acceptance;  // (K, D, G)
  std::vector<Season> seasons;
  double cut_n_sigma = 5.0;
  bool extended = false;
};

inline double interpolate(const GammaAxis& axis, const float* row, double gamma) {
  if (axis.size() == 0) return 0.0;
  const Stencil st = axis.stencil(gamma);
  double sum = 0.0;
  for (std::size_t k = 0; k < 4 && static_cast<int>(k) + st.first < axis.size(); ++k)
    sum += st.value_d[k] * static_cast<double>(row[st.first + static_cast<int>(k)]);
  return sum;
}

inline double spatial(double psi, double sigma, double cut_n_sigma) {
  if (psi > cut_n_sigma * sigma) return 0.0;
  const double k = 1.0 / (sigma * sigma);
  if (sigma <= 7.0 * pi / 180.0) return k / (2 * pi) * std::exp(-0.5 * psi * psi * k);
  return k / (2 * pi) * std::exp(k * (std::cos(psi) - 1.0)) / -std::expm1(-2.0 * k);
}

/// S/B of every event within the cut, and its ln R row.
struct Event {
  double weight;
  const float* row;
};
struct Sky {
  std::vector<std::vector<Event>> events;  // per season
  double sindec;
};

inline Sky look(const Model& m, double ra, double dec) {
  Sky sky;
  sky.sindec = std::sin(dec);
  const Vec3 x = unit_vector(ra, dec);
  const std::size_t G = m.gamma_nodes.size();
  for (const Season& s : m.seasons) {
    sky.events.emplace_back();
    for (std::size_t i = 0; i < s.ra.size(); ++i) {
      const Vec3 e = unit_vector(s.ra[i], s.dec[i]);
      const double psi = std::atan2(x.cross(e).norm(), x.dot(e));
      const double w = spatial(psi, s.sigma[i], m.cut_n_sigma) / s.background[i];
      if (w > 0) sky.events.back().push_back({w, G > 0 ? s.log_ratio.data() + i * G : nullptr});
    }
  }
  return sky;
}

/// Shares of the seasons at one (sin δ, γ).
inline std::vector<double> shares(const Model& m, const GammaAxis& axis, double sindec, double gamma) {
  const std::size_t K = m.seasons.size(), D = m.sindec_nodes.size(), G = std::max<std::size_t>(1, m.gamma_nodes.size());
  if (K == 1) return {1.0};
  std::size_t c = 0;
  double t = 0.0;
  if (D > 1) {
    while (c + 2 < D && sindec > m.sindec_nodes[c + 1]) ++c;
    t = std::clamp((sindec - m.sindec_nodes[c]) / (m.sindec_nodes[c + 1] - m.sindec_nodes[c]), 0.0, 1.0);
  }
  std::vector<double> a(K);
  double sum = 0.0;
  for (std::size_t k = 0; k < K; ++k) {
    const auto at = [&](std::size_t d) {
      const double* row = m.log_acceptance.data() + (k * D + d) * G;
      if (m.gamma_nodes.empty()) return row[0];
      const Stencil st = axis.stencil(gamma);
      double v = 0.0;
      for (std::size_t j = 0; j < 4 && static_cast<int>(j) + st.first < axis.size(); ++j)
        v += st.value_d[j] * row[st.first + static_cast<int>(j)];
      return v;
    };
    a[k] = std::exp(D > 1 ? (1 - t) * at(c) + t * at(c + 1) : at(0));
    sum += a[k];
  }
  for (double& v : a) v /= sum;
  return a;
}

/// ln Λ(n, γ) as the sum over events is written, one logarithm each.
inline double log_likelihood(const Model& m, const GammaAxis& axis, const Sky& sky, double n, double gamma) {
  const std::vector<double> f = shares(m, axis, sky.sindec, gamma);
  double total = 0.0;
  for (std::size_t k = 0; k < m.seasons.size(); ++k) {
    const double N = m.seasons[k].n_events, x = n * f[k] / N;
    if (m.extended) total -= n * f[k];
    for (const Event& e : sky.events[k]) {
      const double w = e.weight * std::exp(interpolate(axis, e.row, gamma));
      total += m.extended ? std::log1p(x * w) : std::log1p(x * (w - 1.0));
    }
    if (!m.extended) total += (N - static_cast<double>(sky.events[k].size())) * std::log1p(-x);
  }
  return total;
}

struct Fit {
  double ts, ns, gamma;
};

/// Best n at one γ: golden section in ln n after a coarse ladder; slow and sure.
inline Fit fit_ns(const Model& m, const GammaAxis& axis, const Sky& sky, double gamma) {
  double limit = 1e9;
  if (!m.extended) {
    const std::vector<double> f = shares(m, axis, sky.sindec, gamma);
    limit = 1e300;
    for (std::size_t k = 0; k < f.size(); ++k) limit = std::min(limit, m.seasons[k].n_events / f[k]);
    limit *= 1.0 - 1e-6;
  }
  double low = std::log(1e-6), high = std::log(std::min(limit, 1e5));
  const auto value = [&](double u) { return log_likelihood(m, axis, sky, std::exp(u), gamma); };
  const double r = 0.5 * (std::sqrt(5.0) - 1.0);
  double a = high - r * (high - low), b = low + r * (high - low), fa = value(a), fb = value(b);
  while (high - low > 1e-9) {  // ln Λ has one maximum in n
    if (fa > fb) {
      high = b;
      b = a;
      fb = fa;
      a = high - r * (high - low);
      fa = value(a);
    } else {
      low = a;
      a = b;
      fa = fb;
      b = low + r * (high - low);
      fb = value(b);
    }
  }
  const double u = 0.5 * (low + high), best = value(u);
  if (!(best > 0)) return {0.0, 0.0, gamma};
  return {2 * best, std::exp(u), gamma};
}

/// Global maximum: a γ grid with n profiled, then golden section around its best points.
inline Fit fit(const Model& m, double ra, double dec, int grid = 97) {
  const GammaAxis axis(m.gamma_nodes);
  const Sky sky = look(m, ra, dec);
  if (!axis.free()) return fit_ns(m, axis, sky, axis.size() == 1 ? axis.front() : 0.0);
  std::vector<Fit> at;
  for (int i = 0; i < grid; ++i) at.push_back(fit_ns(m, axis, sky, axis.front() + (axis.back() - axis.front()) * i / (grid - 1)));
  Fit best{0.0, 0.0, std::numeric_limits<double>::quiet_NaN()};
  for (int i = 0; i < grid; ++i) {
    const auto c = static_cast<std::size_t>(i);
    if ((i > 0 && at[c].ts < at[c - 1].ts) || (i + 1 < grid && at[c].ts < at[c + 1].ts) || at[c].ts <= 0) continue;
    double low = i > 0 ? at[c - 1].gamma : at[c].gamma, high = i + 1 < grid ? at[c + 1].gamma : at[c].gamma;
    for (int step = 0; step < 40; ++step) {
      const double x = low + (high - low) / 3, y = high - (high - low) / 3;
      if (fit_ns(m, axis, sky, x).ts < fit_ns(m, axis, sky, y).ts)
        low = x;
      else
        high = y;
    }
    const Fit polished = fit_ns(m, axis, sky, 0.5 * (low + high));
    for (const Fit& f : {at[c], polished})
      if (f.ts > best.ts) best = f;
  }
  return best;
}

}  // namespace nusky::reference
