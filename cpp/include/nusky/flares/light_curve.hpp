#pragma once
#include <vector>

#include "nusky/flares/clock.hpp"
#include "nusky/flares/flare_fit.hpp"
#include "nusky/flares/near_events.hpp"
#include "nusky/flares/window_fit.hpp"

namespace nusky {

/// A flux in bins of time, and what of it is fitted: the flux above a threshold, after a lag.
struct LightCurve {
  std::vector<double> edge;                                                   ///< (B + 1,) MJD, ascending
  std::vector<double> value;                                                  ///< (B,) at least 0
  double thresh_low = 0.0, thresh_high = 0.0, lag_low = 0.0, lag_high = 0.0;  ///< ranges; fixed where both are equal
  int n_thresh = 1, n_lag = 1;                                                ///< places in them where a fit begins
};

/// The best n_s, γ, threshold and lag of a light curve: all places of a grid at some γ, then finer and finer grids around the best of them.
class CurveFit {
 public:
  /// @param fit has the events of the direction when `best` is called
  CurveFit(const Clock& clock, const LightCurve& curve, WindowFit& fit);
  /// start of a fit is its threshold, stop its lag; days the integral of the flux above the threshold over its largest value
  FlareFit best(const NearInTime& near);

 private:
  struct Place {
    double thresh, lag, value;
    int lane;
  };
  bool shape(const NearInTime& near, double thresh, double lag);
  Place rough(const NearInTime& near, double thresh, double lag);
  FlareFit exact(const NearInTime& near, const Place& place);

  const Clock* clock_;
  const LightCurve* curve_;
  WindowFit* fit_;
  double top_ = 0.0;  // largest value
  WindowShape shape_;
  WindowContent content_;
  std::vector<double> days_, from_, to_;
};

}  // namespace nusky
