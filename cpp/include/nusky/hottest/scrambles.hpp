#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "nusky/events/event_part.hpp"
#include "nusky/random/philox.hpp"

namespace nusky {

/// Where a season's own events matter for a search: lower bounds of the distance to it, in cells of declination and right ascension.
struct NearGrid {
  std::size_t n_ra = 0;         ///< cells of a whole turn
  std::vector<float> distance;  ///< rad, row by row; empty: all events matter wherever they are
};

/// What is known of the events of a season before any trial.
struct NearSeason {
  std::size_t n = 0;
  const std::int64_t* row = nullptr;         ///< (n,) of those that some right ascension brings near
  const std::int32_t* first_cell = nullptr;  ///< (n,) of the grid's row at its declination
  const float* reach = nullptr;              ///< (n,) rad
};

/// The seasons' own events at right ascensions drawn by counter, as the trials of a search see them: those that can matter.
class Scrambles {
 public:
  struct Season {
    std::shared_ptr<const EventColumns> columns;
    std::vector<std::uint32_t> event;  // ascending
    std::vector<std::uint32_t> item;   // of random numbers: rows of the events, with room for kernels
    std::vector<std::int32_t> first_cell;
    std::vector<float> reach;
  };
  /// @param near one for each season; empty with an empty grid
  Scrambles(std::vector<std::shared_ptr<const EventColumns>> columns, NearGrid grid, const std::vector<NearSeason>& near);

  const std::vector<Season>& seasons() const { return seasons_; }
  const NearGrid& grid() const { return grid_; }

 private:
  NearGrid grid_;
  std::vector<Season> seasons_;
};

/// Scrambles of four neighbouring trials, and the events of one of them: the work space of a thread.
class DrawnScrambles {
 public:
  explicit DrawnScrambles(const Scrambles& scrambles);
  /// Those of trials 4 · quad … 4 · quad + 3.
  void draw(std::uint64_t key, std::uint64_t quad);
  /// Appends the seasons' events of trial 4 · quad + w; they hold until the next call.
  void append(std::size_t w, std::vector<EventPart>& parts);

 private:
  struct Season {
    std::array<std::vector<std::uint32_t>, trials_of_block> word;
    std::vector<std::uint32_t> event;
    std::vector<double> ra;
  };
  std::size_t choose(const Scrambles::Season& season, std::size_t w, Season& out) const;

  const Scrambles* scrambles_;
  std::vector<Season> seasons_;
};

}  // namespace nusky
