#pragma once
#include <limits>

#include "nusky/status.hpp"

namespace nusky {

/// Best fit of a flare at one direction.
struct FlareFit {
  double ts = 0.0;  ///< with its penalty
  double ns = 0.0;
  double gamma = std::numeric_limits<double>::quiet_NaN();
  double start = std::numeric_limits<double>::quiet_NaN();  ///< MJD
  double stop = std::numeric_limits<double>::quiet_NaN();   ///< MJD
  double days = 0.0;                                        ///< of uptime in the window
  Status status = Status::not_scanned;
};

}  // namespace nusky
