#include "nusky/random/poisson.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace nusky {

Poisson::Poisson(double mean) {
  if (!(mean >= 0.0 && mean <= 1e9)) throw std::invalid_argument("mean: " + std::to_string(mean) + " is not within 0 … 1e9");
  // what lies beyond has less probability than the spacing of the uniform numbers
  const double width = 9.0 * std::sqrt(mean) + 30.0, mode = std::floor(mean);
  const double low = std::max(0.0, mode - width), high = mode + width;
  first_ = static_cast<std::int64_t>(low);
  const auto middle = static_cast<std::size_t>(static_cast<std::int64_t>(mode) - first_);
  cumulative_.assign(static_cast<std::size_t>(static_cast<std::int64_t>(high) - first_) + 1, 0.0);
  cumulative_[middle] = 1.0;
  const auto count = [&](std::size_t i) { return static_cast<double>(first_ + static_cast<std::int64_t>(i)); };
  for (std::size_t i = middle; i > 0; --i) cumulative_[i - 1] = cumulative_[i] * count(i) / mean;
  for (std::size_t i = middle + 1; i < cumulative_.size(); ++i) cumulative_[i] = cumulative_[i - 1] * mean / count(i);
  double sum = 0.0;
  for (double& p : cumulative_) p = sum += p;
  for (double& p : cumulative_) p /= sum;
}

std::int64_t Poisson::count(double uniform) const {
  const auto at = std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, uniform);
  return first_ + (at - cumulative_.begin());
}

}  // namespace nusky
