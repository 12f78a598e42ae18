#pragma once
// Templates: smeared maps at events, and sums over all events of a season. One lane an event, or a γ.
#include "kernels/sums.inl"
#include "nusky/kernels/tables/templates.hpp"

namespace nusky {
namespace NUSKY_LEVEL {
namespace {

// So many events before they are looked up, their rows are asked for: the table is larger than the caches.
constexpr std::size_t template_ahead = 32;
// Float sums of powers run over so many events before they go into doubles.
constexpr std::size_t events_of_sum = 64;

// Right ascension of a word on the grid: the point below, and how far on.
struct OnCircle {
  std::size_t point;
  float step;
};
NUSKY_INLINE OnCircle on_circle(std::uint32_t word, std::size_t n_ra) {
  const std::uint64_t at = static_cast<std::uint64_t>(word) * (n_ra - 1);
  return {static_cast<std::size_t>(at >> 32), static_cast<float>(static_cast<std::uint32_t>(at) >> 8) * 0x1p-24F};
}

typedef std::int16_t ShortQuad __attribute__((vector_size(8)));

// `some` ≤ 4 parts at a point; no more is read.
template <std::size_t some>
NUSKY_INLINE Quad parts_at(const std::int16_t* p) {
  ShortQuad v{};
  __builtin_memcpy(&v, p, some * sizeof(std::int16_t));
  return __builtin_convertvector(v, Quad);
}

template <std::size_t some>
NUSKY_INLINE Quad along_row(const std::int16_t* p, std::size_t parts, float step) {
  const Quad here = parts_at<some>(p), next = parts_at<some>(p + 2 * parts);
  return (next - here) * step + here;
}

// 16 events: four maps each, to four columns of 16.
NUSKY_INLINE void to_columns(const Quad* of, Lanes* column) {
  Quad quarter[4][4];
  for (std::size_t j = 0; j < 4; ++j) {
    const Quad* r = of + 4 * j;
    const Quad a = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5), b = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
    const Quad c = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7), d = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
    quarter[0][j] = __builtin_shufflevector(a, b, 0, 1, 4, 5);
    quarter[1][j] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
    quarter[2][j] = __builtin_shufflevector(c, d, 0, 1, 4, 5);
    quarter[3][j] = __builtin_shufflevector(c, d, 2, 3, 6, 7);
  }
  for (std::size_t k = 0; k < 4; ++k) column[k] = join(quarter[k]);
}

// Parts from number `first` on, four at most: between two right ascensions, and both declinations with their weights.
template <std::size_t some>
NUSKY_INLINE Quad some_parts(const std::int16_t* p, std::size_t parts, float step, float low, float high) {
  return along_row<some>(p, parts, step) * low + along_row<some>(p + parts, parts, step) * high;
}
NUSKY_INLINE Quad four_parts(const SmearedRow& row, const OnCircle& on, std::size_t first, float low, float high) {
  const std::int16_t* p = row.values + on.point * 2 * row.parts + first;
  switch (row.parts > first ? row.parts - first : 0) {
    case 0:
      return Quad{};
    case 1:
      return some_parts<1>(p, row.parts, on.step, low, high);
    case 2:
      return some_parts<2>(p, row.parts, on.step, low, high);
    case 3:
      return some_parts<3>(p, row.parts, on.step, low, high);
    default:
      return some_parts<4>(p, row.parts, on.step, low, high);
  }
}

constexpr std::size_t most_quads = most_template_maps / 4;

// Adds `some` parts from number `first` on, of both widths, to all maps of an event: found[m / 4][k].
template <std::size_t some>
NUSKY_INLINE void add_parts(const SmearedRow* row, const SmearedView& table, std::size_t first, Quad low, Quad high, std::size_t k,
                            Quad (*found)[lanes]) {
  const float *below = row->basis + first * table.stride, *beyond = row[table.n_pairs].basis + first * table.stride;
  for (std::size_t m = 0; m < table.maps; m += 4) {
    Quad sum = first == 0 ? Quad{} : found[m / 4][k];
    for (std::size_t r = 0; r < some; ++r)
      sum = sum + load_as<Quad>(below + r * table.stride + m) * low[r] + load_as<Quad>(beyond + r * table.stride + m) * high[r];
    found[m / 4][k] = sum;
  }
}

// Of one map alone, whose parts are few.
NUSKY_INLINE float one_map(const SmearedRow& row, const OnCircle& on, std::size_t stride, float low, float high) {
  const std::size_t parts = row.parts;
  const std::int16_t* p = row.values + on.point * 2 * parts;
  float sum = 0.0F;
  for (std::size_t b = 0; b < parts; ++b) {
    const auto below = static_cast<float>(p[b]), beyond = static_cast<float>(p[parts + b]);
    const float here = (static_cast<float>(p[2 * parts + b]) - below) * on.step + below;
    const float next = (static_cast<float>(p[3 * parts + b]) - beyond) * on.step + beyond;
    sum = sum + (here * low + next * high) * row.basis[b * stride];
  }
  return sum;
}

// All maps of an event at once: what it reads of them lies in two places.
void template_values(const SmearedView& table, const PlacesView& places, const std::uint32_t* word, float* value, std::size_t stride) {
  for (std::size_t i = 0; i < places.n; i += lanes) {
    Quad found[most_quads][lanes];
    alignas(64) float one[lanes];
    for (std::size_t k = 0; k < lanes; ++k) {
      const std::size_t j = i + k, coming = j + template_ahead;  // beyond the last: the first point
      const SmearedRow* next = table.rows + places.row[coming];
      const std::size_t point = on_circle(word[coming], table.n_ra).point;
      for (std::size_t s = 0; s < 2; ++s, next += table.n_pairs) {
        const std::int16_t* p = next->values + point * 2 * next->parts;
        __builtin_prefetch(p);
        __builtin_prefetch(p + 4 * next->parts - 1);
      }
      const SmearedRow* row = table.rows + places.row[j];
      const OnCircle on = on_circle(word[j], table.n_ra);
      const float* w = places.weight + j;
      const std::size_t s = places.stride;
      if (table.maps == 1) {
        one[k] = one_map(*row, on, table.stride, w[0], w[s]) + one_map(row[table.n_pairs], on, table.stride, w[2 * s], w[3 * s]);
        continue;
      }
      const std::size_t parts = row->parts < row[table.n_pairs].parts ? row[table.n_pairs].parts : row->parts;
      for (std::size_t first = 0; first < parts; first += 4) {
        const Quad low = four_parts(*row, on, first, w[0], w[s]);
        const Quad high = four_parts(row[table.n_pairs], on, first, w[2 * s], w[3 * s]);
        switch (parts - first) {
          case 1:
            add_parts<1>(row, table, first, low, high, k, found);
            break;
          case 2:
            add_parts<2>(row, table, first, low, high, k, found);
            break;
          case 3:
            add_parts<3>(row, table, first, low, high, k, found);
            break;
          default:
            add_parts<4>(row, table, first, low, high, k, found);
        }
      }
    }
    if (table.maps == 1) store(value + i, load(one));
    for (std::size_t m = 0; table.maps > 1 && m < table.maps; m += 4) {
      Lanes column[4];
      to_columns(found[m / 4], column);
      for (std::size_t q = m; q < m + 4 && q < table.maps; ++q) store(value + q * stride + i, column[q - m]);
    }
  }
}

NUSKY_INLINE void add_to(double* sum, Lanes v) {
  alignas(64) float f[lanes];
  store(f, v);
  for (std::size_t k = 0; k < lanes; k += register_doubles) {
    const Doubles here = load_as<Doubles>(sum + k);
    store_as(sum + k, here + __builtin_convertvector(load_as<HalfFloats>(f + k), Doubles));
  }
}

// With the number of maps known, the columns stay in registers.
template <std::size_t maps>
NUSKY_INLINE void powers_of(const TemplateRowsView& events, const TemplateRows& rows, float bound, double* sums, LargeTerms* large) {
  const std::size_t n_maps = maps > 0 ? maps : rows.maps;
  Lanes column[maps > 0 ? maps : most_template_maps];
  for (std::size_t m = 0; m < n_maps; ++m) column[m] = load(rows.column + m * lanes);
  const float bound2 = bound * bound;
  std::size_t n_large = large->n;
  for (std::size_t begin = 0; begin < events.n; begin += events_of_sum) {
    const std::size_t end = begin + events_of_sum < events.n ? begin + events_of_sum : events.n;
    Lanes s1 = splat(0.0F), s2 = s1, s3 = s1, s4 = s1;
    for (std::size_t i = begin; i < end; ++i) {
      Lanes density = column[0] * events.value[i];
      for (std::size_t m = 1; m < n_maps; ++m) density = density + column[m] * events.value[m * events.stride + i];
      const Lanes z = max_of(density, 0.0F) * load(events.ratio + i * lanes) - load(rows.taken + events.cell[i] * lanes);
      const Lanes z2 = z * z;
      if (above(z2, bound2) != 0) {
        store(large->z + n_large * lanes, z);
        ++n_large;
        continue;
      }
      s1 = s1 + z;
      s2 = s2 + z2;
      s3 = s3 + z2 * z;
      s4 = s4 + z2 * z2;
    }
    add_to(sums, s1);
    add_to(sums + lanes, s2);
    add_to(sums + 2 * lanes, s3);
    add_to(sums + 3 * lanes, s4);
  }
  large->n = n_large;
}

void template_powers_of(const TemplateRowsView& events, const TemplateRows& rows, float bound, double* sums, LargeTerms* large) {
  switch (rows.maps) {
    case 1:
      return powers_of<1>(events, rows, bound, sums, large);
    case 2:
      return powers_of<2>(events, rows, bound, sums, large);
    case 3:
      return powers_of<3>(events, rows, bound, sums, large);
    case 4:
      return powers_of<4>(events, rows, bound, sums, large);
    case 5:
      return powers_of<5>(events, rows, bound, sums, large);
    default:
      return powers_of<0>(events, rows, bound, sums, large);
  }
}

// 16 entries of a short table.
NUSKY_INLINE Lanes pick_entries(const float* table, const std::uint32_t* which) {
  alignas(64) float f[lanes];
  for (std::size_t k = 0; k < lanes; ++k) f[k] = table[which[k]];
  return load(f);
}

struct TemplateLanes {
  LogProduct logs;
  Lanes p, pp, d, dq, dd, second;
};

NUSKY_INLINE Lanes sum_of_maps(const TemplateEventsView& e, std::size_t i, const float* column, std::size_t maps) {
  Lanes s = load(e.value + i) * column[0];
  for (std::size_t m = 1; m < maps; ++m) s = s + load(e.value + m * e.stride + i) * column[m];
  return s;
}

// Events i … i + 15, of which those with `on` 0 count nothing.
NUSKY_INLINE void add_terms(const TemplateEventsView& e, const TemplateGamma& at, std::size_t i, float x, bool whole, Lanes on,
                            TemplateLanes& s) {
  const Lanes node[4] = {load(e.node[0] + i), load(e.node[1] + i), load(e.node[2] + i), load(e.node[3] + i)};
  const Lanes ratio = exp_of(blend(node, at.weight[0])), slope = blend(node, at.weight[1]), bend = blend(node, at.weight[2]);
  Lanes density = sum_of_maps(e, i, at.column[0], at.maps);
  Lanes change = sum_of_maps(e, i, at.column[1], at.maps), turn = sum_of_maps(e, i, at.column[2], at.maps);
  NUSKY_EACH {  // S below 0 counts as 0, at the γ beside this one, too
    const auto there = density.part[k] > Floats{};
    density.part[k] = there ? density.part[k] : Floats{};
    change.part[k] = there ? change.part[k] : Floats{};
    turn.part[k] = there ? turn.part[k] : Floats{};
  }
  Lanes z = density * ratio;
  Lanes d = (change + density * slope) * ratio;
  Lanes dd = (turn + change * slope * 2.0F + density * (slope * slope + bend)) * ratio;
  if (e.cell == nullptr) {
    z = z - 1.0F;
  } else {
    z = z - pick_entries(at.taken[0], e.cell + i);
    d = d - pick_entries(at.taken[1], e.cell + i);
    dd = dd - pick_entries(at.taken[2], e.cell + i);
  }
  if (!whole) {
    z = z * on;
    d = d * on;
    dd = dd * on;
  }
  const Lanes u = z * x, q = splat(1.0F) / (u + 1.0F), zq = z * q, dq = d * q;
  multiply(s.logs, u);
  s.p = s.p + zq;
  s.pp = s.pp + zq * zq;
  s.d = s.d + dq;
  s.dq = s.dq + dq * q;
  s.dd = s.dd + dq * dq;
  s.second = s.second + dd * q;
}

void template_sums(const TemplateEventsView& e, const TemplateGamma& at, float x, TemplateSums& sums) {
  if (e.n == 0) return;
  TemplateLanes s;
  start(s.logs);
  long normalised = 0;
  const Lanes all = splat(1.0F);
  for (std::size_t begin = 0; begin < e.n; begin += chunk) {
    const std::size_t end = begin + chunk < e.n ? begin + chunk : e.n;
    s.p = s.pp = s.d = s.dq = s.dd = s.second = splat(0.0F);
    std::size_t i = begin, turns = 0;
    for (; i + lanes <= end; i += lanes) {
      add_terms(e, at, i, x, true, all, s);
      // a factor may be as large as a float, and four of them are within double
      if (++turns % 4 == 0) {
        normalise(s.logs);
        ++normalised;
      }
    }
    if (i < end) {
      alignas(64) float on[lanes];
      for (std::size_t k = 0; k < lanes; ++k) on[k] = i + k < end ? 1.0F : 0.0F;
      add_terms(e, at, i, x, false, load(on), s);
    }
    normalise(s.logs);
    ++normalised;
    sums.p += tree_sum(s.p);
    sums.pp += tree_sum(s.pp);
    sums.d += tree_sum(s.d);
    sums.dq += tree_sum(s.dq);
    sums.dd += tree_sum(s.dd);
    sums.second += tree_sum(s.second);
  }
  sums.log += value_of(s.logs, normalised);
}

constexpr TemplateKernels template_kernels() {
  TemplateKernels k{};
  k.template_values = template_values;
  k.template_powers_of = template_powers_of;
  k.template_sums = template_sums;
  return k;
}

}  // namespace
}  // namespace NUSKY_LEVEL
}  // namespace nusky
