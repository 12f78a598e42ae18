#pragma once
#include <limits>

#include "nusky/status.hpp"

namespace nusky {

/// Best fit of one direction.
struct DirectionFit {
  double ts = 0.0;
  double ns = 0.0;
  double gamma = std::numeric_limits<double>::quiet_NaN();
  Status status = Status::not_scanned;
};

}  // namespace nusky
