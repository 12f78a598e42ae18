#pragma once
// S/B of an event for many sources at once, and the sum over them: one lane a source, or a γ.
#include "kernels/functions.inl"
#include "nusky/kernels/tables/stack.hpp"
#include "nusky/kernels/views/events.hpp"

namespace nusky {
namespace NUSKY_LEVEL {
namespace {

constexpr float pi_squared = 9.86960440F;
// (7°)²: above this σ² the density is that of von Mises and Fisher.
constexpr float widest_gaussian2 = 1.49269777e-2F;
constexpr float lowest_log = -80.0F;

NUSKY_INLINE Lanes between(const std::int32_t* source, std::int32_t event) {
  Lanes d;
  NUSKY_EACH d.part[k] = __builtin_convertvector(load_as<Ints>(source + k * register_floats) - event, Floats);
  return d * static_cast<float>(fixed_step);
}

// a where x is at most edge, else b
NUSKY_INLINE Lanes choose(Lanes x, float edge, Lanes a, Lanes b) {
  NUSKY_EACH a.part[k] = x.part[k] <= Floats{} + edge ? a.part[k] : b.part[k];
  return a;
}

// Squared chord 2 (1 − cos x) of an angle, from x² ≤ π²; of π and more 5, see chord2.
NUSKY_INLINE Lanes squared_chord(Lanes x2) {
  Lanes s = x2 * -9.558955e-14F + 2.2941491e-11F;
  s = s * x2 - 4.1753514e-9F;
  s = s * x2 + 5.5114638e-7F;
  s = s * x2 - 4.960317e-5F;
  s = s * x2 + 2.7777778e-3F;
  s = s * x2 - 8.3333333e-2F;
  s = (s * x2 + 1.0F) * x2;
  return choose(x2, pi_squared * (1.0F - 1e-6F), s, splat(5.0F));
}

std::size_t stack_pairs(const StackedSourcesView& sources, std::size_t first, std::size_t last, const StackedEvent& e, std::size_t n,
                        const StackedPairs& out) {
  for (std::size_t i = first; i < last; i += lanes) {
    const Lanes dx = between(sources.x + i, e.at[0]), dy = between(sources.y + i, e.at[1]), dz = between(sources.z + i, e.at[2]);
    const Lanes d2 = dx * dx + dy * dy + dz * dz, sigma2 = load(sources.extension2 + i) + e.sigma2;
    unsigned near = above(squared_chord(sigma2 * e.cut2) - d2, 0.0F);
    if (last - i < lanes) near &= (1U << (last - i)) - 1U;
    if (near == 0) continue;
    const Lanes inverse = splat(1.0F) / sigma2;
    // ψ²/d² − 1, as for a tile
    Lanes s = d2 * 1.1892607e-5F + 6.0125060e-5F;
    s = s * d2 + 3.1746032e-4F;
    s = s * d2 + 1.7857143e-3F;
    s = s * d2 + 1.1111111e-2F;
    s = s * d2 + 8.3333333e-2F;
    const Lanes rate = inverse * (-0.5F * 1.44269504F);
    const Lanes gauss = exp2_of(max_of(d2 * (rate * (s * d2) + rate), -125.0F));
    const Lanes fisher = exp2_of(max_of(d2 * rate, -125.0F)) / (splat(1.0F) - exp_of(max_of(inverse * -2.0F, -80.0F)));
    const Lanes density = choose(sigma2, widest_gaussian2, gauss, fisher) * inverse * e.per_density;
    n = copy_lanes(near, i, n, Computed{density, out.ratio}, Numbered{0, out.source});
  }
  return n;
}

void stack_rows(std::size_t n, const std::uint32_t* source, const float* ratio, const float* rows, std::size_t stride, std::size_t blocks,
                float* out) {
  for (std::size_t b = 0; b < blocks; ++b) {
    Lanes sum = splat(0.0F);
    for (std::size_t i = 0; i < n; ++i) sum = sum + load(rows + source[i] * stride + b * lanes) * ratio[i];
    store(out + b * lanes, sum);
  }
}

void stack_left(std::size_t n, const StackedSum* event, const std::uint32_t* source, const float* ratio, const float* rows,
                std::size_t stride, const float* const* own, float* sums) {
  Lanes all = splat(0.0F);
  for (std::size_t k = 0; k < n; ++k) {
    Lanes sum = splat(0.0F);
    for (std::size_t i = event[k].first; i < event[k].last; ++i) sum = sum + load(rows + source[i] * stride) * ratio[i];
    all = all + sum * load(own[k]);
  }
  store(sums, load(sums) + all);
}

float stack_coarse(const float* mixture, const float* own, float* coarse) {
  store(coarse, load(mixture) * load(own));
  float most = 0.0F;
  for (std::size_t l = 0; l < lanes; ++l) most = most < coarse[l] ? coarse[l] : most;
  return most;
}

void stack_nodes(std::size_t n, const float* mixture, const float* own, float* log_ratio) {
  for (std::size_t g = 0; g < n; g += lanes)
    store(log_ratio + g, max_of(log_of(max_of(load(mixture + g), 1e-37F)) + load(own + g), lowest_log));
}

constexpr StackKernels stack_kernels() {
  StackKernels k{};
  k.stack_pairs = stack_pairs;
  k.stack_rows = stack_rows;
  k.stack_left = stack_left;
  k.stack_coarse = stack_coarse;
  k.stack_nodes = stack_nodes;
  return k;
}

}  // namespace
}  // namespace NUSKY_LEVEL
}  // namespace nusky
