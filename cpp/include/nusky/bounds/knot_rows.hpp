#pragma once
#include <memory>
#include <mutex>
#include <vector>

#include "nusky/aligned.hpp"
#include "nusky/events/event_index.hpp"
#include "nusky/events/zone_grid.hpp"
#include "nusky/kernels/views/knots.hpp"
#include "nusky/likelihood/likelihood.hpp"

namespace nusky {

/// What an event has at the knots, where N_k is 1. Between knots it has no more than what is interpolated linearly.
struct KnotRow {
  float total;                 ///< Σ at
  float at[KnotShape::knots];  ///< f_k S(0)/B · R, raised for its place in float (B13)
};

/// How far the places of events and directions in float, rad, may be off together: right ascensions are kept in float, too.
constexpr double knot_places = 6e-7;

/// Raises a shape to that of a row.
void raise(KnotShape& shape, const KnotRow& row);

/// The total of a row, of 1 for each event of its season, as the power of a KnotEvent, rounded up.
float power_of(double total);

/// The row of one event (B12).
/// @param shares (n_coarse_gamma,) largest share of its season in each coarse γ interval, wherever the event reaches
KnotRow knot_row(const EventRecord& event, const GammaAxis& axis, const float* shares);

/// An event that has no right ascension yet: x is the cosine of its declination. Power and weight are those for N_k = 1, the weight for f =
/// 1; it has no shape.
KnotEvent knot_event(const EventRecord& event, const KnotRow& row);

/// What the bound reads of whole seasons: it is made for the first trial, and stays as long as the events do. Of a million rows most are
/// nearly the product of a number and one of a few thousand shapes, which stay in a cache. Only right ascensions change: a trial sorts the
/// events of zones that are known.
class KnotRows {
 public:
  struct Season {
    std::weak_ptr<const EventColumns> columns;  ///< which may be gone before the next trial
    int number;                                 ///< in the index
    AlignedVector<KnotEvent> events;            ///< of the columns, see knot_event
  };
  /// Events first … last−1 of a season: those of one zone and cut class.
  struct Run {
    std::size_t season, first, last;
  };
  /// All runs of a zone, and the number that its first event has among those of all zones.
  struct Zone {
    std::size_t grid, number, first_run, last_run;
    std::uint32_t begin;
  };
  struct Seasons {
    AlignedVector<KnotShape> shapes;
    std::vector<Season> all;
    std::vector<ZoneGrid> grids;  ///< by cut class, for the events of all seasons
    std::vector<Run> runs;
    std::vector<Zone> zones;
    std::uint32_t n_events = 0;
  };

  /// Of the whole seasons of a trial, in their order; γ must be free. None: there are too many γ nodes, or too many events that come one by
  /// one, whose rows would have to be made in every trial.
  std::shared_ptr<const Seasons> of(const Likelihood& likelihood, const EventIndex& index, int n_threads) const;

  /// Memory for the events of a trial, which is that of an earlier one: the system takes longer to give it than a trial to fill it.
  AlignedVector<KnotEvent> take_room() const;
  void give_back(AlignedVector<KnotEvent>&& room) const;

 private:
  static void find_zones(const std::vector<WholeSeason>& whole, Seasons& made);

  mutable std::mutex making_;
  mutable std::shared_ptr<const Seasons> made_;
  mutable std::unique_ptr<const Likelihood> made_for_;
  mutable std::vector<AlignedVector<KnotEvent>> rooms_;
};

}  // namespace nusky
