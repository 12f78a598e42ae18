#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "nusky/kernels/views/events.hpp"
#include "nusky/sphere/sphere.hpp"

namespace nusky {

/// The bins of one zone, and the steps by which its events are sorted into them: every event is counted; the bins begin; every event is
/// put, and gets its number in the index; the bins end.
struct ZoneBins {
  std::uint32_t* start;  // (n,) first event of each bin; before `begin` how many there are
  int n;
  bool last;  // of the grid: start has another entry, the end of its events

  /// @param ra rad, 0 ≤ ra < 2π
  int bin(double ra) const { return std::min(n - 1, static_cast<int>(ra * (0.5 / pi) * n)); }
  void count(double ra) const { ++start[bin(ra)]; }
  /// @param end_of_zone of its events in the index
  void begin(std::uint32_t end_of_zone) const {
    if (last) start[n] = end_of_zone;
    for (int b = n; b-- > 0;) {
      end_of_zone -= start[b];
      start[b] = end_of_zone;
    }
  }
  std::uint32_t put(double ra) const { return start[bin(ra)]++; }
  /// @param first_of_zone of its events in the index
  void end(std::uint32_t first_of_zone) const {
    for (int b = n; b-- > 1;) start[b] = start[b - 1];  // by now every bin begins where it ends
    start[0] = first_of_zone;
  }
};

/// Where the events of one cut class are in an index: zones of declination, each cut into bins of right ascension, about half as wide as
/// the cut. The events of a bin follow each other, and so do the bins of a zone, and the zones.
class ZoneGrid {
 public:
  /// @param cut of the class, rad
  /// @param n events that there may be: every bin should hold some
  /// @param divided false: one zone of one bin, because looking at all events costs less
  ZoneGrid(double cut, std::size_t n, bool divided);

  std::size_t n_zones() const { return zones_.size(); }
  std::size_t zone(double dec) const {
    const auto n = static_cast<int>(n_zones());
    return static_cast<std::size_t>(std::clamp(static_cast<int>((dec + pi / 2) * (1.0 / pi) * n), 0, n - 1));
  }
  ZoneBins bins(std::size_t zone) { return {start_.data() + zones_[zone].first, zones_[zone].bins, zone + 1 == zones_.size()}; }
  /// Of a grid of one bin: its events.
  void set_only_bin(std::uint32_t first, std::uint32_t last) { start_ = {first, last}; }
  std::uint32_t first_event() const { return start_.front(); }

  /// Appends the ranges, ascending, that hold all events whose cut reaches into the cap of all within a chord of a direction.
  void near(double ra, double dec, double chord, std::vector<EventRange>& out) const;

 private:
  struct Zone {
    int bins;
    float cos_dec;      // smallest cos δ
    std::size_t first;  // of its bins
  };

  double cut_, height_;  // of a zone, rad
  std::vector<Zone> zones_;
  std::vector<std::uint32_t> start_;  // first event of each bin, and the end of the last
};

}  // namespace nusky
