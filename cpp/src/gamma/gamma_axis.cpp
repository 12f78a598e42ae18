#include "nusky/gamma/gamma_axis.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace nusky {
namespace {

using Row = std::array<double, 4>;

struct Slope {
  int first = 0;
  std::array<double, 3> weight{};
  double at(int node) const { return node >= first && node < first + 3 ? weight[static_cast<std::size_t>(node - first)] : 0.0; }
};

// Weights of the slope at node j: derivative of the parabola through three nodes.
// They stand at nodes `first` … `first` + 2 of at most three.
Slope slope_weights(const std::vector<double>& x, int j) {
  const int n = static_cast<int>(x.size());
  Slope w;
  const auto at = [&](int i) { return x[static_cast<std::size_t>(i)]; };
  if (n == 1) return w;
  if (n == 2) {
    const double h = at(1) - at(0);
    w.weight = {-1.0 / h, 1.0 / h, 0.0};
    return w;
  }
  const int m = std::clamp(j, 1, n - 2);  // centre of the parabola
  const double a = at(m - 1), b = at(m), c = at(m + 1), t = at(j);
  w.first = m - 1;
  w.weight = {(2 * t - b - c) / ((a - b) * (a - c)), (2 * t - a - c) / ((b - a) * (b - c)), (2 * t - a - b) / ((c - a) * (c - b))};
  return w;
}

}  // namespace

float Stencil::ratio(const float* row) const {
  double l = 0.0;
  for (std::size_t k = 0; k < 4; ++k) l += value_d[k] * static_cast<double>(row[static_cast<std::size_t>(first) + k]);
  return static_cast<float>(std::exp(l));
}

GammaAxis::GammaAxis(std::vector<double> nodes) : nodes_(std::move(nodes)) {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (!std::isfinite(nodes_[i])) throw std::invalid_argument("gamma_nodes: node " + std::to_string(i) + " is not finite");
    if (i > 0 && !(nodes_[i] > nodes_[i - 1]))
      throw std::invalid_argument("gamma_nodes: must increase strictly, but node " + std::to_string(i) + " (" + std::to_string(nodes_[i]) +
                                  ") does not exceed node " + std::to_string(i - 1));
  }
  if (!free()) return;
  for (int j = 0; j < n_coarse_gamma; ++j) coarse_.push_back(stencil(coarse_gamma(j)));
  for (int j = 0; j < n_coarse_gamma; ++j) {
    const int i = std::min(j, n_coarse_gamma - 2);
    const double lo = coarse_gamma(i), hi = coarse_gamma(i + 1), slack = 1e-9 * coarse_width();
    std::vector<Stencil>& points = hull_.emplace_back();
    for (int s = 0; s + 1 < size(); ++s) {
      const double x0 = nodes_[static_cast<std::size_t>(s)], x1 = nodes_[static_cast<std::size_t>(s) + 1], h = x1 - x0;
      if (!(x1 > lo + slack && x0 < hi - slack)) continue;
      // Bézier points of the segment, then of its part within the interval (the blossom of the cubic)
      Row corner[4] = {};
      for (int k = 0; k < 4; ++k) {
        const int end = k / 2, node = s + end;
        const Slope w = slope_weights(nodes_, node);
        const double step = k == 1 ? h / 3.0 : k == 2 ? -h / 3.0 : 0.0;
        for (int n = 0; n < 4; ++n) {
          const int at = std::clamp(s - 1, 0, std::max(0, size() - 4)) + n;
          if (at < size()) corner[k][static_cast<std::size_t>(n)] = (at == node ? 1.0 : 0.0) + step * w.at(at);
        }
      }
      const double t0 = std::max(0.0, (lo - x0) / h), t1 = std::min(1.0, (hi - x0) / h);
      for (int k = 0; k < 4; ++k) {
        const double t[3] = {k > 2 ? t1 : t0, k > 1 ? t1 : t0, k > 0 ? t1 : t0};
        Row p[4] = {corner[0], corner[1], corner[2], corner[3]};
        for (int level = 0; level < 3; ++level)
          for (int m = 0; m < 3 - level; ++m)
            for (std::size_t n = 0; n < 4; ++n) p[m][n] = (1.0 - t[level]) * p[m][n] + t[level] * p[m + 1][n];
        Stencil st;
        st.first = std::clamp(s - 1, 0, std::max(0, size() - 4));
        for (std::size_t n = 0; n < 4; ++n) st.value[n] = static_cast<float>(p[0][n]);
        points.push_back(st);
      }
    }
  }
}

double GammaAxis::coarse_gamma(int j) const { return j == n_coarse_gamma - 1 ? back() : front() + j * coarse_width(); }

Stencil GammaAxis::stencil(double gamma) const {
  Stencil st;
  const int n = size();
  if (n == 0) return st;
  if (n == 1) {
    st.value[0] = 1.0F;
    st.value_d[0] = 1.0;
    return st;
  }
  const double g = std::clamp(gamma, front(), back());
  const auto above = std::upper_bound(nodes_.begin(), nodes_.end(), g);
  const int s = std::clamp(static_cast<int>(above - nodes_.begin()) - 1, 0, n - 2);
  const double x0 = nodes_[static_cast<std::size_t>(s)], h = nodes_[static_cast<std::size_t>(s) + 1] - x0;
  const double t = (g - x0) / h, t2 = t * t, t3 = t2 * t;
  // Hermite basis: values at both ends, slopes at both ends; and its derivatives in γ
  const double v[4] = {2 * t3 - 3 * t2 + 1, -2 * t3 + 3 * t2, h * (t3 - 2 * t2 + t), h * (t3 - t2)};
  const double d[4] = {(6 * t2 - 6 * t) / h, (-6 * t2 + 6 * t) / h, 3 * t2 - 4 * t + 1, 3 * t2 - 2 * t};
  const double c[4] = {(12 * t - 6) / (h * h), (-12 * t + 6) / (h * h), (6 * t - 4) / h, (6 * t - 2) / h};
  const auto w0 = slope_weights(nodes_, s), w1 = slope_weights(nodes_, s + 1);
  st.first = std::clamp(s - 1, 0, std::max(0, n - 4));
  for (int k = 0; k < 4; ++k) {
    const int node = st.first + k;
    if (node >= n) continue;
    const auto kk = static_cast<std::size_t>(k);
    const double e0 = node == s ? 1.0 : 0.0, e1 = node == s + 1 ? 1.0 : 0.0;
    st.value_d[kk] = v[0] * e0 + v[1] * e1 + v[2] * w0.at(node) + v[3] * w1.at(node);
    st.slope_d[kk] = d[0] * e0 + d[1] * e1 + d[2] * w0.at(node) + d[3] * w1.at(node);
    st.curvature_d[kk] = c[0] * e0 + c[1] * e1 + c[2] * w0.at(node) + c[3] * w1.at(node);
    st.value[kk] = static_cast<float>(st.value_d[kk]);
    st.slope[kk] = static_cast<float>(st.slope_d[kk]);
    st.curvature[kk] = static_cast<float>(st.curvature_d[kk]);
  }
  return st;
}

void GammaAxis::coarse_bounds(const float* values, float* upper, float* lower) const {
  for (int j = 0; j < n_coarse_gamma; ++j) {
    float up = -std::numeric_limits<float>::infinity(), down = -up;
    for (const Stencil& st : hull_[static_cast<std::size_t>(j)]) {
      float point = 0.0F;
      for (int k = 0; k < 4; ++k) point += st.value[static_cast<std::size_t>(k)] * values[st.first + k];
      up = std::max(up, point);
      down = std::min(down, point);
    }
    upper[j] = up;
    lower[j] = down;
  }
}

float GammaAxis::highest_in(int j, const float* values) const {
  float up = -std::numeric_limits<float>::infinity();
  for (const Stencil& st : hull_[static_cast<std::size_t>(j)]) {
    const float* v = values + st.first;
    up = std::max(up, st.value[0] * v[0] + st.value[1] * v[1] + st.value[2] * v[2] + st.value[3] * v[3]);
  }
  return up;
}

}  // namespace nusky
