#pragma once
#include <cstddef>
#include <cstdint>

namespace nusky {

/// Classes of weight into which the events of a window are sorted, a factor of 2 each, and the lowest for all below: one for each lane.
constexpr std::size_t weight_classes = 16;

/// Sums over the events before some place: for each class of weight how many there are (the upper 32 bits), and their weights in whole
/// units of the class (the lower ones).
struct alignas(64) ClassTotals {
  std::uint64_t packed[weight_classes];
};

/// A window, for its bound: its content is the difference between the totals at its end and at its start.
struct WindowTotals {
  const ClassTotals *start, *stop;
  const float* unit;  ///< (2 · weight_classes,) for each class the weight of 1 in the sums, and 1
  float beta;         ///< what weights are multiplied with: 1 over the exposure of the window
};

/// Kernels of the search for flares.
struct FlareKernels {
  /// A bound from above of max over n ≥ 0 of −slope · n + Σ ln(1 + n β b) for 16 windows, within a few hundredths of it; 0 exactly where
  /// the maximum is at n = 0. @param window (16,);  @param bound (16,)
  void (*window_bounds)(const WindowTotals* window, float slope, float* bound);
  /// R and d ln R/dγ from four nodes of ln R for n events; arrays have room for 15 more, rows are read so far.
  /// @param value, slope (4,) of a Stencil
  void (*flare_ratios)(std::size_t n, const float* const* rows, int first, const float* value, const float* slope, float* ratio,
                       float* change);
  /// a = weight · b · ratio − p; ratio nullptr: 1
  void (*window_weights)(std::size_t count, const double* weight, const float* ratio, double b, double p, double* a);
  /// d = (a + p)(change + s) − q
  void (*window_changes)(std::size_t count, const double* a, const float* change, double p, double s, double q, double* d);
  /// Σ a/(1 + n a) and Σ (a/(1 + n a))²
  void (*weight_sums)(std::size_t count, const double* a, double n, double* first, double* second);
  /// Σ ln(1 + n a)
  double (*weight_logs)(std::size_t count, const double* a, double n);
  /// Σ d/(1 + n a)
  double (*weight_changes)(std::size_t count, const double* a, const double* d, double n);
};

}  // namespace nusky
