#pragma once
#include <array>
#include <cstddef>

#include "nusky/gamma/gamma_axis.hpp"

namespace nusky {

/// Interpolation between the coarse γ through up to six of them: Lagrange weights of the value and of its first two derivatives in γ.
struct LaneWeights {
  static constexpr std::size_t n = 6;
  std::size_t first = 0;  ///< the weights are those of the coarse γ first … first + 5; unused ones are 0
  std::array<double, n> value{}, slope{}, curvature{};

  LaneWeights() = default;
  /// Through the nearest six of the coarse γ low … high; through all of them where they are three to five.
  LaneWeights(const GammaAxis& axis, double gamma, std::size_t low = 0, std::size_t high = n_lanes - 1);

  /// @param lanes values at all n_lanes coarse γ
  double value_of(const double* lanes) const { return dot(value, lanes); }
  double slope_of(const double* lanes) const { return dot(slope, lanes); }
  double curvature_of(const double* lanes) const { return dot(curvature, lanes); }

 private:
  double dot(const std::array<double, n>& weight, const double* lanes) const {
    const double* v = lanes + first;
    return (weight[0] * v[0] + weight[1] * v[1]) + (weight[2] * v[2] + weight[3] * v[3]) + (weight[4] * v[4] + weight[5] * v[5]);
  }
};

}  // namespace nusky
