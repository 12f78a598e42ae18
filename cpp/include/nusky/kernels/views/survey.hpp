#pragma once
#include <cstddef>
#include <cstdint>

namespace nusky {

/// The rate of SurveyView, of that of SpatialTerm: the exponent of 2 in units of a float's last bit, a little less.
constexpr float power_per_rate = -1.44269504F * 8388608.0F * (1.0F - 1e-5F);

/// Candidates of several tiles, as the survey reads them. Every array is (n,), filled up to a multiple of 16 with
/// candidates of weight 0.
struct SurveyView {
  std::size_t n;
  const float *x, *y, *z;       ///< unit vector less that of a common centre
  const float* rate;            ///< power_per_rate times that of SpatialTerm
  const float* weight;          ///< the largest (f_k/N_k) S(0)/B · R over all γ
  const std::uint32_t* number;  ///< in the index
};

/// Where such candidates go. The arrays have room for 16 more.
struct SurveyColumns {
  float *x, *y, *z, *rate, *weight;
  std::uint32_t* number;
};

}  // namespace nusky
