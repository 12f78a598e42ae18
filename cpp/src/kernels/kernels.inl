// The inner loops, included once per instruction set by kernels_<level>.cpp with NUSKY_KERNEL_NAMESPACE and
// NUSKY_KERNEL_NAME defined. Vectors are 16 lanes wide at every level (the compiler splits them), so that the order of
// every sum is the same on all of them; which bits agree is in docs/adr/0002.
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "nusky/kernels/table.hpp"

namespace nusky {
namespace NUSKY_KERNEL_NAMESPACE {
namespace {

#define NUSKY_INLINE static inline __attribute__((always_inline))

constexpr std::size_t lanes = 16;
// Widths of this level's registers in floats and doubles. Vectors of 16 lanes are arrays of registers: a single vector
// type wider than the registers would be split through memory by the compiler (measured: three times slower on AVX2).
constexpr std::size_t width = NUSKY_FLOAT_WIDTH, parts = lanes / width, half = width / 2, double_parts = lanes / half;

typedef float nf __attribute__((vector_size(width * 4)));
typedef std::int32_t ni __attribute__((vector_size(width * 4)));
typedef double nd __attribute__((vector_size(width * 4)));
typedef std::int64_t nl __attribute__((vector_size(width * 4)));
typedef float hf __attribute__((vector_size(width * 2)));  // as many floats as a register holds doubles
typedef std::int32_t hi __attribute__((vector_size(width * 2)));
typedef float v4 __attribute__((vector_size(16)));
typedef std::int32_t m4 __attribute__((vector_size(16)));

template <class N, std::size_t P>
struct several {
  N part[P];
};
using vf = several<nf, parts>;
struct vd {
  nd part[double_parts];
};

#define NUSKY_EACH for (std::size_t k = 0; k < parts; ++k)

template <class V>
NUSKY_INLINE V load_as(const float* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
NUSKY_INLINE vf load(const float* p) {
  vf v;
  NUSKY_EACH __builtin_memcpy(&v.part[k], p + k * width, sizeof(nf));
  return v;
}
template <class N, std::size_t P>
NUSKY_INLINE void store(float* p, several<N, P> v) {
  for (std::size_t k = 0; k < P; ++k) __builtin_memcpy(p + k * sizeof(N) / sizeof(float), &v.part[k], sizeof(N));
}
NUSKY_INLINE vf splat(float x) {
  vf v;
  NUSKY_EACH v.part[k] = nf{} + x;
  return v;
}
template <class N, std::size_t P>
NUSKY_INLINE several<N, P> operator+(several<N, P> a, several<N, P> b) {
  for (std::size_t k = 0; k < P; ++k) a.part[k] += b.part[k];
  return a;
}
template <class N, std::size_t P>
NUSKY_INLINE several<N, P> operator-(several<N, P> a, several<N, P> b) {
  for (std::size_t k = 0; k < P; ++k) a.part[k] -= b.part[k];
  return a;
}
template <class N, std::size_t P>
NUSKY_INLINE several<N, P> operator*(several<N, P> a, several<N, P> b) {
  for (std::size_t k = 0; k < P; ++k) a.part[k] *= b.part[k];
  return a;
}
template <class N, std::size_t P>
NUSKY_INLINE several<N, P> operator/(several<N, P> a, several<N, P> b) {
  for (std::size_t k = 0; k < P; ++k) a.part[k] /= b.part[k];
  return a;
}
template <class N, std::size_t P>
NUSKY_INLINE several<N, P> operator+(several<N, P> a, float b) {
  for (std::size_t k = 0; k < P; ++k) a.part[k] += b;
  return a;
}
template <class N, std::size_t P>
NUSKY_INLINE several<N, P> operator-(several<N, P> a, float b) {
  for (std::size_t k = 0; k < P; ++k) a.part[k] -= b;
  return a;
}
template <class N, std::size_t P>
NUSKY_INLINE several<N, P> operator*(several<N, P> a, float b) {
  for (std::size_t k = 0; k < P; ++k) a.part[k] *= b;
  return a;
}
template <class N, std::size_t P>
NUSKY_INLINE several<N, P> max_v(several<N, P> a, several<N, P> b) {
  for (std::size_t k = 0; k < P; ++k) a.part[k] = a.part[k] < b.part[k] ? b.part[k] : a.part[k];
  return a;
}
template <class N, std::size_t P>
NUSKY_INLINE several<N, P> max_v(several<N, P> a, float b) {
  for (std::size_t k = 0; k < P; ++k) a.part[k] = a.part[k] < N{} + b ? N{} + b : a.part[k];
  return a;
}
template <class N, std::size_t P>
NUSKY_INLINE several<N, P> min_v(several<N, P> a, several<N, P> b) {
  for (std::size_t k = 0; k < P; ++k) a.part[k] = a.part[k] < b.part[k] ? a.part[k] : b.part[k];
  return a;
}
// value where x is at most edge, else 0
NUSKY_INLINE vf where_at_most(vf x, vf edge, vf value) {
  NUSKY_EACH value.part[k] = x.part[k] <= edge.part[k] ? value.part[k] : nf{};
  return value;
}

// Which of 16 lanes are above: bit k for lane k.
NUSKY_INLINE unsigned above(vf v, float edge) {
#if NUSKY_FLOAT_WIDTH == 16
  return _mm512_cmp_ps_mask((__m512)v.part[0], _mm512_set1_ps(edge), _CMP_GT_OQ);
#else
  unsigned bits = 0;
  NUSKY_EACH {
    const ni over = v.part[k] > nf{} + edge;
#if NUSKY_FLOAT_WIDTH == 8
    bits |= static_cast<unsigned>(_mm256_movemask_ps((__m256)over)) << (k * width);
#elif defined(__SSE2__)
    bits |= static_cast<unsigned>(_mm_movemask_ps((__m128)over)) << (k * width);
#else
    for (std::size_t i = 0; i < width; ++i) bits |= (over[i] != 0 ? 1U : 0U) << (k * width + i);
#endif
  }
  return bits;
#endif
}

// e^x, relative error 2e-7, for −87 ≤ x ≤ 87, where float ends (ln R is within ±60, see EventColumns).
NUSKY_INLINE vf exp_v(vf x) {
  const float magic = 12582912.0F;  // 1.5·2²³: adding it rounds to an integer in the low bits
  const vf k = x * 1.44269504088896341F + magic;
  const vf n = k - magic;
  vf r = x - n * 0.693359375F;  // ln 2 in two parts
  r = r - n * -2.12194440e-4F;
  vf p = splat(1.9875691500e-4F);
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * (r * r) + r + 1.0F;
  for (std::size_t j = 0; j < parts; ++j) {
    ni bits;
    __builtin_memcpy(&bits, &k.part[j], sizeof bits);
    bits = (bits << 23) + 0x3f800000;  // the low bits of k are n; those of the magic number shift out
    nf scale;
    __builtin_memcpy(&scale, &bits, sizeof scale);
    p.part[j] *= scale;
  }
  return p;
}

// 2^x, relative error 2e-7, for −126 ≤ x ≤ 0. Near-minimax on [−½, ½].
NUSKY_INLINE vf exp2_v(vf x) {
  const float magic = 12582912.0F;  // as in exp_v
  const vf k = x + magic;
  const vf f = x - (k - magic);
  vf p = f * 1.32647e-3F + 9.67151e-3F;
  p = p * f + 5.550734e-2F;
  p = p * f + 2.4022242e-1F;
  p = p * f + 6.9314698e-1F;
  p = p * f + 1.0F;
  for (std::size_t j = 0; j < parts; ++j) {
    ni bits;
    __builtin_memcpy(&bits, &k.part[j], sizeof bits);
    bits = (bits << 23) + 0x3f800000;
    nf scale;
    __builtin_memcpy(&scale, &bits, sizeof scale);
    p.part[j] *= scale;
  }
  return p;
}

// Unit vectors in the equatorial plane, scaled: x = r cos ra, y = r sin ra for 0 ≤ ra ≤ 2π. The argument is reduced to ±π/4 in
// two parts of π/2; Taylor to x¹⁵, error 2e-16 of r.
NUSKY_INLINE void circle_of(const double* ra, const double* r, double* x, double* y) {
  nd a, k, radius;
  __builtin_memcpy(&a, ra, sizeof a);
  __builtin_memcpy(&radius, r, sizeof radius);
  k = a * 0.63661977236758134308 + 6755399441055744.0;  // 1.5·2⁵²: the low bits are the quadrant
  const nd q = k - 6755399441055744.0;
  const nd t = (a - q * 1.57079632679489655800) - q * 6.12323399573676603587e-17, t2 = t * t;
  nd s = t2 * -7.6471637318198164759e-13 + 1.6059043836821614599e-10;
  s = s * t2 - 2.5052108385441718775e-8;
  s = s * t2 + 2.7557319223985890653e-6;
  s = s * t2 - 1.9841269841269841270e-4;
  s = s * t2 + 8.3333333333333333333e-3;
  s = s * t2 - 1.6666666666666666667e-1;
  s = s * t2 * t + t;
  nd c = t2 * 4.7794773323873852974e-14 - 1.1470745597729724714e-11;
  c = c * t2 + 2.0876756987868098979e-9;
  c = c * t2 - 2.7557319223985890653e-7;
  c = c * t2 + 2.4801587301587301587e-5;
  c = c * t2 - 1.3888888888888888889e-3;
  c = c * t2 + 4.1666666666666666667e-2;
  c = c * t2 - 0.5;
  c = c * t2 + 1.0;
  nl bits, sine, cosine;
  __builtin_memcpy(&bits, &k, sizeof bits);
  __builtin_memcpy(&sine, &s, sizeof sine);
  __builtin_memcpy(&cosine, &c, sizeof cosine);
  const nl swap = -(bits & 1);  // all bits or none: sine and cosine change places in odd quadrants
  const nl up = ((cosine & swap) | (sine & ~swap)) ^ ((bits & 2) << 62),
           along = ((sine & swap) | (cosine & ~swap)) ^ ((bits ^ (bits >> 1)) << 63);
  nd vx, vy;
  __builtin_memcpy(&vy, &up, sizeof vy);
  __builtin_memcpy(&vx, &along, sizeof vx);
  vx *= radius;
  vy *= radius;
  __builtin_memcpy(x, &vx, sizeof vx);
  __builtin_memcpy(y, &vy, sizeof vy);
}

void circle(std::size_t n, const double* ra, const double* r, double* x, double* y) {
  std::size_t i = 0;
  for (; i + half <= n; i += half) circle_of(ra + i, r + i, x + i, y + i);
  if (i == n) return;
  double last[4][half] = {};
  for (std::size_t k = 0; i + k < n; ++k) {
    last[0][k] = ra[i + k];
    last[1][k] = r[i + k];
  }
  circle_of(last[0], last[1], last[2], last[3]);
  for (std::size_t k = 0; i + k < n; ++k) {
    x[i + k] = last[2][k];
    y[i + k] = last[3][k];
  }
}

// Writes the numbers base + k of the bits k of a mask; `to` has room for 16.
NUSKY_INLINE std::size_t list_bits(std::uint32_t* to, unsigned mask, std::uint32_t base) {
#ifdef NUSKY_COMPRESS
  const __m512i count = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  const __m512i numbers = _mm512_add_epi32(count, _mm512_set1_epi32(static_cast<int>(base)));
  _mm512_storeu_si512(to, _mm512_maskz_compress_epi32(static_cast<__mmask16>(mask), numbers));
  return static_cast<std::size_t>(__builtin_popcount(mask));
#else
  std::size_t n = 0;
  for (; mask != 0; mask &= mask - 1) to[n++] = base + static_cast<std::uint32_t>(__builtin_ctz(mask));
  return n;
#endif
}

NUSKY_INLINE vf offset(const std::int32_t* at, std::int32_t from) {
  vf out;
  NUSKY_EACH {
    ni whole;
    __builtin_memcpy(&whole, at + k * width, sizeof whole);
    out.part[k] = __builtin_convertvector(whole - from, nf);
  }
  return out;
}

// Events i … i + 15 seen from the centre of a cap, in units of places; bit k: event i + k reaches the cap.
struct Sight {
  vf x, y, z;
  unsigned some;
};

NUSKY_INLINE Sight look(const PlaceView& e, std::size_t i, const CapPlace& cap) {
  Sight s{offset(e.x + i, cap.at[0]), offset(e.y + i, cap.at[1]), offset(e.z + i, cap.at[2]), 0};
  const vf edge = load(e.reach + i) + cap.reach;
  s.some = above(edge * edge - (s.x * s.x + s.y * s.y + s.z * s.z), 0.0F);
  if (i + lanes > e.n) s.some &= (1U << (e.n - i)) - 1U;
  return s;
}

#ifdef NUSKY_COMPRESS
template <class T>
NUSKY_INLINE void pack(const T* from, unsigned some, T* to) {
  static_assert(sizeof(T) == 4, "32 bits");
  _mm512_storeu_si512(to, _mm512_maskz_compress_epi32(static_cast<__mmask16>(some), _mm512_loadu_si512(from)));
}
NUSKY_INLINE void pack(const float* const* from, unsigned some, const float** to) {
  const auto low = static_cast<__mmask8>(some), high = static_cast<__mmask8>(some >> 8);
  _mm512_storeu_si512(to, _mm512_maskz_compress_epi64(low, _mm512_loadu_si512(from)));
  _mm512_storeu_si512(to + __builtin_popcount(low), _mm512_maskz_compress_epi64(high, _mm512_loadu_si512(from + 8)));
}
#endif
NUSKY_INLINE void pack(vf v, unsigned some, float* to) {
#ifdef NUSKY_COMPRESS
  _mm512_storeu_ps(to, _mm512_maskz_compress_ps(static_cast<__mmask16>(some), (__m512)v.part[0]));
#else
  alignas(64) float all[lanes];
  store(all, v);
  for (; some != 0; some &= some - 1) *to++ = all[__builtin_ctz(some)];
#endif
}

std::size_t within(const PlaceView& e, const CapPlace& cap, std::uint32_t base, const PlaceColumns& out) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < e.n; i += lanes) {
    unsigned some = look(e, i, cap).some;
    if (some == 0) continue;
#ifdef NUSKY_COMPRESS
    pack(e.x + i, some, out.x + n);
    pack(e.y + i, some, out.y + n);
    pack(e.z + i, some, out.z + n);
    pack(e.reach + i, some, out.reach + n);
    n += list_bits(out.number + n, some, base + static_cast<std::uint32_t>(i));
#else
    for (; some != 0; some &= some - 1, ++n) {
      const std::size_t from = i + static_cast<std::size_t>(__builtin_ctz(some));
      out.number[n] = base + static_cast<std::uint32_t>(from);
      out.x[n] = e.x[from];
      out.y[n] = e.y[from];
      out.z[n] = e.z[from];
      out.reach[n] = e.reach[from];
    }
#endif
  }
  return n;
}

std::size_t fetch(const IndexView& e, const CapPlace& cap, float scale, std::uint32_t base, const SurveyColumns& out) {
  constexpr auto unit = static_cast<float>(place_size), per_rate = -1.44269504F * 8388608.0F * (1.0F - 1e-5F);
  const auto off = [&](std::size_t d) { return static_cast<float>(cap.off[d]); };
  std::size_t n = 0;
  for (std::size_t i = 0; i < e.place.n; i += lanes) {
    const Sight s = look(e.place, i, cap);
    if (s.some == 0) continue;
    pack(s.x * unit + off(0), s.some, out.x + n);
    pack(s.y * unit + off(1), s.some, out.y + n);
    pack(s.z * unit + off(2), s.some, out.z + n);
    pack(load(e.rate + i) * per_rate, s.some, out.rate + n);
    pack(load(e.weight + i) * scale, s.some, out.weight + n);
    n += list_bits(out.number + n, s.some, base + static_cast<std::uint32_t>(i));
  }
  return n;
}

#ifdef NUSKY_COMPRESS
// Eight events to eight vectors, one for each double or pair of floats in them.
NUSKY_INLINE void transpose(const EventRecord* const* e, nd* column) {
  nd r[8], t[8], u[8];
  for (std::size_t k = 0; k < 8; ++k) __builtin_memcpy(&r[k], e[k], sizeof r[k]);
  for (std::size_t k = 0; k < 8; k += 2) {
    t[k] = __builtin_shuffle(r[k], r[k + 1], nl{0, 8, 2, 10, 4, 12, 6, 14});
    t[k + 1] = __builtin_shuffle(r[k], r[k + 1], nl{1, 9, 3, 11, 5, 13, 7, 15});
  }
  const nl low{0, 1, 4, 5, 8, 9, 12, 13}, high{2, 3, 6, 7, 10, 11, 14, 15};
  for (std::size_t k = 0; k < 8; k += 4)
    for (std::size_t j = 0; j < 2; ++j) {
      u[k + j] = __builtin_shuffle(t[k + j], t[k + j + 2], low);       // words j and j + 4 of four events
      u[k + j + 2] = __builtin_shuffle(t[k + j], t[k + j + 2], high);  // words j + 2 and j + 6
    }
  for (std::size_t j = 0; j < 4; ++j) {
    column[j] = __builtin_shuffle(u[j], u[j + 4], low);
    column[j + 4] = __builtin_shuffle(u[j], u[j + 4], high);
  }
}
#endif

void unpack(const EventRecord* const* record, std::size_t n, const std::uint32_t* number, const PoolColumns& out) {
  constexpr std::size_t ahead = 16;  // events that are on their way from memory
  for (std::size_t i = 0; i < n; i += lanes) {
    const EventRecord* e[lanes];
    for (std::size_t k = 0; k < lanes; ++k) {
      e[k] = record[number[i + k < n ? i + k : n - 1]];
      __builtin_prefetch(record[number[i + k + ahead < n ? i + k + ahead : n - 1]]);
    }
#ifdef NUSKY_COMPRESS
    nd column[2][8];
    transpose(e, column[0]);
    transpose(e + 8, column[1]);
    for (std::size_t h = 0; h < 2; ++h) {
      __builtin_memcpy(out.ratio + i + 8 * h, &column[h][4], sizeof(nd));
      __builtin_memcpy(out.log_ratio + i + 8 * h, &column[h][5], sizeof(nd));
    }
    constexpr std::size_t pair[3] = {2, 3, 6};
    float* const first[3] = {out.rate, out.weight, out.peak};
    float* const second[3] = {out.gaussian, out.cut, out.lift};
    for (std::size_t k = 0; k < 3; ++k) {
      vf even, odd;
      nf f[2];
      for (std::size_t h = 0; h < 2; ++h) __builtin_memcpy(&f[h], &column[h][pair[k]], sizeof(nf));
      even.part[0] = __builtin_shuffle(f[0], f[1], ni{0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30});
      odd.part[0] = __builtin_shuffle(f[0], f[1], ni{1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31});
      store(first[k] + i, even);
      store(second[k] + i, odd);
    }
#else
    for (std::size_t k = 0; k < lanes; ++k) {
      const std::size_t at = i + k;
      out.rate[at] = e[k]->spatial.rate;
      out.gaussian[at] = e[k]->spatial.gaussian;
      out.weight[at] = e[k]->spatial.weight;
      out.cut[at] = e[k]->spatial.cut;
      out.ratio[at] = e[k]->ratio;
      out.log_ratio[at] = e[k]->log_ratio;
      out.peak[at] = e[k]->peak;
      out.lift[at] = e[k]->lift;
    }
#endif
    for (std::size_t k = 0; k < lanes; ++k) __builtin_prefetch(out.ratio[i + k]);
  }
}

// Positions relative to the centre of a cap: in double, so that what is rounded to float is exact.
#ifdef NUSKY_COMPRESS
NUSKY_INLINE void pack_relative(const std::int32_t* from, std::int32_t at, double off, unsigned some, float* to) {
  alignas(64) float all[lanes];
  for (std::size_t k = 0; k < lanes; k += half) {
    hi whole;
    __builtin_memcpy(&whole, from + k, sizeof whole);
    const hf rounded = __builtin_convertvector(__builtin_convertvector(whole - at, nd) * place_size + off, hf);
    __builtin_memcpy(all + k, &rounded, sizeof rounded);
  }
  pack(load(all), some, to);
}
#else
NUSKY_INLINE void copy_one(const PoolView& e, std::size_t i, const CapPlace& cap, const CandidateColumns& out, std::size_t n) {
  out.x[n] = static_cast<float>((e.place.x[i] - cap.at[0]) * place_size + cap.off[0]);
  out.y[n] = static_cast<float>((e.place.y[i] - cap.at[1]) * place_size + cap.off[1]);
  out.z[n] = static_cast<float>((e.place.z[i] - cap.at[2]) * place_size + cap.off[2]);
  out.rate[n] = e.rate[i];
  out.gaussian[n] = e.gaussian[i];
  out.weight[n] = e.weight[i];
  out.cut[n] = e.cut[i];
  out.peak[n] = e.peak[i];
  out.lift[n] = e.lift[i];
  out.ratio[n] = e.ratio[i];
  out.log_ratio[n] = e.log_ratio[i];
}
#endif

std::size_t select(const PoolView& e, const CapPlace& cap, const CandidateColumns& out) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < e.place.n; i += lanes) {
    unsigned some = look(e.place, i, cap).some;
    if (some == 0) continue;
#ifdef NUSKY_COMPRESS
    pack_relative(e.place.x + i, cap.at[0], cap.off[0], some, out.x + n);
    pack_relative(e.place.y + i, cap.at[1], cap.off[1], some, out.y + n);
    pack_relative(e.place.z + i, cap.at[2], cap.off[2], some, out.z + n);
    pack(e.rate + i, some, out.rate + n);
    pack(e.gaussian + i, some, out.gaussian + n);
    pack(e.weight + i, some, out.weight + n);
    pack(e.cut + i, some, out.cut + n);
    pack(e.peak + i, some, out.peak + n);
    pack(e.lift + i, some, out.lift + n);
    pack(e.ratio + i, some, out.ratio + n);
    pack(e.log_ratio + i, some, out.log_ratio + n);
    n += static_cast<std::size_t>(__builtin_popcount(some));
#else
    for (; some != 0; some &= some - 1) copy_one(e, i + static_cast<std::size_t>(__builtin_ctz(some)), cap, out, n++);
#endif
  }
  return n;
}

// ψ²/d² − 1 = d²/12 + d⁴/90 + d⁶/560 + d⁸/3150 + d¹⁰/16632 + …, exact enough wherever the Gaussian is not nil. Up to d² = 0.03,
// 10°, two terms do.
constexpr float small_chord2 = 0.03F;

template <bool small>
NUSKY_INLINE void spatial_block(const CandidateView& c, std::size_t i, std::size_t count, const float* vx, const float* vy, const float* vz,
                                float* a) {
  const vf x = load(c.x + i), y = load(c.y + i), z = load(c.z + i);
  const vf rate = load(c.rate + i) * -1.44269504F, weight = load(c.weight + i), cut = load(c.cut + i);
  const vf gaussian = rate * load(c.gaussian + i);
  for (std::size_t p = 0; p < count; ++p) {
    const vf dx = x - vx[p], dy = y - vy[p], dz = z - vz[p];
    const vf d2 = dx * dx + dy * dy + dz * dz;
    vf s = d2 * 1.1111111e-2F + 8.3333333e-2F;
    if (!small) {
      s = d2 * 1.1892607e-5F + 6.0125060e-5F;
      s = s * d2 + 3.1746032e-4F;
      s = s * d2 + 1.7857143e-3F;
      s = s * d2 + 1.1111111e-2F;
      s = s * d2 + 8.3333333e-2F;
    }
    const vf exponent = d2 * (gaussian * (s * d2) + rate);
    store(a + (i + p) * lanes, where_at_most(d2, cut, exp2_v(max_v(exponent, -125.0F)) * weight));
  }
}

void spatial(const CandidateView& c, std::size_t count, const float* vx, const float* vy, const float* vz, float* a) {
  for (std::size_t i = 0; i < c.n; i += lanes) {
    if (above(load(c.cut + i), small_chord2) == 0)
      spatial_block<true>(c, i, count, vx, vy, vz, a);
    else
      spatial_block<false>(c, i, count, vx, vy, vz, a);
  }
}

// v where it is at most edge, else 0
NUSKY_INLINE vf up_to(vf x, float edge, vf v) {
  NUSKY_EACH v.part[k] = x.part[k] > nf{} + edge ? nf{} : v.part[k];
  return v;
}

NUSKY_INLINE void append(Shortlist& l, unsigned bits, vf value, vf reach, std::size_t c) {
#ifdef NUSKY_COMPRESS
  const __m512i numbers = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const auto some = static_cast<__mmask16>(bits);
  _mm512_storeu_ps(l.value + l.n, _mm512_maskz_compress_ps(some, (__m512)value.part[0]));
  _mm512_storeu_ps(l.reach + l.n, _mm512_maskz_compress_ps(some, (__m512)reach.part[0]));
  _mm512_storeu_si512(l.candidate + l.n,
                      _mm512_maskz_compress_epi32(some, _mm512_add_epi32(numbers, _mm512_set1_epi32(static_cast<int>(c)))));
  l.n += static_cast<std::size_t>(__builtin_popcount(bits));
#else
  alignas(64) float v[lanes], r[lanes];
  store(v, value);
  store(r, reach);
  for (; bits != 0; bits &= bits - 1) {
    const auto k = static_cast<std::size_t>(__builtin_ctz(bits));
    l.value[l.n] = v[k];
    l.reach[l.n] = r[k];
    l.candidate[l.n] = static_cast<std::uint32_t>(c + k);
    ++l.n;
  }
#endif
}

NUSKY_INLINE double tree_sum(vf v);

// `many` directions at once, whose sums stay in registers.
template <std::size_t many>
NUSKY_INLINE void split_block(std::size_t first, std::size_t last, float* a, const float* peak, Shortlist* lists) {
  vf reaches[many], tail[many], squares[many];
  Shortlist list[many];  // copies of our own, which no store to an array can change
  for (std::size_t p = 0; p < many; ++p) {
    reaches[p] = tail[p] = squares[p] = splat(0.0F);
    list[p] = lists[p];
  }
  for (std::size_t c = first; c < last; c += lanes) {
    const vf most = load(peak + c);
    for (std::size_t p = 0; p < many; ++p) {
      const vf value = load(a + (c + p) * lanes), reach = value * most;
      const unsigned bits = above(reach, list[p].threshold);
      const vf left = up_to(reach, list[p].threshold, reach);
      tail[p] = tail[p] + left;
      squares[p] = squares[p] + left * left;
      if (bits == 0) continue;
      append(list[p], bits, value, reach, c);
      store(a + (c + p) * lanes, up_to(reach, list[p].threshold, value));
      reaches[p] = reaches[p] + (reach - left);
    }
  }
  for (std::size_t p = 0; p < many; ++p) {
    lists[p].n = list[p].n;
    lists[p].reaches += static_cast<float>(tree_sum(reaches[p]));
    lists[p].tail += static_cast<float>(tree_sum(tail[p]));
    lists[p].tail_squares += static_cast<float>(tree_sum(squares[p]));
  }
}

void split(std::size_t first, std::size_t last, std::size_t count, float* a, const float* peak, Shortlist* list) {
  std::size_t p = 0;
  for (; p + 4 <= count; p += 4) split_block<4>(first, last, a + p * lanes, peak, list + p);
  for (; p < count; ++p) split_block<1>(first, last, a + p * lanes, peak, list + p);
}

template <std::size_t many>
NUSKY_INLINE void tails_block(std::size_t first, std::size_t last, const std::uint32_t* which, const float* a, const float* const* rows,
                              float* sums) {
  vf acc[many];
  const float* w[many];
  for (std::size_t j = 0; j < many; ++j) {
    acc[j] = load(sums + j * lanes);
    w[j] = a + (first + which[j]) * lanes;
  }
  for (std::size_t c = first; c < last; c += lanes) {
    for (std::size_t i = 0; i < lanes; ++i) {
      const vf row = load(rows[c + i]);
      for (std::size_t j = 0; j < many; ++j) acc[j] = acc[j] + row * w[j][i];
    }
    for (std::size_t j = 0; j < many; ++j) w[j] += lanes * lanes;
  }
  for (std::size_t j = 0; j < many; ++j) store(sums + j * lanes, acc[j]);
}

void tails(std::size_t first, std::size_t last, std::size_t count, const std::uint32_t* which, const float* a, const float* const* rows,
           float* sums) {
  std::size_t j = 0;  // as many accumulators at once as the registers of this level hold
  for (; j + NUSKY_TAILS_WIDTH <= count; j += NUSKY_TAILS_WIDTH)
    tails_block<NUSKY_TAILS_WIDTH>(first, last, which + j, a, rows, sums + j * lanes);
  for (; j + 2 <= count; j += 2) tails_block<2>(first, last, which + j, a, rows, sums + j * lanes);
  for (; j < count; ++j) tails_block<1>(first, last, which + j, a, rows, sums + j * lanes);
}

// Floats of these bits.
template <class N, std::size_t P>
NUSKY_INLINE several<N, P> from_bits(several<N, P> bits) {
  typedef std::int32_t I __attribute__((vector_size(sizeof(N))));
  several<N, P> value;
  for (std::size_t k = 0; k < P; ++k) {
    const I whole = __builtin_convertvector(bits.part[k], I);
    __builtin_memcpy(&value.part[k], &whole, sizeof whole);
  }
  return value;
}

// e^(−rate d²) from above, with the rate as SurveyView has it: 2^(i+f) ≤ 2^i (1+f), which is what the bits of a float say of themselves
NUSKY_INLINE vf exp_above(vf d2, vf rate) {
  return from_bits(max_v(d2 * rate + 1065353600.0F, 0.0F));  // 127·2²³, and more than its rounding
}

NUSKY_INLINE vf survey_value(const SurveyView& c, std::size_t i, float vx, float vy, float vz) {
  const vf dx = load(c.x + i) - vx, dy = load(c.y + i) - vy, dz = load(c.z + i) - vz;
  const vf d2 = dx * dx + dy * dy + dz * dz;
  return exp_above(d2, load(c.rate + i)) * load(c.weight + i);
}

// 1/t from below, by 0.26 % at most: a guess from the bits and one Newton step, which overshoots by its rounding only
template <class N, std::size_t P>
NUSKY_INLINE several<N, P> reciprocal_below(several<N, P> t) {
  typedef std::int32_t I __attribute__((vector_size(sizeof(N))));
  several<N, P> r, two;
  for (std::size_t k = 0; k < P; ++k) {
    I bits;
    __builtin_memcpy(&bits, &t.part[k], sizeof bits);
    bits = 0x7ef311c7 - bits;
    __builtin_memcpy(&r.part[k], &bits, sizeof bits);
    two.part[k] = N{} + 2.0F;
  }
  return r * (two - t * r);
}

// 2 ln t from above, by 0.04 at most, from the bits of t ≥ 1: with f its mantissa above 1, log₂(1+f) ≤ f + c f(1−f), c = 1/ln 2 − 1.
NUSKY_INLINE vf twice_log_above(vf t) {
  vf f, whole;
  NUSKY_EACH {
    ni bits, mantissa;
    __builtin_memcpy(&bits, &t.part[k], sizeof bits);
    mantissa = (bits & 0x7fffff) | 0x3f800000;
    __builtin_memcpy(&f.part[k], &mantissa, sizeof mantissa);
    whole.part[k] = __builtin_convertvector((bits >> 23) - 127, nf);
  }
  f = f - 1.0F;
  return (whole + f * (splat(1.44269514F) - f * 0.44269504F)) * 1.38629449F;
}

// What an event adds to the bounds of a survey, see Survey: p ≤ u/(1+u), by 1e-5 of it at most, and top ≥ 2 [ln(1+u) − u/(1+u)], by
// 0.04 at most. Where u is small the logarithm leaves 1.39 u², and u²/(1+u) = u − u/(1+u), which is also never too small, is better.
NUSKY_INLINE void survey_terms(vf u, vf& p, vf& top) {
  const vf t = u + 1.0F;
  vf r = reciprocal_below(t);
  r = r * (splat(2.0F) - t * r);
  p = u * r;
  top = min_v(u, twice_log_above(t) - p) - p;
}

template <std::size_t many>
NUSKY_INLINE void survey_block(const SurveyView& c, const float* vx, const float* vy, const float* vz, float n, double* sum_p,
                               double* sum_up) {
  vf total[many], below[many];
  for (std::size_t p = 0; p < many; ++p) total[p] = below[p] = splat(0.0F);
  for (std::size_t i = 0; i < c.n; i += lanes)
    for (std::size_t p = 0; p < many; ++p) {
      const vf u = survey_value(c, i, vx[p], vy[p], vz[p]) * n;
      total[p] = total[p] + u;
      below[p] = below[p] + u * reciprocal_below(u + 1.0F);
    }
  for (std::size_t p = 0; p < many; ++p) {  // u²/(1+u) = u − u/(1+u)
    const double q = tree_sum(below[p]);
    sum_p[p] = q * 1.003;
    sum_up[p] = tree_sum(total[p]) - q;
  }
}

void survey(const SurveyView& c, std::size_t count, const float* vx, const float* vy, const float* vz, float n, double* sum_p,
            double* sum_up) {
  if (count == 4) {
    survey_block<4>(c, vx, vy, vz, n, sum_p, sum_up);
  } else {
    for (std::size_t p = 0; p < count; ++p) survey_block<1>(c, vx + p, vy + p, vz + p, n, sum_p + p, sum_up + p);
  }
}

// The largest u for `scale` within a chord of `reach` from (cx, cy, cz). The chord to the event is shorter by `reach` at most; its rounding
// is covered by a little more.
NUSKY_INLINE vf survey_peak(vf dx, vf dy, vf dz, vf rate, vf weight, float reach, float scale) {
  alignas(64) float d[lanes];
  store(d, dx * dx + dy * dy + dz * dz);
  for (std::size_t k = 0; k < lanes; ++k) d[k] = __builtin_sqrtf(d[k]);
  const vf near = max_v(load(d) - reach * 1.00001F, 0.0F);
  return exp_above(near * near, rate) * weight * scale;
}

void survey_cap(const SurveyView& c, float cx, float cy, float cz, float reach, float scale, double* sum_p, double* sum_top) {
  vf below = splat(0.0F), tops = below;
  for (std::size_t i = 0; i < c.n; i += lanes) {
    vf p, top;
    survey_terms(
        survey_peak(load(c.x + i) - cx, load(c.y + i) - cy, load(c.z + i) - cz, load(c.rate + i), load(c.weight + i), reach, scale), p,
        top);
    below = below + p;
    tops = tops + top;
  }
  *sum_p = tree_sum(below) * 1.0001;
  *sum_top = tree_sum(tops);
}

std::size_t survey_keep(const SurveyView& c, const float* at, float reach, float scale, float limit, const SurveyColumns& out,
                        double* sums) {
  std::size_t kept = 0;
  vf tail = splat(0.0F), squares = tail, below = tail, tops = tail;
  for (std::size_t i = 0; i < c.n; i += lanes) {
    const vf vx = load(c.x + i) - at[0], vy = load(c.y + i) - at[1], vz = load(c.z + i) - at[2], vr = load(c.rate + i),
             vw = load(c.weight + i);
    const vf u = survey_peak(vx, vy, vz, vr, vw, reach, scale);
    const vf left = up_to(u, limit, u), stays = u - left;
    tail = tail + left;
    squares = squares + left * left;
    unsigned some = above(u, limit);
    if (some == 0) continue;
    vf p, top;
    survey_terms(stays, p, top);
    below = below + p;
    tops = tops + top;
#ifdef NUSKY_COMPRESS
    const auto mask = static_cast<__mmask16>(some);
    _mm512_storeu_ps(out.x + kept, _mm512_maskz_compress_ps(mask, (__m512)vx.part[0]));
    _mm512_storeu_ps(out.y + kept, _mm512_maskz_compress_ps(mask, (__m512)vy.part[0]));
    _mm512_storeu_ps(out.z + kept, _mm512_maskz_compress_ps(mask, (__m512)vz.part[0]));
    _mm512_storeu_ps(out.rate + kept, _mm512_maskz_compress_ps(mask, (__m512)vr.part[0]));
    _mm512_storeu_ps(out.weight + kept, _mm512_maskz_compress_ps(mask, (__m512)vw.part[0]));
    _mm512_storeu_si512(out.number + kept, _mm512_maskz_compress_epi32(mask, _mm512_loadu_si512(c.number + i)));
    kept += static_cast<std::size_t>(__builtin_popcount(some));
#else
    for (; some != 0; some &= some - 1, ++kept) {
      const std::size_t from = i + static_cast<std::size_t>(__builtin_ctz(some));
      out.x[kept] = c.x[from] - at[0];
      out.y[kept] = c.y[from] - at[1];
      out.z[kept] = c.z[from] - at[2];
      out.rate[kept] = c.rate[from];
      out.weight[kept] = c.weight[from];
      out.number[kept] = c.number[from];
    }
#endif
  }
  for (; kept % lanes != 0; ++kept) {
    out.x[kept] = out.y[kept] = out.z[kept] = out.rate[kept] = out.weight[kept] = 0.0F;
    out.number[kept] = 0;
  }
  sums[0] = tree_sum(tail);
  sums[1] = tree_sum(squares);
  sums[2] = tree_sum(below) * 1.0001;
  sums[3] = tree_sum(tops);
  return kept;
}

void survey_values(const SurveyView& c, float vx, float vy, float vz, float* u) {
  for (std::size_t i = 0; i < c.n; i += lanes) {
    const vf dx = load(c.x + i) - vx, dy = load(c.y + i) - vy, dz = load(c.z + i) - vz;
    const vf power = (dx * dx + dy * dy + dz * dz) * (load(c.rate + i) * (1.0F / 8388608.0F));
    store(u + i, exp2_v(max_v(power, -125.0F)) * (load(c.weight + i) * 1.000002F));
  }
}

// Lane k becomes what lane k + 1 was; the last stays.
NUSKY_INLINE vf next_lane(vf v) {
  vf out;
  for (std::size_t k = 0; k < parts; ++k) {
    const nf a = v.part[k], b = v.part[k + 1 < parts ? k + 1 : k];
#if NUSKY_FLOAT_WIDTH == 16
    out.part[k] = __builtin_shufflevector(a, b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 31);
#elif NUSKY_FLOAT_WIDTH == 8
    out.part[k] =
        k + 1 < parts ? __builtin_shufflevector(a, b, 1, 2, 3, 4, 5, 6, 7, 8) : __builtin_shufflevector(a, b, 1, 2, 3, 4, 5, 6, 7, 15);
#else
    out.part[k] = k + 1 < parts ? __builtin_shufflevector(a, b, 1, 2, 3, 4) : __builtin_shufflevector(a, b, 1, 2, 3, 7);
#endif
  }
  return out;
}

void highest(const EventView& e, const float* lift, const float* const* rows, float* sum) {
  vf s[4] = {load(sum), splat(0.0F), splat(0.0F), splat(0.0F)};  // four chains, so that none waits for the sum before
  const auto add = [&](std::size_t i, vf& to) __attribute__((always_inline)) {
    const std::uint32_t c = e.candidate[i];
    const vf row = load(rows[c]);
    to = to + max_v(row, next_lane(row)) * (e.value[i] * lift[c]);
  };
  std::size_t i = 0;
  for (; i + 4 <= e.n; i += 4)
    for (std::size_t k = 0; k < 4; ++k) add(i + k, s[k]);
  for (; i < e.n; ++i) add(i, s[0]);
  store(sum, (s[0] + s[1]) + (s[2] + s[3]));
}

void moments(const EventView& e, const float* const* rows, float* m1, float* m2) {
  vf s1[2] = {load(m1), splat(0.0F)}, s2[2] = {load(m2), splat(0.0F)};
  std::size_t i = 0;
  for (; i + 2 <= e.n; i += 2)
    for (std::size_t k = 0; k < 2; ++k) {
      const vf w = load(rows[e.candidate[i + k]]) * e.value[i + k];
      s1[k] = s1[k] + w;
      s2[k] = s2[k] + w * w;
    }
  for (; i < e.n; ++i) {
    const vf w = load(rows[e.candidate[i]]) * e.value[i];
    s1[0] = s1[0] + w;
    s2[0] = s2[0] + w * w;
  }
  store(m1, s1[0] + s1[1]);
  store(m2, s2[0] + s2[1]);
}

void profile(const EventView& e, const float* const* rows, const float* y, float* s1, float* s2) {
  const vf yy = load(y);
  vf t1 = load(s1), t2 = load(s2);
  for (std::size_t i = 0; i < e.n; ++i) {
    const vf w = load(rows[e.candidate[i]]) * e.value[i];
    const vf r = w / (yy * w + 1.0F);
    t1 = t1 + r;
    t2 = t2 + r * r;
  }
  store(s1, t1);
  store(s2, t2);
}

void profile_begin(const double* phi, const float* m1, const float* m2, const float* s1, const float* s2, double* first, double* second) {
  for (std::size_t g = 0; g < lanes; ++g) {
    const double p = phi[g];
    first[g] += p * (static_cast<double>(m1[g]) + static_cast<double>(s1[g]));
    second[g] += p * p * (static_cast<double>(m2[g]) + static_cast<double>(s2[g]));
  }
}

void profile_y(const double* n, const double* phi, bool extended, float* y) {
  const double share = extended ? 0.0 : 1.0;
  for (std::size_t g = 0; g < lanes; ++g) y[g] = static_cast<float>(n[g] * phi[g] / (1.0 - share * n[g] * phi[g]));
}

void profile_slopes(const double* n, const double* phi, double events, bool extended, const float* y, const float* s1, const float* s2,
                    const float* m1, const float* m2, double* dn, double* dnn) {
  const double share = extended ? 0.0 : 1.0;
  for (std::size_t g = 0; g < lanes; ++g) {
    const double z = share * n[g] * phi[g], c = 1.0 / (1.0 - z), over = c / n[g];
    const auto yy = static_cast<double>(y[g]), a1 = static_cast<double>(s1[g]), a2 = static_cast<double>(s2[g]),
               b1 = static_cast<double>(m1[g]), b2 = static_cast<double>(m2[g]);
    const double p = yy * (a1 + b1 - yy * b2), p2 = yy * yy * (a2 + b2);
    dn[g] += over * p - events * phi[g] * c;
    dnn[g] += over * over * (2.0 * z * p - p2) - share * events * phi[g] * phi[g] * c * c;
  }
}

NUSKY_INLINE nd load_double(const double* p) {
  nd v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

bool profile_move(const double* dn, const double* dnn, const double* limit, const double* active, double* n) {
  double most[lanes];
  for (std::size_t g = 0; g < lanes; g += half) {
    const nd here = load_double(n + g), curvature = load_double(dnn + g), edge = load_double(limit + g), on = load_double(active + g);
    const nd low = here * 0.2, step = curvature < nd{} ? -load_double(dn + g) / curvature : here;
    nd high = here * 5.0;
    high = high < edge ? high : edge;
    nd next = here + step;
    next = next > low ? next : low;
    next = next < high ? next : high;
    next = on > nd{} ? next : here;
    const nd change = next - here, size = (change < nd{} ? -change : change) - here * 0.02;
    __builtin_memcpy(n + g, &next, sizeof next);
    __builtin_memcpy(most + g, &size, sizeof size);
  }
  bool moved = false;
  for (std::size_t g = 0; g < lanes; ++g) moved |= most[g] > 0.0;
  return moved;
}

void profile_value(const double* n, const double* phi, double events, bool extended, const float* y, const float* logs, const float* m1,
                   const float* m2, double* value) {
  for (std::size_t g = 0; g < lanes; ++g) {
    const double z = n[g] * phi[g];
    const auto yy = static_cast<double>(y[g]);
    // N ln(1 − z); for z below a hundredth three terms are good to 1e-6 of it
    const double missing = extended ? 1.0 : 1.0 + z * (0.5 + z / 3.0);
    value[g] +=
        static_cast<double>(logs[g]) + yy * (static_cast<double>(m1[g]) - 0.5 * yy * static_cast<double>(m2[g])) - events * z * missing;
  }
  if (extended) return;
  for (std::size_t g = 0; g < lanes; ++g) {
    const double z = n[g] * phi[g];
    if (z >= 0.01) value[g] += events * (__builtin_log1p(-z) + z * (1.0 + z * (0.5 + z / 3.0)));
  }
}

std::size_t pick(std::size_t n, const float* value, const float* reach, const std::uint32_t* candidate, float threshold, float* weak,
                 float* strong, std::uint32_t* strong_candidate) {
  std::size_t m = 0, i = 0;
  for (; i + lanes <= n; i += lanes) {
    const vf v = load(value + i), r = load(reach + i);
    store(weak + i, up_to(r, threshold, v));
    unsigned bits = above(r, threshold);
#ifdef NUSKY_COMPRESS
    const auto some = static_cast<__mmask16>(bits);
    _mm512_storeu_ps(strong + m, _mm512_maskz_compress_ps(some, (__m512)v.part[0]));
    _mm512_storeu_si512(strong_candidate + m, _mm512_maskz_compress_epi32(some, _mm512_loadu_si512(candidate + i)));
    m += static_cast<std::size_t>(__builtin_popcount(bits));
#else
    for (; bits != 0; bits &= bits - 1, ++m) {
      const std::size_t k = i + static_cast<std::size_t>(__builtin_ctz(bits));
      strong[m] = value[k];
      strong_candidate[m] = candidate[k];
    }
#endif
  }
  for (; i < n; ++i) {
    const bool one = reach[i] > threshold;
    weak[i] = one ? 0.0F : value[i];
    if (!one) continue;
    strong[m] = value[i];
    strong_candidate[m++] = candidate[i];
  }
  return m;
}

// ln x for positive finite x, absolute error 1e-7: exponent and mantissa in [√½, √2)
NUSKY_INLINE vf log_v(vf x) {
  vf m, e;
  NUSKY_EACH {
    ni bits;
    __builtin_memcpy(&bits, &x.part[k], sizeof bits);
    const ni exponent = (bits - 0x3f3504f3) >> 23;
    bits = bits - (exponent << 23);
    __builtin_memcpy(&m.part[k], &bits, sizeof bits);
    e.part[k] = __builtin_convertvector(exponent, nf);
  }
  const vf f = m - 1.0F, s = f / (f + 2.0F), s2 = s * s;
  vf p = s2 * 0.2222222222F + 0.2857142857F;
  p = p * s2 + 0.4F;
  p = p * s2 + 0.6666666667F;
  p = p * s2 + 2.0F;
  return p * s + e * 0.69314718056F;
}

void profile_log(const EventView& e, const float* const* rows, const float* y, float* log_sum) {
  const vf yy = load(y);
  vf sum = load(log_sum);
  for (std::size_t i = 0; i < e.n; ++i) sum = sum + log_v(yy * (load(rows[e.candidate[i]]) * e.value[i]) + 1.0F);
  store(log_sum, sum);
}

void logs(const float* sums, double* out) {
  alignas(64) float f[lanes];
  store(f, log_v(max_v(load(sums), 1e-37F)));
  for (std::size_t g = 0; g < lanes; ++g) out[g] = static_cast<double>(f[g]);
}

NUSKY_INLINE double tree_sum(vf v) {
  float f[lanes];
  store(f, v);
  double t[lanes];
  for (std::size_t i = 0; i < lanes; ++i) t[i] = static_cast<double>(f[i]);
  for (std::size_t step = lanes / 2; step > 0; step /= 2)
    for (std::size_t i = 0; i < step; ++i) t[i] += t[i + step];
  return t[0];
}

// Σ ln(1 + u): products in double, so that small u add up; the exponent is taken out every few factors.
struct LogProduct {
  vd product;
  nl exponent[double_parts];
};
NUSKY_INLINE void start(LogProduct& l) {
  for (std::size_t k = 0; k < double_parts; ++k) {
    l.product.part[k] = nd{} + 1.0;
    l.exponent[k] = nl{};
  }
}
NUSKY_INLINE void multiply(LogProduct& l, vf u) {
  alignas(64) float f[lanes];
  store(f, u);
  for (std::size_t k = 0; k < double_parts; ++k) {
    hf h;
    __builtin_memcpy(&h, f + k * half, sizeof h);
    l.product.part[k] *= __builtin_convertvector(h, nd) + 1.0;
  }
}
NUSKY_INLINE void normalise(LogProduct& l) {
  for (std::size_t k = 0; k < double_parts; ++k) {
    nl bits;
    __builtin_memcpy(&bits, &l.product.part[k], sizeof bits);
    l.exponent[k] += bits >> 52;
    bits = (bits & 0x000fffffffffffffLL) | 0x3ff0000000000000LL;
    __builtin_memcpy(&l.product.part[k], &bits, sizeof bits);
  }
}
NUSKY_INLINE double log_of(LogProduct& l, long normalised) {
  double p = 1.0;
  std::int64_t e = 0;
  for (std::size_t k = 0; k < double_parts; ++k)
    for (std::size_t i = 0; i < half; ++i) {
      p *= l.product.part[k][i];
      e += l.exponent[k][i];
    }
  return __builtin_log(p) + static_cast<double>(e - static_cast<std::int64_t>(lanes) * 1023 * normalised) * 0.693147180559945309417;
}

// Four quarters to one vector, within registers: through memory, the wide load would wait for the narrow stores.
NUSKY_INLINE vf join(const v4* quarter) {
  vf v;
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

// ln R at the four nodes from `first` on for 16 events, one vector a node.
NUSKY_INLINE void gather_nodes(const std::uint32_t* candidate, const float* const* rows, int first, vf* node) {
  v4 column[4][4];
  for (std::size_t j = 0; j < 4; ++j) {
    v4 r[4];
    for (std::size_t k = 0; k < 4; ++k) __builtin_memcpy(&r[k], rows[candidate[4 * j + k]] + first, sizeof(v4));
    const v4 a = __builtin_shuffle(r[0], r[1], m4{0, 4, 1, 5}), b = __builtin_shuffle(r[2], r[3], m4{0, 4, 1, 5});
    const v4 c = __builtin_shuffle(r[0], r[1], m4{2, 6, 3, 7}), d = __builtin_shuffle(r[2], r[3], m4{2, 6, 3, 7});
    column[0][j] = __builtin_shuffle(a, b, m4{0, 1, 4, 5});
    column[1][j] = __builtin_shuffle(a, b, m4{2, 3, 6, 7});
    column[2][j] = __builtin_shuffle(c, d, m4{0, 1, 4, 5});
    column[3][j] = __builtin_shuffle(c, d, m4{2, 3, 6, 7});
  }
  for (std::size_t k = 0; k < 4; ++k) node[k] = join(column[k]);
}

NUSKY_INLINE vf blend(const vf* node, const float* w) { return node[0] * w[0] + node[1] * w[1] + node[2] * w[2] + node[3] * w[3]; }

constexpr std::size_t chunk = 16 * lanes;  // float sums run over so many events before they go into doubles

enum Depth { flat, first_order, second_order };

struct VectorSums {
  LogProduct logs;
  vf pending;  // Π(1+u) − 1 of one vector that waits for its partner: half the conversions to double
  vf p, p1, q, q1, second;
};

template <Depth depth>
NUSKY_INLINE void add_events(const float* values, const std::uint32_t* candidate, const float* const* rows, int first, const float* value,
                             const float* slope, const float* curvature, float y, VectorSums& s) {
  vf u = load(values) * y, l1 = u, l2 = u;
  if (depth != flat) {
    vf node[4];
    gather_nodes(candidate, rows, first, node);
    u = u * exp_v(blend(node, value));
    l1 = blend(node, slope);
    if (depth == second_order) l2 = blend(node, curvature);
  }
  const vf inverse = splat(1.0F) / (u + 1.0F), pi = u * inverse;
  s.p = s.p + pi;
  if (depth != flat) s.p1 = s.p1 + pi * l1;
  if (depth != first_order) {
    const vf qi = pi * inverse;
    s.q = s.q + qi;
    if (depth == second_order) {
      const vf qs = qi * l1;
      s.q1 = s.q1 + qs;
      s.second = s.second + qs * l1 + pi * l2;
    }
  }
  s.pending = s.pending + u + s.pending * u;
}

NUSKY_INLINE void flush(VectorSums& s) {
  multiply(s.logs, s.pending);
  s.pending = splat(0.0F);
}

template <Depth depth>
NUSKY_INLINE void sum_events(const EventView& e, const float* const* rows, int first, const float* value, const float* slope,
                             const float* curvature, float y, EventSums& out) {
  if (e.n == 0) return;
  VectorSums s;
  start(s.logs);
  s.pending = splat(0.0F);
  long normalised = 0;
  for (std::size_t begin = 0; begin < e.n; begin += chunk) {
    const std::size_t end = begin + chunk < e.n ? begin + chunk : e.n;
    s.p = s.p1 = s.q = s.q1 = s.second = splat(0.0F);
    std::size_t i = begin;
    for (; i + lanes <= end; i += lanes) {
      add_events<depth>(e.value + i, depth == flat ? nullptr : e.candidate + i, rows, first, value, slope, curvature, y, s);
      if (e.huge || (i / lanes) % 2 == 1) flush(s);
      if (e.huge || (i / lanes) % 8 == 7) {
        normalise(s.logs);
        ++normalised;
      }
    }
    if (i < end) {  // the last few, filled up with events of no weight
      alignas(64) float tail[lanes];
      std::uint32_t tail_candidate[lanes];
      for (std::size_t k = 0; k < lanes; ++k) {
        tail[k] = i + k < end ? e.value[i + k] : 0.0F;
        if (depth != flat) tail_candidate[k] = e.candidate[i + k < end ? i + k : end - 1];
      }
      add_events<depth>(tail, tail_candidate, rows, first, value, slope, curvature, y, s);
    }
    flush(s);
    normalise(s.logs);
    ++normalised;
    out.p += tree_sum(s.p);
    if (depth != flat) out.p1 += tree_sum(s.p1);
    if (depth != first_order) out.q += tree_sum(s.q);
    if (depth == second_order) {
      out.q1 += tree_sum(s.q1);
      out.second += tree_sum(s.second);
    }
  }
  out.log += log_of(s.logs, normalised);
}

void sums(const EventView& e, const float* const* rows, int first, const float* value, const float* slope, const float* curvature, float y,
          EventSums& out) {
  sum_events<second_order>(e, rows, first, value, slope, curvature, y, out);
}

void sums_first(const EventView& e, const float* const* rows, int first, const float* value, const float* slope, float y, EventSums& out) {
  sum_events<first_order>(e, rows, first, value, slope, nullptr, y, out);
}

void sums_flat(std::size_t n, const float* a, bool huge, float y, EventSums& out) {
  sum_events<flat>(EventView{n, a, nullptr, huge}, nullptr, 0, nullptr, nullptr, nullptr, y, out);
}

#include "kernels/sky.inl"

}  // namespace

extern const Kernels table;
const Kernels table{
    NUSKY_KERNEL_NAME, circle,        within,     fetch,       unpack,        select,  spatial, split,      tails,         survey,
    survey_keep,       survey_values, survey_cap, sky_add,     sky_level,     highest, pick,    moments,    profile_begin, profile_y,
    profile_slopes,    profile_move,  profile,    profile_log, profile_value, logs,    sums,    sums_first, sums_flat};

}  // namespace NUSKY_KERNEL_NAMESPACE
}  // namespace nusky
