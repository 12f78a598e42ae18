#pragma once
// The events and the sums of the bound that knows γ: B9 and B11 of src/bounds/README.md.
#include "kernels/functions.inl"
#include "nusky/kernels/tables/knots.hpp"

namespace nusky {
namespace NUSKY_LEVEL {
namespace {

// The numbers of some of 16 events to the list of a kind.
NUSKY_INLINE void append(KnotLists& to, std::size_t kind, unsigned some, std::uint32_t i) {
  if (some != 0) to.n[kind] = copy_lanes(some, 0, to.n[kind], Numbered{i, to.number[kind]});
}

void knots_near(const KnotEvent* events, std::size_t n_ranges, const EventRange* ranges, const KnotCap& cap, const KnotLimits& limits,
                KnotLists& out) {
  // Ranges are short and far from each other: without asking for them ahead, a third of the time goes into waiting.
  constexpr std::size_t ahead = 2, most_asked = 64;
  const auto ask_for = [&](std::size_t r) {
    if (r >= n_ranges) return;
    const std::size_t n = ranges[r].last - ranges[r].first;
    for (std::size_t i = 0; i < (n < most_asked ? n : most_asked); i += 2) __builtin_prefetch(events + ranges[r].first + i);
  };
  for (std::size_t r = 0; r < ahead; ++r) ask_for(r);
  Lanes tail = splat(0.0F);
  for (std::size_t r = 0; r < n_ranges; ++r) {
    ask_for(r + ahead);
    const std::uint32_t last = ranges[r].last;
    for (std::uint32_t i = ranges[r].first; i < last; i += static_cast<std::uint32_t>(lanes)) {
      Lanes e[8];
      eight_columns(events + i, e);
      const Lanes x = e[0] - cap.x, y = e[1] - cap.y, z = e[2] - cap.z, edge = e[3] + cap.chord, d2 = x * x + y * y + z * z;
      unsigned some = above(edge * edge * 1.00001F - d2, 0.0F);
      if (i + lanes > last) some &= (1U << (last - i)) - 1U;
      if (some == 0) continue;
      // the largest w in the cap, as in survey_peak
      const Lanes near = max_of(root_below(d2) - cap.chord * 1.00001F, 0.0F);
      const Lanes w = exp_above(near * near, e[4]) * e[5];
      const unsigned kept = some & above(w, limits.tail), left = some & ~kept;
      tail = tail + only(left, w);
      const unsigned faint = kept & ~above(w, limits.faint), strong = kept & above(w, limits.strong) & ~faint;
      append(out, 0, faint, i);
      append(out, 1, kept & ~(faint | strong), i);
      append(out, 2, strong, i);
    }
  }
  out.tail += tree_sum(tail);
}

// ũ is what the reciprocal r says, 1/r − 1: it may be any (B11), and 0 where r is 1. With p = ũ/(1+ũ) = 1 − r, 2 [ln(1+ũ) − p] is at most
// ũ p = p²/r, and ln(1+ũ) = −ln r; the bits of t = 2^i (1+f) say log₂ t ≤ i + f + 0.0861. r lies below 1/t by 0.26 % at most.
template <KnotKind kind>
NUSKY_INLINE void add_events(std::size_t n_events, const std::uint32_t* number, const KnotEvent* events, const KnotShape* shapes,
                             const float* vx, const float* vy, const float* vz, float n, float* sums) {
  constexpr float twice_ln2 = 1.38629449F, largest = 1e30F;
  const Lanes x = load(vx), y = load(vy), z = load(vz);
  Lanes top = splat(0.0F), at[KnotShape::knots];
  for (std::size_t k = 0; k < KnotShape::knots; ++k) at[k] = load(sums + (k + 1) * lanes);
  for (std::size_t i = 0; i < n_events; ++i) {
    const KnotEvent& e = events[number[i]];
    const KnotShape& shape = shapes[e.shape];
    const Lanes dx = x - e.x, dy = y - e.y, dz = z - e.z;
    const Lanes d2 = dx * dx + dy * dy + dz * dz;
    Lanes s = from_bits(max_of(d2 * e.rate + (exponent_of_one + e.power), 0.0F));  // as in exp_above
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

void knots_add(KnotKind kind, std::size_t n_events, const std::uint32_t* number, const KnotEvent* events, const KnotShape* shapes,
               const float* vx, const float* vy, const float* vz, float n, float* sums) {
  const auto add = [&](const auto& add_them) { add_them(n_events, number, events, shapes, vx, vy, vz, n, sums); };
  if (kind == KnotKind::faint) add(add_events<KnotKind::faint>);
  if (kind == KnotKind::plain) add(add_events<KnotKind::plain>);
  if (kind == KnotKind::strong) add(add_events<KnotKind::strong>);
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
