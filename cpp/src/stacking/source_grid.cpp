#include "nusky/stacking/source_grid.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nusky {
namespace {

// Of angles, against rounding: a source just outside what is computed could be just inside the cut.
constexpr double margin = 1e-5;
constexpr std::size_t most_zones = 90;
constexpr unsigned most_bin_bits = 8;
// Words that an event's right ascension may be off by.
constexpr double word_margin = 8.0;

}  // namespace

// About one source in a bin, but zones and bins not much finer than the reach of an event.
SourceGrid::SourceGrid(const std::vector<double>& ra, const std::vector<double>& dec) {
  const auto n = static_cast<double>(ra.size());
  n_zones_ = std::clamp<std::size_t>(static_cast<std::size_t>(std::sqrt(0.5 * n)), 1, most_zones);
  unsigned bits = 0;
  while (bits < most_bin_bits && static_cast<double>(n_zones_) * std::ldexp(1.0, static_cast<int>(bits)) < n) ++bits;
  shift_ = 32 - bits;
  n_bins_ = std::size_t{1} << bits;
  std::vector<std::uint32_t> cell(ra.size());
  start_.assign(n_zones_ * n_bins_ + 1, 0);
  for (std::size_t j = 0; j < ra.size(); ++j) {
    cell[j] = static_cast<std::uint32_t>(zone(dec[j]) * n_bins_ + bin(turn_word(ra[j])));
    ++start_[cell[j] + 1];
  }
  std::partial_sum(start_.begin(), start_.end(), start_.begin());
  order_.resize(ra.size());
  std::iota(order_.begin(), order_.end(), 0U);
  std::stable_sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) { return cell[a] < cell[b]; });
}

std::size_t SourceGrid::zone(double dec) const {
  const auto n = static_cast<double>(n_zones_);
  return static_cast<std::size_t>(std::clamp(std::floor((dec + pi / 2) / pi * n), 0.0, n - 1.0));
}

GridReach SourceGrid::reach(double dec, double arc) const {
  const double wide = arc * (1.0 + margin) + margin;
  GridReach r{static_cast<std::uint16_t>(zone(dec - wide)), static_cast<std::uint16_t>(zone(dec + wide)), 0x80000000U};
  // a cap that holds no pole spans asin(sin arc / cos δ) to both sides
  if (wide < pi / 2 - std::abs(dec)) {
    const double half = std::asin(std::min(1.0, std::sin(wide) / std::cos(dec))) * (1.0 + margin) + margin;
    r.half = static_cast<std::uint32_t>(std::min(half * (4294967296.0 / (2.0 * pi)) + word_margin, 2147483648.0));
  }
  return r;
}

void SourceGrid::near(std::uint32_t word, const GridReach& reach, std::vector<SourceRange>& out) const {
  const auto append = [&](std::size_t first, std::size_t last) {
    if (start_[first] != start_[last]) out.push_back({start_[first], start_[last]});
  };
  const std::uint32_t a = bin(word - reach.half), b = bin(word + reach.half);
  const bool all = reach.half >= 0x80000000U || n_bins_ == 1 || (a == b && (2 * std::uint64_t{reach.half}) >> shift_ > 0);
  for (std::size_t z = reach.low; z <= reach.high; ++z) {
    const std::size_t zone = z * n_bins_;
    if (all) {
      append(zone, zone + n_bins_);
    } else if (a <= b) {
      append(zone + a, zone + b + 1);
    } else {  // over the end of the circle
      append(zone, zone + b + 1);
      append(zone + a, zone + n_bins_);
    }
  }
}

}  // namespace nusky
