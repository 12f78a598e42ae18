#pragma once
#include <cstddef>
#include <cstdint>

#include "nusky/random/philox.hpp"

namespace nusky {

/// Arcs of right ascension within which events matter: those whose word − first, modulo 2³², is at most width. The arrays have room for
/// random_room more.
struct ArcView {
  std::size_t n;
  const std::uint32_t *item, *first, *width;
};

/// Where events that lie in their arcs go: their numbers in the view, and their words.
struct ArcPicks {
  std::size_t n;
  std::uint32_t *number, *word;
};

/// Entries beyond the last that the kernels may read or write.
constexpr std::size_t random_room = 32;

/// Random numbers: the same bits at every instruction set.
struct RandomKernels {
  /// word[w][i] = word w of random_block(place, item[i]), w < 4. All arrays have room for random_room more.
  void (*blocks)(std::size_t n, const std::uint32_t* item, const RandomPlace& place, std::uint32_t* const* word);
  /// For each of the four words: appends to picks[w] the events that it brings into their arcs.
  void (*in_arc)(const ArcView& arcs, const RandomPlace& place, ArcPicks* picks);
};

}  // namespace nusky
