// All kernels of a level, as a table; included last by level_<set>.cpp.
#include "kernels/flares.inl"
#include "kernels/harmonics.inl"
#include "kernels/index.inl"
#include "kernels/knots.inl"
#include "kernels/points.inl"
#include "kernels/profile.inl"
#include "kernels/random.inl"
#include "kernels/sky.inl"
#include "kernels/stack.inl"
#include "kernels/sums.inl"
#include "kernels/survey.inl"
#include "kernels/templates.inl"
#include "kernels/tile.inl"
#include "nusky/kernels/table.hpp"

namespace nusky {
namespace NUSKY_LEVEL {

extern const Kernels table;
const Kernels table{index_kernels(),  tile_kernels(),     survey_kernels(),   knot_kernels(),  profile_kernels(),
                    random_kernels(), sum_kernels(),      sky_kernels(),      stack_kernels(), flare_kernels(),
                    point_kernels(),  template_kernels(), harmonic_kernels(), NUSKY_LEVEL_NAME};

}  // namespace NUSKY_LEVEL
}  // namespace nusky
