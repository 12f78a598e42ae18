#pragma once
#include <array>
#include <vector>

#include "nusky/fit/newton.hpp"
#include "nusky/random/philox.hpp"
#include "nusky/templates/template_profile.hpp"

namespace nusky {

/// Events of one season of one trial: rows `first` … `last` − 1, and the words of their right ascensions, (last − first,) with room for
/// template_room more.
struct TemplatePart {
  std::size_t season;
  const TemplateEvents* events;
  std::size_t first, last;
  const std::uint32_t* word;
};

/// Fits templates to trials; the work space of one thread.
class TemplateFitter : private Surface {
 public:
  explicit TemplateFitter(const SkyTemplate& sky);

  /// @param n_events (K,) with events that are in no part: W = 0 for them; with signal subtraction they have no term
  DirectionFit fit(const std::vector<TemplatePart>& parts, const double* n_events);
  /// Passes over all events that the last fit took, those of the profile and exact ones (for benchmarks).
  int profile_passes() const { return profile_passes_; }
  int exact_passes() const { return exact_passes_; }

 private:
  double enter(double gamma) override;
  Evaluation evaluate(double n, double gamma) override;
  DirectionFit fit_free();
  DirectionFit fit_fixed();
  void look_up();
  std::size_t stride(const TemplatePart& part) const { return part.last - part.first + template_room; }

  const SkyTemplate* sky_;
  const Kernels* kernels_;
  TemplateProfile profile_;
  std::vector<TemplatePart> parts_;
  std::vector<double> n_events_, left_out_;  // (K); events that count in N only
  AlignedVector<float> values_;
  std::vector<std::size_t> at_;  // of each part in the values
  Stencil stencil_;
  std::vector<Share> shares_;
  std::vector<RowsAtGamma> columns_, taken_;
  int profile_passes_ = 0, exact_passes_ = 0;
};

}  // namespace nusky
