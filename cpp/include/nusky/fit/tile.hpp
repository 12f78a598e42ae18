#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "nusky/kernels/table.hpp"
#include "nusky/likelihood/fit_model.hpp"
#include "nusky/sphere/directions.hpp"

namespace nusky {

struct Segment {  ///< events of one season in a list
  std::size_t first, last;
};

/// The events of one direction that matter one by one, by season; all others form its tail.
struct NearEvents {
  AlignedVector<float> value, largest_w;  ///< S/B, and S/B times the largest R
  std::vector<std::uint32_t> candidate;
  std::vector<Segment> seasons;
  std::vector<float> sum_largest_w;       ///< (K,) sum of `largest_w`
  std::vector<float> tail, tail_squares;  ///< (K,) Σ S/B · largest R of the others, and of its square
};

/// Candidates of one position that share their records, all within their cut of it.
struct PointPart {
  std::size_t season;
  PointView events;
  std::size_t n;
  const std::uint32_t* number;  ///< (n,) of the records, and points_beyond more
  const float* angle;           ///< (n,) right ascension less that of the position, rad; room for 16 more
};

/// The directions of a group, the events near them, and S/B of every pair; work space of one thread.
///
/// Of the events within the cut of a direction, 75 % lie so far out that together they make 0.4 % of
/// the sum of u = y S/B R. They form the tail, which enters the likelihood through Σu, and through a Σu² that takes all of them
/// to depend on γ alike. Only the others are looked at one by one.
class Tile {
 public:
  /// n_s up to which the first lists hold: most of the sky never needs others.
  static constexpr double first_n_ref = 8.0;
  /// Events whose u = y S/B R stays below this for every γ and all n_s up to n_ref belong to the tail. At n_s = 8 that is 75 % of the
  /// pairs of the first-year season, with 0.4 % of Σu.
  static constexpr double tail_u = 1e-3;

  /// @param several neighbouring tiles will follow each other, so that looking a little wider at once pays
  explicit Tile(const FitModel& model, bool several);

  /// Collects the candidates of the tile of directions.groups()[group], evaluates S/B for some of its directions, lists the near events
  /// of each and bounds its d ln Λ/d n_s at n_s = 0 over all γ. From then on, direction p is the one in lane which[p] of the group.
  void load(const Directions& directions, std::size_t group, const std::uint32_t* which, std::size_t count);
  /// The same for one position, whose candidates were found elsewhere. @param parts season by season
  void load(double sindec, const PointPlace& place, const std::vector<PointPart>& parts);
  /// Events of a season that are in no list, near every direction: from the next load on, Σ of their largest w and of its square. They must
  /// belong to the tail for all n_s asked for.
  void leave_out(std::size_t season, double largest_w, double squares) { left_out_[season] = {largest_w, squares}; }
  /// The same at the coarse γ, (16,), before the tail of a direction is asked for.
  void set_left_sums(std::size_t season, const float* sums) {
    std::copy_n(sums, n_coarse_gamma, left_sums_.data() + season * n_coarse_gamma);
  }
  /// The index holds other events from now on.
  void forget() { chord_ = -1.0; }
  /// Lists the near events of direction p again, so that the tail is small up to n_s = n_ref.
  void list_again(std::size_t p, double n_ref);
  /// Sums the tails of the directions for which ts = 0 is not proven; for a whole tile at once, it is a matrix product.
  void sum_tails();

  /// That bound: at most 0 proves that TS = 0.
  float bound(std::size_t p) const { return bound_[p]; }
  bool any_event(std::size_t p) const { return any_event_[p]; }
  double sindec(std::size_t p) const { return sindec_[p]; }

  NearEvents& near(std::size_t p) { return near_[p]; }
  /// Σ S/B R over the tail of direction p, (K, n_coarse_gamma) at the coarse γ.
  const float* tail(std::size_t p);
  /// Largest share of season k at direction p, over all γ.
  double highest_share(std::size_t p, std::size_t k) const { return static_cast<double>(highest_share_[p * n_seasons_ + k]); }
  /// R at the coarse γ and ln R on the nodes, by candidate.
  const float* const* ratio_rows() const { return ratio_rows_.data(); }
  const float* const* node_rows() const { return node_rows_.data(); }
  std::size_t n_candidates() const { return n_candidates_; }
  /// Pairs within the cut.
  std::size_t count_pairs() const;

 private:
  struct Pool {  // events around several neighbouring tiles of one season
    std::size_t n = 0;
    std::vector<std::uint32_t> ids;
    AlignedVector<std::int32_t> x, y, z;
    AlignedVector<float> cut_chord, rate, gaussian, weight, cut, peak, lift;
    std::vector<const float*> ratio, log_ratio;
  };
  // Where S/B of candidate c at direction p stands in the kernels' blocks: see CandidateView.
  std::size_t in_blocks(std::size_t c, std::size_t p) const { return (c / block_size * count_ + p) * block_size + c % block_size; }
  void fill_pools(const Directions& directions, std::size_t group);
  void select(const DirectionGroup& group);
  void fill_up(std::size_t n);
  void bound_shares();
  void split(std::size_t first, std::size_t count, double n_ref);
  void screen(std::size_t p);
  void sum_tails(const std::uint32_t* which, std::size_t count);

  const FitModel* model_;
  const Kernels* kernels_;
  bool several_;
  std::vector<Pool> pools_;  // per season
  Vec3 middle_ = Vec3::Zero();
  double chord_ = -1.0;  // tiles within this chord of the middle find all their events in the pools
  std::vector<EventRange> ranges_;
  std::size_t n_seasons_, n_candidates_ = 0;
  // candidates; those of a season are filled up to a multiple of block_size with candidates of weight 0
  std::size_t n_filled_ = 0;
  std::vector<Segment> segments_;
  AlignedVector<float> x_, y_, z_, rate_, gaussian_, weight_, cut_, peak_, lift_;
  std::vector<const float*> ratio_rows_, node_rows_;
  AlignedVector<float> a_;  // S/B in the kernels' blocks; 0 for the near events once they are listed
  std::size_t count_ = 0;   // directions in question
  std::array<NearEvents, group_size> near_;
  std::array<double, group_size> sindec_{};
  std::array<float, group_size> bound_{};
  std::array<bool, group_size> any_event_{}, has_tail_{};
  AlignedVector<float> tails_;         // (16 directions, K, 16 γ)
  AlignedVector<float> season_tails_;  // (16 directions, 16 γ)
  struct LeftOut {
    double largest_w = 0.0, squares = 0.0;
  };
  std::vector<LeftOut> left_out_;     // (K)
  AlignedVector<float> left_sums_;    // (K, 16 γ)
  std::vector<float> share_bounds_;   // (16 directions, K, 16 γ)
  std::vector<float> highest_share_;  // (16 directions, K)
  std::vector<Share> shares_;
};

}  // namespace nusky
