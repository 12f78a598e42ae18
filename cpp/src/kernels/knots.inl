#pragma once
// The events and the sums of the bound that knows γ: B9 and B11 of src/bounds/README.md.
#include "kernels/functions.inl"
#include "kernels/index.inl"
#include "nusky/kernels/tables/knots.hpp"

namespace nusky {
namespace NUSKY_LEVEL {
namespace {

// Appends some of 16 events to the list of a kind.
NUSKY_INLINE void append(KnotColumns& to, unsigned some, std::size_t i, const KnotEntries& from, Lanes x, Lanes y, Lanes z, Lanes rate) {
  if (some == 0) return;
  to.n = copy_lanes(some, i, to.n, Computed{x, to.x}, Computed{y, to.y}, Computed{z, to.z}, Computed{rate, to.rate},
                    Copied{from.power, to.power}, Copied{from.shape, to.shape});
}

void knots_near(const IndexView& e, const KnotEntries& entries, const FixedCap& cap, const KnotLimits& limits, KnotLists& out) {
  constexpr auto unit = static_cast<float>(fixed_step);
  const auto off = [&](std::size_t d) { return static_cast<float>(cap.off[d]); };
  Lanes tail = splat(0.0F);
  for (std::size_t i = 0; i < e.position.n; i += lanes) {
    const Sight s = look(e.position, i, cap);
    if (s.some == 0) continue;
    const Lanes x = s.x * unit + off(0), y = s.y * unit + off(1), z = s.z * unit + off(2), rate = load(e.rate + i) * power_per_rate;
    // the largest w in the cap, as in survey_peak
    const Lanes near = max_of(root_below(x * x + y * y + z * z) - limits.chord * 1.00001F, 0.0F);
    const Lanes w = exp_above(near * near, rate) * (load(e.weight + i) * limits.scale);
    const unsigned kept = s.some & above(w, limits.tail), left = s.some & ~kept;
    if (left != 0) tail = tail + only(left, w);
    if (kept == 0) continue;
    const unsigned faint = kept & ~above(w, limits.faint), strong = kept & above(w, limits.strong) & ~faint;
    append(out.of[0], faint, i, entries, x, y, z, rate);
    append(out.of[1], kept & ~(faint | strong), i, entries, x, y, z, rate);
    append(out.of[2], strong, i, entries, x, y, z, rate);
  }
  out.tail += tree_sum(tail);
}

// ũ is what the reciprocal r says, 1/r − 1: it may be any (B11), and 0 where r is 1. With p = ũ/(1+ũ) = 1 − r, 2 [ln(1+ũ) − p] is at most
// ũ p = p²/r, and ln(1+ũ) = −ln r; the bits of t = 2^i (1+f) say log₂ t ≤ i + f + 0.0861. r lies below 1/t by 0.26 % at most.
template <KnotKind kind>
NUSKY_INLINE void add_events(const KnotColumns& e, const KnotShape* shapes, const float* vx, const float* vy, const float* vz, float n,
                             float* sums) {
  constexpr float twice_ln2 = 1.38629449F, largest = 1e30F;
  const Lanes x = load(vx), y = load(vy), z = load(vz);
  Lanes top = splat(0.0F), at[KnotShape::knots];
  for (std::size_t k = 0; k < KnotShape::knots; ++k) at[k] = load(sums + (k + 1) * lanes);
  for (std::size_t i = 0; i < e.n; ++i) {
    const KnotShape& shape = shapes[e.shape[i]];
    const Lanes dx = x - e.x[i], dy = y - e.y[i], dz = z - e.z[i];
    const Lanes d2 = dx * dx + dy * dy + dz * dz;
    Lanes s = from_bits(max_of(d2 * e.rate[i] + (exponent_of_one + e.power[i]), 0.0F));  // as in exp_above
    if constexpr (kind != KnotKind::faint) {
      Lanes t = s * n + 1.0F;
      if constexpr (kind == KnotKind::strong) t = min_of(t, splat(largest));
      const Lanes r = reciprocal_below(t), p = splat(1.0F) - r, least = p * p * t;
      s = s * r;
      if constexpr (kind == KnotKind::plain) {
        top = top + least;
      } else {
        Lanes bits;
        NUSKY_EACH {
          Ints whole;
          __builtin_memcpy(&whole, &t.part[k], sizeof whole);
          bits.part[k] = __builtin_convertvector(whole, Floats);
        }
        const Lanes log = bits * (twice_ln2 / 8388608.0F) + (0.0862F - 127.0F) * twice_ln2 + 0.0054F;
        top = top + min_of(least * 1.003F, log - p * 2.0F);
      }
    }
    for (std::size_t k = 0; k < KnotShape::knots; ++k) at[k] = at[k] + s * shape.at[k];
  }
  if constexpr (kind == KnotKind::plain) top = top * 1.003F;
  store(sums, load(sums) + top);
  for (std::size_t k = 0; k < KnotShape::knots; ++k) store(sums + (k + 1) * lanes, at[k]);
}

void knots_add(KnotKind kind, const KnotColumns& e, const KnotShape* shapes, const float* vx, const float* vy, const float* vz, float n,
               float* sums) {
  if (kind == KnotKind::faint) add_events<KnotKind::faint>(e, shapes, vx, vy, vz, n, sums);
  if (kind == KnotKind::plain) add_events<KnotKind::plain>(e, shapes, vx, vy, vz, n, sums);
  if (kind == KnotKind::strong) add_events<KnotKind::strong>(e, shapes, vx, vy, vz, n, sums);
}

constexpr KnotKernels knot_kernels() {
  KnotKernels k{};
  k.knots_near = knots_near;
  k.knots_add = knots_add;
  return k;
}

}  // namespace
}  // namespace NUSKY_LEVEL
}  // namespace nusky
