#include "nusky/hottest/order.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace nusky {
namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();
// How many clusters come first because much may be found there.
constexpr std::size_t most_promising = 6;
// How many clusters come before all else because events that come one by one lie in them.
constexpr std::size_t most_loose_clusters = 4;
// Of what is computed in float, and of chords.
constexpr double rounding = 1e-5;

// With b_i the largest (f_k/N_k) S/B R of m events anywhere in a cluster and at any γ, ts ≤ 2 Σ [ln(1 + u) − u/(1 + u)] with u = m b: the
// tangent (B2) of the extended likelihood at n = m, where Σ u/(1 + u) < n.
std::vector<float> bounds_of(const ClusterQueue& queue, const std::vector<float>& b, std::size_t n_clusters) {
  std::vector<float> m(n_clusters, 0.0F), ts(n_clusters, 0.0F);
  for (const std::uint32_t c : queue) m[c] += 1.0F;
  for (std::size_t q = 0; q < queue.size(); ++q) {
    const double u = static_cast<double>(m[queue[q]]) * static_cast<double>(b[q]);
    ts[queue[q]] += static_cast<float>(2.0 * (std::log1p(u) - u / (1.0 + u)) * (1.0 + rounding));
  }
  return ts;
}

}  // namespace

NearClusters clusters_near(const SearchPlan& plan, const FitModel& model) {
  const EventIndex& index = model.index();
  NearClusters near;
  std::vector<float> largest;  // b of an event in a cluster, in the order of the queue
  double fewest = index.n_events(0);
  for (int k = 1; k < index.n_seasons(); ++k) fewest = std::min(fewest, index.n_events(k));
  for (std::uint32_t i = 0; i < index.size(); ++i) {
    const IndexedEvent e = index.event(i);
    const Vec3 v(e.x, e.y, e.z);
    const std::size_t first = near.queue.size();
    plan.near(v, std::sqrt(static_cast<double>(e.spatial.cut)), near.queue);
    const double ratio = static_cast<double>(model.gamma_free() ? e.peak : model.fixed_ratio(i)),
                 most = static_cast<double>(e.spatial.weight) * ratio / fewest * (1.0 + rounding);
    for (std::size_t q = first; q < near.queue.size(); ++q) {
      const double chord =
          std::max(0.0, (plan.clusters()[near.queue[q]].cap.centre - v).norm() - plan.cluster_chord(near.queue[q]) - rounding);
      largest.push_back(static_cast<float>(most * std::exp(-static_cast<double>(e.spatial.rate) * chord * chord)));
    }
  }
  if (model.likelihood().extended()) near.ts = bounds_of(near.queue, largest, plan.clusters().size());
  std::sort(near.queue.begin(), near.queue.end());
  near.queue.erase(std::unique(near.queue.begin(), near.queue.end()), near.queue.end());
  return near;
}

void raise_early(ClusterQueue& queue, const SearchPlan& plan, const EventIndex& index) {
  if (queue.empty() || index.size() > few_events) return;
  const std::vector<Cluster>& clusters = plan.clusters();
  const std::vector<DirectionGroup>& groups = plan.directions().groups();
  std::vector<char> holds(clusters.size(), 0);
  for (std::uint32_t i = 0; i < index.size(); ++i) {
    const IndexedEvent e = index.event(i);
    const Vec3 v(e.x, e.y, e.z);
    std::uint32_t nearest = queue[0];
    double closest = -2.0;
    for (const std::uint32_t c : queue)
      for (std::uint32_t g = 0; g < clusters[c].n_groups; ++g) {
        const double cosine = groups[clusters[c].group[g]].centre.dot(v);
        if (cosine > closest) {
          closest = cosine;
          nearest = c;
        }
      }
    holds[nearest] = 1;
  }
  std::stable_partition(queue.begin(), queue.end(), [&](std::uint32_t c) { return holds[c] != 0; });
}

ClusterQueue loose_first(ClusterQueue& queue, const SearchPlan& plan, const EventIndex& index) {
  std::vector<std::uint32_t> near, times(plan.clusters().size(), 0);
  std::size_t n_loose = 0;
  for (int k = 0; k < index.n_seasons(); ++k) n_loose += index.loose_events(k).size();
  if (n_loose > few_events) return {};
  for (int k = 0; k < index.n_seasons(); ++k)
    for (const std::uint32_t i : index.loose_events(k)) {
      near.clear();
      plan.near(index.vector(i), 0.0, near);
      std::sort(near.begin(), near.end());
      near.erase(std::unique(near.begin(), near.end()), near.end());
      for (const std::uint32_t c : near)
        if (c < plan.first_far()) ++times[c];
    }
  ClusterQueue first;
  for (const std::uint32_t c : queue)
    if (times[c] > 0) first.push_back(c);
  std::stable_sort(first.begin(), first.end(), [&](std::uint32_t a, std::uint32_t b) { return times[a] > times[b]; });
  first.resize(std::min(first.size(), most_loose_clusters));
  for (const std::uint32_t c : first) queue.erase(std::find(queue.begin(), queue.end(), c));
  return first;
}

void promising_first(ClusterQueue& queue, const SearchPlan& plan, const PlanCells& cells, const std::vector<float>& sky) {
  const std::vector<DirectionGroup>& groups = plan.directions().groups();
  std::vector<std::pair<double, std::uint32_t>> most(plan.first_far());
  for (std::uint32_t c = 0; c < most.size(); ++c) {
    const Cluster& cluster = plan.clusters()[c];
    most[c] = {minus_infinity, c};
    for (std::uint32_t g = 0; g < cluster.n_groups; ++g)
      for (std::uint32_t p = 0; p < groups[cluster.group[g]].count; ++p) {
        const std::size_t slot = groups[cluster.group[g]].first + p;
        const std::uint32_t cell = cells.cell(slot);
        if (cell != PlanCells::no_cell) most[c].first = std::max(most[c].first, plan.promise(slot) + static_cast<double>(sky[cell]));
      }
  }
  const auto n = static_cast<std::ptrdiff_t>(std::min(most_promising, most.size()));
  std::partial_sort(most.begin(), most.begin() + n, most.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<char> chosen(plan.clusters().size(), 0);  // some may have left the queue
  for (std::ptrdiff_t i = 0; i < n; ++i) chosen[most[static_cast<std::size_t>(i)].second] = 1;
  std::stable_partition(queue.begin(), queue.end(), [&](std::uint32_t c) { return chosen[c] != 0; });
}

void keep_hopeful(ClusterQueue& queue, const SearchPlan& plan, const PlanCells& cells, const std::vector<float>& sky, const Board& board) {
  std::vector<char> hopeful(plan.clusters().size(), 0);
  for (std::size_t j = 0; j < plan.n_priors(); ++j) {
    const double least = board.known(j) - bound_slack;
    const double* top = cells.cell_top(j);
    constexpr std::size_t block = 64;  // without a branch: hardly any has a cell that matters
    for (std::size_t begin = 0; begin < sky.size(); begin += block) {
      const std::size_t end = std::min(begin + block, sky.size());
      int any = 0;
      for (std::size_t cell = begin; cell < end; ++cell) any |= static_cast<double>(sky[cell]) + top[cell] >= least;
      for (std::size_t cell = begin; any != 0 && cell < end; ++cell) {
        if (!(static_cast<double>(sky[cell]) + top[cell] >= least)) continue;
        for (const std::uint32_t* c = cells.far_begin(cell); c != cells.far_end(cell); ++c)
          if (static_cast<double>(sky[cell]) + plan.cluster_top(*c, j) >= least) hopeful[*c] = 1;
      }
    }
  }
  for (std::size_t c = plan.first_far(); c < hopeful.size(); ++c)
    if (hopeful[c] != 0) queue.push_back(static_cast<std::uint32_t>(c));
}

}  // namespace nusky
