#pragma once
#include <vector>

#include "nusky/fit/tile.hpp"

namespace nusky {

/// The events of one direction as a fit up to some n_s reads them: near ones, the strong among them, and the tail.
class DirectionEvents {
 public:
  explicit DirectionEvents(const FitModel& model);

  /// Takes the near events of direction p of a tile and lists once more those that are strong at n_ref: whose u = y W can reach a
  /// twentieth somewhere.
  void take(Tile& tile, std::size_t p, double n_ref);
  /// Asks for the rows of ln R of the near events from node `first` on: most are read for the first time in this tile.
  void fetch_rows(int first) const;

  double sindec() const { return sindec_; }
  const NearEvents& near() const { return *near_; }
  /// Near events of a season; the strong among them; and all near ones, with S/B = 0 for the strong.
  EventView every(std::size_t season) const { return view(near_->seasons[season], near_->value.data(), near_->candidate.data()); }
  EventView strong(std::size_t season) const { return view(strong_seasons_[season], strong_.data(), strong_candidate_.data()); }
  EventView weak(std::size_t season) const { return view(near_->seasons[season], weak_.data(), near_->candidate.data()); }
  /// Σ S/B R over the tail at the coarse γ.
  const float* tail(std::size_t season) const { return tail_ + season * n_coarse_gamma; }
  /// Rows of R at the coarse γ and of ln R on the nodes, by candidate.
  const float* const* ratio_rows() const { return ratio_rows_; }
  const float* const* node_rows() const { return node_rows_; }

 private:
  static EventView view(Segment s, const float* value, const std::uint32_t* candidate) {
    return {s.last - s.first, value + s.first, candidate + s.first};
  }

  const FitModel* model_;
  const Kernels* kernels_;
  double sindec_ = 0.0;
  const NearEvents* near_ = nullptr;
  const float* tail_ = nullptr;
  const float* const* ratio_rows_ = nullptr;
  const float* const* node_rows_ = nullptr;
  AlignedVector<float> weak_, strong_;
  std::vector<std::uint32_t> strong_candidate_;
  std::vector<Segment> strong_seasons_;
};

}  // namespace nusky
