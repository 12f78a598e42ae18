#pragma once
#include <vector>

#include "nusky/gamma/gamma_axis.hpp"

namespace nusky {

/// Share f_k of season k in the signal of one direction, and the derivatives of ln f_k in γ.
struct Share {
  double f = 1.0, slope = 0.0, curvature = 0.0;
};

/// Σ ln(1 + n b) − n is never below ln Λ where every weight b is made larger by this factor, up to the n at which the largest n f/N is z;
/// see B1 in src/bounds/README.md for why. 0: z is too large for such a factor to be of use.
inline double bound_factor(double z) { return z > 0.2 ? 0.0 : (1.0 + z * (1.0 + z)) * (1.0 + 1e-4); }  // B1

/// What the likelihood is made of apart from events and directions.
///
///   ln Λ(n_s, γ) = Σ_k { N_k ln(1 − n_k/N_k) + Σ_i ln[1 + y_k W_i(γ)] },   y_k = (n_k/N_k) / (1 − n_k/N_k)
///   extended:      Σ_k { −n_k + Σ_i ln[1 + (n_k/N_k) W_i(γ)] }
///   n_k = n_s f_k(δ, γ),   f_k = A_k / Σ_j A_j
///
/// The first form is Σ ln[1 + (n_k/N_k)(W_i − 1)] with 1 − n_k/N_k taken out of every event, so that events with W = 0
/// need no term of their own and nothing cancels.
class Likelihood {
 public:
  /// n_s may come this close to its bound n_k = N_k, where ln(1 − n_k/N_k) diverges.
  static constexpr double closest_to_limit = 1.0 - 1e-6;

  /// @param axis γ nodes; empty: no energy term
  /// @param sindec_nodes (D,) strictly increasing, D ≥ 1
  /// @param log_acceptance (K, D, max(G, 1)) row-major ln A_k, finite
  Likelihood(GammaAxis axis, std::vector<double> sindec_nodes, const double* log_acceptance, int n_seasons, bool extended);

  const GammaAxis& axis() const { return axis_; }
  int n_seasons() const { return n_seasons_; }
  bool extended() const { return extended_; }

  /// Shares of all seasons at sin δ and a γ given by its stencil. @param out n_seasons() entries
  void shares(double sindec, const Stencil& at, Share* out) const;
  /// Upper bounds of the shares over each coarse γ interval. @param out (n_seasons(), n_coarse_gamma)
  void share_bounds(double sindec, float* out) const;
  /// The same over all γ and all sin δ from `low` to `high`; γ must be free or the season alone. @param out n_seasons() entries
  void highest_shares(double low, double high, float* out) const;
  /// Those of one season over each coarse γ interval and all sin δ from `low` to `high`; γ must be free. @param out (n_coarse_gamma,)
  void highest_shares_of(int season, double low, double high, float* out) const;
  /// Whether shares and γ nodes are those of another likelihood.
  bool has_shares_of(const Likelihood& other) const;

 private:
  std::size_t cell(double sindec, double& fraction) const;

  GammaAxis axis_;
  std::vector<double> sindec_;
  std::vector<double> log_acceptance_;  // (K, D, padded G)
  std::vector<float> bounds_;           // (cells, K, n_coarse_gamma)
  int n_seasons_;
  std::size_t width_;
  bool extended_;
};

}  // namespace nusky
