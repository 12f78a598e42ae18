#pragma once
#include <cstdint>
#include <vector>

#include "nusky/aligned.hpp"
#include "nusky/flares/clock.hpp"
#include "nusky/flares/near_events.hpp"
#include "nusky/kernels/tables/flares.hpp"

namespace nusky {

/// Moments at which windows start, or end, in ascending order.
struct Edges {
  std::vector<double> time;
  std::vector<std::uint32_t> position;  ///< events before it (a start), or up to and with it (an end)
  std::vector<double> elapsed;          ///< (n, width) uptime, see Clock
  std::size_t size() const { return time.size(); }
  void clear();
  std::vector<double> together;  ///< (n,) uptime of all seasons
  void add(double t, std::size_t at, const Clock& clock);
  /// The last moment of another list, with another place.
  void add_last_of(const Edges& other, std::size_t at);
};

/// Classes of weight, and what is 1 of their sums.
class WeightScale {
 public:
  /// For n weights up to `top` > 0.
  void set(float top, std::size_t n);
  const float* unit() const { return unit_; }  ///< (2 · weight_classes,) see WindowTotals
  /// The classes of n weights, and what they add to the totals of these, rounded up.
  void sort(std::size_t n, const float* weight, std::uint32_t* class_of, std::uint32_t* units) const;

 private:
  std::int32_t first_ = 0;  // exponent of class 1
  int digits_ = 0;          // of the sums: 1 is 2^−digits of the least weight of a class
  float per_unit_ = 0.0F;   // of class 0
  alignas(64) float unit_[2 * weight_classes] = {};
};

/// What events add to totals, in the order of their times.
struct ClassUnits {
  std::vector<std::uint32_t> class_of, units;
};

/// Fills the totals at several lists of edges.
void sum_classes(const ClassUnits& events, const std::vector<const Edges*>& edges, const std::vector<AlignedVector<ClassTotals>*>& totals);

}  // namespace nusky
