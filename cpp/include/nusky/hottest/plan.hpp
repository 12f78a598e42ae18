#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "nusky/bounds/knot_rows.hpp"
#include "nusky/bounds/sky_bound.hpp"
#include "nusky/sphere/directions.hpp"

namespace nusky {

class SearchPlan;

/// The parts of the sky, cells, in which the directions of a plan have one bound each; all directions have a cell or none.
class PlanCells {
 public:
  /// Below this coarse cells leave too much.
  static constexpr double coarse_ts = 85.0;
  static constexpr std::uint32_t no_cell = 0xffffffffU;

  /// Bounds over the part of the sky where directions need much ts, and over that where they need more than nearly any has.
  const std::vector<std::unique_ptr<SkyBound>>& sky() const { return sky_; }
  /// Cells of all bounds together.
  std::size_t n_cells() const { return n_cells_; }
  /// Cell of the direction in a slot, counted through all bounds, or no_cell.
  std::uint32_t cell(std::size_t slot) const { return cell_of_[slot]; }
  /// Largest terms of a prior in all cells, in clusters from `first_far` on; −∞ in cells with none of these.
  const double* cell_top(std::size_t prior) const { return cell_top_.data() + prior * n_cells_; }
  /// Clusters from `first_far` on with directions in a cell.
  const std::uint32_t* far_begin(std::size_t cell) const { return far_of_cell_.data() + first_of_cell_[cell]; }
  const std::uint32_t* far_end(std::size_t cell) const { return far_of_cell_.data() + first_of_cell_[cell + 1]; }

 private:
  friend class SearchPlan;
  void cover(const SearchPlan& plan, SkyGrid grid, double low_n, double n, double above, double up_to);
  void find_far(const SearchPlan& plan);

  std::vector<double> cell_top_;
  std::vector<std::uint32_t> cell_of_, far_of_cell_, first_of_cell_;
  std::vector<std::unique_ptr<SkyBound>> sky_;
  std::size_t n_cells_ = 0;
};

/// What the search for the hottest direction knows before any trial: the prior terms, and in which order to look.
class SearchPlan {
 public:
  /// @param directions must outlive the search
  /// @param terms (n_priors, directions) row-major, −∞: the direction cannot win; they are copied
  SearchPlan(const Directions& directions, const double* terms, std::size_t n_priors);

  const Directions& directions() const { return *directions_; }
  std::size_t n_priors() const { return top_.size(); }
  /// Term of the direction in a slot of Directions::order().
  double term(std::size_t prior, std::size_t slot) const { return terms_[prior * directions_->size() + slot]; }
  /// How far the term of the direction in a slot lies below the largest of its prior, at most 0, for the prior where that is least.
  double promise(std::size_t slot) const;
  /// Largest term of a prior, and the lowest direction that has it; −1: every term is −∞.
  double top(std::size_t prior) const { return top_[prior]; }
  std::int64_t top_direction(std::size_t prior) const { return top_direction_[prior]; }
  /// Neighbouring tiles with a finite term, those with the largest terms first, and from `first_far` on in the order of the tiles.
  const std::vector<Cluster>& clusters() const { return clusters_; }
  std::size_t first_far() const { return first_far_; }
  /// Largest term of a prior in a cluster.
  double cluster_top(std::size_t cluster, std::size_t prior) const { return cluster_top_[cluster * top_.size() + prior]; }

  /// Chord of the radius of a cluster's cap.
  double cluster_chord(std::size_t cluster) const;
  /// Appends the clusters with a direction within a chord of a place, and others near by; some more than once.
  void near(const Vec3& place, double chord, std::vector<std::uint32_t>& out) const;

  /// Rows of events for the bounds that know γ, kept from trial to trial.
  const KnotRows& knot_rows() const { return knot_rows_; }

  /// Whether so many directions need so much ts that bounds over the sky pay; cells are there only then.
  bool wide() const { return wide_; }
  /// For whatever ts is known.
  const PlanCells& cells() const { return cells_; }
  /// Coarser ones, for where all clusters from `first_far` on need a ts above `PlanCells::coarse_ts`: half the time, and bounds that leave
  /// more.
  const PlanCells& coarse_cells() const { return coarse_cells_; }
  /// Largest term of a prior in the clusters from `first_far` on; −∞: there are none.
  double far_top(std::size_t prior) const { return far_top_[prior]; }

 private:
  void find_cells();

  const Directions* directions_;
  std::vector<double> terms_;  // in the order of the groups
  std::vector<double> top_, cluster_top_, far_top_;
  std::vector<std::int64_t> top_direction_;
  std::vector<Cluster> clusters_;
  std::vector<std::uint32_t> by_height_;  // clusters, by z of their centres
  std::vector<double> height_;            // in this order
  double widest_ = 0.0;                   // chord of the largest cap
  std::size_t first_far_ = 0;
  bool wide_ = false;
  PlanCells cells_, coarse_cells_;
  KnotRows knot_rows_;
};

}  // namespace nusky
