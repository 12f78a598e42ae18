#include "nusky/gamma/coarse_weights.hpp"

#include <algorithm>

namespace nusky {
namespace {

constexpr std::size_t most = CoarseWeights::n, least = 3;

// Coefficients of the Lagrange polynomials through `points` coarse γ in x, the position relative to their middle, by power and
// then by point.
struct Basis {
  double of[most][most];
};

constexpr Basis lagrange(std::size_t points) {
  Basis b{};
  for (std::size_t j = 0; j < points; ++j) {
    double p[most + 1] = {1.0};
    std::size_t degree = 0;
    for (std::size_t m = 0; m < points; ++m) {
      if (m == j) continue;
      const double rise = 1.0 / (static_cast<double>(j) - static_cast<double>(m));
      const double node = static_cast<double>(m) - 0.5 * static_cast<double>(points - 1);
      for (std::size_t k = ++degree; k > 0; --k) p[k] = (p[k - 1] - node * p[k]) * rise;
      p[0] *= -node * rise;
    }
    for (std::size_t k = 0; k < points; ++k) b.of[k][j] = p[k];
  }
  return b;
}

constexpr Basis bases[] = {lagrange(3), lagrange(4), lagrange(5), lagrange(6)};

template <std::size_t points>
void weigh(double x, double per_gamma, double* value, double* slope, double* curvature) {
  const Basis& basis = bases[points - least];
  for (std::size_t j = 0; j < points; ++j) {
    double v = basis.of[points - 1][j], d = 0.0, dd = 0.0;
    for (std::size_t k = points - 1; k-- > 0;) {
      dd = dd * x + d;
      d = d * x + v;
      v = v * x + basis.of[k][j];
    }
    value[j] = v;
    slope[j] = d * per_gamma;
    curvature[j] = 2.0 * dd * per_gamma * per_gamma;
  }
}

}  // namespace

CoarseWeights::CoarseWeights(const GammaAxis& axis, double gamma, std::size_t low, std::size_t high) {
  const double per_gamma = 1.0 / axis.coarse_width(), position = (gamma - axis.front()) * per_gamma;
  const int points = static_cast<int>(std::min(n, high - low + 1));
  const int from = std::clamp(static_cast<int>(position) - (points - 2) / 2, static_cast<int>(low), static_cast<int>(high) + 1 - points);
  first = std::min(static_cast<std::size_t>(from), static_cast<std::size_t>(n_coarse_gamma) - n);
  const std::size_t at = static_cast<std::size_t>(from) - first;
  const double x = position - from - 0.5 * (points - 1);
  const auto weigh_all = points == 6 ? weigh<6> : points == 5 ? weigh<5> : points == 4 ? weigh<4> : weigh<3>;
  weigh_all(x, per_gamma, value.data() + at, slope.data() + at, curvature.data() + at);
}

}  // namespace nusky
