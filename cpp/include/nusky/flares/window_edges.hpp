#pragma once
#include <cstdint>
#include <vector>

#include "nusky/flares/clock.hpp"
#include "nusky/flares/near_events.hpp"
#include "nusky/kernels/tables/flares.hpp"

namespace nusky {

/// Sums over all events before some places, for each class of weight: what a WindowRow reads.
struct ClassSums {
  std::size_t stride = 0;
  std::vector<std::uint32_t> count, sum;  ///< (weight_classes, stride)
  void resize(std::size_t n);
};

/// Moments at which windows start, or end, in ascending order.
struct Edges {
  std::vector<double> time;
  std::vector<std::uint32_t> position;  ///< events before it (a start), or up to and with it (an end)
  std::vector<double> elapsed;          ///< (n, width) uptime, see Clock
  std::size_t size() const { return time.size(); }
  void clear();
  void add(double t, std::size_t at, const Clock& clock);
  double together(std::size_t i, const Clock& clock) const { return elapsed[(i + 1) * clock.width() - 1]; }
};

/// One step on the scale of weights: what a class of weight starts at, and 1 of its sums.
class WeightScale {
 public:
  /// For weights up to `top` > 0.
  void set(float top);
  const float* unit() const { return unit_; }
  std::size_t class_of(float weight) const;
  /// The weight in units of its class, rounded up.
  std::uint32_t units(float weight, std::size_t c) const;

 private:
  std::int32_t top_ = 0;  // exponent of the highest class
  float unit_[weight_classes] = {}, per_unit_[weight_classes] = {};
};

/// Fills the sums at several lists of edges. @param weight (n,) of the events in the order of their times
void sum_classes(const std::vector<float>& weight, const WeightScale& scale, const std::vector<const Edges*>& edges,
                 const std::vector<ClassSums*>& sums);

}  // namespace nusky
