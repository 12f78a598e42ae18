#include "nusky/hottest/board.hpp"

namespace nusky {

Board::Board(const SearchPlan& plan) : plan_(&plan), known_(plan.n_priors()) {
  for (std::size_t j = 0; j < known_.size(); ++j) known_[j].store(plan.top(j), std::memory_order_relaxed);
}

void Board::raise(std::size_t prior, double value) {
  double old = known(prior);
  while (value > old && !known_[prior].compare_exchange_weak(old, value, std::memory_order_relaxed)) {
  }
}

double Board::needed(std::size_t slot) const {
  return least([&](std::size_t j) { return plan_->term(j, slot); });
}

double Board::needed_in(std::size_t cluster) const {
  return least([&](std::size_t j) { return plan_->cluster_top(cluster, j); });
}

}  // namespace nusky
