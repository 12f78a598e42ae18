#include "nusky/search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace nusky {
namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

struct Promising {
  std::uint32_t group;
  double promise;  // how far the terms of the group lie below the largest, at most 0
};

}  // namespace

Search::Search(const Directions& directions, const double* terms, std::size_t n_priors)
    : directions_(&directions), top_(n_priors, minus_infinity) {
  const std::size_t n = directions.size();
  for (std::size_t i = 0; i < n_priors * n; ++i)
    if (std::isnan(terms[i]) || terms[i] == std::numeric_limits<double>::infinity())
      throw std::invalid_argument("prior_terms: prior " + std::to_string(i / n) + ", direction " + std::to_string(i % n) +
                                  " must be a number or -inf (cannot win)");
  terms_.reserve(n_priors * n);
  for (std::size_t j = 0; j < n_priors; ++j)
    for (const std::uint32_t i : directions.order()) {
      terms_.push_back(terms[j * n + i]);
      top_[j] = std::max(top_[j], terms_.back());
    }

  const std::vector<DirectionGroup>& groups = directions.groups();
  std::vector<Promising> queue;
  for (std::uint32_t g = 0; g < groups.size(); ++g) {
    double promise = minus_infinity;
    for (std::uint32_t p = 0; p < groups[g].count; ++p)
      for (std::size_t j = 0; j < n_priors; ++j) promise = std::max(promise, term(j, groups[g].first + p) - top_[j]);
    if (promise > minus_infinity) queue.push_back({g, promise});
  }
  // steps of two in ts, so that neighbours still follow each other and share their candidates
  std::stable_sort(queue.begin(), queue.end(),
                   [](const Promising& a, const Promising& b) { return std::floor(a.promise / 2) > std::floor(b.promise / 2); });
  for (const Promising& p : queue) {
    const auto fits = [&](const Cluster& c) {
      return c.n_groups < Cluster::most_groups && worth_joining(groups[c.group[0]], groups[p.group], 3.0);
    };
    if (clusters_.empty() || !fits(clusters_.back())) clusters_.emplace_back();
    Cluster& c = clusters_.back();
    c.group[c.n_groups++] = p.group;
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
}

}  // namespace nusky
