#pragma once
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "nusky/fit/group_fitter.hpp"
#include "nusky/random/philox.hpp"
#include "nusky/sphere/directions.hpp"
#include "nusky/stacking/hypothesis.hpp"

namespace nusky {

/// Events injected into the trials of a batch, season by season: those of trial i are first[i] … first[i + 1] − 1.
struct InjectedSeason {
  std::shared_ptr<const EventColumns> columns;
  const double* ra;           ///< (n,) rad, in the order of the rows
  const std::int64_t* first;  ///< (trials + 1,)
};

/// Draws and fits trials of a hypothesis; the work space of one thread.
class HypothesisFitter {
 public:
  /// @param gamma none: free; else γ is fixed there
  HypothesisFitter(const Likelihood& likelihood, const Hypothesis& hypothesis, std::optional<double> gamma);
  HypothesisFitter(const HypothesisFitter&) = delete;
  HypothesisFitter& operator=(const HypothesisFitter&) = delete;

  /// Draws the backgrounds of trials 4 · quad … 4 · quad + 3.
  void draw(std::uint64_t key, std::uint64_t quad);
  /// Fits trial 4 · quad + w of the last draw. @param injected (K,) or empty;  @param trial its number among the injected ones
  DirectionFit fit(std::size_t w, const std::vector<InjectedSeason>& injected, std::size_t trial);
  /// Fits events made elsewhere. @param n_events (K,)
  DirectionFit fit(const std::vector<EventPart>& parts, const double* n_events);

 private:
  template <class AddEvents>
  DirectionFit fit_all(const double* n_events, const AddEvents& add_events);
  double expected_ns(const double* n_events) const;
  void add(std::size_t season, const EventColumns& columns);
  void add_own(std::size_t season, const std::uint32_t* word);
  void add_row(const EventColumns& columns, std::size_t row, double ra);
  DirectionFit fit_values(const double* n_events);
  void add_season(std::size_t season, std::size_t w, const std::vector<InjectedSeason>& injected, std::size_t trial);
  void add_parts(std::size_t season, const std::vector<EventPart>& parts);

  const Hypothesis* hypothesis_;
  std::unique_ptr<Evaluator> evaluator_;
  ValueEvents values_;
  EventIndex index_;
  FitModel model_;
  GroupFitter fitter_;
  Directions direction_;
  std::vector<std::vector<std::uint32_t>> item_;                               // (K): rows of the events that can matter somewhere
  std::vector<std::vector<std::uint32_t>> number_;                             // (K): their numbers in the columns
  std::vector<std::array<std::vector<std::uint32_t>, trials_of_block>> word_;  // (K)(4)
  std::vector<std::size_t> end_;                                               // (K) of the seasons' events among the values
  std::vector<LeftOut> left_out_;                                              // (K)
  std::vector<double> n_events_;
  std::vector<std::uint32_t> event_;
  std::vector<double> ra_;
};

}  // namespace nusky
