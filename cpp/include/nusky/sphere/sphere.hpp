#pragma once
#include <Eigen/Core>
#include <algorithm>
#include <cmath>

namespace nusky {

using Vec3 = Eigen::Vector3d;

constexpr double pi = 3.14159265358979323846;

/// Unit vector of (ra, dec) in rad.
inline Vec3 unit_vector(double ra, double dec) {
  const double c = std::cos(dec);
  return {c * std::cos(ra), c * std::sin(ra), std::sin(dec)};
}

/// Largest cosine of a declination within low … high.
inline double largest_cosine(double low, double high) { return low * high <= 0.0 ? 1.0 : std::max(std::cos(low), std::cos(high)); }

/// A cap of the sphere.
struct Cap {
  Vec3 centre;
  double radius;  ///< rad
};

/// Squared chord 4 sin²(ψ/2) of an angle ψ; angles of π and more give 5, which no pair of unit vectors reaches.
inline double chord2(double angle) {
  if (angle >= pi) return 5.0;
  const double s = std::sin(0.5 * angle);
  return 4.0 * s * s;
}

}  // namespace nusky
