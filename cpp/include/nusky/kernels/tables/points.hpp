#pragma once
#include "nusky/kernels/views/points.hpp"

namespace nusky {

/// Kernels over the events in reach of one position.
struct PointKernels {
  /// Appends the events whose word is within their arc around `centre`.
  void (*in_arc)(const ArcView& arcs, std::uint32_t centre, ArcPicks* picks);
  /// The same for each of several centres, picks[m] for centre m: the same events in the same order.
  void (*in_arcs)(const ArcView& arcs, const ArcCentres& centres, ArcPicks* picks);
  /// Right ascension less that of the position, rad: (word − centre) · right_ascension_step + off, and + rest[i] where that is given.
  void (*angles)(std::size_t n, const std::uint32_t* word, const double* rest, std::uint32_t centre, double off, float* angle);
  /// S/B and what else a fit reads of n events number[i], with points_beyond more numbers, at `angle` from the position. All of them are
  /// within their cut.
  void (*point_candidates)(std::size_t n, const std::uint32_t* number, const float* angle, const PointView& events, const PointPlace& place,
                           const PointColumns& out);
};

}  // namespace nusky
