#pragma once
#include <optional>
#include <vector>

#include "nusky/fit/group_fitter.hpp"
#include "nusky/trials/point_events.hpp"

namespace nusky {

/// Draws and fits trials of a source at a fixed position; the work space of one thread.
class PointFitter {
 public:
  /// @param gamma none: free; else γ is fixed there.  @param signal nullptr: nothing is injected
  PointFitter(const Likelihood& likelihood, const PointSource& source, const PointSignal* signal, std::optional<double> gamma);
  PointFitter(const PointFitter&) = delete;
  PointFitter& operator=(const PointFitter&) = delete;

  /// See PointEvents.
  void draw(std::uint64_t key, std::uint64_t quad) { events_.draw(key, quad); }
  /// Fits trial 4 · quad + w of the last draw, with signal drawn for it where there is any.
  DirectionFit fit(std::size_t w, double n_sig, const Poisson* poisson);
  /// Fits events made elsewhere, in the same order as drawn ones. @param n_events (K,)
  DirectionFit fit(const std::vector<EventPart>& parts, const double* n_events);

 private:
  DirectionFit fit_index();

  PointEvents events_;
  FitModel model_;
  GroupFitter fitter_;
};

}  // namespace nusky
