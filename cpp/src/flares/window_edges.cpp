#include "nusky/flares/window_edges.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace nusky {
namespace {

std::int32_t bits_of(float weight) {
  std::int32_t bits = 0;
  std::memcpy(&bits, &weight, sizeof bits);
  return bits;
}

constexpr int mantissa = 23, most_digits = 10;

}  // namespace

void Edges::clear() {
  time.clear();
  position.clear();
  elapsed.clear();
  together.clear();
}

void Edges::add(double t, std::size_t at, const Clock& clock) {
  time.push_back(t);
  position.push_back(static_cast<std::uint32_t>(at));
  elapsed.resize(elapsed.size() + clock.width());
  clock.at(t, elapsed.data() + elapsed.size() - clock.width());
  together.push_back(elapsed.back());
}

void Edges::add_last_of(const Edges& other, std::size_t at) {
  const std::size_t w = other.elapsed.size() / other.size();
  time.push_back(other.time.back());
  position.push_back(static_cast<std::uint32_t>(at));
  elapsed.insert(elapsed.end(), other.elapsed.end() - static_cast<std::ptrdiff_t>(w), other.elapsed.end());
  together.push_back(other.together.back());
}

void WeightScale::set(float top, std::size_t n) {
  digits_ = most_digits;
  while (digits_ > 1 && (n << (digits_ + 2)) >= (std::size_t{1} << 31)) --digits_;
  first_ = std::max((bits_of(top) >> mantissa) - static_cast<std::int32_t>(weight_classes - 2), mantissa + 1);
  for (std::size_t q = 0; q < weight_classes; ++q) {
    const std::int32_t bits = (first_ + std::max<std::int32_t>(static_cast<std::int32_t>(q) - 1, 0)) << mantissa;
    float least = 0.0F;
    std::memcpy(&least, &bits, sizeof least);
    unit_[2 * q] = std::ldexp(least, -digits_);
    unit_[2 * q + 1] = 1.0F;
  }
  per_unit_ = 1.0F / unit_[0];
}

void WeightScale::sort(std::size_t n, const float* weight, std::uint32_t* class_of, std::uint32_t* units) const {
  const int drop = mantissa - digits_;
  for (std::size_t i = 0; i < n; ++i) {
    const std::int32_t bits = bits_of(weight[i]);
    const std::int32_t c = (bits >> mantissa) - first_ + 1;
    const std::int32_t above = ((bits & ((1 << mantissa) - 1)) | (1 << mantissa)) >> drop;
    const auto below = static_cast<std::int32_t>(std::min(weight[i] * per_unit_, 1e9F));
    class_of[i] = static_cast<std::uint32_t>(c > 0 ? c : 0);
    units[i] = static_cast<std::uint32_t>((c > 0 ? above : below) + 1);
  }
}

void sum_classes(const ClassUnits& events, const std::vector<const Edges*>& edges, const std::vector<AlignedVector<ClassTotals>*>& totals) {
  ClassTotals sum{};
  std::vector<std::size_t> next(edges.size(), 0);
  for (std::size_t l = 0; l < edges.size(); ++l) totals[l]->resize(edges[l]->size());
  std::size_t done = 0;
  for (;;) {
    // the nearest place that a list waits for
    std::size_t place = events.units.size() + 1;
    for (std::size_t l = 0; l < edges.size(); ++l)
      if (next[l] < edges[l]->size()) place = std::min<std::size_t>(place, edges[l]->position[next[l]]);
    if (place > events.units.size()) return;
    for (; done < place; ++done) {
      sum.packed[events.class_of[done]] += (std::uint64_t{1} << 32) | events.units[done];
    }
    for (std::size_t l = 0; l < edges.size(); ++l)
      for (; next[l] < edges[l]->size() && edges[l]->position[next[l]] == place; ++next[l]) (*totals[l])[next[l]] = sum;
  }
}

}  // namespace nusky
