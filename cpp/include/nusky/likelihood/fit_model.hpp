#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "nusky/events/event_index.hpp"
#include "nusky/likelihood/likelihood.hpp"

namespace nusky {

/// What is fitted: the likelihood and the events of a trial, γ free or fixed. Shared by all threads.
class FitModel {
 public:
  /// @param gamma none: γ is free within the nodes (of which one fixes it); else γ is fixed there
  FitModel(const Likelihood& likelihood, const EventIndex& index, std::optional<double> gamma, std::size_t n_groups, int n_threads);

  const Likelihood& likelihood() const { return *likelihood_; }
  const EventIndex& index() const { return *index_; }
  bool gamma_free() const { return free_; }
  /// γ where it is fixed; none where it is free or there is no energy term.
  std::optional<double> gamma() const { return gamma_; }
  const Stencil& stencil() const { return stencil_; }
  /// R of event i at the fixed γ.
  float fixed_ratio(std::uint32_t i) const { return table_.empty() ? ratio_of(i) : table_[i]; }

 private:
  float ratio_of(std::uint32_t i) const;

  const Likelihood* likelihood_;
  const EventIndex* index_;
  bool free_;
  std::optional<double> gamma_;
  Stencil stencil_;
  std::vector<float> table_;
};

}  // namespace nusky
