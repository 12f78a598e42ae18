#pragma once
// Whole numbers of 16 bits that stop at 65535.
#include "kernels/simd/registers.inl"

namespace nusky {
namespace NUSKY_LEVEL {
namespace {

// The sum, or 65535 where that is less.
NUSKY_INLINE std::uint16_t limited_sum(std::uint16_t a, unsigned b) {
  const unsigned sum = a + b;
  return static_cast<std::uint16_t>(sum > 65535U ? 65535U : sum);
}

#ifdef NUSKY_COMPRESS
// 32 of them, and half as many.
using Words = __m512i;
using HalfWords = __m256i;
NUSKY_INLINE Words words(std::uint16_t x) { return _mm512_set1_epi16(static_cast<short>(x)); }
NUSKY_INLINE Words twice(HalfWords half) { return _mm512_inserti64x4(_mm512_castsi256_si512(half), half, 1); }
// Word number `low` of the four at `p` in the lower half, number `high` in the upper one.
NUSKY_INLINE Words two_words(const void* p, int low, int high) {
  const auto bytes = [](int word) { return static_cast<short>(0x0100 + 0x0202 * word); };
  const Words from = _mm512_inserti64x4(_mm512_set1_epi16(bytes(low)), _mm256_set1_epi16(bytes(high)), 1);
  return _mm512_shuffle_epi8(_mm512_set1_epi64(load_as<std::int64_t>(p)), from);
}
NUSKY_INLINE Words sum(Words a, Words b) { return _mm512_add_epi16(a, b); }
NUSKY_INLINE Words difference_or_zero(Words a, Words b) { return _mm512_subs_epu16(a, b); }
NUSKY_INLINE Words product_by_65536(Words a, Words b) { return _mm512_mulhi_epu16(a, b); }
NUSKY_INLINE Words smaller(Words a, Words b) { return _mm512_min_epu16(a, b); }
NUSKY_INLINE Words shift_down(Words a, unsigned bits) { return _mm512_srli_epi16(a, bits); }
NUSKY_INLINE Words shift_up(Words a, unsigned bits) { return _mm512_slli_epi16(a, bits); }
NUSKY_INLINE HalfWords lower(Words a) { return _mm512_castsi512_si256(a); }
NUSKY_INLINE HalfWords upper(Words a) { return _mm512_extracti64x4_epi64(a, 1); }
// Adds to 16 numbers, up to 65535.
NUSKY_INLINE void add_limited(std::uint16_t* to, HalfWords units) { store_as(to, _mm256_adds_epu16(load_as<HalfWords>(to), units)); }
// 64 numbers, looked up 32 at a time.
struct WordTable {
  Words part[2];
  __attribute__((always_inline)) explicit WordTable(const std::uint16_t* p) : part{load_as<Words>(p), load_as<Words>(p + 32)} {}
  __attribute__((always_inline)) Words at(Words index) const { return _mm512_permutex2var_epi16(part[0], index, part[1]); }
};
#else
// Adds whole numbers above v to 16 numbers, up to 65535.
NUSKY_INLINE void add_limited(std::uint16_t* to, Lanes v) {
  v = min_of(v + 1.0F, splat(65535.0F));
  Ints whole[float_registers];
  NUSKY_EACH whole[k] = __builtin_convertvector(v.part[k], Ints);
#if NUSKY_FLOAT_WIDTH == 8
  auto* at = reinterpret_cast<__m256i*>(to);
  const __m256i units = _mm256_permute4x64_epi64(_mm256_packus_epi32((__m256i)whole[0], (__m256i)whole[1]), 0xd8);
  _mm256_storeu_si256(at, _mm256_adds_epu16(_mm256_loadu_si256(at), units));
#elif defined(__SSE2__)
  for (std::size_t k = 0; k < float_registers; k += 2) {
    auto* at = reinterpret_cast<__m128i*>(to + k * register_floats);
    const __m128i half_way = _mm_set1_epi32(32768);  // only signed numbers are packed
    const __m128i units =
        _mm_xor_si128(_mm_packs_epi32(_mm_sub_epi32((__m128i)whole[k], half_way), _mm_sub_epi32((__m128i)whole[k + 1], half_way)),
                      _mm_set1_epi16(-32768));
    _mm_storeu_si128(at, _mm_adds_epu16(_mm_loadu_si128(at), units));
  }
#else
  for (std::size_t k = 0; k < lanes; ++k)
    to[k] = limited_sum(to[k], static_cast<unsigned>(whole[k / register_floats][k % register_floats]));
#endif
}
#endif

}  // namespace
}  // namespace NUSKY_LEVEL
}  // namespace nusky
