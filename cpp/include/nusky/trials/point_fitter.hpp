#pragma once
#include <vector>

#include "nusky/fit/group_fitter.hpp"
#include "nusky/trials/drawn_words.hpp"

namespace nusky {

/// Fits trials of sources at fixed positions, one after the other; the work space of one thread. A trial is begun, filled and fitted.
class PointFitter {
 public:
  /// @param gamma none: free; else γ is fixed there
  PointFitter(const Likelihood& likelihood, std::optional<double> gamma);
  PointFitter(const PointFitter&) = delete;
  PointFitter& operator=(const PointFitter&) = delete;

  /// A trial without events, around a source that must outlive it.
  void begin(const PointSource& source);
  /// The seasons' own events of trial 4 · quad + w of what was drawn last.
  void take(const DrawnWords& words, std::size_t w);
  /// The seasons' own events where they are known. @param ra (n,) rad, by row
  void take(std::size_t season, const double* ra);
  /// An event that comes by itself, and counts. @param event of the columns; the records must outlive the trial
  void add(std::size_t season, const PointRecords& records, std::size_t event, double ra);
  /// @param n_events (K,) in place of those that came in
  DirectionFit fit(std::size_t position, const double* n_events = nullptr);

 private:
  struct Own {  // events of a season within their cut of a position
    std::vector<std::uint32_t> number, word;
    std::vector<double> rest;  // empty: 0
    std::size_t n = 0;
  };
  struct Loose {
    std::size_t season, event;
    const PointRecords* records;
    double ra;
  };
  Own& own(std::size_t season, std::size_t position) { return own_[season * source_->n_positions() + position]; }
  void add_own(std::size_t season, std::size_t position);
  void add_loose(std::size_t season, const PointPosition& position);

  EventIndex index_;  // holds the numbers of events alone
  FitModel model_;
  GroupFitter fitter_;
  const PointSource* source_ = nullptr;
  std::vector<Own> own_;  // (K, M)
  std::vector<ArcPicks> picks_;
  std::vector<Loose> loose_;
  std::vector<double> n_events_;
  // of the position in hand
  std::vector<PointPart> parts_;
  std::vector<AlignedVector<float>> angle_;  // (K)
  AlignedVector<float> loose_angle_;
  std::vector<std::uint32_t> loose_number_;
  std::size_t n_loose_ = 0;
};

/// Fits the first position of a source to events made elsewhere, in the same order as drawn ones. @param n_events (K,)
DirectionFit fit_point_parts(const Likelihood& likelihood, const PointSource& source, const std::vector<EventPart>& parts,
                             const double* n_events);

}  // namespace nusky
