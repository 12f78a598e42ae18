#pragma once
#include "nusky/kernels/views/candidates.hpp"

namespace nusky {

/// Kernels over the candidates × directions of a tile, S/B of which stand in blocks `a` (see CandidateView). `stride` is the number of
/// directions that the blocks hold.
struct TileKernels {
  /// S/B (0 beyond the cut) of all candidates at `count` directions, into the blocks `a`.
  void (*spatial)(const CandidateView& candidates, std::size_t count, const float* vx, const float* vy,
                  const float* vz,  // (count,) relative to the centre of the tile
                  float* a);
  /// Splits the candidates first … last−1 (multiples of 16) of `count` directions. Those above list[p].threshold are
  /// appended to list[p], added to its `sum_largest_w` and set to 0 in `a`; the others are added to `tail`, `tail_squares`.
  void (*split)(std::size_t first, std::size_t last, std::size_t count, std::size_t stride, float* a,
                const float* peak,  // (candidates,) largest R
                Shortlist* list);   // (count,)
  /// sums[j·16 + g] += Σ_c a(c, which[j]) · rows[c][g] over candidates first … last−1 (multiples of 16).
  void (*tails)(std::size_t first, std::size_t last, std::size_t count,
                const std::uint32_t* which,  // (count,) directions
                std::size_t stride, const float* a,
                const float* const* rows,  // (candidates,) rows of R at the 16 coarse γ
                float* sums);              // (count, 16)
  /// sum[g] += Σ S/B · lift[c] · max(rows[c][g], rows[c][g + 1]) over events of candidates c, g < 15; for g = 15 with
  /// rows[c][15]. @param sum (16,)
  void (*highest)(const EventView& events, const float* lift, const float* const* rows, float* sum);
  /// Near events one by one: those whose largest w exceeds `threshold` are copied to the strong lists, and are 0 in `weak`,
  /// which else is `value`. Returns how many; the lists have room for 16 more.
  std::size_t (*pick)(std::size_t n, const float* value, const float* largest_w, const std::uint32_t* candidate,  // (n,)
                      float threshold, float* weak, float* strong, std::uint32_t* strong_candidate);
};

}  // namespace nusky
