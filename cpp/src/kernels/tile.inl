#pragma once
// S/B of the candidates and directions of a tile, and how it is divided into near events and tail.
#include "kernels/functions.inl"
#include "nusky/kernels/tables/tile.hpp"

namespace nusky {
namespace NUSKY_LEVEL {
namespace {

static_assert(lanes == block_size, "a block of candidates, or of directions, fills the lanes");

// value where x is at most edge, else 0
NUSKY_INLINE Lanes where_at_most(Lanes x, Lanes edge, Lanes value) {
  NUSKY_EACH value.part[k] = x.part[k] <= edge.part[k] ? value.part[k] : Floats{};
  return value;
}

// ψ²/d² − 1 = d²/12 + d⁴/90 + d⁶/560 + d⁸/3150 + d¹⁰/16632 + …, exact enough wherever the Gaussian is not nil. Up to d² = 0.03,
// 10°, two terms do.
constexpr float small_chord2 = 0.03F;

template <bool small>
NUSKY_INLINE void spatial_block(const CandidateView& c, std::size_t i, std::size_t count, const float* vx, const float* vy, const float* vz,
                                float* a) {
  const Lanes x = load(c.x + i), y = load(c.y + i), z = load(c.z + i);
  const Lanes rate = load(c.rate + i) * -1.44269504F, weight = load(c.weight + i), cut = load(c.cut + i);
  const Lanes gaussian = rate * load(c.gaussian + i);
  for (std::size_t p = 0; p < count; ++p) {
    const Lanes dx = x - vx[p], dy = y - vy[p], dz = z - vz[p];
    const Lanes d2 = dx * dx + dy * dy + dz * dz;
    Lanes s = d2 * 1.1111111e-2F + 8.3333333e-2F;
    if (!small) {
      s = d2 * 1.1892607e-5F + 6.0125060e-5F;
      s = s * d2 + 3.1746032e-4F;
      s = s * d2 + 1.7857143e-3F;
      s = s * d2 + 1.1111111e-2F;
      s = s * d2 + 8.3333333e-2F;
    }
    const Lanes exponent = d2 * (gaussian * (s * d2) + rate);
    store(a + i * count + p * lanes, where_at_most(d2, cut, exp2_of(max_of(exponent, -125.0F)) * weight));
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

NUSKY_INLINE void append(Shortlist& l, unsigned bits, Lanes value, Lanes largest_w, std::size_t c) {
  l.n = copy_lanes(bits, c, l.n, Computed{value, l.value}, Computed{largest_w, l.largest_w}, Numbered{0, l.candidate});
}

// `many` directions at once, whose sums stay in registers.
template <std::size_t many>
NUSKY_INLINE void split_block(std::size_t first, std::size_t last, std::size_t stride, float* a, const float* peak, Shortlist* lists) {
  Lanes sums[many], tail[many], squares[many];
  Shortlist list[many];  // copies of our own, which no store to an array can change
  for (std::size_t p = 0; p < many; ++p) {
    sums[p] = tail[p] = squares[p] = splat(0.0F);
    list[p] = lists[p];
  }
  for (std::size_t c = first; c < last; c += lanes) {
    const Lanes most = load(peak + c);
    for (std::size_t p = 0; p < many; ++p) {
      const Lanes value = load(a + c * stride + p * lanes), largest_w = value * most;
      const unsigned bits = above(largest_w, list[p].threshold);
      const Lanes left = up_to(largest_w, list[p].threshold, largest_w);
      tail[p] = tail[p] + left;
      squares[p] = squares[p] + left * left;
      if (bits == 0) continue;
      append(list[p], bits, value, largest_w, c);
      store(a + c * stride + p * lanes, up_to(largest_w, list[p].threshold, value));
      sums[p] = sums[p] + (largest_w - left);
    }
  }
  for (std::size_t p = 0; p < many; ++p) {
    lists[p].n = list[p].n;
    lists[p].sum_largest_w += static_cast<float>(tree_sum(sums[p]));
    lists[p].tail += static_cast<float>(tree_sum(tail[p]));
    lists[p].tail_squares += static_cast<float>(tree_sum(squares[p]));
  }
}

void split(std::size_t first, std::size_t last, std::size_t count, std::size_t stride, float* a, const float* peak, Shortlist* list) {
  if (first == last) return;  // without candidates there is no array to step through
  std::size_t p = 0;
  for (; p + 4 <= count; p += 4) split_block<4>(first, last, stride, a + p * lanes, peak, list + p);
  for (; p < count; ++p) split_block<1>(first, last, stride, a + p * lanes, peak, list + p);
}

template <std::size_t many>
NUSKY_INLINE void tails_block(std::size_t first, std::size_t last, const std::uint32_t* which, std::size_t stride, const float* a,
                              const float* const* rows, float* sums) {
  Lanes acc[many];
  const float* w[many];
  for (std::size_t j = 0; j < many; ++j) {
    acc[j] = load(sums + j * lanes);
    w[j] = a + first * stride + which[j] * lanes;
  }
  for (std::size_t c = first; c < last; c += lanes) {
    for (std::size_t i = 0; i < lanes; ++i) {
      const Lanes row = load(rows[c + i]);
      for (std::size_t j = 0; j < many; ++j) acc[j] = acc[j] + row * w[j][i];
    }
    for (std::size_t j = 0; j < many; ++j) w[j] += lanes * stride;
  }
  for (std::size_t j = 0; j < many; ++j) store(sums + j * lanes, acc[j]);
}

void tails(std::size_t first, std::size_t last, std::size_t count, const std::uint32_t* which, std::size_t stride, const float* a,
           const float* const* rows, float* sums) {
  if (first == last) return;
  std::size_t j = 0;  // as many accumulators at once as the registers of this level hold
  for (; j + NUSKY_TAILS_WIDTH <= count; j += NUSKY_TAILS_WIDTH)
    tails_block<NUSKY_TAILS_WIDTH>(first, last, which + j, stride, a, rows, sums + j * lanes);
  for (; j + 2 <= count; j += 2) tails_block<2>(first, last, which + j, stride, a, rows, sums + j * lanes);
  for (; j < count; ++j) tails_block<1>(first, last, which + j, stride, a, rows, sums + j * lanes);
}

void highest(const EventView& e, const float* lift, const float* const* rows, float* sum) {
  Lanes s[4] = {load(sum), splat(0.0F), splat(0.0F), splat(0.0F)};  // four chains, so that none waits for the sum before
  const auto add = [&](std::size_t i, Lanes& to) __attribute__((always_inline)) {
    const std::uint32_t c = e.candidate[i];
    const Lanes row = load(rows[c]);
    to = to + max_of(row, next_lane(row)) * (e.value[i] * lift[c]);
  };
  std::size_t i = 0;
  for (; i + 4 <= e.n; i += 4)
    for (std::size_t k = 0; k < 4; ++k) add(i + k, s[k]);
  for (; i < e.n; ++i) add(i, s[0]);
  store(sum, (s[0] + s[1]) + (s[2] + s[3]));
}

std::size_t pick(std::size_t n, const float* value, const float* largest_w, const std::uint32_t* candidate, float threshold, float* weak,
                 float* strong, std::uint32_t* strong_candidate) {
  std::size_t m = 0, i = 0;
  for (; i + lanes <= n; i += lanes) {
    const Lanes v = load(value + i), r = load(largest_w + i);
    store(weak + i, up_to(r, threshold, v));
    m = copy_lanes(above(r, threshold), i, m, Copied{value, strong}, Copied{candidate, strong_candidate});
  }
  for (; i < n; ++i) {
    const bool one = largest_w[i] > threshold;
    weak[i] = one ? 0.0F : value[i];
    if (!one) continue;
    strong[m] = value[i];
    strong_candidate[m++] = candidate[i];
  }
  return m;
}

constexpr TileKernels tile_kernels() {
  TileKernels k{};
  k.spatial = spatial;
  k.split = split;
  k.tails = tails;
  k.highest = highest;
  k.pick = pick;
  return k;
}

}  // namespace
}  // namespace NUSKY_LEVEL
}  // namespace nusky
