#pragma once
#include <limits>
#include <optional>

#include "nusky/flares/light_curve.hpp"

namespace nusky {

/// Which windows are looked at, and how their fits compare.
struct FlareOptions {
  bool gaussian = false;        ///< not a box: dt_min and dt_max are those of σ, days; start and stop are not there
  double dt_min = 1.0 / 86400;  ///< days of uptime, > 0: no window has less
  double dt_max = std::numeric_limits<double>::infinity();  ///< days from start to end, gaps included: no window is longer
  double threshold = 1000.0;                                ///< windows start and end at events with S/B max R of at least this
  double penalty_days = 0.0;                                ///< 2 ln(uptime of the window / this) is added to ts; 0: nothing is
  std::optional<double> gamma;                              ///< fixed
  std::optional<double> start, stop;                        ///< MJD: every window starts, or ends, there
  std::optional<double> middle;                             ///< MJD: every window, or Gaussian, is around this
  const LightCurve* curve = nullptr;                        ///< this is fitted, no window is looked for; must outlive the search
};

}  // namespace nusky
