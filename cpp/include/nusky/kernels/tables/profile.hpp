#pragma once
#include "nusky/kernels/views/candidates.hpp"

namespace nusky {

/// Kernels of the profile: ln Λ maximised over n at all 16 coarse γ at once. Arrays without another shape are (16,), one
/// entry a coarse γ; `rows` are rows of R by candidate; w = S/B · R, φ = f_k/N_k. All of them add to what is there.
struct ProfileKernels {
  /// Power sums: m1 += Σ w, m2 += Σ w².
  void (*moments)(const EventView& events, const float* const* rows, float* m1, float* m2);
  /// What one season adds to Σ φ w and Σ φ² w², which give the start of the profile; m1, m2 are power sums of the weak
  /// events, s1, s2 of the strong.
  void (*profile_begin)(const double* phi, const float* m1, const float* m2, const float* s1, const float* s2, double* first,
                        double* second);
  /// y = n φ/(1 − z), z = n φ (extended likelihood: 0). Writes y.
  void (*profile_y)(const double* n, const double* phi, bool extended, float* y);
  /// What one season of N_k = `events` adds to d ln Λ/dn and its derivative.
  void (*profile_slopes)(const double* n, const double* phi, double events, bool extended, const float* y, const float* s1,
                         const float* s2,                   // the sums of `profile` over the strong events
                         const float* m1, const float* m2,  // the power sums of the others
                         double* dn, double* dnn);
  /// One Newton step of n where `active` is 1, within a factor of five and up to `limit`. Returns whether one moved by
  /// more than 2 %.
  bool (*profile_move)(const double* dn, const double* dnn, const double* limit, const double* active, double* n);
  /// s1 += Σ w/(1+yw), s2 += Σ (w/(1+yw))².
  void (*profile)(const EventView& events, const float* const* rows, const float* y, float* s1, float* s2);
  /// log_sum += Σ ln(1 + y w).
  void (*profile_log)(const EventView& events, const float* const* rows, const float* y, float* log_sum);
  /// What one season of N_k = `events` adds to ln Λ: `logs` are the sums of `profile_log` over the strong events.
  void (*profile_value)(const double* n, const double* phi, double events, bool extended, const float* y, const float* logs,
                        const float* m1, const float* m2, double* value);
  /// Natural logarithms of 16 sums; below 1e-37 that of 1e-37. Writes `out`.
  void (*logs)(const float* sums, double* out);
};

}  // namespace nusky
