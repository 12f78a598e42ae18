#pragma once
#include <cstdint>
#include <vector>

#include "nusky/fit/direction_fit.hpp"
#include "nusky/fit/newton.hpp"
#include "nusky/fit/profile.hpp"
#include "nusky/fit/tile.hpp"

namespace nusky {

/// Fits directions of one group at a time; owns the work space of one thread.
class GroupFitter {
 public:
  /// @param several_tiles neighbouring tiles will follow each other, so that looking a little wider at once pays
  explicit GroupFitter(const FitModel& model, bool several_tiles = true);

  /// Loads some directions of a group: direction p is from then on the one in lane which[p].
  void load(const Directions& directions, std::size_t group, const std::uint32_t* which, std::size_t count) {
    tile_.load(directions, group, which, count);
  }
  /// Loads all directions of a group.
  void load(const Directions& directions, std::size_t group);
  /// Loads one position, whose candidates were found elsewhere: direction 0. Only the numbers of events are read from the index.
  void load(double sindec, const PointPlace& place, const std::vector<PointPart>& parts) { tile_.load(sindec, place, parts); }
  /// See Tile.
  void leave_out(std::size_t season, double largest_w, double squares) { tile_.leave_out(season, largest_w, squares); }
  void set_left_sums(std::size_t season, const float* sums) { tile_.set_left_sums(season, sums); }
  /// The index holds the events of another trial from now on.
  void forget() { tile_.forget(); }
  /// For when every direction will be fitted: does for all of them at once what `fit` else does one by one.
  void prepare() { tile_.sum_tails(); }
  /// A bound has shown that ts = 0.
  bool proven_zero(std::size_t p) const { return tile_.bound(p) <= 0.0F; }
  /// The exact fit of direction p. `load` must have run.
  DirectionFit fit(std::size_t p);
  /// n_s up to which the near events of the last fit were listed: only rows of ln R of events whose u can exceed Tile::tail_u there were
  /// read.
  double n_ref() const { return n_ref_; }
  /// Candidates of the group, and of these times directions loaded the pairs within the cut (for benchmarks).
  std::size_t n_candidates() const { return tile_.n_candidates(); }
  std::size_t count_pairs() const { return tile_.count_pairs(); }

 private:
  enum class Accuracy {
    profile,   ///< weak events through their power sums: where the maximum is
    gradient,  ///< every near event and the tail: value and gradient
    exact,     ///< the same, and the curvature of `profile`
  };
  class AtAccuracy;

  DirectionFit fit_free(std::size_t p);
  DirectionFit fit_fixed(std::size_t p);
  DirectionFit highest_maximum();
  double enter(const Stencil& at);
  EventSums season_sums(std::size_t season, double y, const Stencil& at, const CoarseWeights& coarse, Accuracy accuracy);
  Evaluation evaluate(double n, const Stencil& at, double gamma, Accuracy accuracy);
  bool polish(Maximum& best, DirectionFit& out);
  DirectionFit maximise(double n, double gamma, Accuracy accuracy);

  const FitModel* model_;
  const Kernels* kernels_;
  std::size_t n_seasons_;
  Tile tile_;
  DirectionEvents events_;
  Profile profile_;
  double n_ref_ = 0.0;
  std::vector<Share> shares_;  // at the γ entered last
};

}  // namespace nusky
