#pragma once
#include <cstddef>
#include <vector>

#include "nusky/aligned.hpp"
#include "nusky/kernels/views/templates.hpp"
#include "nusky/sphere/smeared_table.hpp"
#include "nusky/templates/template_events.hpp"

namespace nusky {

/// A table of smeared maps as the kernels read it.
class SmearedRows {
 public:
  /// @param table its values stay where they are as long as this does; its basis is copied
  explicit SmearedRows(const SmearedTable& table);

  std::size_t maps() const { return maps_; }
  std::size_t n_points() const { return n_points_; }
  /// The first maps, most_template_maps at most.
  const SmearedView& view() const { return views_.front(); }

  /// Terms of a likelihood, z_i = scale (max(0, W_i) − background_i) with W_i = Σ_m column_m value_mi factor_mi.
  /// @param word (n,) right ascensions of the events, with room for template_room more;  @param column (maps,)
  /// @param factor (maps, n), or (1, n) where it is the same for all maps;  @param background, z (n,)
  void terms(const TemplateEvents& events, const std::uint32_t* word, const double* column, const double* factor, bool one_factor,
             const double* background, double scale, double* z) const;

 private:
  std::size_t maps_, n_points_;
  AlignedVector<float> basis_;
  std::vector<std::vector<SmearedRow>> rows_;
  std::vector<SmearedView> views_;  // most_template_maps in each
};

}  // namespace nusky
