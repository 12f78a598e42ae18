#include "nusky/templates/sky_template.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace nusky {
namespace {

// A function at its nodes, at one γ: value, slope and curvature.
struct AtGamma {
  double value = 0.0, slope = 0.0, curvature = 0.0;
};

AtGamma interpolated(const double* row, std::size_t n, const Stencil& at) {
  AtGamma f;
  for (std::size_t k = 0; k < 4 && static_cast<std::size_t>(at.first) + k < n; ++k) {
    const double v = row[static_cast<std::size_t>(at.first) + k];
    f.value += at.value_d[k] * v;
    f.slope += at.slope_d[k] * v;
    f.curvature += at.curvature_d[k] * v;
  }
  return f;
}

void resize(RowsAtGamma& rows, std::size_t n) {
  for (auto* column : {&rows.value, &rows.slope, &rows.curvature}) column->resize(n);
}

void put(RowsAtGamma& rows, std::size_t i, const AtGamma& f) {
  rows.value[i] = static_cast<float>(f.value);
  rows.slope[i] = static_cast<float>(f.slope);
  rows.curvature[i] = static_cast<float>(f.curvature);
}

AtGamma exponential(const AtGamma& log) {
  const double value = std::exp(log.value);
  return {value, value * log.slope, value * (log.slope * log.slope + log.curvature)};
}

}  // namespace

SkyTemplate::SkyTemplate(const Likelihood& likelihood, std::shared_ptr<const SmearedRows> maps, std::vector<TemplateSeason> seasons)
    : likelihood_(&likelihood), maps_(std::move(maps)), seasons_(std::move(seasons)) {
  const auto nodes = static_cast<std::size_t>(std::max(1, axis().size()));
  const std::size_t n_maps = maps_->maps();
  if (n_maps > most_template_maps)
    throw std::invalid_argument("maps: at most " + std::to_string(most_template_maps) + ", got " + std::to_string(n_maps));
  if (seasons_.size() != static_cast<std::size_t>(likelihood.n_seasons()))
    throw std::invalid_argument("seasons: as many as in the likelihood are needed");
  if (likelihood.extended()) throw std::invalid_argument("likelihood: that of whole seasons is needed");
  for (std::size_t k = 0; k < seasons_.size(); ++k) {
    const TemplateSeason& season = seasons_[k];
    if (season.column.size() != n_maps * nodes) throw std::invalid_argument("column: expected shape (maps, nodes)");
    if (season.log_taken.size() % nodes != 0) throw std::invalid_argument("log_taken: expected shape (cells, nodes)");
    cells_.push_back(season.log_taken.size() / nodes);
    require_match(*season.own, k);
    const std::size_t cells = std::max<std::size_t>(1, cells_[k]);
    AlignedVector<float>& columns = coarse_columns_.emplace_back(n_maps * n_coarse_gamma);
    AlignedVector<float>& taken = coarse_taken_.emplace_back(cells * n_coarse_gamma);
    std::vector<double>& most = most_taken_.emplace_back(n_coarse_gamma, 1.0);
    RowsAtGamma at;
    for (std::size_t j = 0; j < n_coarse_gamma; ++j) {
      const Stencil stencil = axis().free() ? axis().coarse_stencil(static_cast<int>(j)) : axis().stencil(0.0);
      columns_at(k, stencil, at);
      for (std::size_t m = 0; m < n_maps; ++m) columns[m * n_coarse_gamma + j] = at.value[m];
      taken_at(k, stencil, at);
      for (std::size_t c = 0; c < cells; ++c) {
        taken[c * n_coarse_gamma + j] = at.value[c];
        most[j] = std::max(most[j], static_cast<double>(at.value[c]));
      }
    }
  }
}

void SkyTemplate::columns_at(std::size_t k, const Stencil& at, RowsAtGamma& out) const {
  const std::size_t nodes = static_cast<std::size_t>(std::max(1, axis().size()));
  resize(out, maps_->maps());
  for (std::size_t m = 0; m < maps_->maps(); ++m) {
    const double* row = seasons_[k].column.data() + m * nodes;
    put(out, m, nodes > 1 ? interpolated(row, nodes, at) : AtGamma{row[0], 0.0, 0.0});
  }
}

void SkyTemplate::taken_at(std::size_t k, const Stencil& at, RowsAtGamma& out) const {
  const std::size_t nodes = static_cast<std::size_t>(std::max(1, axis().size()));
  resize(out, std::max<std::size_t>(1, cells_[k]));
  if (cells_[k] == 0) return put(out, 0, {1.0, 0.0, 0.0});
  for (std::size_t c = 0; c < cells_[k]; ++c) {
    const double* row = seasons_[k].log_taken.data() + c * nodes;
    put(out, c, exponential(nodes > 1 ? interpolated(row, nodes, at) : AtGamma{row[0], 0.0, 0.0}));
  }
}

void SkyTemplate::require_match(const TemplateEvents& events, std::size_t season) const {
  if (events.n_points() != n_points()) throw std::invalid_argument("events: their places are those of another table");
  if (events.n_nodes() != static_cast<std::size_t>(std::max(1, axis().size())))
    throw std::invalid_argument("events: their gamma nodes are not those of the likelihood");
  if (events.highest_cell() >= std::max<std::size_t>(1, cells_[season]))
    throw std::invalid_argument("events: a cell is beyond those of log_taken");
}

}  // namespace nusky
