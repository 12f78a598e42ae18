#pragma once
// Windows in time: bounds of 16 at once, and the exact sums over the events of one.
#include "kernels/functions.inl"
#include "kernels/sums.inl"
#include "nusky/kernels/tables/flares.hpp"

namespace nusky {
namespace NUSKY_LEVEL {
namespace {

static_assert(weight_classes == lanes, "as many classes as lanes");

// Differences of whole numbers modulo 2³², as floats.
template <bool one_start>
NUSKY_INLINE Lanes content(const std::uint32_t* stop, const std::uint32_t* start) {
  Lanes v;
  NUSKY_EACH {
    const Ints high = load_as<Ints>(stop + k * register_floats);
    const Ints low = one_start ? Ints{} + static_cast<std::int32_t>(*start) : load_as<Ints>(start + k * register_floats);
    v.part[k] = __builtin_convertvector(high - low, Floats);
  }
  return v;
}

// The content of a class enters as its number of events, each of their mean weight: Σ ln(1 + n b) is not more than that, as the logarithm
// is concave. h(n) = n f′ is concave and 0 at the maximum; Newton's method from above stays above, where max f ≤ f − h.
template <bool one_start>
NUSKY_INLINE void bounds_of(const WindowRow& row, float* bound) {
  Lanes count[weight_classes], mean[weight_classes];
  Lanes events = splat(0.0F), weight = splat(0.0F);
  const Lanes beta = load(row.beta);
  for (std::size_t q = 0; q < weight_classes; ++q) {
    const Lanes c = content<one_start>(row.stop_count + q * row.stop_stride, row.start_count + q * row.start_stride);
    const Lanes sum = content<one_start>(row.stop_sum + q * row.stop_stride, row.start_sum + q * row.start_stride) * beta * row.unit[q];
    count[q] = c;
    mean[q] = sum / max_of(c, 1.0F);
    events = events + c;
    weight = weight + sum;
  }
  if (above(weight, row.slope) == 0) {
    store(bound, splat(0.0F));
    return;
  }
  // At the maximum n f′ + slope n is at most that of as many events of the mean weight: a place above it
  Lanes n = max_of(events * (1.0F / row.slope) - events / max_of(weight, 1e-30F), 1e-6F), h = n;
  for (int step = 0; step < 7; ++step) {
    Lanes s = splat(0.0F), d = splat(0.0F);
    for (std::size_t q = 0; q < weight_classes; ++q) {
      const Lanes r = splat(1.0F) / (mean[q] * n + 1.0F), p = count[q] * mean[q] * r;
      s = s + p;
      d = d + p * r;
    }
    h = n * (s - row.slope);
    if (step == 6 || above(h * -1.0F, 0.03F) == 0) break;
    const Lanes fall = max_of(splat(row.slope) - d, 1e-12F);  // −h′
    n = max_of(n + min_of(h, splat(0.0F)) / fall, n * 0.02F);
  }
  Lanes f = n * -row.slope;
  for (std::size_t q = 0; q < weight_classes; ++q) f = f + count[q] * log_of(mean[q] * n + 1.0F);
  f = f - min_of(h, splat(0.0F));
  f = f + (max_of(f, 0.0F) + 1.0F) * 2e-4F;  // rounding of float arithmetic
  NUSKY_EACH f.part[k] = weight.part[k] > Floats{} + row.slope ? f.part[k] : Floats{};
  store(bound, f);
}

void window_bounds(const WindowRow& row, float* bound) {
  if (row.one_start)
    bounds_of<true>(row, bound);
  else
    bounds_of<false>(row, bound);
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

void weight_sums(std::size_t count, const double* a, double n, double* first, double* second) {
  DoubleLanes s{}, q{};
  for (std::size_t i = 0; i < count; i += lanes) {
    const DoubleLanes w = i + lanes <= count ? load_doubles(a + i) : load_some(a + i, count - i);
    for (std::size_t k = 0; k < double_registers; ++k) {
      const Doubles p = w.part[k] / (w.part[k] * n + 1.0);
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
  k.weight_sums = weight_sums;
  k.weight_logs = weight_logs;
  k.weight_changes = weight_changes;
  return k;
}

}  // namespace
}  // namespace NUSKY_LEVEL
}  // namespace nusky
