#pragma once
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <vector>

#include "nusky/hottest/plan.hpp"

namespace nusky {

/// The largest ts + term known so far, by prior; shared between threads.
///
/// It only rises, and a direction that could tie is never dropped, so the result of a search does not depend on the order in which
/// threads arrive.
class Board {
 public:
  /// ts ≥ 0, so that the largest term of a prior is its first lower limit.
  explicit Board(const SearchPlan& plan);

  void raise(std::size_t prior, double value);
  double known(std::size_t prior) const { return known_[prior].load(std::memory_order_relaxed); }
  /// The ts that the direction in a slot needs to win for one prior at least; +∞: it cannot.
  double needed(std::size_t slot) const;
  /// No direction of the cluster needs less.
  double needed_in(std::size_t cluster) const;

 private:
  template <class Term>
  double least(const Term& term) const {
    double needed = std::numeric_limits<double>::infinity();
    for (std::size_t j = 0; j < known_.size(); ++j) {
      const double t = term(j);
      if (std::isfinite(t)) needed = std::min(needed, known(j) - t);
    }
    return needed;
  }

  const SearchPlan* plan_;
  std::vector<std::atomic<double>> known_;
};

}  // namespace nusky
