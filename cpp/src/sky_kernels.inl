// The kernel of SkyBound; included by kernels.inl.

// What an event adds to a node, see SkyBound: p ≤ u/(1+u), by 0.26 % of it at most, and top ≥ 2 [ln(1+u) − u/(1+u)], by 0.125 at most. The
// bits of t = 2^i (1+f) say i + f ≥ log₂ t − 0.0861. Where u is small, u²/(1+u) = u − u/(1+u) is closer.
NUSKY_INLINE void sky_terms(vf u, vf& p, vf& top) {
  const vf t = u + 1.0F;
  p = u * reciprocal_below(t);
  vf bits;
  NUSKY_EACH {
    ni whole;
    __builtin_memcpy(&whole, &t.part[k], sizeof whole);
    bits.part[k] = __builtin_convertvector(whole, nf);
  }
  constexpr float twice_ln2 = 1.38629449F;
  top = min_v(u, bits * (twice_ln2 / 8388608.0F) - (127.0F - 0.08615F) * twice_ln2 - p) - p;
}

NUSKY_INLINE void add_to(float* to, vf v) { store(to, load(to) + v); }

// Some events, and a list of which rows of which event matter: a loop over a list has no branch that depends on the data.
constexpr std::size_t sky_block = 256, sky_batch = 32;

struct SkyBatch {
  alignas(64) float away2[sky_batch * lanes];  // of each event, from its nearest nodes in bins, squared
  alignas(64) float highest[sky_batch * lanes], fall[sky_batch * lanes];
  std::int32_t first[sky_batch];                              // node of the first row
  alignas(64) std::uint32_t pair[sky_batch * lanes + lanes];  // event and row
};

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

template <bool two>
NUSKY_INLINE void add_pairs(const SkyBatch& batch, std::size_t n, const std::int32_t* row, const SkyStrip& s) {
  float* const sums = s.sums;
  const std::size_t stride = s.stride;
  const float ratio = s.ratio;
  for (std::size_t k = 0; k < n; ++k) {
    const std::size_t i = batch.pair[k], event = i / lanes;
    const vf away2 = load(batch.away2 + event * lanes);
    const vf u = from_bits(max_v(splat(batch.highest[i]) - away2 * batch.fall[i], 1e8F));  // 1e-35: not 0, which takes longer
    float* to = sums + (row[i % lanes] + batch.first[event]);
    vf p, top;
    sky_terms(u, p, top);
    add_to(to, p);
    add_to(to + stride, top);
    if (!two) continue;
    sky_terms(u * ratio, p, top);
    add_to(to + 2 * stride, p);
    add_to(to + 3 * stride, top);
  }
}

NUSKY_INLINE void sky_add_pairs(const SkyBatch& batch, std::size_t n, const std::int32_t* row, const SkyStrip& s) {
  if (s.ratio > 0.0F) {
    add_pairs<true>(batch, n, row, s);
  } else {
    add_pairs<false>(batch, n, row, s);
  }
}

void sky_add(const SkyEventView& e, const float* turn, const SkyStrip& s) {
  alignas(64) static constexpr float count[lanes] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  std::int32_t row[lanes];
  for (std::size_t r = 0; r < lanes; ++r) row[r] = static_cast<std::int32_t>(r * s.row);
  SkyBatch batch;
  std::size_t n = 0, n_pairs = 0;
  for (std::size_t begin = 0; begin < e.n; begin += sky_block) {
    // those that matter, without a branch that depends on it
    std::uint32_t which[sky_block], needed[sky_block];
    float x[sky_block];
    std::size_t many = 0;
    for (std::size_t i = begin; i < (begin + sky_block < e.n ? begin + sky_block : e.n); ++i) {
      x[many] = turn[e.event[i]] * s.bins;
      needed[many] = s.needed[static_cast<std::int32_t>(x[many])];
      which[many] = static_cast<std::uint32_t>(i);
      many += needed[many] != 0;
    }
    for (std::size_t k = 0; k < many; ++k) {
      const std::size_t i = which[k];
      const float rate = e.rate[i], per_bin = rate * e.cos_dec[i],
                  weight = s.scale + e.weight[i] + rate * (s.bend + s.bend_ra * e.cos_dec[i]);
      const std::int32_t first = static_cast<std::int32_t>(x[k]) - static_cast<std::int32_t>(lanes / 2 - 1);
      const vf off = load(count) + (static_cast<float>(first) - x[k]), away = max_v(max_v(off, splat(0.0F) - off) - 1e-3F, 0.0F);
      store(batch.away2 + n * lanes, away * away);
      // of 17 rows, the first or the last is too far away
      const std::size_t skip = s.rows > lanes && e.dec[i] > s.middle ? 1 : 0;
      batch.first[n] = first + static_cast<std::int32_t>(skip * s.row);
      const vf north = load(s.dec + skip) - e.dec[i], gap = max_v(max_v(north, splat(0.0F) - north) - 3e-7F, 0.0F), gap2 = gap * gap;
      const vf highest = splat(weight) - gap2 * (splat(1.0F) - gap2 * (1.0F / 12.0F)) * rate;  // 4 sin²(x/2) ≥ x² (1 − x²/12)
      store(batch.highest + n * lanes, highest);
      store(batch.fall + n * lanes, load(s.fall + skip) * per_bin);
      n_pairs +=
          list_bits(batch.pair + n_pairs, above(highest, s.least) & (needed[k] >> skip) & 0xffffU, static_cast<std::uint32_t>(n * lanes));
      if (++n < sky_batch) continue;
      sky_add_pairs(batch, n_pairs, row, s);
      n = n_pairs = 0;
    }
  }
  sky_add_pairs(batch, n_pairs, row, s);
}
