#pragma once
#include <array>
#include <vector>

#include "nusky/fit/group_fitter.hpp"
#include "nusky/trials/point_source.hpp"

namespace nusky {

/// Draws and fits trials of a source at a fixed position; the work space of one thread.
class PointFitter {
 public:
  /// @param gamma NaN: free; else γ is fixed there.  @param signal nullptr: nothing is injected
  PointFitter(const Likelihood& likelihood, const PointSource& source, const PointSignal* signal, double gamma);
  PointFitter(const PointFitter&) = delete;
  PointFitter& operator=(const PointFitter&) = delete;

  /// Draws the backgrounds of trials 4 · quad … 4 · quad + 3.
  void draw(std::uint64_t key, std::uint64_t quad);
  /// Fits trial 4 · quad + w of the last draw, with signal drawn for it where there is any.
  DirectionFit fit(std::size_t w, double n_sig, const Poisson* poisson);
  /// Fits events made elsewhere, in the same order as drawn ones. @param n_events (K,)
  DirectionFit fit(const std::vector<EventPart>& parts, const double* n_events);

 private:
  struct Drawn {  // of one trial and season
    std::vector<std::uint32_t> number, word;
    std::size_t n = 0;
  };
  void add(std::size_t season, const EventColumns& columns, std::size_t n);
  void add_season(std::size_t k, const double* ra);
  void add_other(const EventPart& part);
  DirectionFit fit_index();

  const PointSource* source_;
  const PointSignal* signal_;
  EventIndex index_;
  FitModel model_;
  GroupFitter fitter_;
  std::uint64_t key_ = 0, quad_ = 0;
  std::vector<std::array<Drawn, trials_of_block>> drawn_;  // per season
  std::vector<InjectedEvent> injected_;
  std::vector<double> n_events_;
  // of the events in hand
  std::vector<std::uint32_t> event_;
  std::vector<double> ra_, cos_dec_, x_, y_;
};

}  // namespace nusky
