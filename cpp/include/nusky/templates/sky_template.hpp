#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "nusky/likelihood/likelihood.hpp"
#include "nusky/templates/smeared_rows.hpp"

namespace nusky {

/// What a season says of a template: S = Σ_m column_m(γ) · map_m, and what signal subtraction takes from W.
struct TemplateSeason {
  std::shared_ptr<const TemplateEvents> own;  ///< the season's own events
  std::vector<double> column;                 ///< (maps, max(G, 1)) at the γ nodes
  std::vector<double> log_taken;              ///< (cells, max(G, 1)) ln V at the nodes; empty: V is 1
};

/// A function of γ in single precision, with two derivatives, of several rows: what the kernels read at one γ.
struct RowsAtGamma {
  std::vector<float> value, slope, curvature;
};

/// A template of the sky whose likelihood has a term for every event, ln Λ = Σ_k Σ_i ln[1 + (n f_k/N_k)(W_i − V_i)]. Shared by all
/// threads.
class SkyTemplate {
 public:
  SkyTemplate(const Likelihood& likelihood, std::shared_ptr<const SmearedRows> maps, std::vector<TemplateSeason> seasons);

  const Likelihood& likelihood() const { return *likelihood_; }
  const GammaAxis& axis() const { return likelihood_->axis(); }
  bool gamma_free() const { return axis().free(); }
  const SmearedView& table() const { return maps_->view(); }
  std::size_t n_points() const { return maps_->n_points(); }
  std::size_t n_seasons() const { return seasons_.size(); }
  const TemplateEvents& own(std::size_t season) const { return *seasons_[season].own; }
  bool subtracted(std::size_t season) const { return !seasons_[season].log_taken.empty(); }
  std::size_t n_cells(std::size_t season) const { return cells_[season]; }
  /// Columns of the maps, and V in cells, at a γ given by its stencil.
  void columns_at(std::size_t season, const Stencil& at, RowsAtGamma& out) const;
  void taken_at(std::size_t season, const Stencil& at, RowsAtGamma& out) const;
  /// The same at the coarse γ, (maps, 16) and (cells, 16); without signal subtraction one cell of 1.
  const float* coarse_columns(std::size_t season) const { return coarse_columns_[season].data(); }
  const float* coarse_taken(std::size_t season) const { return coarse_taken_[season].data(); }
  /// (16,) the largest V at the coarse γ; 1 at least.
  const std::vector<double>& most_taken(std::size_t season) const { return most_taken_[season]; }
  /// Events must be of the table and the cells of a season. @throws std::invalid_argument
  void require_match(const TemplateEvents& events, std::size_t season) const;

 private:
  const Likelihood* likelihood_;
  std::shared_ptr<const SmearedRows> maps_;
  std::vector<TemplateSeason> seasons_;
  std::vector<std::size_t> cells_;
  std::vector<AlignedVector<float>> coarse_columns_, coarse_taken_;
  std::vector<std::vector<double>> most_taken_;
};

}  // namespace nusky
