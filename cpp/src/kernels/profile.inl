#pragma once
// ln Λ maximised over n at all 16 coarse γ at once: one lane a γ.
#include "kernels/functions.inl"
#include "nusky/kernels/tables/profile.hpp"

namespace nusky {
namespace NUSKY_LEVEL {
namespace {

void moments(const EventView& e, const float* const* rows, float* m1, float* m2) {
  Lanes s1[2] = {load(m1), splat(0.0F)}, s2[2] = {load(m2), splat(0.0F)};
  std::size_t i = 0;
  for (; i + 2 <= e.n; i += 2)
    for (std::size_t k = 0; k < 2; ++k) {
      const Lanes w = load(rows[e.candidate[i + k]]) * e.value[i + k];
      s1[k] = s1[k] + w;
      s2[k] = s2[k] + w * w;
    }
  for (; i < e.n; ++i) {
    const Lanes w = load(rows[e.candidate[i]]) * e.value[i];
    s1[0] = s1[0] + w;
    s2[0] = s2[0] + w * w;
  }
  store(m1, s1[0] + s1[1]);
  store(m2, s2[0] + s2[1]);
}

void profile(const EventView& e, const float* const* rows, const float* y, float* s1, float* s2) {
  const Lanes yy = load(y);
  Lanes t1 = load(s1), t2 = load(s2);
  for (std::size_t i = 0; i < e.n; ++i) {
    const Lanes w = load(rows[e.candidate[i]]) * e.value[i];
    const Lanes r = w / (yy * w + 1.0F);
    t1 = t1 + r;
    t2 = t2 + r * r;
  }
  store(s1, t1);
  store(s2, t2);
}

void profile_begin(const double* phi, const float* m1, const float* m2, const float* s1, const float* s2, double* first, double* second) {
  for (std::size_t g = 0; g < lanes; ++g) {
    const double p = phi[g];
    first[g] += p * (static_cast<double>(m1[g]) + static_cast<double>(s1[g]));
    second[g] += p * p * (static_cast<double>(m2[g]) + static_cast<double>(s2[g]));
  }
}

void profile_y(const double* n, const double* phi, bool extended, float* y) {
  const double share = extended ? 0.0 : 1.0;
  for (std::size_t g = 0; g < lanes; ++g) y[g] = static_cast<float>(n[g] * phi[g] / (1.0 - share * n[g] * phi[g]));
}

void profile_slopes(const double* n, const double* phi, double events, bool extended, const float* y, const float* s1, const float* s2,
                    const float* m1, const float* m2, double* dn, double* dnn) {
  const double share = extended ? 0.0 : 1.0;
  for (std::size_t g = 0; g < lanes; ++g) {
    const double z = share * n[g] * phi[g], c = 1.0 / (1.0 - z), over = c / n[g];
    const auto yy = static_cast<double>(y[g]), a1 = static_cast<double>(s1[g]), a2 = static_cast<double>(s2[g]),
               b1 = static_cast<double>(m1[g]), b2 = static_cast<double>(m2[g]);
    const double p = yy * (a1 + b1 - yy * b2), p2 = yy * yy * (a2 + b2);
    dn[g] += over * p - events * phi[g] * c;
    dnn[g] += over * over * (2.0 * z * p - p2) - share * events * phi[g] * phi[g] * c * c;
  }
}

bool profile_move(const double* dn, const double* dnn, const double* limit, const double* active, double* n) {
  double most[lanes];
  for (std::size_t g = 0; g < lanes; g += register_doubles) {
    const Doubles here = load_as<Doubles>(n + g), curvature = load_as<Doubles>(dnn + g), edge = load_as<Doubles>(limit + g),
                  on = load_as<Doubles>(active + g);
    const Doubles low = here * 0.2, step = curvature < Doubles{} ? -load_as<Doubles>(dn + g) / curvature : here;
    Doubles high = here * 5.0;
    high = high < edge ? high : edge;
    Doubles next = here + step;
    next = next > low ? next : low;
    next = next < high ? next : high;
    next = on > Doubles{} ? next : here;
    const Doubles change = next - here, size = (change < Doubles{} ? -change : change) - here * 0.02;
    __builtin_memcpy(n + g, &next, sizeof next);
    __builtin_memcpy(most + g, &size, sizeof size);
  }
  bool moved = false;
  for (std::size_t g = 0; g < lanes; ++g) moved |= most[g] > 0.0;
  return moved;
}

void profile_value(const double* n, const double* phi, double events, bool extended, const float* y, const float* logs, const float* m1,
                   const float* m2, double* value) {
  for (std::size_t g = 0; g < lanes; ++g) {
    const double z = n[g] * phi[g];
    const auto yy = static_cast<double>(y[g]);
    // N ln(1 − z); for z below a hundredth three terms are good to 1e-6 of it
    const double missing = extended ? 1.0 : 1.0 + z * (0.5 + z / 3.0);
    value[g] +=
        static_cast<double>(logs[g]) + yy * (static_cast<double>(m1[g]) - 0.5 * yy * static_cast<double>(m2[g])) - events * z * missing;
  }
  if (extended) return;
  for (std::size_t g = 0; g < lanes; ++g) {
    const double z = n[g] * phi[g];
    if (z >= 0.01) value[g] += events * (__builtin_log1p(-z) + z * (1.0 + z * (0.5 + z / 3.0)));
  }
}

void profile_log(const EventView& e, const float* const* rows, const float* y, float* log_sum) {
  const Lanes yy = load(y);
  Lanes sum = load(log_sum);
  for (std::size_t i = 0; i < e.n; ++i) sum = sum + log_of(yy * (load(rows[e.candidate[i]]) * e.value[i]) + 1.0F);
  store(log_sum, sum);
}

void logs(const float* sums, double* out) {
  alignas(64) float f[lanes];
  store(f, log_of(max_of(load(sums), 1e-37F)));
  for (std::size_t g = 0; g < lanes; ++g) out[g] = static_cast<double>(f[g]);
}

constexpr ProfileKernels profile_kernels() {
  ProfileKernels k{};
  k.moments = moments;
  k.profile_begin = profile_begin;
  k.profile_y = profile_y;
  k.profile_slopes = profile_slopes;
  k.profile_move = profile_move;
  k.profile = profile;
  k.profile_log = profile_log;
  k.profile_value = profile_value;
  k.logs = logs;
  return k;
}

}  // namespace
}  // namespace NUSKY_LEVEL
}  // namespace nusky
