#pragma once
#include <cstdint>

#include "nusky/kernels/views/events.hpp"

namespace nusky {

/// What an EventIndex copies of an event, so that a search of it reads on and on.
struct EventSketch {
  std::int32_t z;   ///< see fixed_point
  float cut_chord;  ///< fixed_chord of the cut
  float rate;       ///< of SpatialTerm
  float weight;     ///< S(0)/B times the largest R
};

/// One event of a trial.
struct IndexedEvent {
  double x, y, z;
  SpatialTerm spatial;
  const float* ratio;
  const float* log_ratio;
  float peak, lift;
};

}  // namespace nusky
