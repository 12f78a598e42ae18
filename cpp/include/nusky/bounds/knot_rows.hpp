#pragma once
#include <memory>
#include <mutex>
#include <vector>

#include "nusky/aligned.hpp"
#include "nusky/events/event_index.hpp"
#include "nusky/kernels/views/knots.hpp"
#include "nusky/likelihood/likelihood.hpp"

namespace nusky {

/// What an event has at the knots, where S(0) is 1 and N_k is 1. Between knots it has no more than what is interpolated linearly.
struct KnotRow {
  float total;                 ///< Σ at
  float at[KnotShape::knots];  ///< f_k S(0)/B · R
};

/// What the bound reads of an event: a total and a shape, whose product is not below its row at any knot.
struct KnotEvent {
  float power;          ///< the total as 2^(power / 2²³)
  std::uint32_t shape;  ///< number of the shape
};

/// Raises a shape to that of a row.
void raise(KnotShape& shape, const KnotRow& row);

/// The total of a row as KnotEvent has it, rounded up.
float power_of(double total);

/// The row of one event (B12).
/// @param shares (n_coarse_gamma,) largest share of its season in each coarse γ interval, wherever the event reaches
KnotRow knot_row(const EventRecord& event, const GammaAxis& axis, const float* shares);

/// Rows of the events of whole seasons: they are made for the first trial, and stay as long as the events do. Of a million rows most are
/// nearly the product of a number and one of a few thousand shapes, which stay in a cache.
class KnotRows {
 public:
  struct Season {
    std::weak_ptr<const EventColumns> columns;  ///< which may be gone before the next trial
    int number;                                 ///< in the index
    const EventRecord* first;                   ///< of its events
    std::vector<KnotEvent> events;              ///< one for each
  };
  struct Seasons {
    AlignedVector<KnotShape> shapes;
    std::vector<Season> all;
  };

  /// Of the whole seasons of a trial, in their order; γ must be free. None: there are too many γ nodes, or too many events that come one by
  /// one, whose rows would have to be made in every trial.
  std::shared_ptr<const Seasons> of(const Likelihood& likelihood, const EventIndex& index, int n_threads) const;

 private:
  mutable std::mutex making_;
  mutable std::shared_ptr<const Seasons> made_;
  mutable std::unique_ptr<const Likelihood> made_for_;
};

}  // namespace nusky
