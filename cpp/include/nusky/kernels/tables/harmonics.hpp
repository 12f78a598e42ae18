#pragma once
#include <cstddef>

namespace nusky {

/// Sums over spherical harmonics of one order on 16 rings, one lane a ring.
struct HarmonicKernels {
  /// rows[16 j + k] = λ of degree m + j on ring k, j < n: λ_j+1 = a_j (cos θ λ_j − b_j λ_j−1).
  /// @param cosine (16,)
  /// @param start, scale (16,) λ_0 is start · 2^(512 scale), scale ≤ 0 whole, start within 2^±256 or 0; where λ is below 2^−100 it counts
  /// as 0
  /// @return the first j with a λ that is not 0; n if there is none
  std::size_t (*legendre_rows)(std::size_t n, const double* a, const double* b, const double* cosine, const double* start,
                               const double* scale, float* rows);
  /// even[16 c + k] = Σ rows[16 j + k] coefficient[j, c] over even j from `first` on, and `odd` over odd ones.
  /// @param coefficient (n, columns);  @param columns a multiple of 2
  void (*legendre_sums)(const float* rows, std::size_t first, std::size_t n, const float* coefficient, std::size_t columns, float* even,
                        float* odd);
};

}  // namespace nusky
