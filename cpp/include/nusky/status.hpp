#pragma once
#include <cstdint>

namespace nusky {

/// What became of the fit of one direction. Values are part of the file formats: append only.
enum class Status : std::int8_t {
  not_scanned = -1,   ///< the direction was left out or the scan was interrupted before it
  ok = 0,             ///< maximum found with n_s > 0
  no_excess = 1,      ///< the maximum is at n_s = 0
  no_events = 2,      ///< no event within the cut of the direction
  at_ns_limit = 3,    ///< n_s stopped at its bound n_k < N_k
  not_converged = 4,  ///< the best value found is returned, the gradient did not vanish
};

}  // namespace nusky
