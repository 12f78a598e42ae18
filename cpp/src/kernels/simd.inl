#pragma once
// Registers: the only file of the kernels that knows how wide they are and what instructions there are. The kernels are
// written over what stands here, and compiled once for each instruction set by level_<set>.cpp, which defines
//
//   NUSKY_LEVEL, NUSKY_LEVEL_NAME  namespace, and name for the user
//   NUSKY_FLOAT_WIDTH              floats in a register
//   NUSKY_TAILS_WIDTH              accumulators of 16 floats that fit the registers
//   NUSKY_COMPRESS                 AVX-512: selected lanes are moved together in one instruction
//
// A kernel works on 16 lanes at a time at every level, so that the order of every sum is the same on all of them; which
// bits agree is in docs/adr/0002. `Lanes` is an array of 1, 2 or 4 registers: a single vector type wider than the
// registers would be split through memory by the compiler (measured: three times slower on AVX2).
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <cstddef>
#include <cstdint>

namespace nusky {
namespace NUSKY_LEVEL {
namespace {

#define NUSKY_INLINE static inline __attribute__((always_inline))

constexpr std::size_t lanes = 16;
constexpr std::size_t register_floats = NUSKY_FLOAT_WIDTH, register_doubles = register_floats / 2;
constexpr std::size_t float_registers = lanes / register_floats, double_registers = lanes / register_doubles;

// Of one register:
typedef float Floats __attribute__((vector_size(register_floats * 4)));
typedef std::int32_t Ints __attribute__((vector_size(register_floats * 4)));
typedef double Doubles __attribute__((vector_size(register_floats * 4)));
typedef std::int64_t Longs __attribute__((vector_size(register_floats * 4)));
typedef std::uint64_t WideWords __attribute__((vector_size(register_floats * 4)));
typedef float HalfFloats __attribute__((vector_size(register_floats * 2)));  // as many as a register holds doubles
typedef std::int32_t HalfInts __attribute__((vector_size(register_floats * 2)));
typedef float Quad __attribute__((vector_size(16)));  // four of the 16

template <class Register, std::size_t count>
struct Registers {
  Register part[count];
};
using Lanes = Registers<Floats, float_registers>;

#define NUSKY_EACH for (std::size_t k = 0; k < float_registers; ++k)

// --- Load, store, arithmetic ---

template <class V>
NUSKY_INLINE V load_as(const void* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
template <class V>
NUSKY_INLINE void store_as(void* p, V v) {
  __builtin_memcpy(p, &v, sizeof v);
}
NUSKY_INLINE Lanes load(const float* p) {
  Lanes v;
  NUSKY_EACH v.part[k] = load_as<Floats>(p + k * register_floats);
  return v;
}
template <class R, std::size_t P>
NUSKY_INLINE void store(float* p, Registers<R, P> v) {
  for (std::size_t k = 0; k < P; ++k) store_as(p + k * sizeof(R) / sizeof(float), v.part[k]);
}
NUSKY_INLINE Lanes splat(float x) {
  Lanes v;
  NUSKY_EACH v.part[k] = Floats{} + x;
  return v;
}
// With lanes, and with one number for all of them.
#define NUSKY_OPERATOR(op)                                                         \
  template <class R, std::size_t P>                                                \
  NUSKY_INLINE Registers<R, P> operator op(Registers<R, P> a, Registers<R, P> b) { \
    for (std::size_t k = 0; k < P; ++k) a.part[k] = a.part[k] op b.part[k];        \
    return a;                                                                      \
  }                                                                                \
  template <class R, std::size_t P>                                                \
  NUSKY_INLINE Registers<R, P> operator op(Registers<R, P> a, float b) {           \
    for (std::size_t k = 0; k < P; ++k) a.part[k] = a.part[k] op b;                \
    return a;                                                                      \
  }
NUSKY_OPERATOR(+)
NUSKY_OPERATOR(-)
NUSKY_OPERATOR(*)
NUSKY_OPERATOR(/)
#undef NUSKY_OPERATOR

template <class R, std::size_t P>
NUSKY_INLINE Registers<R, P> max_of(Registers<R, P> a, Registers<R, P> b) {
  for (std::size_t k = 0; k < P; ++k) a.part[k] = a.part[k] < b.part[k] ? b.part[k] : a.part[k];
  return a;
}
template <class R, std::size_t P>
NUSKY_INLINE Registers<R, P> max_of(Registers<R, P> a, float b) {
  for (std::size_t k = 0; k < P; ++k) a.part[k] = a.part[k] < R{} + b ? R{} + b : a.part[k];
  return a;
}
template <class R, std::size_t P>
NUSKY_INLINE Registers<R, P> min_of(Registers<R, P> a, Registers<R, P> b) {
  for (std::size_t k = 0; k < P; ++k) a.part[k] = a.part[k] < b.part[k] ? a.part[k] : b.part[k];
  return a;
}

// Products of the low halves of all lanes with a number of 32 bits.
NUSKY_INLINE WideWords multiply_low_halves(WideWords a, std::uint32_t b) {
#if NUSKY_FLOAT_WIDTH == 16
  return (WideWords)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(b));
#elif NUSKY_FLOAT_WIDTH == 8
  return (WideWords)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(b));
#elif defined(__SSE2__)
  return (WideWords)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x(b));
#else
  return (a & 0xffffffffU) * b;
#endif
}

// --- Comparisons ---

// Of one register, as numbers without sign: bit k, that lane k is at most the edge.
NUSKY_INLINE unsigned unsigned_at_most(Ints v, Ints edge) {
#if NUSKY_FLOAT_WIDTH == 16
  return _mm512_cmple_epu32_mask((__m512i)v, (__m512i)edge);
#elif NUSKY_FLOAT_WIDTH == 8
  const __m256i smaller = _mm256_min_epu32((__m256i)v, (__m256i)edge);
  return static_cast<unsigned>(_mm256_movemask_ps((__m256)_mm256_cmpeq_epi32(smaller, (__m256i)v)));
#else
  const Ints sign = Ints{} + static_cast<std::int32_t>(0x80000000U), over = (v ^ sign) > (edge ^ sign);
#if defined(__SSE2__)
  return static_cast<unsigned>(_mm_movemask_ps((__m128)over)) ^ 15U;
#else
  unsigned bits = 0;
  for (std::size_t i = 0; i < register_floats; ++i) bits |= (over[i] == 0 ? 1U : 0U) << i;
  return bits;
#endif
#endif
}

// Bit k: lane k is above.
NUSKY_INLINE unsigned above(Lanes v, float edge) {
#if NUSKY_FLOAT_WIDTH == 16
  return _mm512_cmp_ps_mask((__m512)v.part[0], _mm512_set1_ps(edge), _CMP_GT_OQ);
#else
  unsigned bits = 0;
  NUSKY_EACH {
    const Ints over = v.part[k] > Floats{} + edge;
#if NUSKY_FLOAT_WIDTH == 8
    bits |= static_cast<unsigned>(_mm256_movemask_ps((__m256)over)) << (k * register_floats);
#elif defined(__SSE2__)
    bits |= static_cast<unsigned>(_mm_movemask_ps((__m128)over)) << (k * register_floats);
#else
    for (std::size_t i = 0; i < register_floats; ++i) bits |= (over[i] != 0 ? 1U : 0U) << (k * register_floats + i);
#endif
  }
  return bits;
#endif
}

// --- Moves between lanes ---

// Lane k becomes what lane k + 1 was; the last stays.
NUSKY_INLINE Lanes next_lane(Lanes v) {
  Lanes out;
  NUSKY_EACH {
    const Floats a = v.part[k], b = v.part[k + 1 < float_registers ? k + 1 : k];
#if NUSKY_FLOAT_WIDTH == 16
    out.part[k] = __builtin_shufflevector(a, b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 31);
#elif NUSKY_FLOAT_WIDTH == 8
    out.part[k] = k + 1 < float_registers ? __builtin_shufflevector(a, b, 1, 2, 3, 4, 5, 6, 7, 8)
                                          : __builtin_shufflevector(a, b, 1, 2, 3, 4, 5, 6, 7, 15);
#else
    out.part[k] = k + 1 < float_registers ? __builtin_shufflevector(a, b, 1, 2, 3, 4) : __builtin_shufflevector(a, b, 1, 2, 3, 7);
#endif
  }
  return out;
}

// Four quarters to 16 lanes, within registers: through memory, the wide load would wait for the narrow stores.
NUSKY_INLINE Lanes join(const Quad* quarter) {
  Lanes v;
#if NUSKY_FLOAT_WIDTH == 16
  const auto low = __builtin_shufflevector(quarter[0], quarter[1], 0, 1, 2, 3, 4, 5, 6, 7);
  const auto high = __builtin_shufflevector(quarter[2], quarter[3], 0, 1, 2, 3, 4, 5, 6, 7);
  v.part[0] = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#elif NUSKY_FLOAT_WIDTH == 8
  v.part[0] = __builtin_shufflevector(quarter[0], quarter[1], 0, 1, 2, 3, 4, 5, 6, 7);
  v.part[1] = __builtin_shufflevector(quarter[2], quarter[3], 0, 1, 2, 3, 4, 5, 6, 7);
#else
  NUSKY_EACH v.part[k] = quarter[k];
#endif
  return v;
}

// --- Copies of selected lanes ---

// Columns of copy_lanes: of entries i … i + 15 of `from`, some go to `to`.
template <class T>
struct Copied {
  const T* from;
  T* to;
};
template <class T>
Copied(const T*, T*) -> Copied<T>;
// from − less
struct Shifted {
  const float* from;
  float less;
  float* to;
};
// (from − at) · unit + off, in double, so that what is rounded to float is exact
struct Scaled {
  const std::int32_t* from;
  std::int32_t at;
  double unit, off;
  float* to;
};
// base + i + k of lane k
struct Numbered {
  std::uint32_t base;
  std::uint32_t* to;
};

#ifdef NUSKY_COMPRESS
// 16 lanes that were computed for these entries
struct Computed {
  Lanes value;
  float* to;
};

NUSKY_INLINE void pack(Lanes v, unsigned some, float* to) {
  _mm512_storeu_ps(to, _mm512_maskz_compress_ps(static_cast<__mmask16>(some), (__m512)v.part[0]));
}
NUSKY_INLINE void pack(__m512i v, unsigned some, void* to) {
  _mm512_storeu_si512(to, _mm512_maskz_compress_epi32(static_cast<__mmask16>(some), v));
}
template <class T>
NUSKY_INLINE void pack(const Copied<T>& c, unsigned some, std::size_t i, std::size_t n) {
  static_assert(sizeof(T) == 4, "32 bits");
  pack(_mm512_loadu_si512(c.from + i), some, c.to + n);
}
NUSKY_INLINE void pack(const Copied<const float*>& c, unsigned some, std::size_t i, std::size_t n) {
  const auto low = static_cast<__mmask8>(some), high = static_cast<__mmask8>(some >> 8);
  _mm512_storeu_si512(c.to + n, _mm512_maskz_compress_epi64(low, _mm512_loadu_si512(c.from + i)));
  _mm512_storeu_si512(c.to + n + __builtin_popcount(low), _mm512_maskz_compress_epi64(high, _mm512_loadu_si512(c.from + i + 8)));
}
NUSKY_INLINE void pack(const Shifted& c, unsigned some, std::size_t i, std::size_t n) { pack(load(c.from + i) - c.less, some, c.to + n); }
NUSKY_INLINE void pack(const Scaled& c, unsigned some, std::size_t i, std::size_t n) {
  alignas(64) float all[lanes];
  for (std::size_t k = 0; k < lanes; k += register_doubles) {
    const Doubles whole = __builtin_convertvector(load_as<HalfInts>(c.from + i + k) - c.at, Doubles);
    store_as(all + k, __builtin_convertvector(whole * c.unit + c.off, HalfFloats));
  }
  pack(load(all), some, c.to + n);
}
NUSKY_INLINE void pack(const Numbered& c, unsigned some, std::size_t i, std::size_t n) {
  const __m512i count = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  pack(_mm512_add_epi32(count, _mm512_set1_epi32(static_cast<int>(c.base + static_cast<std::uint32_t>(i)))), some, c.to + n);
}
NUSKY_INLINE void pack(const Computed& c, unsigned some, std::size_t, std::size_t n) { pack(c.value, some, c.to + n); }
#else
struct Computed {
  alignas(64) float value[lanes];
  float* to;
  __attribute__((always_inline)) Computed(Lanes v, float* to_) : to(to_) { store(value, v); }
};

template <class T>
NUSKY_INLINE void copy(const Copied<T>& c, std::size_t i, std::size_t, std::size_t n) {
  c.to[n] = c.from[i];
}
NUSKY_INLINE void copy(const Shifted& c, std::size_t i, std::size_t, std::size_t n) { c.to[n] = c.from[i] - c.less; }
NUSKY_INLINE void copy(const Scaled& c, std::size_t i, std::size_t, std::size_t n) {
  c.to[n] = static_cast<float>((c.from[i] - c.at) * c.unit + c.off);
}
NUSKY_INLINE void copy(const Numbered& c, std::size_t i, std::size_t, std::size_t n) { c.to[n] = c.base + static_cast<std::uint32_t>(i); }
NUSKY_INLINE void copy(const Computed& c, std::size_t, std::size_t k, std::size_t n) { c.to[n] = c.value[k]; }
#endif

// Copies the lanes `some` (bit k: entry i + k) of every column to entries n … of its `to`, and returns the next free entry. Up to
// 16 entries may be written.
template <class... Columns>
NUSKY_INLINE std::size_t copy_lanes(unsigned some, std::size_t i, std::size_t n, const Columns&... columns) {
#ifdef NUSKY_COMPRESS
  (pack(columns, some, i, n), ...);
  return n + static_cast<std::size_t>(__builtin_popcount(some));
#else
  for (; some != 0; some &= some - 1, ++n) {
    const auto k = static_cast<std::size_t>(__builtin_ctz(some));
    (copy(columns, i + k, k, n), ...);
  }
  return n;
#endif
}

// --- Structs of 64 bytes to columns ---

// Word number `word`, of 8 bytes, of every struct: a pointer, or a pair of floats.
struct PointerWord {
  std::size_t word;
  const float** to;
};
struct FloatPairWord {
  std::size_t word;
  float *first, *second;
};

#ifdef NUSKY_COMPRESS
// Eight structs to eight registers, one for each word.
template <class Struct>
NUSKY_INLINE void transpose(const Struct* const* e, Doubles* column) {
  static_assert(sizeof(Struct) == 64, "a register");
  Doubles r[8], t[8], u[8];
  for (std::size_t k = 0; k < 8; ++k) r[k] = load_as<Doubles>(e[k]);
  for (std::size_t k = 0; k < 8; k += 2) {
    t[k] = __builtin_shuffle(r[k], r[k + 1], Longs{0, 8, 2, 10, 4, 12, 6, 14});
    t[k + 1] = __builtin_shuffle(r[k], r[k + 1], Longs{1, 9, 3, 11, 5, 13, 7, 15});
  }
  const Longs low{0, 1, 4, 5, 8, 9, 12, 13}, high{2, 3, 6, 7, 10, 11, 14, 15};
  for (std::size_t k = 0; k < 8; k += 4)
    for (std::size_t j = 0; j < 2; ++j) {
      u[k + j] = __builtin_shuffle(t[k + j], t[k + j + 2], low);       // words j and j + 4 of four structs
      u[k + j + 2] = __builtin_shuffle(t[k + j], t[k + j + 2], high);  // words j + 2 and j + 6
    }
  for (std::size_t j = 0; j < 4; ++j) {
    column[j] = __builtin_shuffle(u[j], u[j + 4], low);
    column[j + 4] = __builtin_shuffle(u[j], u[j + 4], high);
  }
}
NUSKY_INLINE void store_word(const Doubles (*column)[8], const PointerWord& w, std::size_t i) {
  for (std::size_t h = 0; h < 2; ++h) store_as(w.to + i + 8 * h, column[h][w.word]);
}
NUSKY_INLINE void store_word(const Doubles (*column)[8], const FloatPairWord& w, std::size_t i) {
  const Floats low = (Floats)column[0][w.word], high = (Floats)column[1][w.word];
  const Ints even{0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30};
  store_as(w.first + i, __builtin_shuffle(low, high, even));
  store_as(w.second + i, __builtin_shuffle(low, high, even + 1));
}
#else
template <class Struct>
NUSKY_INLINE void copy_word(const Struct* e, const PointerWord& w, std::size_t at) {
  w.to[at] = load_as<const float*>(reinterpret_cast<const char*>(e) + 8 * w.word);
}
template <class Struct>
NUSKY_INLINE void copy_word(const Struct* e, const FloatPairWord& w, std::size_t at) {
  w.first[at] = load_as<float>(reinterpret_cast<const char*>(e) + 8 * w.word);
  w.second[at] = load_as<float>(reinterpret_cast<const char*>(e) + 8 * w.word + 4);
}
#endif

// Words of 16 structs to entries i … i + 15 of their columns.
template <class Struct, class... Words>
NUSKY_INLINE void store_words(const Struct* const* e, std::size_t i, const Words&... words) {
#ifdef NUSKY_COMPRESS
  Doubles column[2][8];
  transpose(e, column[0]);
  transpose(e + 8, column[1]);
  (store_word(column, words, i), ...);
#else
  for (std::size_t k = 0; k < lanes; ++k) (copy_word(e[k], words, i + k), ...);
#endif
}

// --- Whole numbers of 16 bits ---

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
