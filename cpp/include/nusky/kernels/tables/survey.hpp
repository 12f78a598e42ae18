#pragma once
#include "nusky/kernels/views/survey.hpp"

namespace nusky {

/// Kernels of the bounds on ts. With b the weight of a candidate times its Gaussian, u = n b. The Gaussian is taken of
/// the chord and its exponential from above (by 6 % at most).
struct SurveyKernels {
  /// At `count` ≤ 4 directions: sum_p = Σ u/(1+u), sum_up = Σ u²/(1+u), never too small.
  void (*survey)(const SurveyView& candidates, std::size_t count, const float* vx, const float* vy,
                 const float* vz,                          // (count,) relative to the common centre
                 float n, double* sum_p, double* sum_up);  // (count,)
  /// Copies the candidates whose u for n = `scale` can exceed `limit` somewhere within a chord `chord` of `at`, relative
  /// to there, filled up to a multiple of 16. Returns the filled length.
  std::size_t (*survey_keep)(const SurveyView& candidates,
                             const float* at,  // (3,) relative to the common centre
                             float chord, float scale, float limit, const SurveyColumns& out,
                             double* sums);  // (4,) Σ u and Σ u² of the largest u of those left out; Σ u/(1+u) and
                                             // Σ 2 [ln(1+u) − u/(1+u)] of the largest u of those kept
  /// u[i] for n = 1 of every candidate at one direction.
  void (*survey_values)(const SurveyView& candidates, float vx, float vy, float vz, float* u);
  /// For all directions within a chord `chord` of (cx, cy, cz) at once, every u the largest there: Σ u/(1+u) and
  /// Σ 2 [ln(1+u) − u/(1+u)].
  void (*survey_cap)(const SurveyView& candidates, float cx, float cy, float cz, float chord, float scale, double* sum_p, double* sum_top);
};

}  // namespace nusky
