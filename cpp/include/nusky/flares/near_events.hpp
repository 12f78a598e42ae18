#pragma once
#include <cstdint>
#include <vector>

#include "nusky/events/event_index.hpp"

namespace nusky {

/// The events within their cut of one direction, in the order of their times.
class NearInTime {
 public:
  /// @param days (K,) uptime of each season
  void gather(const EventIndex& index, const Vec3& direction, const double* days);

  std::size_t size() const { return time.size(); }
  /// First event not before, first event after a time.
  std::size_t not_before(double t) const;
  std::size_t after(double t) const;

  std::vector<double> time;    ///< MJD
  std::vector<double> weight;  ///< S/B · T_k/N_k: what n f_k R multiplies, over the uptime in a window
  std::vector<double> ratio;   ///< S/B
  std::vector<float> peak;     ///< largest R over γ
  std::vector<float> lift;
  std::vector<std::uint32_t> season;
  std::vector<const float*> coarse;     ///< rows of R at the coarse γ, nullptr where γ is not free; 16 more entries
  std::vector<const float*> log_ratio;  ///< rows of ln R, nullptr without energy term; 16 more entries
  std::vector<double> per_season;       ///< (K,) how many

 private:
  struct Found {
    double time, ratio;
    std::uint32_t event, season;
  };
  std::vector<EventRange> ranges_;
  std::vector<Found> found_, sorted_;
};

}  // namespace nusky
