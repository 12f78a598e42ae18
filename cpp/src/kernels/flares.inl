#pragma once
// Windows in time: bounds of 16 at once, and the exact sums over the events of one.
#include "kernels/functions.inl"
#include "kernels/sums.inl"
#include "nusky/kernels/tables/flares.hpp"

namespace nusky {
namespace NUSKY_LEVEL {
namespace {

static_assert(weight_classes == lanes, "as many classes as lanes");

// Four windows, two classes: how many events, and their weights.
NUSKY_INLINE void transpose(const float* content, std::size_t q, Quad (*column)[4], std::size_t j) {
  Quad r[4];
  for (std::size_t k = 0; k < 4; ++k) r[k] = load_as<Quad>(content + (4 * j + k) * 2 * weight_classes + 2 * q);
  const Quad a = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5), b = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
  const Quad c = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7), d = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
  column[0][j] = __builtin_shufflevector(a, b, 0, 1, 4, 5);
  column[1][j] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
  column[2][j] = __builtin_shufflevector(c, d, 0, 1, 4, 5);
  column[3][j] = __builtin_shufflevector(c, d, 2, 3, 6, 7);
}

// The content of a class enters as its number of events, each of their mean weight: Σ ln(1 + n b) is not more than that, as the logarithm
// is concave. h(n) = n f′ is concave and 0 at the maximum; Newton's method from above stays above, where max f ≤ f − h.
void window_bounds(const WindowTotals* window, float slope, float* bound) {
  alignas(64) float content[lanes * 2 * weight_classes], factor[lanes];
  for (std::size_t w = 0; w < lanes; ++w) {
    const auto* start = reinterpret_cast<const char*>(window[w].start->packed);
    const auto* stop = reinterpret_cast<const char*>(window[w].stop->packed);
    factor[w] = window[w].beta;
    for (std::size_t k = 0; k < 2 * float_registers; ++k) {
      const Longs difference = load_as<Longs>(stop + k * sizeof(Longs)) - load_as<Longs>(start + k * sizeof(Longs));
      const Floats whole = __builtin_convertvector((Ints)difference, Floats);
      store_as(content + w * 2 * weight_classes + k * register_floats, whole * load_as<Floats>(window[w].unit + k * register_floats));
    }
  }
  const Lanes beta = load(factor);
  Lanes count[weight_classes], mean[weight_classes];  // of the classes that any window has events of, the lowest first
  std::size_t n_classes = 0;
  Lanes weight = splat(0.0F);
  for (std::size_t q = 0; q < weight_classes; q += 2) {
    Quad column[4][4];
    for (std::size_t j = 0; j < 4; ++j) transpose(content, q, column, j);
    for (std::size_t h = 0; h < 2; ++h) {
      const Lanes c = join(column[2 * h + 1]);
      if (above(c, 0.0F) == 0) continue;
      const Lanes sum = join(column[2 * h]) * beta;
      weight = weight + sum;
      count[n_classes] = c;
      mean[n_classes] = sum / max_of(c, 1.0F);
      ++n_classes;
    }
  }
  if (above(weight, slope) == 0) {
    store(bound, splat(0.0F));
    return;
  }
  // At the maximum slope n = Σ p ≤ the number of events from some class on, and n times the weight of all below: a place above it.
  Lanes n = splat(1e30F), events = splat(0.0F), below = splat(0.0F);
  for (std::size_t q = 0; q < n_classes; ++q) events = events + count[q];
  for (std::size_t q = 0; q < n_classes; ++q) {
    n = min_of(n, max_of(events, 1.0F) / max_of(splat(slope) - below, 1e-9F));
    events = events - count[q];
    below = below + count[q] * mean[q] * 1.0001F;
  }
  n = max_of(n * 1.0001F, 1e-6F);
  Lanes h = n;
  for (int step = 0; step < 7; ++step) {
    Lanes s = splat(0.0F), d = splat(0.0F);
    for (std::size_t q = 0; q < n_classes; ++q) {
      const Lanes r = splat(1.0F) / (mean[q] * n + 1.0F), p = count[q] * mean[q] * r;
      s = s + p;
      d = d + p * r;
    }
    h = n * (s - slope);
    if (step == 6 || above(h * -1.0F, 0.03F) == 0) break;
    const Lanes fall = max_of(splat(slope) - d, 1e-12F);  // −h′
    n = max_of(n + min_of(h, splat(0.0F)) / fall, n * 0.02F);
  }
  Lanes f = n * -slope;
  for (std::size_t q = 0; q < n_classes; ++q) f = f + count[q] * log_of(mean[q] * n + 1.0F);
  f = f - min_of(h, splat(0.0F));
  f = f + (max_of(f, 0.0F) + 1.0F) * 2e-4F;  // rounding of float arithmetic
  NUSKY_EACH f.part[k] = weight.part[k] > Floats{} + slope ? f.part[k] : Floats{};
  store(bound, f);
}

void flare_ratios(std::size_t n, const float* const* rows, int first, const float* value, const float* slope, float* ratio, float* change) {
  std::uint32_t number[lanes];
  for (std::size_t k = 0; k < lanes; ++k) number[k] = static_cast<std::uint32_t>(k);
  for (std::size_t i = 0; i < n; i += lanes) {
    Lanes node[4];
    gather_nodes(number, rows + i, first, node);
    store(ratio + i, exp_of(blend(node, value)));
    store(change + i, blend(node, slope));
  }
}

using DoubleLanes = Registers<Doubles, double_registers>;

NUSKY_INLINE DoubleLanes load_doubles(const double* p) {
  DoubleLanes v;
  for (std::size_t k = 0; k < double_registers; ++k) v.part[k] = load_as<Doubles>(p + k * register_doubles);
  return v;
}
// The last few, filled up with 0.
NUSKY_INLINE DoubleLanes load_some(const double* p, std::size_t some) {
  double few[lanes];
  for (std::size_t k = 0; k < lanes; ++k) few[k] = k < some ? p[k] : 0.0;
  return load_doubles(few);
}
NUSKY_INLINE double tree_sum(const DoubleLanes& v) {
  double t[lanes];
  for (std::size_t k = 0; k < double_registers; ++k) store_as(t + k * register_doubles, v.part[k]);
  for (std::size_t step = lanes / 2; step > 0; step /= 2)
    for (std::size_t i = 0; i < step; ++i) t[i] += t[i + step];
  return t[0];
}

NUSKY_INLINE Doubles widen(const float* p) { return __builtin_convertvector(load_as<HalfFloats>(p), Doubles); }

void window_weights(std::size_t count, const double* weight, const float* ratio, double b, double p, double* a) {
  std::size_t i = 0;
  if (ratio == nullptr) {
    for (; i < count; ++i) a[i] = weight[i] * b - p;
    return;
  }
  for (; i + register_doubles <= count; i += register_doubles) store_as(a + i, load_as<Doubles>(weight + i) * b * widen(ratio + i) - p);
  for (; i < count; ++i) a[i] = weight[i] * b * static_cast<double>(ratio[i]) - p;
}

void window_changes(std::size_t count, const double* a, const float* change, double p, double s, double q, double* d) {
  std::size_t i = 0;
  for (; i + register_doubles <= count; i += register_doubles) store_as(d + i, (load_as<Doubles>(a + i) + p) * (widen(change + i) + s) - q);
  for (; i < count; ++i) d[i] = (a[i] + p) * (static_cast<double>(change[i]) + s) - q;
}

void weight_sums(std::size_t count, const double* a, double n, double* first, double* second) {
  DoubleLanes s{}, q{};
  for (std::size_t i = 0; i < count; i += lanes) {
    const DoubleLanes w = i + lanes <= count ? load_doubles(a + i) : load_some(a + i, count - i);
    for (std::size_t k = 0; k < double_registers; ++k) {
      const Doubles p = n == 0.0 ? w.part[k] : w.part[k] / (w.part[k] * n + 1.0);
      s.part[k] += p;
      q.part[k] += p * p;
    }
  }
  *first = tree_sum(s);
  *second = tree_sum(q);
}

double weight_changes(std::size_t count, const double* a, const double* d, double n) {
  DoubleLanes s{};
  for (std::size_t i = 0; i < count; i += lanes) {
    const bool whole = i + lanes <= count;
    const DoubleLanes w = whole ? load_doubles(a + i) : load_some(a + i, count - i);
    const DoubleLanes c = whole ? load_doubles(d + i) : load_some(d + i, count - i);
    for (std::size_t k = 0; k < double_registers; ++k) s.part[k] += c.part[k] / (w.part[k] * n + 1.0);
  }
  return tree_sum(s);
}

double weight_logs(std::size_t count, const double* a, double n) {
  LogProduct logs;
  start(logs);
  long normalised = 0;
  for (std::size_t i = 0; i < count; i += lanes) {
    const DoubleLanes w = i + lanes <= count ? load_doubles(a + i) : load_some(a + i, count - i);
    for (std::size_t k = 0; k < double_registers; ++k) logs.product.part[k] *= w.part[k] * n + 1.0;
    if ((i / lanes) % 8 == 7) {
      normalise(logs);
      ++normalised;
    }
  }
  normalise(logs);
  ++normalised;
  return value_of(logs, normalised);
}

constexpr FlareKernels flare_kernels() {
  FlareKernels k{};
  k.window_bounds = window_bounds;
  k.flare_ratios = flare_ratios;
  k.window_weights = window_weights;
  k.window_changes = window_changes;
  k.weight_sums = weight_sums;
  k.weight_logs = weight_logs;
  k.weight_changes = weight_changes;
  return k;
}

}  // namespace
}  // namespace NUSKY_LEVEL
}  // namespace nusky
