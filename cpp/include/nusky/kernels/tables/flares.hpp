#pragma once
#include <cstddef>
#include <cstdint>

namespace nusky {

/// Classes of weight into which the events of a window are sorted, a factor of 4 each: one for each lane.
constexpr std::size_t weight_classes = 16;

/// 16 windows, for their bounds. Sums from the first event on are kept class by class, (weight_classes, stride): the content of a window is
/// their difference between its end and its start.
struct WindowRow {
  const std::uint32_t *start_count, *start_sum;  ///< at the first of the windows' starts
  const std::uint32_t *stop_count, *stop_sum;    ///< at the first of their ends
  std::size_t start_stride, stop_stride;
  bool one_start;     ///< all windows start at the first start, else window i at start i
  const float* unit;  ///< (weight_classes,) weight of 1 in the sums
  const float* beta;  ///< (16,) what weights are multiplied with: 1 over the exposure of the window
  float slope;        ///< of −n
};

/// Kernels of the search for flares.
struct FlareKernels {
  /// A bound from above of max over n ≥ 0 of −slope · n + Σ ln(1 + n β b) for 16 windows, within a few hundredths of it; 0 exactly where
  /// the maximum is at n = 0. @param bound (16,)
  void (*window_bounds)(const WindowRow& row, float* bound);
  /// R and d ln R/dγ from four nodes of ln R for n events; arrays have room for 15 more, rows are read so far.
  /// @param value, slope (4,) of a Stencil
  void (*flare_ratios)(std::size_t n, const float* const* rows, int first, const float* value, const float* slope, float* ratio,
                       float* change);
  /// Σ a/(1 + n a) and Σ (a/(1 + n a))²
  void (*weight_sums)(std::size_t count, const double* a, double n, double* first, double* second);
  /// Σ ln(1 + n a)
  double (*weight_logs)(std::size_t count, const double* a, double n);
  /// Σ d/(1 + n a)
  double (*weight_changes)(std::size_t count, const double* a, const double* d, double n);
};

}  // namespace nusky
