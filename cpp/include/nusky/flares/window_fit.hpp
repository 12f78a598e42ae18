#pragma once
#include <optional>
#include <vector>

#include "nusky/flares/near_events.hpp"
#include "nusky/likelihood/likelihood.hpp"

namespace nusky {

/// A flare that is no box: its density in time s(t), 1 at most, and how it changes with two parameters, or nothing of that.
struct WindowShape {
  std::vector<double> weight;      ///< of the events in the window: S/B T_k/N_k s
  std::vector<float> change[2];    ///< of ln s of these events
  std::vector<double> by_days[2];  ///< (K,) of the integrals over the uptime
};

/// What of a trial is in a window.
struct WindowContent {
  std::size_t first = 0, last = 0;  ///< events
  const double* days = nullptr;     ///< (K,) uptime of each season; with a shape its integral over the uptime
  const WindowShape* shape = nullptr;
};

/// The best n_s in a window at one γ.
struct WindowProfile {
  double value = 0.0;                  ///< ln Λ
  double slope = 0.0;                  ///< d ln Λ/dγ
  double shape_slope[2] = {0.0, 0.0};  ///< with the parameters of the shape
  double n = 0.0;
  bool at_limit = false;
};

/// Exact fits of the events of a direction that are in a window:
///
///   ln Λ = Σ_k (N_k − m_k) ln(1 − n p_k) + Σ_{i in window} ln(1 + n (x_i − p_k)) + …,   p_k = f_k/N_k,  f_k = a_k T_wk / Σ_j a_j T_wj
///
/// where m_k events of season k are near and in the window, a_k is its acceptance per day, T_wk its uptime in the window and
/// x_i = S/B R (T_k/N_k) a_k / Σ_j a_j T_wj: the steady likelihood with T_S/T_B = T_k/T_wk in the window and 0 outside.
/// The extended likelihood is Σ_{i in window} ln(1 + n x_i) − n.
class WindowFit {
 public:
  WindowFit(const Likelihood& likelihood, std::vector<double> days, std::optional<double> gamma);

  /// The events of another direction or trial. @param n_events (K,)
  void take(const NearInTime& near, double sindec, const std::vector<double>& n_events);
  /// γ can be fitted.
  bool free() const { return free_; }
  /// R of event i where γ is not free.
  double fixed_ratio(std::size_t i) const { return fixed_.empty() ? 1.0 : static_cast<double>(fixed_[i]); }
  /// a_k at the coarse γ and between, (K,) for each of n: acceptance per day, over its mean over all uptime.
  void day_acceptances(double gamma, double* a) const;

  /// At a coarse γ. Not free: at the fixed γ, whatever the lane. @param guess near the best n_s, as that of the γ beside is; 0: unknown
  WindowProfile at_lane(const WindowContent& content, int lane, double guess = 0.0);
  /// At any γ.
  WindowProfile at(const WindowContent& content, double gamma, double guess = 0.0);
  /// Where γ is not free.
  WindowProfile at_fixed(const WindowContent& content);
  double gamma_front() const { return free_ ? likelihood_->axis().front() : 0.0; }
  double gamma_back() const { return free_ ? likelihood_->axis().back() : 0.0; }
  double lane_gamma(int lane) const { return likelihood_->axis().coarse_gamma(lane); }

 private:
  struct Ratios {
    bool known = false;
    std::vector<float> ratio, change;
  };
  void evaluate_ratios(const Stencil& at, std::size_t first, std::size_t last, std::vector<float>& ratio, std::vector<float>& change) const;
  WindowProfile profile_at(const WindowContent& content, const Stencil& at, double guess);
  WindowProfile profile(const WindowContent& content, const Stencil& at, const float* ratio, const float* change, double guess);
  double slope_of(const WindowContent& content, double n, const float* change);
  template <class Call>
  void for_segments(const WindowContent& content, const Call& call) const;
  double best_n(std::size_t count, double n_max, double guess);

  const Likelihood* likelihood_;
  std::vector<double> days_;  // of each season
  double together_ = 0.0;
  bool free_, extended_;
  Stencil fixed_stencil_;
  const NearInTime* near_ = nullptr;
  double sindec_ = 0.0;
  std::vector<double> n_events_;
  std::vector<float> fixed_, none_;
  std::vector<Ratios> lanes_;
  std::vector<float> ratio_, change_;
  mutable std::vector<Share> shares_;
  std::vector<double> beta_, p_, p_slope_, share_slope_, outside_, a_, d_;
};

}  // namespace nusky
