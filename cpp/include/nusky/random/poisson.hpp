#pragma once
#include <cstdint>
#include <vector>

namespace nusky {

/// Counts of one mean, by inversion: sums and products of doubles alone, so that the same number of the generator gives the same count
/// everywhere.
class Poisson {
 public:
  /// @param mean at least 0 and finite
  explicit Poisson(double mean);
  /// The smallest count whose cumulative probability exceeds `uniform`, which is in [0, 1).
  std::int64_t count(double uniform) const;

 private:
  std::int64_t first_ = 0;
  std::vector<double> cumulative_;
};

}  // namespace nusky
