#pragma once
#include <cstddef>
#include <cstdint>

namespace nusky {

/// What a fit of one position reads of an event: half a cache line.
struct alignas(32) PointRecord {
  float dec, dec_rest;  ///< their sum is δ, rad
  float cos_dec;
  float rate;         ///< of SpatialTerm; negative where `gaussian` is 0
  float weight;       ///< of SpatialTerm; where γ is fixed, times R there
  float peak;         ///< of EventRecord; 1 where γ is fixed
  float lift;         ///< of EventRecord; 1 where γ is fixed
  std::uint32_t row;  ///< of the tables of R and ln R
};
static_assert(sizeof(PointRecord) == 32, "two to a cache line");

/// Such events, and where their rows are; `ratio` is nullptr where γ is fixed, when no row is read.
struct PointView {
  const PointRecord* record;
  const float* ratio;      ///< rows of 16: R at the coarse γ
  const float* log_ratio;  ///< ln R on the nodes
  std::size_t log_step;    ///< from row to row of these
};

/// The declination of a position as events are compared with it.
struct PointPlace {
  float dec, dec_rest, cos_dec;  ///< see PointRecord
};

/// So many numbers beyond the last of a list of candidates must be those of some event: they are asked for, 16 of them read.
constexpr std::size_t points_ahead = 32, points_beyond = points_ahead + 16;

/// Where candidates of one direction go. The arrays have room for 16 more.
struct PointColumns {
  float *value, *peak, *lift;
  const float **ratio, **log_ratio;
};

/// Events that follow each other, the words drawn for them, and half the arc of right ascension, in words and one more, within which each
/// matters; 0 where it never does. The arrays have room for random_room more.
struct ArcView {
  std::size_t n;
  const std::uint32_t* word;
  const std::uint32_t* half;
  std::uint32_t base;  ///< number of the first event
};

/// Where events that lie in their arcs go: their numbers, and their words.
struct ArcPicks {
  std::size_t n;
  std::uint32_t *number, *word;
};

/// Right ascensions, in words, that are evenly spaced but for their rounding, at most 1000.
struct ArcCentres {
  std::size_t n;
  const std::uint32_t* word;
};

}  // namespace nusky
