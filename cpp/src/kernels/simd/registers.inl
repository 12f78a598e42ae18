#pragma once
// Registers and lanes: load, store, arithmetic, comparisons, moves.
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
typedef std::uint32_t WrappingInts __attribute__((vector_size(register_floats * 4)));
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

// The lanes `some`, bit k: lane k, and 0 in the others.
NUSKY_INLINE Lanes only(unsigned some, Lanes v) {
#if NUSKY_FLOAT_WIDTH == 16
  v.part[0] = (Floats)_mm512_maskz_mov_ps(static_cast<__mmask16>(some), (__m512)v.part[0]);
#else
  alignas(64) float all[lanes];
  store(all, v);
  for (std::size_t k = 0; k < lanes; ++k) all[k] = (some >> k & 1U) != 0 ? all[k] : 0.0F;
  v = load(all);
#endif
  return v;
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

}  // namespace
}  // namespace NUSKY_LEVEL
}  // namespace nusky
