#pragma once
#include <cstddef>
#include <cstdint>

namespace nusky {

/// Sources of a stack in columns. The arrays have room for 16 more.
struct StackedSourcesView {
  const std::int32_t *x, *y, *z;  ///< fixed_point of the components of their unit vectors
  const float* extension2;        ///< squared width, rad²
};

/// An event as it meets the sources of a stack.
struct StackedEvent {
  std::int32_t at[3];  ///< fixed_point of the components of its unit vector
  float sigma2;        ///< squared angular error, rad²
  float per_density;   ///< 1/(2π B)
  float cut2;          ///< squared number of σ beyond which S = 0
};

/// Pairs of an event and sources with S > 0. The arrays have room for 16 more than can come.
struct StackedPairs {
  std::uint32_t* source;
  float* ratio;  ///< S/B of the source alone
};

/// An event and its pairs, first … last − 1.
struct StackedSum {
  std::uint32_t event, first, last;
};

/// Kernels of a stack of sources.
struct StackKernels {
  /// Appends the sources first … last − 1 that the event is within its cut of to entries n … of the pairs. σ² is that of the event and of
  /// the source together. Returns the next free entry.
  std::size_t (*stack_pairs)(const StackedSourcesView& sources, std::size_t first, std::size_t last, const StackedEvent& event,
                             std::size_t n, const StackedPairs& out);
  /// out[16 b + l] = Σ ratio · rows[source · stride + 16 b + l] over the pairs, for b < blocks.
  void (*stack_rows)(std::size_t n, const std::uint32_t* source, const float* ratio, const float* rows, std::size_t stride,
                     std::size_t blocks, float* out);
  /// sums[l] += own[i][l] · Σ ratio · rows[source · stride + l] over the pairs of each of n events, for 16 l.
  void (*stack_left)(std::size_t n, const StackedSum* event, const std::uint32_t* source, const float* ratio, const float* rows,
                     std::size_t stride, const float* const* own, float* sums);
  /// coarse = mixture · own, all (16,). Returns the largest.
  float (*stack_coarse)(const float* mixture, const float* own, float* coarse);
  /// log_ratio = ln mixture + own, (n,) up to a multiple of 16; never below −80, that of a mixture of 0.
  void (*stack_nodes)(std::size_t n, const float* mixture, const float* own, float* log_ratio);
};

}  // namespace nusky
