#pragma once
#include <cstddef>
#include <cstdint>

#include "nusky/random/philox.hpp"

namespace nusky {

/// Entries beyond the last that the kernels may read or write.
constexpr std::size_t random_room = 32;

/// Random numbers: the same bits at every instruction set.
struct RandomKernels {
  /// word[w][i] = word w of random_block(place, item[i]), w < 4. All arrays have room for random_room more.
  void (*blocks)(std::size_t n, const std::uint32_t* item, const RandomPlace& place, std::uint32_t* const* word);
};

}  // namespace nusky
