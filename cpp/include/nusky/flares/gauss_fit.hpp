#pragma once
#include <vector>

#include "nusky/flares/clock.hpp"
#include "nusky/flares/flare_fit.hpp"
#include "nusky/flares/flare_options.hpp"
#include "nusky/flares/near_events.hpp"
#include "nusky/flares/window_fit.hpp"

namespace nusky {

/// Climbs from a box to the Gaussian flare of the largest ts near it: t0, ln σ and γ by quasi-Newton steps, with the best n_s at each.
class GaussFit {
 public:
  /// @param fit has the events of the direction
  GaussFit(const Clock& clock, const FlareOptions& options, WindowFit& fit);

  /// @param gamma where to begin; any number where it is not free
  FlareFit climb(const NearInTime& near, double start, double stop, double gamma);

 private:
  static constexpr int parameters = 3;  // t0 in units of the first σ, ln σ, γ
  struct Point {
    double at[parameters];
    double ts, slope[parameters], n, days;
    bool at_limit;
  };
  Point look_at(const NearInTime& near, const double* at, double guess);
  bool frozen(const Point& p, int j, double direction) const;

  const Clock* clock_;
  const FlareOptions* options_;
  WindowFit* fit_;
  double unit_ = 1.0;                                    // of t0
  double low_[parameters] = {}, high_[parameters] = {};  // of the parameters
  WindowShape shape_;
  std::vector<double> days_, by_t0_, by_log_sigma_;
};

}  // namespace nusky
