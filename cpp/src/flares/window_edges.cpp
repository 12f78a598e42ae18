#include "nusky/flares/window_edges.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace nusky {
namespace {

constexpr std::size_t spare = 16;  // a row of windows is read whole

std::int32_t exponent_of(float weight) {
  std::int32_t bits = 0;
  std::memcpy(&bits, &weight, sizeof bits);
  return bits >> 24;  // a factor of 4 each
}

}  // namespace

void ClassSums::resize(std::size_t n) {
  stride = n + spare;
  count.assign(weight_classes * stride, 0);
  sum.assign(weight_classes * stride, 0);
}

void Edges::clear() {
  time.clear();
  position.clear();
  elapsed.clear();
}

void Edges::add(double t, std::size_t at, const Clock& clock) {
  time.push_back(t);
  position.push_back(static_cast<std::uint32_t>(at));
  elapsed.resize(elapsed.size() + clock.width());
  clock.at(t, elapsed.data() + elapsed.size() - clock.width());
}

void WeightScale::set(float top) {
  top_ = exponent_of(top);
  for (std::size_t q = 0; q < weight_classes; ++q) {
    const std::int32_t bits = std::max(top_ - static_cast<std::int32_t>(weight_classes - 1 - q), 13) << 24;
    float least = 0.0F;
    std::memcpy(&least, &bits, sizeof least);
    unit_[q] = least * 0x1p-12F;
    per_unit_[q] = 1.0F / unit_[q];
  }
}

std::size_t WeightScale::class_of(float weight) const {
  const std::int32_t c = exponent_of(weight) - top_ + static_cast<std::int32_t>(weight_classes) - 1;
  return static_cast<std::size_t>(std::max(c, 0));
}

std::uint32_t WeightScale::units(float weight, std::size_t c) const { return static_cast<std::uint32_t>(weight * per_unit_[c]) + 1; }

void sum_classes(const std::vector<float>& weight, const WeightScale& scale, const std::vector<const Edges*>& edges,
                 const std::vector<ClassSums*>& sums) {
  std::uint32_t count[weight_classes] = {}, sum[weight_classes] = {};
  std::vector<std::size_t> next(edges.size(), 0);
  for (std::size_t l = 0; l < edges.size(); ++l) sums[l]->resize(edges[l]->size());
  std::size_t done = 0;
  for (;;) {
    // the nearest place that a list waits for
    std::size_t place = weight.size() + 1;
    for (std::size_t l = 0; l < edges.size(); ++l)
      if (next[l] < edges[l]->size()) place = std::min<std::size_t>(place, edges[l]->position[next[l]]);
    if (place > weight.size()) return;
    for (; done < place; ++done) {
      const std::size_t c = scale.class_of(weight[done]);
      ++count[c];
      sum[c] += scale.units(weight[done], c);
    }
    for (std::size_t l = 0; l < edges.size(); ++l)
      for (; next[l] < edges[l]->size() && edges[l]->position[next[l]] == place; ++next[l])
        for (std::size_t q = 0; q < weight_classes; ++q) {
          sums[l]->count[q * sums[l]->stride + next[l]] = count[q];
          sums[l]->sum[q * sums[l]->stride + next[l]] = sum[q];
        }
  }
}

}  // namespace nusky
