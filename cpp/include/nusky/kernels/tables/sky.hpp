#pragma once
#include "nusky/kernels/views/sky.hpp"

namespace nusky {

/// Kernels of SkyBound: sums over events at the nodes of a sky grid.
struct SkyKernels {
  /// Adds what the table says of every event at the 16 nearest nodes of each of its rows, or more. Events are left
  /// out where no row of theirs is needed. Distances may be too small by 1/64 of a bin. Numbers stop at 65535.
  void (*sky_add)(const BandEventsView& events,
                  const float* turn,  // (events,) right ascension, of a whole turn
                  const SkyStrip& strip);
  /// One row of n bins: to = added · unit + spread, where a number that has stopped is 1e30 or more, and between the nodes
  /// of two coarser rows `low` and `high`, (n / 2 + 1,), what is interpolated (nullptr: there are none).
  void (*sky_layer)(std::size_t n, const std::uint16_t* added, float unit, float spread, const float* low, const float* high, float* to);
};

}  // namespace nusky
