#pragma once
#include "nusky/kernels/views/candidates.hpp"
#include "nusky/kernels/views/events.hpp"
#include "nusky/kernels/views/survey.hpp"

namespace nusky {

/// Kernels that place the events of a trial and find those around a cap.
struct IndexKernels {
  /// x = r cos ra, y = r sin ra; all (n,), ra in rad, 0 ≤ ra ≤ 2π.
  void (*circle)(std::size_t n, const double* ra, const double* r, double* x, double* y);
  /// The events that reach a cap, numbered from `base` on. Returns how many.
  std::size_t (*within)(const PositionView& events, const FixedCap& cap, std::uint32_t base, const PositionColumns& out);
  /// The same events as columns of a survey: positions relative to the centre of the cap, weights times `scale`.
  std::size_t (*fetch)(const IndexView& events, const FixedCap& cap, float scale, std::uint32_t base, const SurveyColumns& out);
  /// Copies the records of the n events number[0 … n−1] into columns, and asks for their rows of R. Up to 15 entries
  /// beyond repeat the last event.
  void (*unpack)(const EventRecord* const* record, std::size_t n, const std::uint32_t* number, const PoolColumns& out);
  /// Copies the events of a pool that reach a cap, in their order, with positions relative to its centre. Returns how
  /// many.
  std::size_t (*select)(const PoolView& pool, const FixedCap& cap, const CandidateColumns& out);
};

}  // namespace nusky
