#pragma once
// Events to the nodes of a sky grid, for registers that cannot look up: what SkyLines holds is computed (B5, B6).
#include "kernels/functions.inl"
#include "kernels/sky_strip.inl"

namespace nusky {
namespace NUSKY_LEVEL {
namespace {

constexpr auto sky_all_distances = sky_distances<float>(1.0);

// p ≤ u/(1+u), by 0.26 % of it at most; without the limits that hold for small u, `log` ≥ 2 ln(1+u), by 0.12 at most. The bits of
// t = 2^i (1+f) say i + f ≥ log₂ t − 0.0861.
NUSKY_INLINE void sky_terms(Lanes u, Lanes& p, Lanes& log) {
  const Lanes t = u + 1.0F;
  p = u * reciprocal_below(t);
  Lanes bits;
  NUSKY_EACH {
    Ints whole;
    __builtin_memcpy(&whole, &t.part[k], sizeof whole);
    bits.part[k] = __builtin_convertvector(whole, Floats);
  }
  constexpr float twice_ln2 = 1.38629449F;
  log = bits * (twice_ln2 / 8388608.0F) - (127.0F - 0.08615F) * twice_ln2;
}

template <bool two>
NUSKY_INLINE void sky_add_events(const BandEventsView& e, const SkyBlock& block, const SkyStrip& s) {
  const std::size_t stride = s.stride;
  constexpr double bits = 8388608.0;  // of an octave
  constexpr auto per_step = static_cast<float>(bits / SkyLines::per_octave);
  constexpr auto lowest = static_cast<float>((127.0 - SkyLines::octaves_below) * bits + 1000.0);  // and more than its rounding
  constexpr auto per_fall = static_cast<float>(-bits / SkyLines::per_octave / SkyLines::farthest2 * (1.0 - 1e-6));
  constexpr float up = 1.003F, up_by_rounding = 1.00001F;  // more than p is too small
  const auto per_unit = [&](SkyLines::Sum sum) { return up_by_rounding / s.table->unit[sum]; };
  const float per_start = per_unit(SkyLines::start), per_end = per_unit(SkyLines::end), per_join = two ? per_unit(SkyLines::join) : 0.0F;
  const auto low = static_cast<float>(s.table->low), joint = static_cast<float>(s.table->joint);
  const auto add = [&](RowEntry entry, Lanes away2, std::uint16_t* to) __attribute__((always_inline)) {
    const Lanes fallen = away2 * (per_fall * static_cast<float>(entry.fall));
    const Lanes u =
        from_bits(max_of(fallen + (lowest + per_step * static_cast<float>(entry.highest)), 1e8F));  // 1e-35: not 0, which takes longer
    Lanes p, log;
    sky_terms(u, p, log);
    // 2 ln(1+u) ≤ u + u/(1+u)
    const Lanes most = min_of(u + p * up, log);
    add_limited(to + SkyLines::end * stride, (most + p * (2.0F * up)) * per_end);
    if (!two) {
      add_limited(to + SkyLines::start * stride, min_of(u - p, log - p * 2.0F) * per_start);
      return;
    }
    const Lanes small = u * low;
    Lanes small_p, small_log;
    sky_terms(small, small_p, small_log);
    add_limited(to + SkyLines::start * stride, min_of(small - small_p, small_log - small_p * 2.0F) * per_start);
    const Lanes first = min_of(small + small_p * up, small_log) + small_p * (2.0F * up * (joint / low - 1.0F));
    add_limited(to + SkyLines::join * stride, max_of(first, most - p * (2.0F * (1.0F - joint))) * per_join);
  };
  for (std::size_t i = 0; i < block.n; ++i) {
    const EventInBand& v = e.events[block.which[i]];
    const Lanes away2 = load(sky_all_distances.away2[block.phase[i] % sky_phases]);
    std::uint16_t* to = sky_first(v, block.phase[i], s);
    for (std::size_t r = 0; r < sky_rows(v); ++r, to += s.row) add(e.entries[v.at + r], away2, to);
  }
}

}  // namespace
}  // namespace NUSKY_LEVEL
}  // namespace nusky
