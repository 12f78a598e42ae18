#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "nusky/directions.hpp"
#include "nusky/fit_model.hpp"
#include "nusky/kernels.hpp"

namespace nusky {

struct Segment {  ///< events of one season in a list
  std::size_t first, last;
};

/// The directions of a group, the events near them, and S/B of every pair; work space of one thread.
class Tile {
 public:
  /// @param several neighbouring tiles will follow each other, so that looking a little wider at once pays
  explicit Tile(const FitModel& model, bool several);

  /// Collects the candidates of the group's tile and evaluates S/B for all its directions.
  void load(const Directions& directions, const DirectionGroup& group);
  /// Bounds d ln Λ/d n_s at n_s = 0 over all γ, for every direction. `load` must have run.
  void screen();

  /// What `screen` found: at most 0 proves that TS = 0.
  float bound(std::size_t p) const { return bound_[p]; }
  bool any_event(std::size_t p) const { return any_event_[p]; }
  double sindec(std::size_t p) const { return sindec_[p]; }

  std::size_t n_candidates() const { return ids_.size(); }
  Segment segment(std::size_t season) const { return segments_[season]; }
  const float* values() const { return a_.data(); }  ///< S/B in the kernels' blocks
  const float* peak() const { return peak_.data(); }
  const float* const* ratio_rows() const { return ratio_rows_.data(); }
  const float* const* node_rows() const { return node_rows_.data(); }
  std::size_t count_pairs() const;

 private:
  struct Neighbourhood {  // events around several neighbouring tiles, copied together
    AlignedVector<float> x, y, z, cos_cut, sin_cut;
    std::vector<std::uint32_t> ids;
  };
  void gather(const DirectionGroup& group);

  const FitModel* model_;
  const Kernels* kernels_;
  bool several_;
  std::vector<Neighbourhood> neighbourhood_;  // per season
  Vec3 neighbourhood_centre_{0, 0, 0};
  double neighbourhood_radius_ = -1.0;
  std::vector<EventRange> ranges_;
  std::vector<std::uint32_t> found_;
  std::size_t n_seasons_;
  std::vector<std::uint32_t> ids_;  // of the candidates
  std::vector<Segment> segments_;
  AlignedVector<float> x_, y_, z_, rate_, gaussian_, weight_, cut_, peak_;
  std::vector<const float*> ratio_rows_, node_rows_;
  AlignedVector<float> a_;
  std::size_t count_ = 0;  // directions of the group
  std::array<double, n_lanes> sindec_{};
  std::array<float, n_lanes> bound_{};
  std::array<bool, n_lanes> any_event_{};
  AlignedVector<float> season_sums_;  // (K, 16 directions, 16 γ)
  std::vector<float> share_bounds_;   // (K, 16 γ)
  std::vector<Share> shares_;
};

}  // namespace nusky
