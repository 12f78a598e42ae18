#pragma once
#include <array>
#include <cstddef>

#include "nusky/gamma/gamma_axis.hpp"

namespace nusky {

/// Interpolation between the coarse γ through up to six of them: Lagrange weights of the value and of its first two derivatives in γ.
struct CoarseWeights {
  static constexpr std::size_t n = 6;
  std::size_t first = 0;  ///< the weights are those of the coarse γ first … first + 5; unused ones are 0
  std::array<double, n> value{}, slope{}, curvature{};

  CoarseWeights() = default;
  /// Through the nearest six of the coarse γ low … high; through all of them where they are three to five.
  CoarseWeights(const GammaAxis& axis, double gamma, std::size_t low = 0, std::size_t high = n_coarse_gamma - 1);

  /// @param at_coarse values at all n_coarse_gamma coarse γ
  double value_of(const double* at_coarse) const { return dot(value, at_coarse); }
  double slope_of(const double* at_coarse) const { return dot(slope, at_coarse); }
  double curvature_of(const double* at_coarse) const { return dot(curvature, at_coarse); }

 private:
  double dot(const std::array<double, n>& weight, const double* at_coarse) const {
    const double* v = at_coarse + first;
    return (weight[0] * v[0] + weight[1] * v[1]) + (weight[2] * v[2] + weight[3] * v[3]) + (weight[4] * v[4] + weight[5] * v[5]);
  }
};

}  // namespace nusky
