#include "nusky/hottest/plan.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

namespace nusky {
namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

// Bounds over the sky take as long as some hundred clusters; they settle directions that need a ts of this or more.
constexpr double far_term = 20.0;
constexpr std::size_t many_far = 300;
// A term this far below the top asks for more ts than coarser cells and one tangent leave.
constexpr double distant_term = 80.0;
// Below such a term the order matters less than that neighbours follow each other. Above it, directions need no sky bounds: those of a
// survey are closer.
constexpr double unordered_term = 10.0;

struct Promising {
  std::uint32_t group;
  double promise;  // how far the terms of the group lie below the largest, at most 0
};

double cap_chord(const Cap& cap) { return 2.0 * std::sin(0.5 * std::min(cap.radius, pi)); }

bool is_far(const Promising& p) { return p.promise < -unordered_term; }

}  // namespace

SearchPlan::SearchPlan(const Directions& directions, const double* terms, std::size_t n_priors)
    : directions_(&directions), top_(n_priors, minus_infinity) {
  const std::size_t n = directions.size();
  for (std::size_t i = 0; i < n_priors * n; ++i)
    if (std::isnan(terms[i]) || terms[i] == std::numeric_limits<double>::infinity())
      throw std::invalid_argument("prior_terms: prior " + std::to_string(i / n) + ", direction " + std::to_string(i % n) +
                                  " must be a number or -inf (cannot win)");
  terms_.reserve(n_priors * n);
  for (std::size_t j = 0; j < n_priors; ++j) {
    for (const std::uint32_t i : directions.order()) {
      terms_.push_back(terms[j * n + i]);
      top_[j] = std::max(top_[j], terms_.back());
    }
    const double* first = terms + j * n;
    top_direction_.push_back(top_[j] > minus_infinity ? std::find(first, first + n, top_[j]) - first : -1);
  }

  const std::vector<DirectionGroup>& groups = directions.groups();
  std::vector<Promising> queue;
  for (std::uint32_t g = 0; g < groups.size(); ++g) {
    double most = minus_infinity;
    for (std::uint32_t p = 0; p < groups[g].count; ++p) most = std::max(most, promise(groups[g].first + p));
    if (most > minus_infinity) queue.push_back({g, most});
  }
  // steps of two in ts, and one where hardly any direction can win, so that neighbours still follow each other and share their candidates
  const auto step = [](const Promising& p) { return is_far(p) ? -unordered_term : std::floor(p.promise / 2.0); };
  std::stable_sort(queue.begin(), queue.end(), [&](const Promising& a, const Promising& b) { return step(a) > step(b); });
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const std::uint32_t g = queue[i].group;
    const auto fits = [&](const Cluster& c) {
      return c.n_groups < Cluster::most_groups && worth_joining(groups[c.group[0]], groups[g], 3.0);
    };
    if (i == 0 || is_far(queue[i]) != is_far(queue[i - 1]) || !fits(clusters_.back())) clusters_.emplace_back();
    if (!is_far(queue[i])) first_far_ = clusters_.size();
    Cluster& c = clusters_.back();
    c.group[c.n_groups++] = g;
  }
  cluster_top_.reserve(clusters_.size() * n_priors);
  for (Cluster& c : clusters_) {
    c.cap = enclosing_cap(groups, c.group.data(), c.n_groups);
    for (std::size_t j = 0; j < n_priors; ++j) {
      double most = minus_infinity;
      for (std::uint32_t g = 0; g < c.n_groups; ++g)
        for (std::uint32_t p = 0; p < groups[c.group[g]].count; ++p) most = std::max(most, term(j, groups[c.group[g]].first + p));
      cluster_top_.push_back(most);
    }
  }
  by_height_.resize(clusters_.size());
  std::iota(by_height_.begin(), by_height_.end(), 0U);
  std::stable_sort(by_height_.begin(), by_height_.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return clusters_[a].cap.centre.z() < clusters_[b].cap.centre.z(); });
  for (const std::uint32_t c : by_height_) {
    height_.push_back(clusters_[c].cap.centre.z());
    widest_ = std::max(widest_, cap_chord(clusters_[c].cap));
  }
  far_top_.assign(n_priors, minus_infinity);
  for (std::size_t c = first_far_; c < clusters_.size(); ++c)
    for (std::size_t j = 0; j < n_priors; ++j) far_top_[j] = std::max(far_top_[j], cluster_top(c, j));
  std::size_t n_far = 0;
  for (std::size_t c = 0; c < clusters_.size(); ++c) {
    bool below = true;
    for (std::size_t j = 0; j < n_priors; ++j) below = below && !(cluster_top(c, j) > top_[j] - far_term);
    n_far += below;
  }
  if (n_far > many_far) find_cells();
}

// How far the term of a direction lies below the largest of its prior, at most 0, for the prior where that is least.
double SearchPlan::promise(std::size_t slot) const {
  double most = minus_infinity;
  for (std::size_t j = 0; j < top_.size(); ++j) most = std::max(most, term(j, slot) - top_[j]);
  return most;
}

double SearchPlan::cluster_chord(std::size_t cluster) const { return cap_chord(clusters_[cluster].cap); }

void SearchPlan::near(const Vec3& place, double chord, std::vector<std::uint32_t>& out) const {
  // heights differ by no more than the chord; the margin is for rounding
  constexpr double margin = 1e-6;
  const double most = chord + widest_ + margin;
  auto i = static_cast<std::size_t>(std::lower_bound(height_.begin(), height_.end(), place.z() - most) - height_.begin());
  for (; i < height_.size() && height_[i] <= place.z() + most; ++i) {
    const Cap& cap = clusters_[by_height_[i]].cap;
    const double reach = chord + cap_chord(cap) + margin;
    if ((cap.centre - place).squaredNorm() <= reach * reach) out.push_back(by_height_[i]);
  }
}

// Gives the directions whose promise is within (above, up_to] a cell of a new bound.
void PlanCells::cover(const SearchPlan& plan, SkyGrid grid, double low_n, double n, double above, double up_to) {
  const Directions& directions = plan.directions();
  cell_of_.resize(directions.size(), no_cell);
  std::vector<std::uint32_t> cell(cell_of_.size(), no_cell), cells;
  for (std::size_t i = 0; i < cell.size(); ++i) {
    const double p = plan.promise(i);
    if (!(p > above) || p > up_to) continue;
    cell[i] = grid.cell(directions.vector(directions.order()[i]));
    cells.push_back(cell[i]);
  }
  if (cells.empty()) return;
  std::sort(cells.begin(), cells.end());
  cells.erase(std::unique(cells.begin(), cells.end()), cells.end());
  for (std::size_t i = 0; i < cell.size(); ++i)
    if (cell[i] != no_cell) {
      const auto number = std::lower_bound(cells.begin(), cells.end(), cell[i]) - cells.begin();
      cell_of_[i] = static_cast<std::uint32_t>(n_cells_ + static_cast<std::size_t>(number));
    }
  n_cells_ += cells.size();
  sky_.push_back(std::make_unique<SkyBound>(std::move(grid), low_n, n, std::move(cells)));
}

// Finds which far clusters are in which cells, and the largest terms there.
void PlanCells::find_far(const SearchPlan& plan) {
  const std::vector<DirectionGroup>& groups = plan.directions().groups();
  cell_top_.assign(plan.n_priors() * n_cells_, minus_infinity);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> far;  // cell and cluster
  for (std::size_t c = plan.first_far(); c < plan.clusters().size(); ++c)
    for (std::uint32_t g = 0; g < plan.clusters()[c].n_groups; ++g) {
      const DirectionGroup& group = groups[plan.clusters()[c].group[g]];
      for (std::size_t slot = group.first; slot < group.first + group.count; ++slot) {
        const std::uint32_t cell = cell_of_[slot];
        if (cell == no_cell) continue;
        for (std::size_t j = 0; j < plan.n_priors(); ++j) {
          double& top = cell_top_[j * n_cells_ + cell];
          top = std::max(top, plan.term(j, slot));
        }
        far.emplace_back(cell, static_cast<std::uint32_t>(c));
      }
    }
  std::sort(far.begin(), far.end());
  far.erase(std::unique(far.begin(), far.end()), far.end());
  first_of_cell_.assign(n_cells_ + 1, 0);
  for (const auto& [cell, cluster] : far) {
    ++first_of_cell_[cell + 1];
    far_of_cell_.push_back(cluster);
  }
  std::partial_sum(first_of_cell_.begin(), first_of_cell_.end(), first_of_cell_.begin());
}

// Cells of 0.36° and of 0.75° by 0.37°. The first-year season has ts < 12 in half of the first and below 59 in half of the others.
void SearchPlan::find_cells() {
  wide_ = true;
  cells_.cover(*this, SkyGrid(31, 5, 1.0), 17.0, 66.0, -distant_term, 0.0);
  cells_.cover(*this, SkyGrid(15, 5, 2.0), 0.0, 100.0, minus_infinity, -distant_term);
  coarse_cells_.cover(*this, SkyGrid(15, 5, 2.0), 0.0, 100.0, minus_infinity, 0.0);
  cells_.find_far(*this);
  coarse_cells_.find_far(*this);
}

}  // namespace nusky
