#pragma once

namespace nusky {

/// The numbers of the bounds over the sky that carry proofs, see src/bounds/README.md; tests weaken them to show what breaks.
struct SkyConstants {
  double mixture = 1.0;    ///< B1: strength of the factor 1 + z(1+z)
  double bend = 0.25;      ///< B4: of ln u at nodes, per rate and squared spacing
  double rounding = 1e-5;  ///< B7: of sums of few terms in float, relative
  bool round_up = true;    ///< B6: whole numbers in the table are rounded up
  bool spread = true;      ///< B9: what events leave outside their nodes is counted for whole rows
};

}  // namespace nusky
