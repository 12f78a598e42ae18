#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "nusky/bounds/cluster_bound.hpp"

namespace nusky {

/// Drops directions whose ts is proven to be too small, for one cluster after the other and far cheaper than by fits; owns the work space
/// of one thread and the pool of neighbouring clusters. The bounds themselves are ClusterBound.
class Survey {
 public:
  explicit Survey(const FitModel& model, const BoundConstants& constants = {}) : model_(&model), constants_(constants) {}

  /// Fetches the events around the cluster queue[0] and those of the next ones that are near it, where tiles are small; else it leaves the
  /// events to be fetched for one cluster after the other.
  void enter(const Directions& directions, const std::vector<Cluster>& clusters, const std::uint32_t* queue, std::size_t n);
  /// Clears `alive` of directions whose ts is proven to stay below `needed`. Both are (groups of the cluster, group_size);
  /// entries beyond a group's directions are not read. Returns whether any is left.
  bool drop_hopeless(const Directions& directions, const Cluster& cluster, const double* needed, bool* alive);
  /// The direction in question whose bound exceeds what it needs by most, counted as in `alive`; `none` where bounds tell nothing.
  std::size_t likely_best(const Directions& directions, const Cluster& cluster, const double* needed, const bool* alive);
  static constexpr std::size_t none = ~std::size_t{0};

 private:
  const FitModel* model_;
  BoundConstants constants_;
  std::optional<Pool> pool_;  // of several clusters
  // work space and memory that goes from one object to the next
  PoolSpace space_;
  BoundSpace bound_space_;
  CapEvents pool_room_, single_room_, kept_room_;
  AlignedVector<float> parts_room_;
};

}  // namespace nusky
