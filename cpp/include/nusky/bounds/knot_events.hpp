#pragma once
#include <memory>
#include <vector>

#include "nusky/aligned.hpp"
#include "nusky/bounds/bound_constants.hpp"
#include "nusky/bounds/knot_rows.hpp"
#include "nusky/likelihood/fit_model.hpp"

namespace nusky {

/// What the bound that knows γ reads of the events of a trial, in the order of their index: looked up once, not once for each of the
/// groups that an event is near to. Shared by all threads.
class KnotEvents {
 public:
  /// @param rows of the index of the model
  KnotEvents(const FitModel& model, const KnotRows::Seasons& rows, const BoundConstants& constants, int n_threads);

  /// Whether bounds are of use: n f/N stays small.
  bool any() const { return any_; }
  /// Of IndexView::weight, for the largest w of a season.
  float largest(std::size_t season) const { return largest_[season]; }
  const KnotShape* shapes() const { return shapes_.data(); }
  KnotEntries from(std::size_t first) const { return {power_.data() + first, shape_.data() + first}; }

 private:
  bool any_ = true;
  std::vector<float> largest_;
  AlignedVector<KnotShape> shapes_;  // those of the rows, then those of the loose events
  AlignedVector<float> power_;       // by event, and a vector more
  AlignedVector<std::uint32_t> shape_;
};

}  // namespace nusky
