#pragma once
#include "nusky/kernels/views/templates.hpp"

namespace nusky {

/// Kernels of templates: S from smeared maps, and the sums of a likelihood in which every event has a term.
struct TemplateKernels {
  /// Values of the maps at events with these words of right ascension: linear in right ascension, and between the four rows around each.
  /// @param word (n,) with room for template_room more;  @param value (maps, stride), with as much room
  void (*template_values)(const SmearedView& table, const PlacesView& places, const std::uint32_t* word, float* value, std::size_t stride);
  /// sums[16 j + g] += Σ z^(j + 1) over the events with |z| ≤ bound at all γ, z = max(S, 0) · ratio − taken; the others are appended to
  /// `large`. @param sums (template_powers, 16)
  void (*template_powers_of)(const TemplateRowsView& events, const TemplateRows& rows, float bound, double* sums, LargeTerms* large);
  /// Adds the sums at one x and one γ. Every 1 + x z must be above 0.
  void (*template_sums)(const TemplateEventsView& events, const TemplateGamma& at, float x, TemplateSums& sums);
};

}  // namespace nusky
