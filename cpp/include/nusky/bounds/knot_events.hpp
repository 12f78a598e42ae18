#pragma once
#include <memory>
#include <vector>

#include "nusky/aligned.hpp"
#include "nusky/bounds/bound_constants.hpp"
#include "nusky/bounds/knot_rows.hpp"
#include "nusky/likelihood/fit_model.hpp"

namespace nusky {

/// The events of a trial as the bound that knows γ reads them: an index of their own, of all seasons together, that reads and writes less
/// of an event than an EventIndex. Shared by all threads.
class KnotEvents {
 public:
  /// @param rows what the seasons come from; must outlive this
  /// @param seasons of the index of the model
  KnotEvents(const FitModel& model, const KnotRows& rows, std::shared_ptr<const KnotRows::Seasons> seasons, const BoundConstants& constants,
             int n_threads);
  KnotEvents(const KnotEvents&) = delete;
  KnotEvents& operator=(const KnotEvents&) = delete;
  ~KnotEvents() { rows_->give_back(std::move(events_)); }

  /// Whether bounds are of use: n f/N stays small.
  bool any() const { return any_; }
  const KnotShape* shapes() const { return shapes_.data(); }
  const KnotEvent* events() const { return events_.data(); }
  /// Ranges of events that hold all which reach into the cap of all within a chord of `centre`, and others near by.
  void near(const Vec3& centre, double chord, std::vector<EventRange>& out) const;

 private:
  // Of a season: what is added to powers, and multiplies weights.
  struct Factor {
    float power, weight;
  };
  void fill(const std::vector<WholeSeason>& whole, const KnotRows::Zone& zone);
  void add_loose(const EventIndex& index, const Likelihood& likelihood);

  const KnotRows* rows_;
  std::shared_ptr<const KnotRows::Seasons> seasons_;
  bool any_ = true;
  std::vector<Factor> factors_;  // by number in the index
  std::vector<ZoneGrid> grids_;
  AlignedVector<KnotShape> shapes_;  // those of the rows, then those of the loose events
  AlignedVector<KnotEvent> events_;  // those of the zones, then loose ones by z, and a vector more
  std::size_t n_loose_ = 0;
  float widest_loose_ = 0.0F;  // chord of the largest cut
};

}  // namespace nusky
