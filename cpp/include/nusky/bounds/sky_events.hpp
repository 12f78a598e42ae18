#pragma once
#include <cstdint>
#include <vector>

#include "nusky/aligned.hpp"
#include "nusky/bounds/sky_nodes.hpp"
#include "nusky/bounds/sky_table.hpp"
#include "nusky/events/event_record.hpp"
#include "nusky/kernels/table.hpp"

namespace nusky {

/// What SkyBound needs of an event apart from its right ascension: it stays the same in every trial.
struct SkyEvent {
  double dec;
  double rate;    ///< of SpatialTerm
  double weight;  ///< largest S(0)/B · R over all γ
};

/// The events that reach the nodes of one band at one layer.
struct BandEvents {
  std::vector<EventInBand> events;          ///< in the order of their numbers of rows, then of declinations
  std::vector<RowEntry> entries;            ///< their rows, one event after the other
  std::vector<double> spread_u, spread_u2;  ///< by row: Σ u, Σ u² of what is added to whole rows (B9)

  void sort();
  BandEventsView view() const { return {events.size(), events.data(), entries.data()}; }
};

/// The events of a season for the nodes of a sky grid. An event goes to the finest layer of which 16 bins hold all places where its
/// u = n (f/N) S/B R is not small; what it adds elsewhere is summed for whole rows.
class SkyEvents {
 public:
  /// @param nodes of which rows are needed
  /// @param scale (bands,) u where S/B R is 1, at the largest n in question
  /// @param smallest_u what stays below in a row is left out there, and added to the whole row
  SkyEvents(const std::vector<SkyEvent>& events, const SkyNodes& nodes, std::vector<double> scale, double smallest_u);

  const BandEvents& of(std::size_t layer, std::size_t band) const { return bands_[layer * scale_.size() + band]; }
  double scale(std::size_t band) const { return scale_[band]; }

 private:
  struct OnItsWay;
  // False: the event has hardly anything in these rows, nor in those further away
  bool enter(const OnItsWay& e, const SkyRows& rows, std::uint32_t needed, double scale, BandEvents& to) const;

  double smallest_u_;
  std::vector<double> scale_;
  std::vector<BandEvents> bands_;  // layer after layer
};

}  // namespace nusky
