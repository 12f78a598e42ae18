#pragma once
// Made-up candidates of a tile and its directions, for the kernels that take both.
#include <cmath>
#include <random>
#include <vector>

#include "made_up_sky.hpp"
#include "nusky/aligned.hpp"
#include "nusky/kernels/table.hpp"

namespace nusky::made_up {

// Candidates of a tile as GroupFitter::load lays them out, and directions.
struct Patch {
  std::size_t n, filled, count;
  AlignedVector<float> x, y, z, rate, gaussian, weight, cut, peak;
  std::vector<double> sigma;
  std::vector<float> vx, vy, vz;
  CandidateView view() const { return {n, x.data(), y.data(), z.data(), rate.data(), gaussian.data(), weight.data(), cut.data()}; }
};

inline Patch make_patch(std::size_t n, std::size_t count, double sigma_low, double sigma_high, double cut_n_sigma, unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  Patch t;
  t.n = n;
  t.count = count;
  t.filled = (n + 15) / 16 * 16;
  for (auto* c : {&t.x, &t.y, &t.z, &t.rate, &t.gaussian, &t.weight, &t.peak}) c->assign(t.filled, 0.0F);
  t.cut.assign(t.filled, -1.0F);
  const Vec3 centre = unit_vector(1.0, 0.4);
  for (std::size_t i = 0; i < n; ++i) {
    const double sigma = sigma_low * std::pow(sigma_high / sigma_low, uniform(random)), farthest = std::min(pi, 1.2 * cut_n_sigma * sigma);
    const Vec3 axis = Vec3(uniform(random) - 0.5, uniform(random) - 0.5, uniform(random) - 0.5).cross(centre).normalized();
    const double angle = farthest * std::sqrt(uniform(random));
    const Vec3 e = std::cos(angle) * centre + std::sin(angle) * axis;
    t.x[i] = static_cast<float>(e.x() - centre.x());
    t.y[i] = static_cast<float>(e.y() - centre.y());
    t.z[i] = static_cast<float>(e.z() - centre.z());
    t.sigma.push_back(sigma);
    const bool flat = sigma <= 7.0 * degree;
    t.rate[i] = static_cast<float>(0.5 / (sigma * sigma));
    t.gaussian[i] = flat ? 1.0F : 0.0F;
    t.weight[i] = static_cast<float>(reference::spatial(0.0, sigma, 5.0) * 4 * pi);
    t.cut[i] = static_cast<float>(chord2(std::min(cut_n_sigma * sigma, pi)));
    t.peak[i] = static_cast<float>(std::exp(4 * uniform(random) - 2));
  }
  for (std::size_t p = 0; p < count; ++p) {
    const Vec3 v = (centre + 0.03 * Vec3(uniform(random) - 0.5, uniform(random) - 0.5, uniform(random) - 0.5)).normalized() - centre;
    t.vx.push_back(static_cast<float>(v.x()));
    t.vy.push_back(static_cast<float>(v.y()));
    t.vz.push_back(static_cast<float>(v.z()));
  }
  return t;
}

// Where S/B of candidate c and direction p stands, see CandidateView.
inline std::size_t in_blocks(std::size_t c, std::size_t p, std::size_t stride = 16) { return (c / 16 * stride + p) * 16 + c % 16; }

}  // namespace nusky::made_up
