#pragma once
#include <cstddef>
#include <cstdint>

namespace nusky {

/// Candidates of a tile, and its directions, are evaluated in blocks of so many by so many.
constexpr std::size_t block_size = 16;

/// Candidates of one tile in columns, positions relative to the tile's centre. Arrays are filled up to a multiple of 16
/// with candidates of weight 0.
///
/// S/B of candidates × P directions is stored in blocks of 16 × P: a[(c / 16 · P + p) · 16 + c % 16], so that a direction's
/// values are contiguous runs, and all of them where there is one direction.
struct CandidateView {
  std::size_t n;
  const float *x, *y, *z;                       ///< (n,) unit vector less that of the centre of the tile
  const float *rate, *gaussian, *weight, *cut;  ///< (n,) SpatialTerm
};

/// Where candidates go. The arrays have room for all events of the pool and 16 more.
struct CandidateColumns {
  float *x, *y, *z, *rate, *gaussian, *weight, *cut, *peak, *lift;
  const float **ratio, **log_ratio;
};

/// Events of one direction whose S/B · peak exceeds `threshold`, listed one by one, and the sum over the others. The
/// arrays have room for all candidates and 16 more.
struct Shortlist {
  std::size_t n;     ///< events listed
  float* value;      ///< (n,) S/B
  float* largest_w;  ///< (n,) S/B · peak: the largest S/B · R over all γ
  std::uint32_t* candidate;
  float threshold;
  float sum_largest_w;       ///< Σ S/B · peak of those listed
  float tail, tail_squares;  ///< Σ S/B · peak of the others, and of its square
};

/// Events of one direction: S/B and the number of the candidate, whose rows stand in a list of all candidates.
struct EventView {
  std::size_t n;
  const float* value;              ///< (n,) S/B
  const std::uint32_t* candidate;  ///< (n,) into the rows
  bool huge = false;               ///< u may exceed 1e18: products of two would leave the range of float
};

/// Sums over events at one (y, γ) of one season; p = u/(1+u), q = u/(1+u)², u = y W, primes are d ln R/dγ.
struct EventSums {
  double log;     ///< Σ ln(1+u)
  double p;       ///< Σ p
  double p1;      ///< Σ p ℓ′
  double q;       ///< Σ q
  double q1;      ///< Σ q ℓ′
  double second;  ///< Σ (q ℓ′² + p ℓ″)
};

}  // namespace nusky
