#include "nusky/bounds/survey.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace nusky {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::size_t most_directions = Cluster::most_groups * group_size;
// A direction that needs no more than this wins even with ts = 0.
constexpr double nothing_needed = 1e-3;

// Holds the directions in question, which may be few of the cluster's.
Cap cap_of(const Directions& directions, const Cluster& cluster, const bool* alive) {
  std::array<const Vec3*, most_directions> some;
  std::size_t n = 0, all = 0;
  for (std::size_t g = 0; g < cluster.n_groups; ++g) {
    const DirectionGroup& group = directions.groups()[cluster.group[g]];
    all += group.count;
    for (std::uint32_t p = 0; p < group.count; ++p)
      if (alive[g * group_size + p]) some[n++] = &directions.vector(directions.order()[group.first + p]);
  }
  if (2 * n > all || n == 0) return cluster.cap;
  Vec3 sum = Vec3::Zero();
  for (std::size_t i = 0; i < n; ++i) sum += *some[i];
  if (!(sum.norm() > 0.5 * static_cast<double>(n))) return cluster.cap;
  Cap cap{sum.normalized(), 0.0};
  double chord = 0.0;
  for (std::size_t i = 0; i < n; ++i) chord = std::max(chord, (*some[i] - cap.centre).norm());
  cap.radius = 2.0 * std::asin(std::min(1.0, 0.5 * chord)) + 1e-9;
  return cap.radius < cluster.cap.radius ? cap : cluster.cap;
}

// What the directions in question of a cluster need.
struct Needs {
  double highest = 0.0, lowest = infinity;
  std::array<double, Cluster::most_groups> lowest_of;  // by group
  bool any_wins = false;                               // with ts = 0

  Needs(const Directions& directions, const Cluster& cluster, const double* needed, const bool* alive) {
    lowest_of.fill(infinity);
    for (std::size_t g = 0; g < cluster.n_groups; ++g) {
      const std::uint32_t count = directions.groups()[cluster.group[g]].count;
      for (std::size_t i = g * group_size; i < g * group_size + count; ++i) {
        if (!alive[i]) continue;
        if (!(needed[i] > nothing_needed)) {
          any_wins = true;
          continue;
        }
        highest = std::max(highest, needed[i]);
        lowest_of[g] = std::min(lowest_of[g], needed[i]);
      }
      lowest = std::min(lowest, lowest_of[g]);
    }
  }
};

// Directions that are left, relative to the centre of a cap.
struct Left {
  std::size_t n = 0;
  std::array<float, most_directions> x{}, y{}, z{};
  std::array<std::size_t, most_directions> which{};  // in the cluster

  void add(const Vec3& at, std::size_t i) {
    x[n] = static_cast<float>(at.x());
    y[n] = static_cast<float>(at.y());
    z[n] = static_cast<float>(at.z());
    which[n++] = i;
  }
  void move(std::size_t from, std::size_t to) {
    x[to] = x[from];
    y[to] = y[from];
    z[to] = z[from];
    which[to] = which[from];
  }
};

// What the tangent at n leaves.
void drop_by_tangent(const ClusterBound& bound, float n0, const double* needed, bool* alive, Left& left) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < left.n; i += 4) {
    const std::size_t count = std::min<std::size_t>(4, left.n - i);
    double ts[4];
    bound.direction_ts(n0, count, left.x.data() + i, left.y.data() + i, left.z.data() + i, ts);
    for (std::size_t k = 0; k < count; ++k) {
      if (bound.may_drop(ts[k], needed[left.which[i + k]]))
        alive[left.which[i + k]] = false;
      else
        left.move(i + k, n++);
    }
  }
  left.n = n;
}

}  // namespace

void Survey::enter(const Directions& directions, const std::vector<Cluster>& clusters, const std::uint32_t* queue, std::size_t n) {
  if (pool_ && pool_->holds(clusters[queue[0]])) return;
  if (pool_) pool_room_ = std::move(pool_->events);
  pool_ = pool_of_neighbours(*model_, directions, clusters, queue, n, constants_, space_, std::move(pool_room_));
}

std::size_t Survey::likely_best(const Directions& directions, const Cluster& cluster, const double* needed, const bool* alive) {
  constexpr double likely_ts = 25.0;  // more than background has
  std::optional<Pool> pool = pool_of(*model_, directions, cluster, cluster.cap, likely_ts, constants_, space_, std::move(single_room_));
  if (!pool) return none;
  ClusterBound bound(*pool, cluster.cap, constants_, std::move(kept_room_));
  std::size_t best = none;
  double most = -infinity;
  for (std::size_t g = 0; g < cluster.n_groups; ++g) {
    const DirectionGroup& group = directions.groups()[cluster.group[g]];
    for (std::uint32_t p = 0; p < group.count; ++p) {
      const std::size_t i = g * group_size + p;
      if (!alive[i]) continue;
      const Vec3 at = directions.vector(directions.order()[group.first + p]) - cluster.cap.centre;
      const float x = static_cast<float>(at.x()), y = static_cast<float>(at.y()), z = static_cast<float>(at.z());
      double ts = infinity;
      for (const float n : constants_.direction_n) {  // the second where the first does not fall is the closer one, too
        double here = infinity;
        bound.direction_ts(n, 1, &x, &y, &z, &here);
        ts = std::min(ts, here);
      }
      const double above = std::min(ts, constants_.most_needed) - needed[i];
      if (above > most) {
        most = above;
        best = i;
      }
    }
  }
  kept_room_ = std::move(bound).release();
  single_room_ = std::move(pool->events);
  return best;
}

bool Survey::drop_hopeless(const Directions& directions, const Cluster& cluster, const double* needed, bool* alive) {
  if (cluster.cap.radius > constants_.widest_cluster) return true;
  const Needs needs(directions, cluster, needed, alive);
  if (needs.highest == 0.0) return needs.any_wins;
  const Cap cap = cap_of(directions, cluster, alive);
  std::optional<Pool> single;
  if (!pool_) {
    single = pool_of(*model_, directions, cluster, cap, needs.highest, constants_, space_, std::move(single_room_));
    if (!single) return true;
  }
  ClusterBound bound(single ? *single : *pool_, cap, constants_, std::move(kept_room_));
  const bool whole = bound.may_drop(bound.cluster_ts(), needs.lowest);
  Left left;
  for (std::size_t g = 0; g < cluster.n_groups; ++g) {
    const DirectionGroup& group = directions.groups()[cluster.group[g]];
    const bool small = group.radius < constants_.small_group && needs.lowest_of[g] > constants_.worth_a_group,
               gone = whole || (small && bound.may_drop(bound.group_ts(group), needs.lowest_of[g]));
    for (std::uint32_t p = 0; p < group.count; ++p) {
      const std::size_t i = g * group_size + p;
      if (!alive[i] || !(needed[i] > nothing_needed)) continue;
      if (gone)
        alive[i] = false;
      else
        left.add(directions.vector(directions.order()[group.first + p]) - cap.centre, i);
    }
  }
  for (const float n0 : constants_.direction_n) drop_by_tangent(bound, n0, needed, alive, left);
  bool any = needs.any_wins;
  if (cluster.cap.radius > constants_.widest_alone) {
    any |= left.n > 0;
  } else {
    GammaParts parts(*model_, bound.events(), std::move(parts_room_));
    for (std::size_t i = 0; i < left.n; ++i) {
      const float v[3] = {left.x[i], left.y[i], left.z[i]};
      alive[left.which[i]] = bound.may_have(needed[left.which[i]], v, parts, bound_space_);
      any |= alive[left.which[i]];
    }
    parts_room_ = std::move(parts).release();
  }
  kept_room_ = std::move(bound).release();
  if (single) single_room_ = std::move(single->events);
  return any;
}

}  // namespace nusky
