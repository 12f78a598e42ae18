#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "nusky/events/point_records.hpp"
#include "nusky/random/philox.hpp"
#include "nusky/random/poisson.hpp"
#include "nusky/sphere/directions.hpp"

namespace nusky {

/// Events of a season that follow each other in its columns, nearly all of them in reach of a source.
struct ArcRange {
  std::size_t first, n;  ///< in the columns
  std::size_t at;        ///< of their entries in PointBackground
};

/// The events of a season that some right ascension brings within their cut of a source, laid out once for all trials, in the order of the
/// columns. The arrays have room for random_room more.
struct PointBackground {
  std::shared_ptr<const PointRecords> records;
  std::vector<ArcRange> ranges;
  std::vector<std::uint32_t> item;  ///< row of the season: the number of the event for the generator
  std::vector<std::uint32_t> half;  ///< see ArcView
  std::vector<double> time;         ///< MJD by number in the columns; empty: not known
  std::size_t size() const { return ranges.empty() ? 0 : ranges.back().at + ranges.back().n; }
  const EventColumns& columns() const { return records->columns(); }
};

/// A position of a source: its right ascension as the nearest word, and what is added to angles from that word.
struct PointPosition {
  double ra;
  std::uint32_t word;
  double off;
};

/// A source at a fixed position, or at several that have a declination in common, and the seasons' own events in reach of it.
class PointSource {
 public:
  /// @param records (K,) of the seasons' own events, row i of which is event i for the generator
  /// @param ra (M,) rad; of several, ascending over the circle in even steps
  /// @param times per season (n,) MJD by row; empty: not known
  PointSource(std::vector<std::shared_ptr<const PointRecords>> records, const std::vector<double>& ra, double dec,
              const std::vector<const double*>& times = {});

  /// Whether the events have times.
  bool timed() const { return timed_; }
  const Directions& directions() const { return directions_; }
  double dec() const { return dec_; }
  double sindec() const { return sindec_; }
  const PointPlace& place() const { return place_; }
  std::size_t n_positions() const { return positions_.size(); }
  const PointPosition& position(std::size_t m) const { return positions_[m]; }
  /// Words of the positions.
  ArcCentres centres() const { return {words_.size(), words_.data()}; }
  std::size_t n_seasons() const { return seasons_.size(); }
  const PointBackground& season(std::size_t k) const { return seasons_[k]; }
  std::size_t n_events(std::size_t k) const { return seasons_[k].columns().size(); }
  std::optional<double> gamma() const { return seasons_[0].records->gamma(); }
  /// Events in reach, over all seasons.
  std::size_t n_in_reach() const;

 private:
  PointBackground in_reach(std::shared_ptr<const PointRecords> records) const;

  Directions directions_;
  double dec_, sindec_;
  PointPlace place_;
  std::vector<PointPosition> positions_;
  std::vector<std::uint32_t> words_;
  std::vector<PointBackground> seasons_;
  bool timed_;
};

/// Right ascension as the nearest word, and how much it is above that, rad.
std::uint32_t nearest_word(double ra);
double above_word(double ra, std::uint32_t word);

}  // namespace nusky
