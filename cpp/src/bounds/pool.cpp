#include "nusky/bounds/pool.hpp"

#include <algorithm>
#include <cmath>

namespace nusky {
namespace {

double chord_of(double radius) { return 2.0 * std::sin(0.5 * std::min(pi, radius)); }

// Largest shares of the seasons at the directions of some clusters, over all γ.
void find_shares(const FitModel& model, const Directions& directions, const Cluster* const* clusters, std::size_t n, PoolSpace& space) {
  const auto n_seasons = static_cast<std::size_t>(model.index().n_seasons());
  space.share_bounds.resize(n_seasons * n_coarse_gamma);
  space.highest_share.assign(n_seasons, n_seasons == 1 ? 1.0F : 0.0F);
  if (n_seasons == 1) return;
  for (std::size_t c = 0; c < n; ++c)
    for (std::uint32_t g = 0; g < clusters[c]->n_groups; ++g) {
      const DirectionGroup& group = directions.groups()[clusters[c]->group[g]];
      for (std::uint32_t p = 0; p < group.count; ++p) {
        model.likelihood().share_bounds(directions.vector(directions.order()[group.first + p]).z(), space.share_bounds.data());
        for (std::size_t k = 0; k < n_seasons; ++k)
          for (std::size_t j = 0; j < n_coarse_gamma; ++j)
            space.highest_share[k] = std::max(space.highest_share[k], space.share_bounds[k * n_coarse_gamma + j]);
      }
    }
}

// The factor on weights that holds for a ts up to `most` (B1); 0: none is of use. Beyond the n in question G is below 0, because it falls
// by least_fall from the last tangent on (B2).
double factor_of(const FitModel& model, double most, const BoundConstants& constants, const std::vector<float>& highest_share) {
  double z = 0.0;
  const double n_most = static_cast<double>(constants.cluster_n) + 0.5 * most / constants.least_fall;
  for (std::size_t k = 0; k < highest_share.size() && !model.likelihood().extended(); ++k)
    z = std::max(z, n_most * static_cast<double>(highest_share[k]) / model.index().n_events(static_cast<int>(k)));
  return bound_factor(constants.mixture * z);  // B1
}

// Events of a cap with weights for the directions whose shares were found.
void fetch(const FitModel& model, const Cap& cap, double factor, PoolSpace& space, CapEvents& out) {
  const EventIndex& index = model.index();
  const Kernels& kernel = kernels();
  std::size_t found = 0;
  const double chord = chord_of(cap.radius);
  const FixedCap near = fixed_cap(cap.centre, chord);
  for (std::size_t k = 0; k < space.highest_share.size(); ++k) {
    index.near(static_cast<int>(k), cap.centre, chord, space.ranges);
    std::size_t room = found + block_size;
    for (const EventRange r : space.ranges) room += r.last - r.first;
    const SurveyColumns to = out.room(room);
    const auto scale = static_cast<float>(factor * static_cast<double>(space.highest_share[k]) / index.n_events(static_cast<int>(k)));
    const std::size_t first = found;
    for (const EventRange r : space.ranges)
      found += kernel.fetch(index.view(r), near, scale, r.first,
                            {to.x + found, to.y + found, to.z + found, to.rate + found, to.weight + found, to.number + found});
    for (std::size_t i = first; i < found && !model.gamma_free(); ++i)
      to.weight[i] *= model.fixed_ratio(to.number[i]) / index.record(to.number[i]).peak * (1.0F + 1e-6F);
  }
  const SurveyColumns end = out.room(found + block_size);
  for (; found % block_size != 0; ++found) {
    for (float* column : {end.x, end.y, end.z, end.rate, end.weight}) column[found] = 0.0F;
    end.number[found] = 0;
  }
  out.set_size(found);
}

}  // namespace

bool Pool::holds(const Cluster& cluster) const { return std::find(clusters.begin(), clusters.end(), &cluster) != clusters.end(); }

KeptSums keep_events(const CapEvents& from, const Vec3& offset, double radius, const BoundConstants& constants, CapEvents& to,
                     TailSums& tail) {
  const float at[3] = {static_cast<float>(offset.x()), static_cast<float>(offset.y()), static_cast<float>(offset.z())};
  double sums[4] = {};
  to.set_size(kernels().survey_keep(from.view(), at, static_cast<float>(chord_of(radius)), constants.cluster_n,
                                    constants.cluster_n * constants.tail_u, to.room(from.size() + block_size), sums));
  const auto n = static_cast<double>(constants.cluster_n);
  if (constants.tail) {  // B9
    tail.u += sums[0] / n;
    tail.u2 += sums[1] / (n * n);
  }
  return {sums[2], sums[3]};
}

std::optional<Pool> pool_of(const FitModel& model, const Directions& directions, const Cluster& cluster, const Cap& cap, double most,
                            const BoundConstants& constants, PoolSpace& space, CapEvents&& room) {
  const Cluster* only = &cluster;
  find_shares(model, directions, &only, 1, space);
  most = std::min(most, constants.most_needed);
  const double factor = factor_of(model, most, constants, space.highest_share);
  if (!(factor > 0.0)) return std::nullopt;
  Pool pool{cap, std::move(room), {}, most, {}};
  fetch(model, cap, factor, space, pool.events);
  return pool;
}

std::optional<Pool> pool_of_neighbours(const FitModel& model, const Directions& directions, const std::vector<Cluster>& clusters,
                                       const std::uint32_t* queue, std::size_t n, const BoundConstants& constants, PoolSpace& space,
                                       CapEvents&& room) {
  const Cluster& first = clusters[queue[0]];
  if (first.cap.radius > constants.small_cluster) return std::nullopt;
  std::vector<const Cluster*> near;
  Vec3 sum = Vec3::Zero();
  for (std::size_t i = 0; i < std::min(n, constants.clusters_of_pool); ++i) {
    const Cluster& c = clusters[queue[i]];
    if (c.cap.radius > 2.0 * first.cap.radius || (c.cap.centre - first.cap.centre).norm() > 6.0 * first.cap.radius) continue;
    near.push_back(&c);
    sum += c.cap.centre;
  }
  if (near.size() < constants.few_clusters) return std::nullopt;
  Cap cap{sum.normalized(), 0.0};
  for (const Cluster* c : near)  // B8
    cap.radius = std::max(cap.radius, constants.arc_over_chord * (c->cap.centre - cap.centre).norm() + c->cap.radius + 1e-9);
  find_shares(model, directions, near.data(), near.size(), space);
  const double most = std::min(constants.most_of_pool, constants.most_needed),
               factor = factor_of(model, most, constants, space.highest_share);
  if (!(factor > 0.0)) return std::nullopt;
  fetch(model, cap, factor, space, space.fetched);
  Pool pool{cap, std::move(room), {}, most, std::move(near)};
  keep_events(space.fetched, Vec3::Zero(), cap.radius, constants, pool.events, pool.tail);
  return pool;
}

}  // namespace nusky
