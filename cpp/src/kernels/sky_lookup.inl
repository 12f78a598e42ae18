#pragma once
// Events to the nodes of a sky grid, where registers hold the table and look up 32 numbers at once.
#include "kernels/sky_strip.inl"

namespace nusky {
namespace NUSKY_LEVEL {
namespace {

constexpr auto sky_all_distances = sky_distances<std::uint16_t>(SkyLines::farthest2 / 65535.0);  // 65535 at a distance of 8 bins

// One sum of the table, in registers.
struct SkyLookup {
  WordTable base, slope;
  __attribute__((always_inline)) SkyLookup(const SkyLines& t, std::size_t sum) : base(t.base[sum]), slope(t.slope[sum]) {}
  __attribute__((always_inline)) Words at(Words piece, Words frac) const {
    return sum(base.at(piece), product_by_65536(slope.at(piece), frac));
  }
};

// `highest` and `fall` of two entries, each in 16 lanes; or of one entry in all.
struct SkyWords {
  Words highest, fall;
  __attribute__((always_inline)) explicit SkyWords(const RowEntry* two) : highest(two_words(two, 0, 2)), fall(two_words(two, 1, 3)) {}
  __attribute__((always_inline)) explicit SkyWords(RowEntry one) : highest(words(one.highest)), fall(words(one.fall)) {}
};

// Two rows of an event at once.
template <bool two>
NUSKY_INLINE void sky_add_events(const BandEventsView& e, const SkyBlock& block, const SkyStrip& s) {
  static_assert(SkyLines::piece == 128, "7 bits within a piece");
  const std::size_t stride = s.stride, row = s.row;
  const SkyLookup start(*s.table, SkyLines::start), end(*s.table, SkyLines::end), join(*s.table, two ? SkyLines::join : SkyLines::start);
  for (std::size_t i = 0; i < block.n; ++i) {
    const EventInBand& v = e.events[block.which[i]];
    const RowEntry* entry = e.entries + v.at;
    std::uint16_t* to = sky_first(v, block.phase[i], s);
    const Words away2 = twice(load_as<HalfWords>(sky_all_distances.away2[block.phase[i] % sky_phases]));
    const auto add = [&](const SkyWords& entries, bool both) __attribute__((always_inline)) {
      const Words fallen = difference_or_zero(entries.highest, product_by_65536(away2, entries.fall));
      const Words steps = smaller(fallen, words(SkyLines::n_steps - 1));
      const Words piece = shift_down(steps, 7), frac = shift_up(steps, 9);
      const auto add_sum = [&](std::size_t which, const SkyLookup& lookup) __attribute__((always_inline)) {
        const Words units = lookup.at(piece, frac);
        add_limited(to + which * stride, lower(units));
        if (both) add_limited(to + row + which * stride, upper(units));
      };
      add_sum(SkyLines::start, start);
      add_sum(SkyLines::end, end);
      if (two) add_sum(SkyLines::join, join);
    };
    std::size_t r = sky_rows(v);
    for (; r >= 2; r -= 2, entry += 2, to += 2 * row) add(SkyWords(entry), true);
    if (r != 0) add(SkyWords(*entry), false);
  }
}

}  // namespace
}  // namespace NUSKY_LEVEL
}  // namespace nusky
