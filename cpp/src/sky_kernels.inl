// The kernel of SkyBound; included by kernels.inl.

// What an event adds to a node, see SkyBound: p ≤ u/(1+u), by 0.26 % of it at most, and top ≥ 2 [ln(1+u) − u/(1+u)], by 0.125 at most. The
// bits of t = 2^i (1+f) say i + f ≥ log₂ t − 0.0861. Where u is small, u²/(1+u) = u − u/(1+u) is closer.
template <class N, std::size_t P>
NUSKY_INLINE void sky_terms(several<N, P> u, several<N, P>& p, several<N, P>& top) {
  typedef std::int32_t I __attribute__((vector_size(sizeof(N))));
  const several<N, P> t = u + 1.0F;
  p = u * reciprocal_below(t);
  several<N, P> bits;
  for (std::size_t k = 0; k < P; ++k) {
    I whole;
    __builtin_memcpy(&whole, &t.part[k], sizeof whole);
    bits.part[k] = __builtin_convertvector(whole, N);
  }
  constexpr float twice_ln2 = 1.38629449F;
  top = min_v(u, bits * (twice_ln2 / 8388608.0F) - (127.0F - 0.08615F) * twice_ln2 - p) - p;
}

template <class N, std::size_t P>
NUSKY_INLINE void add_to(float* to, several<N, P> v) {
  store(to, load_as<several<N, P>>(to) + v);
}

// Eight lanes, for events that reach no further.
constexpr std::size_t narrow_lanes = 8, narrow_width = width < narrow_lanes ? width : narrow_lanes;
typedef float qf __attribute__((vector_size(narrow_width * 4)));
using narrow_vf = several<qf, narrow_lanes / narrow_width>;

// The places of an event between two nodes, taken together so finely.
constexpr std::size_t sky_phases = 128;

// The squares of the least distances, in bins, of the 16 nodes around an event from the places of a phase, less the errors of positions.
struct SkyDistances {
  alignas(64) float away2[sky_phases][lanes];
};

// In a row of fewer bins than lanes, nodes beyond the half circle are those of the other side once more, and left out.
constexpr SkyDistances sky_distances(std::size_t bins) {
  SkyDistances d{};
  for (std::size_t phase = 0; phase < sky_phases; ++phase)
    for (std::size_t k = 0; k < lanes; ++k) {
      const double node = static_cast<double>(k) - static_cast<double>(lanes / 2 - 1), low = static_cast<double>(phase) / sky_phases;
      const double right = node - low - 1.0 / sky_phases, left = low - node, away = (right > left ? right : left) - 1e-3;
      const bool again = bins < lanes && 2.0 * away > static_cast<double>(bins);
      d.away2[phase][k] = again ? 1e30F : away > 0.0 ? static_cast<float>(away * away) : 0.0F;
    }
  return d;
}

// Some visits, and a list of which rows of which matter: a loop over a list has no branch that depends on the data.
constexpr std::size_t sky_block = 256, sky_batch = 32;

struct SkyBatch {
  const float* away2[sky_batch];    // of each event, of its 16 nodes
  float* to[sky_batch];             // its first node in its first row
  const float* highest[sky_batch];  // of its first row
  const float* fall[sky_batch];     // of its first row
  float rate[sky_batch];            // of the visit
  // visit and row, of those as wide as a window and of the others
  alignas(64) std::uint32_t wide[sky_batch * lanes + lanes], narrow[sky_batch * lanes + lanes];
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

template <class V, bool two>
NUSKY_INLINE void add_pairs(const SkyBatch& batch, const std::uint32_t* pair, std::size_t n, const SkyStrip& s) {
  const std::size_t stride = s.stride, row = s.row;
  const float ratio = s.ratio;
  constexpr std::size_t skip = (lanes - sizeof(V) / sizeof(float)) / 2;  // nodes at either end
  for (std::size_t k = 0; k < n; ++k) {
    const std::size_t i = pair[k] / lanes, r = pair[k] % lanes;
    const V fallen = load_as<V>(batch.away2[i] + skip) * -(batch.fall[i][r] * batch.rate[i]);
    const V u = from_bits(max_v(fallen + batch.highest[i][r], 1e8F));  // 1e-35: not 0, which takes longer
    float* to = batch.to[i] + r * row + skip;
    V p, top;
    sky_terms(u, p, top);
    add_to(to, p);
    add_to(to + stride, top);
    if (!two) continue;
    sky_terms(u * ratio, p, top);
    add_to(to + 2 * stride, p);
    add_to(to + 3 * stride, top);
  }
}

NUSKY_INLINE void sky_add_pairs(const SkyBatch& batch, std::size_t n_wide, std::size_t n_narrow, const SkyStrip& s) {
  if (s.ratio > 0.0F) {
    add_pairs<vf, true>(batch, batch.wide, n_wide, s);
    add_pairs<narrow_vf, true>(batch, batch.narrow, n_narrow, s);
  } else {
    add_pairs<vf, false>(batch, batch.wide, n_wide, s);
    add_pairs<narrow_vf, false>(batch, batch.narrow, n_narrow, s);
  }
}

void sky_add(const SkyVisitView& e, const float* turn, const SkyStrip& s) {
  static constexpr SkyDistances wide = sky_distances(lanes);
  SkyDistances around;
  const auto bins = static_cast<std::size_t>(s.bins);
  if (bins < lanes) around = sky_distances(bins);
  const SkyDistances& distances = bins < lanes ? around : wide;
  const float phases = s.bins * static_cast<float>(sky_phases);
  SkyBatch batch;
  std::size_t n = 0, n_wide = 0, n_narrow = 0;
  for (std::size_t begin = 0; begin < e.n; begin += sky_block) {
    // those that matter, without a branch that depends on it
    std::uint32_t which[sky_block], rows[sky_block];
    std::int32_t place[sky_block];
    std::size_t many = 0;
    for (std::size_t i = begin; i < (begin + sky_block < e.n ? begin + sky_block : e.n); ++i) {
      const SkyVisit& v = e.visit[i];
      place[many] = static_cast<std::int32_t>(turn[v.event] * phases);
      rows[many] = s.needed[static_cast<std::uint32_t>(place[many]) / sky_phases] >> v.first & v.rows;
      which[many] = static_cast<std::uint32_t>(i);
      many += rows[many] != 0;
    }
    for (std::size_t k = 0; k < many; ++k) {
      const SkyVisit& v = e.visit[which[k]];
      const auto at = static_cast<std::uint32_t>(place[k]);
      batch.away2[n] = distances.away2[at % sky_phases];
      batch.to[n] = s.sums + v.first * s.row + at / sky_phases - (lanes / 2 - 1);
      batch.highest[n] = e.highest + v.at;
      batch.fall[n] = s.fall + v.first;
      batch.rate[n] = v.rate;
      const auto base = static_cast<std::uint32_t>(n * lanes);
      n_wide += list_bits(batch.wide + n_wide, rows[k] & ~static_cast<unsigned>(v.narrow), base);
      n_narrow += list_bits(batch.narrow + n_narrow, rows[k] & v.narrow, base);
      if (++n < sky_batch) continue;
      sky_add_pairs(batch, n_wide, n_narrow, s);
      n = n_wide = n_narrow = 0;
    }
  }
  sky_add_pairs(batch, n_wide, n_narrow, s);
}
