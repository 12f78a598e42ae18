#pragma once
// Events around one position: which lie in their arcs of right ascension, and S/B of those.
#include "kernels/functions.inl"
#include "nusky/kernels/tables/points.hpp"
#include "nusky/random/philox.hpp"

namespace nusky {
namespace NUSKY_LEVEL {
namespace {

// |word − centre| + 1, as a number without sign: words wrap at the whole circle, which numbers with a sign must not
NUSKY_INLINE Ints one_more_than_distance(Ints word, Ints centre) {
  const Ints d = (Ints)((WrappingInts)word - (WrappingInts)centre), sign = d >> 31;
  return (Ints)(((WrappingInts)(d ^ sign) - (WrappingInts)sign) + 1U);
}

NUSKY_INLINE unsigned first_bits(std::size_t n) { return n >= register_floats ? ~0U : (1U << n) - 1U; }

// Appends the events of one register for which bits are set. With no bit set nothing is kept: that costs less than to ask.
NUSKY_INLINE void append_picks(unsigned some, std::size_t i, const ArcView& arcs, ArcPicks& to) {
  to.n = copy_lanes(some, i, to.n, Numbered{arcs.base, to.number}, Copied{arcs.word, to.word});
}

void in_arc(const ArcView& arcs, std::uint32_t centre, ArcPicks* picks) {
  ArcPicks to = *picks;  // a copy of our own, which no store to an array can change
  const Ints at = Ints{} + static_cast<std::int32_t>(centre);
  for (std::size_t i = 0; i < arcs.n; i += register_floats) {
    const Ints d = one_more_than_distance(load_as<Ints>(arcs.word + i), at);
    const unsigned some = unsigned_at_most(d, load_as<Ints>(arcs.half + i)) & first_bits(arcs.n - i);
    append_picks(some, i, arcs, to);
  }
  picks->n = to.n;
}

// The nearest centre is found from 16 bits of the word; an arc that goes beyond the middle between two centres is looked at from each.
void in_arcs(const ArcView& arcs, const ArcCentres& centres, ArcPicks* picks) {
  const auto m = static_cast<std::int32_t>(centres.n);
  const double spacing = 4294967296.0 / static_cast<double>(m);
  const auto start = static_cast<std::int32_t>(centres.word[0] - static_cast<std::uint32_t>(static_cast<std::int64_t>(0.5 * spacing)));
  const Ints widest = Ints{} + static_cast<std::int32_t>(0.5 * spacing - 262144.0);
  // centre c to within `slack`, which covers how all of them are rounded
  const auto step = static_cast<std::int32_t>(static_cast<std::uint32_t>(static_cast<std::int64_t>(spacing)));
  constexpr std::int32_t slack = 4096;
  for (std::size_t i = 0; i < arcs.n; i += register_floats) {
    const unsigned here = first_bits(arcs.n - i);
    const Ints word = load_as<Ints>(arcs.word + i), half = load_as<Ints>(arcs.half + i);
    if ((~unsigned_at_most(half, widest) & here & first_bits(register_floats)) != 0) {
      for (std::size_t c = 0; c < centres.n; ++c) {
        const Ints d = one_more_than_distance(word, Ints{} + static_cast<std::int32_t>(centres.word[c]));
        append_picks(unsigned_at_most(d, half) & here, i, arcs, picks[c]);
      }
      continue;
    }
    const Ints high = ((word - start) >> 16) & 0xffff, nearest = (high * m) >> 16;
    const Ints d = one_more_than_distance(word, nearest * step + static_cast<std::int32_t>(centres.word[0]));
    std::uint32_t of[register_floats];
    store_as(of, nearest);
    for (unsigned some = unsigned_at_most(d, half + slack) & here; some != 0; some &= some - 1) {
      const auto k = static_cast<std::size_t>(__builtin_ctz(some));
      const std::uint32_t drawn = arcs.word[i + k];
      ArcPicks& to = picks[of[k]];
      const auto exact = static_cast<std::int32_t>(drawn - centres.word[of[k]]);
      to.number[to.n] = arcs.base + static_cast<std::uint32_t>(i + k);
      to.word[to.n] = drawn;
      to.n += static_cast<std::uint32_t>(exact < 0 ? -exact : exact) + 1U <= arcs.half[i + k] ? 1U : 0U;
    }
  }
}

void angles(std::size_t n, const std::uint32_t* word, const double* rest, std::uint32_t centre, double off, float* angle) {
  if (rest == nullptr) {
    for (std::size_t i = 0; i < n; ++i)
      angle[i] = static_cast<float>(static_cast<double>(static_cast<std::int32_t>(word[i] - centre)) * right_ascension_step + off);
    return;
  }
  for (std::size_t i = 0; i < n; ++i)
    angle[i] =
        static_cast<float>(static_cast<double>(static_cast<std::int32_t>(word[i] - centre)) * right_ascension_step + (off + rest[i]));
}

// sin²(x/2) for |x| ≤ π: Taylor to the eleventh power of x/2, 6e-8 of it.
NUSKY_INLINE Lanes haversine(Lanes x) {
  const Lanes h = x * 0.5F, t = h * h;
  Lanes s = t * -2.5052108e-8F + 2.7557319e-6F;
  s = s * t - splat(1.9841270e-4F);
  s = s * t + 8.3333333e-3F;
  s = s * t - splat(1.6666667e-1F);
  s = s * t * h + h;
  return s * s;
}

#ifdef NUSKY_COMPRESS
// 16 records to eight columns.
NUSKY_INLINE void transpose_points(const PointRecord* const* e, Lanes* column) {
  Floats r[8], t[8], u[8];
  for (std::size_t k = 0; k < 8; ++k)
    r[k] = (Floats)_mm512_insertf32x8(_mm512_castps256_ps512(_mm256_load_ps(&e[k]->dec)), _mm256_load_ps(&e[k + 8]->dec), 1);
  for (std::size_t k = 0; k < 8; k += 2) {
    t[k] = (Floats)_mm512_unpacklo_ps((__m512)r[k], (__m512)r[k + 1]);
    t[k + 1] = (Floats)_mm512_unpackhi_ps((__m512)r[k], (__m512)r[k + 1]);
  }
  for (std::size_t k = 0; k < 8; k += 4)
    for (std::size_t j = 0; j < 2; ++j) {
      u[k + 2 * j] = (Floats)_mm512_unpacklo_pd((__m512d)t[k + j], (__m512d)t[k + j + 2]);
      u[k + 2 * j + 1] = (Floats)_mm512_unpackhi_pd((__m512d)t[k + j], (__m512d)t[k + j + 2]);
    }
  for (std::size_t j = 0; j < 4; ++j) {
    column[j].part[0] = __builtin_shufflevector(u[j], u[j + 4], 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27);
    column[j + 4].part[0] = __builtin_shufflevector(u[j], u[j + 4], 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
  }
}
#else
NUSKY_INLINE void transpose_points(const PointRecord* const* e, Lanes* column) {
  float all[8][lanes];
  for (std::size_t k = 0; k < lanes; ++k)
    for (std::size_t j = 0; j < 8; ++j) all[j][k] = load_as<float>(reinterpret_cast<const char*>(e[k]) + 4 * j);
  for (std::size_t j = 0; j < 8; ++j) column[j] = load(all[j]);
}
#endif

void point_candidates(std::size_t n, const std::uint32_t* number, const float* angle, const PointView& events, const PointPlace& place,
                      const PointColumns& out) {
  for (std::size_t i = 0; i < n; i += lanes) {
    const PointRecord* e[lanes];
    for (std::size_t k = 0; k < lanes; ++k) {
      e[k] = events.record + number[i + k];
      __builtin_prefetch(events.record + number[i + k + points_ahead]);
    }
    Lanes c[8];
    transpose_points(e, c);
    const Lanes dec = (c[0] - splat(place.dec)) + (c[1] - splat(place.dec_rest));
    const Lanes d2 = (haversine(dec) + c[2] * place.cos_dec * haversine(load(angle + i))) * 4.0F;
    // ψ²/d² − 1 as in kernels/tile.inl
    Lanes s = d2 * 1.1892607e-5F + 6.0125060e-5F;
    s = s * d2 + 3.1746032e-4F;
    s = s * d2 + 1.7857143e-3F;
    s = s * d2 + 1.1111111e-2F;
    s = s * d2 + 8.3333333e-2F;
    const Lanes rate = max_of(c[3], c[3] * -1.0F) * -1.44269504F, gaussian = max_of(c[3], 0.0F) * -1.44269504F;
    const Lanes exponent = d2 * (gaussian * (s * d2) + rate);
    store(out.value + i, exp2_of(max_of(exponent, -125.0F)) * c[4]);
    store(out.peak + i, c[5]);
    store(out.lift + i, c[6]);
    if (events.ratio == nullptr) continue;
    std::uint32_t row[lanes];
    store(reinterpret_cast<float*>(row), c[7]);
    for (std::size_t k = 0; k < lanes; ++k) {
      out.ratio[i + k] = events.ratio + std::size_t{row[k]} * 16;
      out.log_ratio[i + k] = events.log_ratio + std::size_t{row[k]} * events.log_step;
    }
  }
}

constexpr PointKernels point_kernels() {
  PointKernels k{};
  k.in_arc = in_arc;
  k.in_arcs = in_arcs;
  k.angles = angles;
  k.point_candidates = point_candidates;
  return k;
}

}  // namespace
}  // namespace NUSKY_LEVEL
}  // namespace nusky
