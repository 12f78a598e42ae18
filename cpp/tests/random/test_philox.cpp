#include <doctest/doctest.h>

#include <set>
#include <vector>

#include "every_level.hpp"
#include "nusky/random/philox.hpp"

using namespace nusky;
using namespace nusky::made_up;

TEST_CASE("philox: the published known answers") {
  // kat_vectors of Random123, the authors' own code
  CHECK(philox({0, 0, 0, 0}, 0, 0) == RandomBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, 0xffffffff, 0xffffffff) ==
        RandomBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0) ==
        RandomBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("philox: the kernels give the same blocks at every level") {
  const RandomPlace place = random_place(0x0123456789abcdefULL, 0xfedcba9876543210ULL, Purpose::signal, 7);
  for (const std::size_t n : {0u, 1u, 7u, 8u, 31u, 32u, 33u, 1000u}) {
    std::vector<std::uint32_t> item;
    for (std::size_t i = 0; i < n + random_room; ++i) item.push_back(static_cast<std::uint32_t>(i * i * 2654435761U));
    at_every_level([&](const Kernels& k, Output& out) {
      std::vector<std::uint32_t> word[4];
      std::uint32_t* to[4];
      for (std::size_t w = 0; w < 4; ++w) {
        word[w].resize(n + random_room);
        to[w] = word[w].data();
      }
      k.blocks(n, item.data(), place, to);
      bool same = true;
      for (std::size_t i = 0; i < n; ++i) {
        const RandomBlock block = random_block(place, item[i]);
        for (std::size_t w = 0; w < 4; ++w) same = same && word[w][i] == block[w];
      }
      CHECK(same);
      out.push_back(0.0F);
    });
  }
}

TEST_CASE("philox: seed, trial, purpose, season and item all count") {
  std::set<RandomBlock> seen;
  for (std::uint64_t key : {0ULL, 1ULL, 1ULL << 40})
    for (std::uint64_t trial : {0ULL, 1ULL, 1ULL << 40})
      for (Purpose purpose : {Purpose::right_ascension, Purpose::signal})
        for (std::uint32_t season : {0U, 1U, 40U})
          for (std::uint32_t item : {0U, 1U, 1000000U}) seen.insert(random_block(random_place(key, trial, purpose, season), item));
  CHECK(seen.size() == 3 * 3 * 2 * 3 * 3);
}
