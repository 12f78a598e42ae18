#pragma once
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "nusky/events/event_columns.hpp"
#include "nusky/sphere/sphere.hpp"

namespace nusky {

/// Events that enter a trial together: columns that never change and what is new in this trial.
struct EventPart {
  std::shared_ptr<const EventColumns> columns;
  std::size_t n = 0;           ///< events of this part
  const double* ra = nullptr;  ///< (n,) rad
  int season = 0;
  const std::int64_t* rows = nullptr;    ///< (n,) rows of the columns; nullptr: all of them in order
  const std::uint32_t* event = nullptr;  ///< (n,) ascending events of the columns in place of rows: no row comes twice, nothing is sorted
  const double* factor = nullptr;        ///< (n,) multiplies S/B·R (a time ratio, say); nullptr: 1
  const double* time = nullptr;          ///< (n,) MJD, for those who ask for times; nullptr: not known
  bool few = false;                      ///< see EventIndex
};

/// Throws std::invalid_argument for parts that do not fit together.
/// @param n_events (K,) of the seasons
void check_parts(const std::vector<EventPart>& parts, const std::vector<double>& n_events);

/// The events of a part in the order of its columns: number j of the part is event(j) of the columns.
class PartOrder {
 public:
  explicit PartOrder(const EventPart& part);
  std::size_t event(std::size_t j) const {
    if (part_->event != nullptr) return part_->event[j];
    return some_.empty() ? j : some_[j].first;
  }
  /// Its entry in the arrays of the part.
  std::size_t entry(std::size_t j) const {
    if (part_->event != nullptr) return j;
    return some_.empty() ? part_->columns->row(j) : some_[j].second;
  }
  /// rad, 0 ≤ ra < 2π
  double ra(std::size_t j) const {
    const double a = part_->ra[entry(j)];
    return a >= 0.0 && a < 2 * pi ? a : wrapped(a);
  }
  /// The first event from `from` on for which this no longer holds, where it holds up to somewhere and nowhere beyond.
  /// @param holds of an event of the columns
  template <class Holds>
  std::size_t end_of(std::size_t from, const Holds& holds) const;

 private:
  static double wrapped(double ra);

  const EventPart* part_;
  std::vector<std::pair<std::size_t, std::size_t>> some_;  // event and entry, where the part has not all events of the columns
};

// In steps of twice the length, then by halves: runs are short.
template <class Holds>
std::size_t PartOrder::end_of(std::size_t from, const Holds& holds) const {
  std::size_t step = 1, low = from, high = part_->n;
  for (; low + step < high && holds(event(low + step)); step *= 2) low += step;
  high = std::min(high, low + step);
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (holds(event(middle)))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

}  // namespace nusky
