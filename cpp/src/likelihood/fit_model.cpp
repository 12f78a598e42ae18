#include "nusky/likelihood/fit_model.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

#include "nusky/kernels/views/candidates.hpp"
#include "nusky/sphere/directions.hpp"
#include "nusky/threads.hpp"

namespace nusky {

// Three meanings of 16, one number: a row of R at the coarse γ, a block of candidates and a group of directions each fill the lanes of
// a kernel, and a block is as wide as a group.
static_assert(n_coarse_gamma == block_size && group_size == block_size, "kernels take a row, a block and a group as a whole");

FitModel::FitModel(const Likelihood& likelihood, const EventIndex& index, std::optional<double> gamma, std::size_t n_groups, int n_threads)
    : likelihood_(&likelihood), index_(&index), free_(likelihood.axis().free() && !gamma), gamma_(gamma) {
  const GammaAxis& axis = likelihood.axis();
  if (index.n_seasons() != likelihood.n_seasons())
    throw std::invalid_argument("the event index has " + std::to_string(index.n_seasons()) + " seasons, the likelihood " +
                                std::to_string(likelihood.n_seasons()));
  if (index.size() > 0 && index.axis().nodes() != axis.nodes())
    throw std::invalid_argument("gamma_nodes of the event columns and of the likelihood differ");
  if (!gamma) {
    if (axis.size() == 1) gamma_ = axis.front();
  } else if (axis.size() == 0) {
    throw std::invalid_argument("gamma: cannot be fixed without an energy term (gamma_nodes is empty)");
  } else if (!(*gamma >= axis.front() && *gamma <= axis.back())) {
    throw std::invalid_argument("gamma: " + std::to_string(*gamma) + " is outside the nodes " + std::to_string(axis.front()) + " … " +
                                std::to_string(axis.back()));
  }
  if (free_) return;
  if (axis.size() > 0) stencil_ = axis.stencil(*gamma_);
  // worth a table when events are looked at from many tiles
  if (axis.size() > 0 && n_groups > 30) {
    std::vector<float> table(index.size());
    parallel_for(index.size(), n_threads, 8192, [&](std::size_t i) { table[i] = ratio_of(static_cast<std::uint32_t>(i)); });
    table_ = std::move(table);
  }
}

float FitModel::ratio_of(std::uint32_t i) const {
  if (likelihood_->axis().size() == 0) return 1.0F;
  return stencil_.ratio(index_->record(i).log_ratio);
}

}  // namespace nusky
