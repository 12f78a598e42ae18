#pragma once
#include <array>
#include <vector>

#include "nusky/fit/direction_events.hpp"
#include "nusky/gamma/coarse_weights.hpp"

namespace nusky {

/// Where the profile has a local maximum in γ.
struct Maximum {
  double gamma = 0.0, n = 0.0;
  double value = 0.0;        ///< ln Λ there
  double per_gamma = 0.0;    ///< dn/dγ of the best n
  double curvature = 0.0;    ///< second derivative of the profile in γ
  double curvature_n = 0.0;  ///< second derivative of ln Λ in n
  bool at_end = false;       ///< γ is an end of the range, and ln Λ rises towards it
  bool smooth = false;       ///< read off the interpolated profile; else a rough start, without derivatives
};

/// ln Λ of one direction maximised over n_s at every coarse γ, to the accuracy that choosing where to fit needs: strong events
/// one by one, the other near ones and the tail through Σw and Σw² (ln(1+u) = u − u²/2).
class Profile {
 public:
  explicit Profile(const FitModel& model);

  /// False: d ln Λ/dn at n = 0 is negative for every γ, so that ts = 0, and nothing else is known.
  bool solve(const DirectionEvents& events);
  /// The coarse γ where the profile is highest, and n_s at coarse γ number j.
  std::size_t highest() const;
  double n(std::size_t j) const { return n_[j]; }
  /// The local maxima in γ that may turn out the highest, `count` of them, to be worked on.
  Maximum* maxima(std::size_t& count);

  /// Sums over the weak events and the tail of one season at y and a γ.
  EventSums weak_sums(std::size_t season, double y, const CoarseWeights& at);
  /// Σ S/B R over the tail of one season, and the slope of its logarithm.
  double tail_sum(std::size_t season, const CoarseWeights& at, double& slope);

 private:
  enum Sum : std::size_t { weak, weak_squares, tail, n_sums };
  const double* log_of(std::size_t season, Sum which);
  bool falls_everywhere(const double* sums) const;
  bool read_maximum(std::size_t i, double shift, Maximum& out) const;

  const FitModel* model_;
  const Kernels* kernels_;
  std::size_t n_seasons_;
  const DirectionEvents* events_ = nullptr;
  alignas(64) std::array<double, n_coarse_gamma> n_{}, value_{}, curvature_{}, active_{};
  AlignedVector<double> phi_;     // (K, 16): f_k/N_k
  AlignedVector<float> moments_;  // (K, 4, 16): Σ w, Σ w² of weak events and tail, then of the strong
  AlignedVector<double> logs_;    // (K, n_sums, 16)
  std::vector<char> has_logs_;    // (K, n_sums)
  std::vector<Share> shares_;
  std::array<Maximum, n_coarse_gamma + 2> maxima_;
};

}  // namespace nusky
