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
  std::vector<const float*> log_ratio;  ///< rows of ln R, nullptr without energy term; 16 more entries
  std::vector<double> per_season;       ///< (K,) how many

  /// (n,) R at a coarse γ; for columns with γ.
  const float* lane(std::size_t l) const { return lanes_.data() + l * size(); }
  /// Events of one season that follow each other: how many such segments there are, and the first event of one (or the end).
  std::size_t segments() const { return segment_.size() - 1; }
  std::size_t segment(std::size_t s) const { return segment_[s]; }

 private:
  struct Found {
    double time, ratio;
    std::uint32_t event, season;
  };
  std::vector<EventRange> ranges_;
  std::vector<Found> found_, sorted_;
  std::vector<float> lanes_;  // (n_coarse_gamma, n)
  std::vector<std::size_t> segment_;
};

}  // namespace nusky
