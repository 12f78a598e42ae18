#pragma once
#include <cstdint>
#include <vector>

#include "nusky/events/event_index.hpp"
#include "nusky/hottest/board.hpp"
#include "nusky/hottest/plan.hpp"
#include "nusky/likelihood/fit_model.hpp"

namespace nusky {

/// Bounds are computed in float; a ts that is needed is lowered by this before anything is dropped.
constexpr double bound_slack = 1e-3;
/// With no more events than this, the clusters that events lie in come first, and bounds over the sky do not pay.
constexpr std::size_t few_events = 64;

/// Clusters, by number in SearchPlan::clusters(), in the order in which they are looked at.
using ClusterQueue = std::vector<std::uint32_t>;

/// With so few events it pays to look for the clusters that they reach.
constexpr std::size_t local_events = 256;

/// The clusters that hold every direction which an event of the index reaches.
struct NearClusters {
  ClusterQueue queue;
  std::vector<float> ts;  ///< by cluster: no direction of it has more; empty where no such bound is known
};
NearClusters clusters_near(const SearchPlan& plan, const FitModel& model);
/// With few events, as in a short time window, moves the clusters an event lies in to the front: one of them holds the hottest direction,
/// more often than not, and once it is known hardly any other has to be fitted.
void raise_early(ClusterQueue& queue, const SearchPlan& plan, const EventIndex& index);
/// Takes the near clusters that most loose events lie in, such as injected ones, out of the queue, unless there are many such events:
/// fitted before all else, they show how much ts the others need.
ClusterQueue loose_first(ClusterQueue& queue, const SearchPlan& plan, const EventIndex& index);
/// Of the clusters near the peaks, moves those in which the bounds and the terms leave room for most to the front: the sooner a large value
/// is known, the fewer directions have to be fitted.
/// @param sky (cells.n_cells(),) bounds on the ts
void promising_first(ClusterQueue& queue, const SearchPlan& plan, const PlanCells& cells, const std::vector<float>& sky);
/// Adds the far clusters with a cell in which bound and terms leave room.
void keep_hopeful(ClusterQueue& queue, const SearchPlan& plan, const PlanCells& cells, const std::vector<float>& sky, const Board& board);

}  // namespace nusky
