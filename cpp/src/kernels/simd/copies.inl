#pragma once
// Copies of selected lanes, and structs of 64 bytes to columns.
#include "kernels/simd/registers.inl"

namespace nusky {
namespace NUSKY_LEVEL {
namespace {

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
    t[k] = __builtin_shufflevector(r[k], r[k + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    t[k + 1] = __builtin_shufflevector(r[k], r[k + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
  for (std::size_t k = 0; k < 8; k += 4)
    for (std::size_t j = 0; j < 2; ++j) {
      u[k + j] = __builtin_shufflevector(t[k + j], t[k + j + 2], 0, 1, 4, 5, 8, 9, 12, 13);        // words j and j + 4 of four structs
      u[k + j + 2] = __builtin_shufflevector(t[k + j], t[k + j + 2], 2, 3, 6, 7, 10, 11, 14, 15);  // words j + 2 and j + 6
    }
  for (std::size_t j = 0; j < 4; ++j) {
    column[j] = __builtin_shufflevector(u[j], u[j + 4], 0, 1, 4, 5, 8, 9, 12, 13);
    column[j + 4] = __builtin_shufflevector(u[j], u[j + 4], 2, 3, 6, 7, 10, 11, 14, 15);
  }
}
NUSKY_INLINE void store_word(const Doubles (*column)[8], const PointerWord& w, std::size_t i) {
  for (std::size_t h = 0; h < 2; ++h) store_as(w.to + i + 8 * h, column[h][w.word]);
}
NUSKY_INLINE void store_word(const Doubles (*column)[8], const FloatPairWord& w, std::size_t i) {
  const Floats low = (Floats)column[0][w.word], high = (Floats)column[1][w.word];
  store_as(w.first + i, __builtin_shufflevector(low, high, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30));
  store_as(w.second + i, __builtin_shufflevector(low, high, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31));
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

// --- Structs of 32 bytes to registers ---

// Word number c, a float, of 16 structs to lanes c.
template <class Struct>
NUSKY_INLINE void eight_columns(const Struct* e, Lanes* column) {
  static_assert(sizeof(Struct) == 32, "eight floats");
#if NUSKY_FLOAT_WIDTH == 4
  for (std::size_t half = 0; half < 2; ++half)
    for (std::size_t part = 0; part < float_registers; ++part) {
      Floats r[4], t[4];
      for (std::size_t k = 0; k < 4; ++k) r[k] = load_as<Floats>(reinterpret_cast<const float*>(e + 4 * part + k) + 4 * half);
      for (std::size_t k = 0; k < 4; k += 2) {
        t[k] = __builtin_shufflevector(r[k], r[k + 1], 0, 4, 1, 5);
        t[k + 1] = __builtin_shufflevector(r[k], r[k + 1], 2, 6, 3, 7);
      }
      for (std::size_t j = 0; j < 2; ++j) {
        column[4 * half + 2 * j].part[part] = __builtin_shufflevector(t[j], t[j + 2], 0, 1, 4, 5);
        column[4 * half + 2 * j + 1].part[part] = __builtin_shufflevector(t[j], t[j + 2], 2, 3, 6, 7);
      }
    }
#else
  for (std::size_t part = 0; part < float_registers; ++part) {
    const Struct* first = e + part * register_floats;
    Floats r[8], t[8], u[8];
#if NUSKY_FLOAT_WIDTH == 16
    // structs k and k + 8 side by side
    const auto both = [](const __m256& low, const __m256& high) {
      return (Floats)_mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1);
    };
    for (std::size_t k = 0; k < 8; ++k) r[k] = both(load_as<__m256>(first + k), load_as<__m256>(first + k + 8));
#define NUSKY_HALVES(a, b, c, d, e, f, g, h) a, b, c, d, e, f, g, h, a + 8, b + 8, c + 8, d + 8, e + 8, f + 8, g + 8, h + 8
#else
    for (std::size_t k = 0; k < 8; ++k) r[k] = load_as<Floats>(first + k);
#define NUSKY_HALVES(a, b, c, d, e, f, g, h) a, b, c, d, e, f, g, h
#endif
    constexpr int o = register_floats;  // the second register
    for (std::size_t k = 0; k < 8; k += 2) {
      t[k] = __builtin_shufflevector(r[k], r[k + 1], NUSKY_HALVES(0, o, 1, o + 1, 4, o + 4, 5, o + 5));
      t[k + 1] = __builtin_shufflevector(r[k], r[k + 1], NUSKY_HALVES(2, o + 2, 3, o + 3, 6, o + 6, 7, o + 7));
    }
    for (std::size_t k = 0; k < 8; k += 4)
      for (std::size_t j = 0; j < 2; ++j) {  // words 2 j and 2 j + 4, then 2 j + 1 and 2 j + 5, of four structs
        u[k + 2 * j] = __builtin_shufflevector(t[k + j], t[k + j + 2], NUSKY_HALVES(0, 1, o, o + 1, 4, 5, o + 4, o + 5));
        u[k + 2 * j + 1] = __builtin_shufflevector(t[k + j], t[k + j + 2], NUSKY_HALVES(2, 3, o + 2, o + 3, 6, 7, o + 6, o + 7));
      }
    for (std::size_t j = 0; j < 4; ++j) {
      column[j].part[part] = __builtin_shufflevector(u[j], u[j + 4], NUSKY_HALVES(0, 1, 2, 3, o, o + 1, o + 2, o + 3));
      column[j + 4].part[part] = __builtin_shufflevector(u[j], u[j + 4], NUSKY_HALVES(4, 5, 6, 7, o + 4, o + 5, o + 6, o + 7));
    }
#undef NUSKY_HALVES
  }
#endif
}

}  // namespace
}  // namespace NUSKY_LEVEL
}  // namespace nusky
