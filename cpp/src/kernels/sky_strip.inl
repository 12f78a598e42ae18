#pragma once
// What both ways to add events to the nodes of a sky grid have in common.
#include "kernels/simd.inl"
#include "nusky/kernels/tables/sky.hpp"

namespace nusky {
namespace NUSKY_LEVEL {
namespace {

static_assert(lanes == sky_window, "a row of an event fills the lanes");

// Where an event is between two nodes, its phase, is told apart so finely.
constexpr std::size_t sky_phases = 128;

// The least distance, in bins, of node k of the 16 around an event from where a phase may be, less the errors of positions.
constexpr double sky_away(std::size_t phase, std::size_t k) {
  const double node = static_cast<double>(k) - static_cast<double>(lanes / 2 - 1), low = static_cast<double>(phase) / sky_phases;
  const double right = node - low - 1.0 / sky_phases, left = low - node, away = (right > left ? right : left) - 1e-3;
  return away > 0.0 ? away : 0.0;
}

// Squared distances by phase and node, as T in units of `unit`.
template <class T>
struct SkyDistances {
  alignas(64) T away2[sky_phases][lanes];
};

template <class T>
constexpr SkyDistances<T> sky_distances(double unit) {
  SkyDistances<T> d{};
  for (std::size_t phase = 0; phase < sky_phases; ++phase)
    for (std::size_t k = 0; k < lanes; ++k) d.away2[phase][k] = static_cast<T>(sky_away(phase, k) * sky_away(phase, k) / unit);
  return d;
}

constexpr std::size_t sky_block = 256;

// Events of a block that matter, and where their events are, in phases from the first bin on.
struct SkyBlock {
  std::size_t n = 0;
  std::uint32_t which[sky_block], phase[sky_block];
};

NUSKY_INLINE std::size_t sky_rows(const EventInBand& v) { return static_cast<std::size_t>(__builtin_popcount(v.rows)); }

// The first node in the first row of an event.
NUSKY_INLINE std::uint16_t* sky_first(const EventInBand& v, std::uint32_t phase, const SkyStrip& s) {
  return s.sums + v.first * s.row + phase / sky_phases - (lanes / 2 - 1);
}

// In a row of fewer bins than lanes, nodes beyond the half circle are those of the other side once more, and left out.
void sky_add_around(const BandEventsView& e, const SkyBlock& block, const SkyStrip& s) {
  for (std::size_t i = 0; i < block.n; ++i) {
    const EventInBand& v = e.events[block.which[i]];
    std::uint16_t* to = sky_first(v, block.phase[i], s);
    for (std::size_t r = 0; r < sky_rows(v); ++r, to += s.row)
      for (std::size_t k = 0; k < lanes; ++k) {
        const double away = sky_away(block.phase[i] % sky_phases, k);
        if (2.0 * away > static_cast<double>(s.bins)) continue;
        const RowEntry entry = e.entries[v.at + r];
        const auto fallen = static_cast<unsigned>(away * away / SkyLines::farthest2 * entry.fall);
        const unsigned step = entry.highest - (fallen < entry.highest ? fallen : entry.highest);
        for (std::size_t q = 0; q < s.table->n_sums(); ++q) to[q * s.stride + k] = limited_sum(to[q * s.stride + k], s.table->at(q, step));
      }
  }
}

}  // namespace
}  // namespace NUSKY_LEVEL
}  // namespace nusky
