#pragma once
#include <cstddef>
#include <vector>

namespace nusky {

/// sum_i ln(1 + n z_i) at each of some n; every factor must be above 0.
/// @param out (n_nodes,)
void log_sums(std::size_t n, const double* z, std::size_t n_nodes, const double* nodes, double* out);

/// Terms of at most `bound` enter by their moments, the others are kept.
struct PowerSums {
  static constexpr std::size_t moments = 8;
  double moment[moments] = {};  ///< sum_i c_i z_i^(k + 1)
  std::vector<double> large, large_count;
};

/// @param count (n,) how often each term comes, nullptr: once
PowerSums power_sums(std::size_t n, const double* z, const double* count, double bound);

}  // namespace nusky
