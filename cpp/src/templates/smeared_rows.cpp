#include "nusky/templates/smeared_rows.hpp"

#include <algorithm>
#include <array>

#include "nusky/kernels/table.hpp"

namespace nusky {
namespace {

// Events whose values are in the nearest caches at once.
constexpr std::size_t together = 1024, stride_together = together + template_room;

}  // namespace

SmearedRows::SmearedRows(const SmearedTable& table) : maps_(table.maps), n_points_(table.n_points()) {
  // Rows of the basis begin on multiples of four
  const std::size_t stride = (maps_ + 3) / 4 * 4, of_row = table.most_parts * stride, n = table.widths.size() * table.n_pairs;
  basis_.resize(n * of_row);
  std::fill(basis_.begin(), basis_.end(), 0.0F);
  for (std::size_t i = 0; i < n * table.most_parts; ++i) std::copy_n(table.basis + i * maps_, maps_, basis_.data() + i * stride);
  for (std::size_t first = 0; first < maps_; first += most_template_maps) {
    std::vector<SmearedRow>& rows = rows_.emplace_back();
    rows.reserve(n);
    for (std::size_t i = 0; i < n; ++i) {
      const SmearedTable::Width& width = table.widths[i / table.n_pairs];
      rows.push_back({width.values + i % table.n_pairs * table.n_ra * 2 * width.parts, basis_.data() + i * of_row + first, width.parts});
    }
    views_.push_back({rows.data(), std::min(most_template_maps, maps_ - first), table.n_ra, table.n_pairs, stride});
  }
}

void SmearedRows::terms(const TemplateEvents& events, const std::uint32_t* word, const double* column, const double* factor,
                        bool one_factor, const double* background, double scale, double* z) const {
  const std::size_t n = events.size();
  AlignedVector<float> value(most_template_maps * stride_together);
  std::array<double, together> total{};
  for (std::size_t first = 0; first < n; first += together) {
    const std::size_t last = std::min(n, first + together);
    total.fill(0.0);
    for (std::size_t v = 0; v < views_.size(); ++v) {
      kernels().template_values(views_[v], events.places(first, last), word + first, value.data(), stride_together);
      for (std::size_t k = 0; k < views_[v].maps; ++k) {
        const std::size_t m = v * most_template_maps + k;
        const float* values = value.data() + k * stride_together;
        const double* factors = factor + m * n + first;
        for (std::size_t i = 0; i < last - first; ++i) {
          const double part = column[m] * static_cast<double>(values[i]);
          total[i] += one_factor ? part : part * factors[i];
        }
      }
    }
    for (std::size_t i = 0; i < last - first; ++i) {
      const double w = one_factor ? total[i] * factor[first + i] : total[i];
      z[first + i] = scale * (std::max(w, 0.0) - background[first + i]);
    }
  }
}

}  // namespace nusky
