#pragma once
#include <string>

#include "nusky/kernels/tables/flares.hpp"
#include "nusky/kernels/tables/harmonics.hpp"
#include "nusky/kernels/tables/index.hpp"
#include "nusky/kernels/tables/knots.hpp"
#include "nusky/kernels/tables/points.hpp"
#include "nusky/kernels/tables/profile.hpp"
#include "nusky/kernels/tables/random.hpp"
#include "nusky/kernels/tables/sky.hpp"
#include "nusky/kernels/tables/stack.hpp"
#include "nusky/kernels/tables/sums.hpp"
#include "nusky/kernels/tables/survey.hpp"
#include "nusky/kernels/tables/templates.hpp"
#include "nusky/kernels/tables/tile.hpp"

namespace nusky {

/// The inner loops, compiled once for every instruction set. Plain loops over plain arrays: nothing with weak symbols
/// (no std:: or Eigen templates) may be instantiated in them, because the linker would keep one version for all CPUs.
struct Kernels : IndexKernels,
                 TileKernels,
                 SurveyKernels,
                 KnotKernels,
                 ProfileKernels,
                 RandomKernels,
                 SumKernels,
                 SkyKernels,
                 StackKernels,
                 FlareKernels,
                 PointKernels,
                 TemplateKernels,
                 HarmonicKernels {
  const char* name;  ///< of the instruction set
};

/// The kernels in use: the best level of this CPU, or the one that NUSKY_SIMD or set_simd_level asked for.
const Kernels& kernels();
/// Levels this binary holds and this CPU runs, worst first, separated by spaces.
std::string simd_levels();
/// Forces a level; throws std::invalid_argument for an unknown one or one that this CPU lacks.
void set_simd_level(const std::string& name);

}  // namespace nusky
