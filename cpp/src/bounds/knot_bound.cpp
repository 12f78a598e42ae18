#include "nusky/bounds/knot_bound.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "nusky/kernels/table.hpp"

namespace nusky {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::size_t knots = KnotShape::knots;
// A direction that needs no more than this wins even with ts = 0.
constexpr double nothing_needed = 1e-3;

}  // namespace

void KnotBound::group_ts(const Directions& directions, const DirectionGroup& group, double n, double* ts) {
  alignas(64) float v[3][group_size], sums[(1 + knots) * group_size] = {};
  for (std::uint32_t p = 0; p < group_size; ++p) {
    const Vec3& at = directions.vector(directions.order()[group.first + std::min(p, group.count - 1)]);
    for (std::size_t d = 0; d < 3; ++d) v[d][p] = static_cast<float>(at[static_cast<Eigen::Index>(d)]);
  }
  const double chord = 2.0 * std::sin(0.5 * std::min(pi, group.radius));
  const KnotCap cap{static_cast<float>(group.centre.x()), static_cast<float>(group.centre.y()), static_cast<float>(group.centre.z()),
                    static_cast<float>(chord)};
  const auto of_all = static_cast<float>(1.0 / (static_cast<double>(knots) * n));  // w at all knots for ũ = 1
  events_->near(group.centre, chord, ranges_);
  std::size_t room = block_size;
  for (const EventRange r : ranges_) room += r.last - r.first;
  KnotLists near{};
  for (std::size_t kind = 0; kind < knot_kinds; ++kind) {
    if (numbers_[kind].size() < room) numbers_[kind].resize(room);
    near.number[kind] = numbers_[kind].data();
  }
  const KnotLimits limits{constants_.tail_of_knots, constants_.faint_u * of_all, constants_.strong_u * of_all};
  kernels().knots_near(events_->events(), ranges_.size(), ranges_.data(), cap, limits, near);
  const double tail = constants_.tail ? near.tail : 0.0;  // B9
  std::size_t all = 0;
  for (std::size_t kind = 0; kind < knot_kinds; ++kind) {
    kernels().knots_add(static_cast<KnotKind>(kind), near.n[kind], near.number[kind], events_->events(), events_->shapes(), v[0], v[1],
                        v[2], static_cast<float>(n), sums);
    all += near.n[kind];
  }
  const double up = 1.0 + constants_.rounding * std::max(1.0, static_cast<double>(all) / constants_.rounded_in_turn);  // B7
  for (std::uint32_t p = 0; p < group.count; ++p) {
    bool falls = true;  // B11, at the knots B12
    for (std::size_t k = 1; k <= knots; ++k)
      falls = falls && (static_cast<double>(sums[k * group_size + p]) + tail) * up <= 1.0 - constants_.least_fall;
    ts[p] = falls ? static_cast<double>(sums[p]) * up + constants_.rounding_of_event * static_cast<double>(all) : infinity;
  }
}

void KnotBound::drop_hopeless(const Directions& directions, const DirectionGroup& group, const double* needed, bool* alive) {
  double lowest = infinity;
  for (std::uint32_t p = 0; p < group.count; ++p)
    if (alive[p] && needed[p] > nothing_needed) lowest = std::min(lowest, needed[p]);
  if (!(lowest >= constants_.worth_knots && lowest < infinity)) return;
  double ts[group_size];
  group_ts(directions, group, std::clamp(lowest * constants_.n_per_needed, constants_.knot_n[0], constants_.knot_n[1]), ts);
  for (std::uint32_t p = 0; p < group.count; ++p)
    alive[p] = alive[p] && (!(needed[p] > nothing_needed) || !(ts[p] < std::min(needed[p], constants_.most_of_knots)));
}

}  // namespace nusky
