#pragma once
// The exact sums over the events of a direction at one γ: one lane an event.
#include "kernels/functions.inl"
#include "nusky/kernels/tables/sums.hpp"

namespace nusky {
namespace NUSKY_LEVEL {
namespace {

// Σ ln(1 + u): products in double, so that small u add up; the exponent is taken out every few factors.
struct LogProduct {
  Registers<Doubles, double_registers> product;
  Longs exponent[double_registers];
};
NUSKY_INLINE void start(LogProduct& l) {
  for (std::size_t k = 0; k < double_registers; ++k) {
    l.product.part[k] = Doubles{} + 1.0;
    l.exponent[k] = Longs{};
  }
}
NUSKY_INLINE void multiply(LogProduct& l, Lanes u) {
  alignas(64) float f[lanes];
  store(f, u);
  for (std::size_t k = 0; k < double_registers; ++k) {
    HalfFloats h;
    __builtin_memcpy(&h, f + k * register_doubles, sizeof h);
    l.product.part[k] *= __builtin_convertvector(h, Doubles) + 1.0;
  }
}
NUSKY_INLINE void normalise(LogProduct& l) {
  for (std::size_t k = 0; k < double_registers; ++k) {
    Longs bits;
    __builtin_memcpy(&bits, &l.product.part[k], sizeof bits);
    l.exponent[k] += bits >> 52;
    bits = (bits & 0x000fffffffffffffLL) | 0x3ff0000000000000LL;
    __builtin_memcpy(&l.product.part[k], &bits, sizeof bits);
  }
}
NUSKY_INLINE double value_of(LogProduct& l, long normalised) {
  double p = 1.0;
  std::int64_t e = 0;
  for (std::size_t k = 0; k < double_registers; ++k)
    for (std::size_t i = 0; i < register_doubles; ++i) {
      p *= l.product.part[k][i];
      e += l.exponent[k][i];
    }
  return __builtin_log(p) + static_cast<double>(e - static_cast<std::int64_t>(lanes) * 1023 * normalised) * 0.693147180559945309417;
}

// ln R at the four nodes from `first` on for 16 events, 16 lanes a node.
NUSKY_INLINE void gather_nodes(const std::uint32_t* candidate, const float* const* rows, int first, Lanes* node) {
  Quad column[4][4];
  for (std::size_t j = 0; j < 4; ++j) {
    Quad r[4];
    for (std::size_t k = 0; k < 4; ++k) __builtin_memcpy(&r[k], rows[candidate[4 * j + k]] + first, sizeof(Quad));
    const Quad a = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5), b = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
    const Quad c = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7), d = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
    column[0][j] = __builtin_shufflevector(a, b, 0, 1, 4, 5);
    column[1][j] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
    column[2][j] = __builtin_shufflevector(c, d, 0, 1, 4, 5);
    column[3][j] = __builtin_shufflevector(c, d, 2, 3, 6, 7);
  }
  for (std::size_t k = 0; k < 4; ++k) node[k] = join(column[k]);
}

NUSKY_INLINE Lanes blend(const Lanes* node, const float* w) { return node[0] * w[0] + node[1] * w[1] + node[2] * w[2] + node[3] * w[3]; }

constexpr std::size_t chunk = 16 * lanes;  // float sums run over so many events before they go into doubles

enum Depth { flat, first_order, second_order };

struct VectorSums {
  LogProduct logs;
  Lanes pending;  // Π(1+u) − 1 of 16 events that wait for their partners: half the conversions to double
  Lanes p, p1, q, q1, second;
};

template <Depth depth>
NUSKY_INLINE void add_events(const float* values, const std::uint32_t* candidate, const float* const* rows, int first, const float* value,
                             const float* slope, const float* curvature, float y, VectorSums& s) {
  Lanes u = load(values) * y, l1 = u, l2 = u;
  if (depth != flat) {
    Lanes node[4];
    gather_nodes(candidate, rows, first, node);
    u = u * exp_of(blend(node, value));
    l1 = blend(node, slope);
    if (depth == second_order) l2 = blend(node, curvature);
  }
  const Lanes inverse = splat(1.0F) / (u + 1.0F), pi = u * inverse;
  s.p = s.p + pi;
  if (depth != flat) s.p1 = s.p1 + pi * l1;
  if (depth != first_order) {
    const Lanes qi = pi * inverse;
    s.q = s.q + qi;
    if (depth == second_order) {
      const Lanes qs = qi * l1;
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
  out.log += value_of(s.logs, normalised);
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

constexpr SumKernels sum_kernels() {
  SumKernels k{};
  k.sums = sums;
  k.sums_first = sums_first;
  k.sums_flat = sums_flat;
  return k;
}

}  // namespace
}  // namespace NUSKY_LEVEL
}  // namespace nusky
