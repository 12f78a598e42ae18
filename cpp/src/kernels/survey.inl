#pragma once
// The sums of the bounds on clusters, groups and directions: B2 and B9 of src/bounds/README.md.
#include "kernels/functions.inl"
#include "nusky/kernels/tables/survey.hpp"

namespace nusky {
namespace NUSKY_LEVEL {
namespace {

NUSKY_INLINE Lanes survey_value(const SurveyView& c, std::size_t i, float vx, float vy, float vz) {
  const Lanes dx = load(c.x + i) - vx, dy = load(c.y + i) - vy, dz = load(c.z + i) - vz;
  const Lanes d2 = dx * dx + dy * dy + dz * dz;
  return exp_above(d2, load(c.rate + i)) * load(c.weight + i);
}

// What an event adds to the bounds of a survey (B2): p ≤ u/(1+u), by 1e-5 of it at most, and top ≥ 2 [ln(1+u) − u/(1+u)], by
// 0.04 at most. Where u is small the logarithm leaves 1.39 u², and u²/(1+u) = u − u/(1+u), which is also never too small, is better.
NUSKY_INLINE void survey_terms(Lanes u, Lanes& p, Lanes& top) {
  const Lanes t = u + 1.0F;
  Lanes r = reciprocal_below(t);
  r = r * (splat(2.0F) - t * r);
  p = u * r;
  top = min_of(u, twice_log_above(t) - p) - p;
}

template <std::size_t many>
NUSKY_INLINE void survey_block(const SurveyView& c, const float* vx, const float* vy, const float* vz, float n, double* sum_p,
                               double* sum_up) {
  Lanes total[many], below[many];
  for (std::size_t p = 0; p < many; ++p) total[p] = below[p] = splat(0.0F);
  for (std::size_t i = 0; i < c.n; i += lanes)
    for (std::size_t p = 0; p < many; ++p) {
      const Lanes u = survey_value(c, i, vx[p], vy[p], vz[p]) * n;
      total[p] = total[p] + u;
      below[p] = below[p] + u * reciprocal_below(u + 1.0F);
    }
  for (std::size_t p = 0; p < many; ++p) {  // u²/(1+u) = u − u/(1+u)
    const double q = tree_sum(below[p]);
    sum_p[p] = q * 1.003;
    sum_up[p] = tree_sum(total[p]) - q;
  }
}

void survey(const SurveyView& c, std::size_t count, const float* vx, const float* vy, const float* vz, float n, double* sum_p,
            double* sum_up) {
  if (count == 4) {
    survey_block<4>(c, vx, vy, vz, n, sum_p, sum_up);
  } else {
    for (std::size_t p = 0; p < count; ++p) survey_block<1>(c, vx + p, vy + p, vz + p, n, sum_p + p, sum_up + p);
  }
}

// The largest u for `scale` within `chord` of a place. The chord to the event is shorter by `chord` at most; its rounding is covered by a
// little more.
NUSKY_INLINE Lanes survey_peak(Lanes dx, Lanes dy, Lanes dz, Lanes rate, Lanes weight, float chord, float scale) {
  alignas(64) float d[lanes];
  store(d, dx * dx + dy * dy + dz * dz);
  for (std::size_t k = 0; k < lanes; ++k) d[k] = __builtin_sqrtf(d[k]);
  const Lanes near = max_of(load(d) - chord * 1.00001F, 0.0F);
  return exp_above(near * near, rate) * weight * scale;
}

void survey_cap(const SurveyView& c, float cx, float cy, float cz, float chord, float scale, double* sum_p, double* sum_top) {
  Lanes below = splat(0.0F), tops = below;
  for (std::size_t i = 0; i < c.n; i += lanes) {
    Lanes p, top;
    survey_terms(
        survey_peak(load(c.x + i) - cx, load(c.y + i) - cy, load(c.z + i) - cz, load(c.rate + i), load(c.weight + i), chord, scale), p,
        top);
    below = below + p;
    tops = tops + top;
  }
  *sum_p = tree_sum(below) * 1.0001;
  *sum_top = tree_sum(tops);
}

std::size_t survey_keep(const SurveyView& c, const float* at, float chord, float scale, float limit, const SurveyColumns& out,
                        double* sums) {
  std::size_t kept = 0;
  Lanes tail = splat(0.0F), squares = tail, below = tail, tops = tail;
  for (std::size_t i = 0; i < c.n; i += lanes) {
    const Lanes vx = load(c.x + i) - at[0], vy = load(c.y + i) - at[1], vz = load(c.z + i) - at[2], vr = load(c.rate + i),
                vw = load(c.weight + i);
    const Lanes u = survey_peak(vx, vy, vz, vr, vw, chord, scale);
    const Lanes left = up_to(u, limit, u), stays = u - left;
    tail = tail + left;
    squares = squares + left * left;
    const unsigned some = above(u, limit);
    if (some == 0) continue;
    Lanes p, top;
    survey_terms(stays, p, top);
    below = below + p;
    tops = tops + top;
    kept = copy_lanes(some, i, kept, Shifted{c.x, at[0], out.x}, Shifted{c.y, at[1], out.y}, Shifted{c.z, at[2], out.z},
                      Copied{c.rate, out.rate}, Copied{c.weight, out.weight}, Copied{c.number, out.number});
  }
  for (; kept % lanes != 0; ++kept) {
    out.x[kept] = out.y[kept] = out.z[kept] = out.rate[kept] = out.weight[kept] = 0.0F;
    out.number[kept] = 0;
  }
  sums[0] = tree_sum(tail);
  sums[1] = tree_sum(squares);
  sums[2] = tree_sum(below) * 1.0001;
  sums[3] = tree_sum(tops);
  return kept;
}

void survey_values(const SurveyView& c, float vx, float vy, float vz, float* u) {
  for (std::size_t i = 0; i < c.n; i += lanes) {
    const Lanes dx = load(c.x + i) - vx, dy = load(c.y + i) - vy, dz = load(c.z + i) - vz;
    const Lanes power = (dx * dx + dy * dy + dz * dz) * (load(c.rate + i) * (1.0F / 8388608.0F));
    store(u + i, exp2_of(max_of(power, -125.0F)) * (load(c.weight + i) * 1.000002F));
  }
}

constexpr SurveyKernels survey_kernels() {
  SurveyKernels k{};
  k.survey = survey;
  k.survey_keep = survey_keep;
  k.survey_values = survey_values;
  k.survey_cap = survey_cap;
  return k;
}

}  // namespace
}  // namespace NUSKY_LEVEL
}  // namespace nusky
