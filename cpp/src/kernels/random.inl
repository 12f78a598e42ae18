#pragma once
// Philox4x32-10 of many counters at once. Only whole numbers: the same bits at every level.
#include "kernels/simd.inl"
#include "nusky/kernels/tables/random.hpp"

namespace nusky {
namespace NUSKY_LEVEL {
namespace {

// Two registers of items, as four chains: a product of 32 bits takes a lane of 64, so even and odd items go apart. What stands above the
// low 32 bits of a lane is never read.
constexpr std::size_t random_chains = 4, random_step = 2 * register_floats;
static_assert(random_step <= random_room, "");

struct RandomChain {
  WideWords c[4];
};

NUSKY_INLINE void philox_of(const Ints* item, const RandomPlace& place, Ints (*word)[4]) {
  RandomChain chain[random_chains];
  for (std::size_t j = 0; j < random_chains; ++j) {
    const auto both = load_as<WideWords>(&item[j / 2]);
    chain[j].c[0] = j % 2 == 0 ? both : both >> 32;
    chain[j].c[1] = WideWords{} + place.tag;
    chain[j].c[2] = WideWords{} + place.trial_low;
    chain[j].c[3] = WideWords{} + place.trial_high;
  }
  std::uint32_t k0 = place.key_low, k1 = place.key_high;
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
    const WideWords key0 = WideWords{} + k0, key1 = WideWords{} + k1;
    for (std::size_t j = 0; j < random_chains; ++j) {
      WideWords* c = chain[j].c;
      const WideWords a = multiply_low_halves(c[0], 0xD2511F53), b = multiply_low_halves(c[2], 0xCD9E8D57);
      c[0] = (b >> 32) ^ c[1] ^ key0;
      c[1] = b;
      c[2] = (a >> 32) ^ c[3] ^ key1;
      c[3] = a;
    }
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  for (std::size_t j = 0; j < 2; ++j)
    for (std::size_t w = 0; w < 4; ++w) {
      const WideWords both = (chain[2 * j].c[w] & 0xffffffffU) | (chain[2 * j + 1].c[w] << 32);
      __builtin_memcpy(&word[j][w], &both, sizeof both);
    }
}

NUSKY_INLINE void load_items(const std::uint32_t* item, Ints* out) {
  for (std::size_t j = 0; j < 2; ++j) out[j] = load_as<Ints>(item + j * register_floats);
}

void random_blocks(std::size_t n, const std::uint32_t* item, const RandomPlace& place, std::uint32_t* const* word) {
  for (std::size_t i = 0; i < n; i += random_step) {
    Ints items[2], words[2][4];
    load_items(item + i, items);
    philox_of(items, place, words);
    for (std::size_t w = 0; w < 4; ++w)
      for (std::size_t j = 0; j < 2; ++j) store_as(word[w] + i + j * register_floats, words[j][w]);
  }
}

constexpr RandomKernels random_kernels() {
  RandomKernels k{};
  k.blocks = random_blocks;
  return k;
}

}  // namespace
}  // namespace NUSKY_LEVEL
}  // namespace nusky
