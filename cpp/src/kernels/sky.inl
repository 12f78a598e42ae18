// The kernel of SkyBound; included by kernels.inl.

// The places of an event between two nodes, taken together so finely.
constexpr std::size_t sky_phases = 128;

// The least distance, in bins, of node k of the 16 around an event from the places of a phase, less the errors of positions.
constexpr double sky_away(std::size_t phase, std::size_t k) {
  const double node = static_cast<double>(k) - static_cast<double>(lanes / 2 - 1), low = static_cast<double>(phase) / sky_phases;
  const double right = node - low - 1.0 / sky_phases, left = low - node, away = (right > left ? right : left) - 1e-3;
  return away > 0.0 ? away : 0.0;
}

#ifdef NUSKY_COMPRESS
using sky_distance = std::uint16_t;  // squared, 65535 at a distance of 8 bins
constexpr double sky_distance_unit = SkyTable::reach2 / 65535.0;
#else
using sky_distance = float;  // squared
constexpr double sky_distance_unit = 1.0;
#endif

struct SkyDistances {
  alignas(64) sky_distance away2[sky_phases][lanes];
};

constexpr SkyDistances sky_distances() {
  SkyDistances d{};
  for (std::size_t phase = 0; phase < sky_phases; ++phase)
    for (std::size_t k = 0; k < lanes; ++k)
      d.away2[phase][k] = static_cast<sky_distance>(sky_away(phase, k) * sky_away(phase, k) / sky_distance_unit);
  return d;
}

constexpr SkyDistances sky_all_distances = sky_distances();

constexpr std::size_t sky_block = 256;

// Visits of a block that matter, and where their events are, in phases.
struct SkyBlock {
  std::size_t n = 0;
  std::uint32_t which[sky_block], place[sky_block];
};

NUSKY_INLINE std::size_t sky_rows(const SkyVisit& v) { return static_cast<std::size_t>(__builtin_popcount(v.rows)); }

// The first node in the first row of a visit.
NUSKY_INLINE std::uint16_t* sky_first(const SkyVisit& v, std::uint32_t place, const SkyStrip& s) {
  return s.sums + v.first * s.row + place / sky_phases - (lanes / 2 - 1);
}

NUSKY_INLINE std::uint16_t sky_sum(std::uint16_t a, unsigned b) {
  const unsigned sum = a + b;
  return static_cast<std::uint16_t>(sum > 65535U ? 65535U : sum);
}

// In a row of fewer bins than lanes, nodes beyond the half circle are those of the other side once more, and left out.
void sky_add_around(const SkyVisitView& e, const SkyBlock& block, const SkyStrip& s) {
  for (std::size_t i = 0; i < block.n; ++i) {
    const SkyVisit& v = e.visit[block.which[i]];
    std::uint16_t* to = sky_first(v, block.place[i], s);
    for (std::size_t r = 0; r < sky_rows(v); ++r, to += s.row)
      for (std::size_t k = 0; k < lanes; ++k) {
        const double away = sky_away(block.place[i] % sky_phases, k);
        if (2.0 * away > static_cast<double>(s.bins)) continue;
        const SkyPair pair = e.pair[v.at + r];
        const auto fallen = static_cast<unsigned>(away * away / SkyTable::reach2 * pair.fall);
        const unsigned step = pair.highest - (fallen < pair.highest ? fallen : pair.highest);
        for (std::size_t q = 0; q < s.table->n_sums(); ++q) to[q * s.stride + k] = sky_sum(to[q * s.stride + k], s.table->at(q, step));
      }
  }
}

#ifdef NUSKY_COMPRESS

// One sum of the table, in registers.
struct SkyLookup {
  __m512i base[2], slope[2];
  explicit SkyLookup(const SkyTable& t, std::size_t sum) {
    for (std::size_t k = 0; k < 2; ++k) {
      base[k] = _mm512_load_si512(t.base[sum] + 32 * k);
      slope[k] = _mm512_load_si512(t.slope[sum] + 32 * k);
    }
  }
  __attribute__((always_inline)) __m512i at(__m512i piece, __m512i frac) const {
    const __m512i rise = _mm512_permutex2var_epi16(slope[0], piece, slope[1]);
    return _mm512_add_epi16(_mm512_permutex2var_epi16(base[0], piece, base[1]), _mm512_mulhi_epu16(rise, frac));
  }
};

NUSKY_INLINE void sky_add_to(std::uint16_t* to, __m256i units) {
  auto* at = reinterpret_cast<__m256i*>(to);
  _mm256_storeu_si256(at, _mm256_adds_epu16(_mm256_loadu_si256(at), units));
}

// Words `highest` and `fall` of two pairs, each in 16 lanes; and of one pair in all.
struct SkyWords {
  __m512i highest, fall;
  explicit SkyWords(const SkyPair* two) {
    std::int64_t both;
    __builtin_memcpy(&both, two, sizeof both);
    const __m512i words = _mm512_set1_epi64(both);
    const __m512i low = _mm512_set1_epi16(0x0100), second = _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi16(0x0404), 1);
    highest = _mm512_shuffle_epi8(words, _mm512_add_epi8(low, second));
    fall = _mm512_shuffle_epi8(words, _mm512_add_epi8(_mm512_add_epi8(low, second), _mm512_set1_epi16(0x0202)));
  }
  explicit SkyWords(SkyPair one)
      : highest(_mm512_set1_epi16(static_cast<short>(one.highest))), fall(_mm512_set1_epi16(static_cast<short>(one.fall))) {}
};

// Two rows of a visit at once.
template <bool two>
NUSKY_INLINE void sky_add_visits(const SkyVisitView& e, const SkyBlock& block, const SkyStrip& s) {
  static_assert(SkyTable::piece == 128, "7 bits within a piece");
  const std::size_t stride = s.stride, row = s.row;
  const SkyLookup start(*s.table, SkyTable::start), end(*s.table, SkyTable::end), join(*s.table, two ? SkyTable::join : SkyTable::start);
  for (std::size_t i = 0; i < block.n; ++i) {
    const SkyVisit& v = e.visit[block.which[i]];
    const SkyPair* pair = e.pair + v.at;
    std::uint16_t* to = sky_first(v, block.place[i], s);
    const __m256i near = _mm256_load_si256(reinterpret_cast<const __m256i*>(sky_all_distances.away2[block.place[i] % sky_phases]));
    const __m512i away2 = _mm512_inserti64x4(_mm512_castsi256_si512(near), near, 1);
    const auto add = [&](const SkyWords& words, bool both) __attribute__((always_inline)) {
      const __m512i fallen = _mm512_subs_epu16(words.highest, _mm512_mulhi_epu16(away2, words.fall));
      const __m512i steps = _mm512_min_epu16(fallen, _mm512_set1_epi16(SkyTable::n_steps - 1));
      const __m512i piece = _mm512_srli_epi16(steps, 7), frac = _mm512_slli_epi16(steps, 9);
      const auto add_sum = [&](std::size_t sum, const SkyLookup& lookup) __attribute__((always_inline)) {
        const __m512i units = lookup.at(piece, frac);
        sky_add_to(to + sum * stride, _mm512_castsi512_si256(units));
        if (both) sky_add_to(to + row + sum * stride, _mm512_extracti64x4_epi64(units, 1));
      };
      add_sum(SkyTable::start, start);
      add_sum(SkyTable::end, end);
      if (two) add_sum(SkyTable::join, join);
    };
    std::size_t r = sky_rows(v);
    for (; r >= 2; r -= 2, pair += 2, to += 2 * row) add(SkyWords(pair), true);
    if (r != 0) add(SkyWords(*pair), false);
  }
}

#else

// p ≤ u/(1+u), by 0.26 % of it at most; without the limits that hold for small u, `log` ≥ 2 ln(1+u), by 0.12 at most. The bits of
// t = 2^i (1+f) say i + f ≥ log₂ t − 0.0861.
NUSKY_INLINE void sky_terms(vf u, vf& p, vf& log) {
  const vf t = u + 1.0F;
  p = u * reciprocal_below(t);
  vf bits;
  NUSKY_EACH {
    ni whole;
    __builtin_memcpy(&whole, &t.part[k], sizeof whole);
    bits.part[k] = __builtin_convertvector(whole, nf);
  }
  constexpr float twice_ln2 = 1.38629449F;
  log = bits * (twice_ln2 / 8388608.0F) - (127.0F - 0.08615F) * twice_ln2;
}

// Adds whole numbers above v.
NUSKY_INLINE void sky_add_to(std::uint16_t* to, vf v) {
  v = min_v(v + 1.0F, splat(65535.0F));
  ni whole[parts];
  NUSKY_EACH whole[k] = __builtin_convertvector(v.part[k], ni);
#if NUSKY_FLOAT_WIDTH == 8
  auto* at = reinterpret_cast<__m256i*>(to);
  const __m256i units = _mm256_permute4x64_epi64(_mm256_packus_epi32((__m256i)whole[0], (__m256i)whole[1]), 0xd8);
  _mm256_storeu_si256(at, _mm256_adds_epu16(_mm256_loadu_si256(at), units));
#elif defined(__SSE2__)
  for (std::size_t k = 0; k < parts; k += 2) {
    auto* at = reinterpret_cast<__m128i*>(to + k * width);
    const __m128i half_way = _mm_set1_epi32(32768);  // only signed numbers are packed
    const __m128i units =
        _mm_xor_si128(_mm_packs_epi32(_mm_sub_epi32((__m128i)whole[k], half_way), _mm_sub_epi32((__m128i)whole[k + 1], half_way)),
                      _mm_set1_epi16(-32768));
    _mm_storeu_si128(at, _mm_adds_epu16(_mm_loadu_si128(at), units));
  }
#else
  for (std::size_t k = 0; k < lanes; ++k) to[k] = sky_sum(to[k], static_cast<unsigned>(whole[k / width][k % width]));
#endif
}

template <bool two>
NUSKY_INLINE void sky_add_visits(const SkyVisitView& e, const SkyBlock& block, const SkyStrip& s) {
  const std::size_t stride = s.stride;
  constexpr double bits = 8388608.0;  // of an octave
  constexpr auto per_step = static_cast<float>(bits / SkyTable::per_octave);
  constexpr auto lowest = static_cast<float>((127.0 - SkyTable::octaves_below) * bits + 1000.0);  // and more than its rounding
  constexpr auto per_fall = static_cast<float>(-bits / SkyTable::per_octave / SkyTable::reach2 * (1.0 - 1e-6));
  constexpr float up = 1.003F, up_by_rounding = 1.00001F;  // more than p is too small
  const auto per_unit = [&](SkyTable::Sum sum) { return up_by_rounding / s.table->unit[sum]; };
  const float per_start = per_unit(SkyTable::start), per_end = per_unit(SkyTable::end), per_join = two ? per_unit(SkyTable::join) : 0.0F;
  const auto low = static_cast<float>(s.table->low), joint = static_cast<float>(s.table->joint);
  const auto add = [&](SkyPair pair, vf away2, std::uint16_t* to) __attribute__((always_inline)) {
    const vf fallen = away2 * (per_fall * static_cast<float>(pair.fall));
    const vf u =
        from_bits(max_v(fallen + (lowest + per_step * static_cast<float>(pair.highest)), 1e8F));  // 1e-35: not 0, which takes longer
    vf p, log;
    sky_terms(u, p, log);
    // 2 ln(1+u) ≤ u + u/(1+u)
    const vf most = min_v(u + p * up, log);
    sky_add_to(to + SkyTable::end * stride, (most + p * (2.0F * up)) * per_end);
    if (!two) {
      sky_add_to(to + SkyTable::start * stride, min_v(u - p, log - p * 2.0F) * per_start);
      return;
    }
    const vf small = u * low;
    vf small_p, small_log;
    sky_terms(small, small_p, small_log);
    sky_add_to(to + SkyTable::start * stride, min_v(small - small_p, small_log - small_p * 2.0F) * per_start);
    const vf first = min_v(small + small_p * up, small_log) + small_p * (2.0F * up * (joint / low - 1.0F));
    sky_add_to(to + SkyTable::join * stride, max_v(first, most - p * (2.0F * (1.0F - joint))) * per_join);
  };
  for (std::size_t i = 0; i < block.n; ++i) {
    const SkyVisit& v = e.visit[block.which[i]];
    const vf away2 = load(sky_all_distances.away2[block.place[i] % sky_phases]);
    std::uint16_t* to = sky_first(v, block.place[i], s);
    for (std::size_t r = 0; r < sky_rows(v); ++r, to += s.row) add(e.pair[v.at + r], away2, to);
  }
}

#endif

void sky_add(const SkyVisitView& e, const float* turn, const SkyStrip& s) {
  const float phases = static_cast<float>(s.bins) * static_cast<float>(sky_phases);
  SkyBlock block;
  for (std::size_t begin = 0; begin < e.n; begin += sky_block) {
    block.n = 0;  // without a branch that depends on which matter
    for (std::size_t i = begin; i < (begin + sky_block < e.n ? begin + sky_block : e.n); ++i) {
      const SkyVisit& v = e.visit[i];
      const auto place = static_cast<std::uint32_t>(static_cast<std::int32_t>(turn[v.event] * phases));
      block.which[block.n] = static_cast<std::uint32_t>(i);
      block.place[block.n] = place;
      block.n += (s.needed[place / sky_phases] >> v.first & v.rows) != 0;
    }
    if (s.bins < lanes) {
      sky_add_around(e, block, s);
    } else if (s.table->n_sums() > 2) {
      sky_add_visits<true>(e, block, s);
    } else {
      sky_add_visits<false>(e, block, s);
    }
  }
}

void sky_level(std::size_t n, const std::uint16_t* added, float unit, float rest, const float* low, const float* high, float* to) {
  for (std::size_t i = 0; i < n; ++i) to[i] = static_cast<float>(added[i]) * unit + (rest + (added[i] == 65535 ? 1e30F : 0.0F));
  if (low == nullptr) return;
  for (std::size_t i = 0; i < n / 2; ++i) {
    const float here = 0.5F * (low[i] + high[i]), next = 0.5F * (low[i + 1] + high[i + 1]);
    to[2 * i] += here;
    to[2 * i + 1] += 0.5F * (here + next);
  }
}
