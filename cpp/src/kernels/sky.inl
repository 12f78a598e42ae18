#pragma once
// Sums at the nodes of a sky grid. sky_add_events stands in sky_lookup.inl or sky_compute.inl: level_<set>.cpp includes one of them
// first.
#include "kernels/sky_strip.inl"

namespace nusky {
namespace NUSKY_LEVEL {
namespace {

void sky_add(const BandEventsView& e, const float* turn, const SkyStrip& s) {
  const float phases = static_cast<float>(s.bins) * static_cast<float>(sky_phases);
  SkyBlock block;
  for (std::size_t begin = 0; begin < e.n; begin += sky_block) {
    block.n = 0;  // without a branch that depends on which matter
    for (std::size_t i = begin; i < (begin + sky_block < e.n ? begin + sky_block : e.n); ++i) {
      const EventInBand& v = e.events[i];
      const auto phase = static_cast<std::uint32_t>(static_cast<std::int32_t>(turn[v.event] * phases));
      block.which[block.n] = static_cast<std::uint32_t>(i);
      block.phase[block.n] = phase;
      block.n += (s.needed[phase / sky_phases] >> v.first & v.rows) != 0;
    }
    if (s.bins < lanes) {
      sky_add_around(e, block, s);
    } else if (s.table->n_sums() > 2) {
      sky_add_events<true>(e, block, s);
    } else {
      sky_add_events<false>(e, block, s);
    }
  }
}

void sky_layer(std::size_t n, const std::uint16_t* added, float unit, float spread, const float* low, const float* high, float* to) {
  for (std::size_t i = 0; i < n; ++i) to[i] = static_cast<float>(added[i]) * unit + (spread + (added[i] == 65535 ? 1e30F : 0.0F));
  if (low == nullptr) return;
  for (std::size_t i = 0; i < n / 2; ++i) {
    const float here = 0.5F * (low[i] + high[i]), next = 0.5F * (low[i + 1] + high[i + 1]);
    to[2 * i] += here;
    to[2 * i + 1] += 0.5F * (here + next);
  }
}

constexpr SkyKernels sky_kernels() {
  SkyKernels k{};
  k.sky_add = sky_add;
  k.sky_layer = sky_layer;
  return k;
}

}  // namespace
}  // namespace NUSKY_LEVEL
}  // namespace nusky
