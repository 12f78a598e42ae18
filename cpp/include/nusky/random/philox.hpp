#pragma once
#include <array>
#include <cstdint>

namespace nusky {

/// What a random number is for. Numbers of different purposes are independent.
enum class Purpose : std::uint32_t {
  right_ascension = 0,  ///< of the background
  off_time_count = 1,   ///< how many off-time events enter a window
  off_time = 2,         ///< which, and when
  signal_count = 3,     ///< how many events are injected, and how sources share them
  signal = 4,           ///< which simulated events
  signal_time = 5,      ///< when they come
  extension = 6,        ///< where in an extended source
  source = 7,           ///< where the source is
  declination = 8,      ///< of the background, where it is new
};

/// The part of a counter and key that many items share: everything that a trial draws is a function of
/// (seed, trial, purpose, season, item).
struct RandomPlace {
  std::uint32_t tag;  ///< purpose · 2²⁴ + season
  std::uint32_t trial_low, trial_high;
  std::uint32_t key_low, key_high;  ///< of the seed
};

inline RandomPlace random_place(std::uint64_t key, std::uint64_t trial, Purpose purpose, std::uint32_t season) {
  return {(static_cast<std::uint32_t>(purpose) << 24) + season, static_cast<std::uint32_t>(trial), static_cast<std::uint32_t>(trial >> 32),
          static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)};
}

/// Right ascensions take one word of 32 bits, so that a block serves four trials: trial j is word j mod 4 of the block of "trial" j / 4.
constexpr std::uint64_t trials_of_block = 4;

using RandomBlock = std::array<std::uint32_t, 4>;

/// Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11: four words of a counter and a key.
inline RandomBlock philox(RandomBlock c, std::uint32_t k0, std::uint32_t k1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * c[0], b = std::uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<std::uint32_t>(b >> 32) ^ c[1] ^ k0, static_cast<std::uint32_t>(b), static_cast<std::uint32_t>(a >> 32) ^ c[3] ^ k1,
         static_cast<std::uint32_t>(a)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c;
}

inline RandomBlock random_block(const RandomPlace& place, std::uint32_t item) {
  return philox({item, place.tag, place.trial_low, place.trial_high}, place.key_low, place.key_high);
}

/// Uniform in [0, 1) with 53 bits: the first (half = 0) or last two words of a block.
inline double uniform_of(const RandomBlock& block, std::size_t half) {
  const std::uint64_t bits = (std::uint64_t{block[2 * half + 1]} << 32) | block[2 * half];
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

/// Right ascension of a word, in steps of 1.5e-9 rad: positions on the sphere are held in 0.9e-9.
constexpr double right_ascension_step = 6.28318530717958647693 * 0x1p-32;
inline double right_ascension_of(std::uint32_t word) { return word * right_ascension_step; }

}  // namespace nusky
