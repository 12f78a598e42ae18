#pragma once
#include <memory>
#include <mutex>
#include <vector>

#include "nusky/aligned.hpp"
#include "nusky/events/event_index.hpp"
#include "nusky/kernels/views/survey.hpp"
#include "nusky/likelihood/likelihood.hpp"

namespace nusky {

/// The row of one event (B12).
/// @param shares (n_coarse_gamma,) largest share of its season in each coarse γ interval, wherever the event reaches
KnotRow knot_row(const EventRecord& event, const GammaAxis& axis, const float* shares);

/// Rows of the events of whole seasons: they are made for the first trial, and stay as long as the events do.
class KnotRows {
 public:
  struct Season {
    std::weak_ptr<const EventColumns> columns;  ///< which may be gone before the next trial
    int number;                                 ///< in the index
    const EventRecord* first;                   ///< of its events
    AlignedVector<KnotRow> rows;                ///< one for each
  };
  using Seasons = std::vector<Season>;

  /// Of the whole seasons of a trial, in their order; γ must be free. None: there are too many γ nodes, or too many events that come one by
  /// one, whose rows would have to be made in every trial.
  std::shared_ptr<const Seasons> of(const Likelihood& likelihood, const EventIndex& index, int n_threads) const;

 private:
  mutable std::mutex making_;
  mutable std::shared_ptr<const Seasons> made_;
  mutable std::unique_ptr<const Likelihood> made_for_;
};

}  // namespace nusky
