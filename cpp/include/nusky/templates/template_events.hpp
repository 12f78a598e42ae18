#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "nusky/aligned.hpp"
#include "nusky/gamma/gamma_axis.hpp"
#include "nusky/kernels/views/templates.hpp"

namespace nusky {

/// Events of one season as a template reads them, neighbours in the table of smeared maps together: what does not depend on right
/// ascension.
class TemplateEvents {
 public:
  /// @param n_points of the table of smeared maps;  @param n_ra points of a row;  @param reach points from the pair of rows at a place to
  /// the end of that of the next σ
  /// @param order (n,) number of the event that comes at each place;  @param start (n,) and weight (4, n): see PlacesView
  /// @param cell (n,) of sin δ
  /// @param log_ratio (n, max(G, 1)) row-major ln(R/B) at the γ nodes
  TemplateEvents(std::size_t n, std::size_t n_points, std::size_t n_ra, std::size_t reach, const std::int64_t* order,
                 const std::int64_t* start, const float* weight, const std::int64_t* cell, const float* log_ratio, const GammaAxis& axis);

  std::size_t size() const { return order_.size() - template_room; }
  std::size_t n_points() const { return n_points_; }
  std::size_t n_nodes() const { return n_nodes_; }
  std::uint32_t highest_cell() const { return highest_cell_; }
  /// (n,) with room for template_room more
  const std::uint32_t* order() const { return order_.data(); }
  /// Of the events `first` … `last` − 1.
  PlacesView places(std::size_t first, std::size_t last) const {
    return {last - first, stride_, row_.data() + first, weight_.data() + first};
  }
  const std::uint32_t* cell(std::size_t first) const { return cell_.data() + first; }
  /// R/B at the 16 coarse γ, (n, 16); γ must be free.
  const float* ratio(std::size_t first) const { return ratio_.data() + first * n_coarse_gamma; }
  /// (n,) ln(R/B) at a node; beyond the last that of the last.
  const float* node(std::size_t g, std::size_t first) const { return nodes_.data() + (g < n_nodes_ ? g : n_nodes_ - 1) * stride_ + first; }

 private:
  std::size_t n_points_, n_nodes_, stride_;
  std::uint32_t highest_cell_ = 0;
  std::vector<std::uint32_t> order_, row_, cell_;
  AlignedVector<float> weight_, ratio_, nodes_;
};

}  // namespace nusky
