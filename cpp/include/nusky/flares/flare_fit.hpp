#pragma once
#include <limits>

#include "nusky/status.hpp"

namespace nusky {

/// Best fit of a flare at one direction.
struct FlareFit {
  double ts = 0.0;  ///< with its penalty
  double ns = 0.0;
  double gamma = std::numeric_limits<double>::quiet_NaN();
  double start = std::numeric_limits<double>::quiet_NaN();  ///< MJD; of a Gaussian t0 − σ/2
  double stop = std::numeric_limits<double>::quiet_NaN();   ///< MJD; of a Gaussian t0 + σ/2
  double days = 0.0;                                        ///< of uptime in the window; of a Gaussian its integral
  Status status = Status::not_scanned;
};

}  // namespace nusky
