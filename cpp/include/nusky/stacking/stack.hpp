#pragma once
#include "nusky/stacking/hypothesis.hpp"
#include "nusky/stacking/source_grid.hpp"

namespace nusky {

/// Sources of a stack whose extensions are alike, in the order of a grid.
struct StackClass {
  SourceGrid grid;
  double largest_extension;           ///< rad
  std::vector<std::uint32_t> source;  ///< (n,) of the stack
  AlignedVector<std::int32_t> x, y, z;
  AlignedVector<float> extension2;
};

/// What a stack reads of an event wherever it is: 16 bytes in place of its record.
struct StackEvent {
  std::int32_t z;     ///< fixed_point of its sin δ
  float sigma2;       ///< squared angular error without any extension, rad²
  float per_density;  ///< 1/(2π B)
  float peak;         ///< see EventRecord
};

/// Many sources with relative weights: S_i(γ) = Σ_j p_j(γ) S_ij, p_j = w_j A_j(γ) / Σ w A, of each season.
class Stack : public Hypothesis {
 public:
  /// @param ra, dec, extension (J,) rad
  /// @param log_weight (K, J, max(G, 1)) row-major ln(w_j A_kj) at the γ nodes, up to a common summand of a season
  /// @param cut_n_sigma S = 0 beyond this many σ
  Stack(std::vector<std::shared_ptr<const EventColumns>> columns, const std::vector<double>& ra, const std::vector<double>& dec,
        const std::vector<double>& extension, const double* log_weight, double cut_n_sigma, int n_threads);

  std::size_t size() const { return n_sources_; }
  double cut_n_sigma() const { return cut_n_sigma_; }
  const GammaAxis& axis() const { return season(0)->axis(); }
  const std::vector<StackClass>& classes() const { return classes_; }
  /// p_j in a season: at the 16 coarse γ, then at the nodes, each up to a multiple of 16; row j is source j of the stack.
  const float* rows(std::size_t season) const { return rows_[season].data(); }
  std::size_t row_length() const { return row_length_; }
  /// No p_j is above this at any γ, (J,).
  const float* largest_share(std::size_t season) const { return largest_share_[season].data(); }
  /// Between two neighbouring coarse γ no p is above this times the larger of its values there.
  float lift(std::size_t season) const { return lifts_[season]; }
  /// p_j at one γ, (J,).
  std::vector<float> shares(std::size_t season, std::optional<double> gamma) const;
  /// Which sources of a class an event can reach.
  GridReach reach(const StackClass& sources, const EventColumns& columns, std::size_t event) const;

  /// Of the seasons' own events; of others, see `stack_event`.
  const StackEvent& own(std::size_t season, std::size_t event) const { return own_[season][event]; }
  static StackEvent stack_event(const EventRecord& record);
  GridReach own_reach(std::size_t season, std::size_t event, std::size_t sources) const {
    return reaches_[season][event * classes_.size() + sources];
  }

  const std::vector<std::uint64_t>& bins(std::size_t season) const override { return bins_[season]; }
  std::unique_ptr<Evaluator> evaluator(std::optional<double> gamma) const override;

 private:
  void classify(const std::vector<double>& ra, const std::vector<double>& dec, const std::vector<double>& extension);
  void fill_rows(std::size_t season, const double* log_weight, int n_threads);
  void mark_bins(std::size_t season, const std::vector<double>& ra, const std::vector<double>& dec, const std::vector<double>& extension,
                 int n_threads);

  std::size_t n_sources_, n_nodes_, row_length_;
  double cut_n_sigma_;
  std::vector<StackClass> classes_;
  std::vector<std::vector<double>> log_share_;  // (K)(J, n_nodes)
  std::vector<AlignedVector<float>> rows_;
  std::vector<float> lifts_;
  std::vector<std::vector<float>> largest_share_;  // (K)(J)
  std::vector<std::vector<std::uint64_t>> bins_;
  std::vector<std::vector<StackEvent>> own_;
  std::vector<std::vector<GridReach>> reaches_;  // (K)(events, classes) of the seasons' own events
};

}  // namespace nusky
