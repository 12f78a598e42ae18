#pragma once
#include <array>
#include <cstddef>
#include <vector>

namespace nusky {

/// Number of coarse γ: one SIMD row of floats. They bound n_coarse_gamma − 1 coarse intervals.
constexpr int n_coarse_gamma = 16;

/// The weights that turn four consecutive node values into f, f′, f″ at one γ.
///
/// Between nodes every function of γ (ln R of an event, ln A of a season) is a cubic Hermite
/// polynomial; the slope at a node is that of the parabola through it and its two neighbours,
/// one-sided at the ends. For a given γ this is linear in at most four node values, with the
/// same weights for every event.
struct Stencil {
  int first = 0;                     ///< first node of the four
  std::array<float, 4> value{};      ///< f   = Σ value[k] · node[first + k]
  std::array<float, 4> slope{};      ///< f′
  std::array<float, 4> curvature{};  ///< f″
  std::array<double, 4> value_d{};
  std::array<double, 4> slope_d{};
  std::array<double, 4> curvature_d{};

  /// exp of the interpolated value. @param row of node values
  float ratio(const float* row) const;
};

/// The γ nodes and what follows from them.
class GammaAxis {
 public:
  GammaAxis() = default;
  /// @param nodes strictly increasing; empty: no energy term; one: γ is fixed there
  explicit GammaAxis(std::vector<double> nodes);

  int size() const { return static_cast<int>(nodes_.size()); }
  /// Length of a stored row of node values: at least four, so that a stencil never reads beyond it.
  int padded_size() const { return size() < 4 ? 4 : size(); }
  /// γ can be fitted (two nodes or more).
  bool free() const { return size() >= 2; }
  double front() const { return nodes_.front(); }
  double back() const { return nodes_.back(); }
  const std::vector<double>& nodes() const { return nodes_; }

  /// Weights at `gamma`, clamped to the nodes' range.
  Stencil stencil(double gamma) const;
  /// Coarse γ number j < n_coarse_gamma: evenly spaced, both ends of the range among them.
  double coarse_gamma(int j) const;
  double coarse_width() const { return (back() - front()) / (n_coarse_gamma - 1); }
  const Stencil& coarse_stencil(int j) const { return coarse_[static_cast<std::size_t>(j)]; }

  /// Upper and lower bound of the interpolant between coarse γ j and j + 1, from the hull of its Bézier points. Entry n_coarse_gamma − 1
  /// repeats the one before.
  /// @param values one row of node values
  void coarse_bounds(const float* values, float* upper, float* lower) const;
  /// The upper bound of these, of the coarse interval j < n_coarse_gamma − 1 alone.
  float highest_in(int j, const float* values) const;

 private:
  std::vector<double> nodes_;
  std::vector<Stencil> coarse_;
  std::vector<std::vector<Stencil>> hull_;  // Bézier points of each coarse interval, as weights (in `value`)
};

}  // namespace nusky
