#include "nusky/templates/template_events.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace nusky {
namespace {

// Beyond this R/B or its inverse would leave the range of the float products in the kernels.
constexpr float largest_log_ratio = 80.0F;
// Events whose rows are turned into columns at once.
constexpr std::size_t together = 16;

}  // namespace

TemplateEvents::TemplateEvents(std::size_t n, std::size_t n_points, std::size_t n_ra, std::size_t reach, const std::int64_t* order,
                               const std::int64_t* start, const float* weight, const std::int64_t* cell, const float* log_ratio,
                               const GammaAxis& axis)
    : n_points_(n_points),
      n_nodes_(static_cast<std::size_t>(std::max(1, axis.size()))),
      stride_(n + template_room),
      order_(stride_, 0),
      row_(stride_, 0),
      cell_(stride_, 0) {
  if (n_points > 0xffffffffULL) throw std::invalid_argument("table: more than 2^32 - 1 points");
  const auto wrong = [](const char* name, std::size_t i, const char* what) {
    throw std::invalid_argument(std::string(name) + "[" + std::to_string(i) + "]: " + what);
  };
  for (std::size_t i = 0; i < n; ++i) {
    if (order[i] < 0 || static_cast<std::size_t>(order[i]) >= n) wrong("order", i, "there is no such event");
    if (start[i] < 0 || static_cast<std::size_t>(start[i]) + reach > n_points)
      wrong("start", i, "the rows around the place must be in the table");
    if (cell[i] < 0 || cell[i] > 0xffffff) wrong("cell", i, "must be within 0 and 2^24 - 1");
    for (std::size_t g = 0; g < n_nodes_; ++g)
      if (!(std::abs(log_ratio[i * n_nodes_ + g]) <= largest_log_ratio)) wrong("log_ratio", i, "must be finite and within -80 and 80");
    order_[i] = static_cast<std::uint32_t>(order[i]);
    row_[i] = static_cast<std::uint32_t>(static_cast<std::size_t>(start[i]) / n_ra);
    cell_[i] = static_cast<std::uint32_t>(cell[i]);
    highest_cell_ = std::max(highest_cell_, cell_[i]);
  }
  weight_.resize(4 * stride_);
  std::fill(weight_.begin(), weight_.end(), 0.0F);
  for (std::size_t r = 0; r < 4; ++r) std::copy_n(weight + r * n, n, weight_.begin() + static_cast<std::ptrdiff_t>(r * stride_));
  nodes_.resize(n_nodes_ * stride_);
  std::fill(nodes_.begin(), nodes_.end(), 0.0F);
  // In blocks, so that what is read and what is written are both near
  for (std::size_t first = 0; first < n; first += together)
    for (std::size_t g = 0; g < n_nodes_; ++g)
      for (std::size_t i = first; i < std::min(n, first + together); ++i) nodes_[g * stride_ + i] = log_ratio[i * n_nodes_ + g];
  if (!axis.free()) return;
  ratio_.resize(n * n_coarse_gamma);
  for (std::size_t i = 0; i < n; ++i)
    for (int j = 0; j < n_coarse_gamma; ++j) {
      const Stencil& at = axis.coarse_stencil(j);
      double log = 0.0;
      for (std::size_t k = 0; k < 4 && static_cast<std::size_t>(at.first) + k < n_nodes_; ++k)
        log += at.value_d[k] * static_cast<double>(log_ratio[i * n_nodes_ + static_cast<std::size_t>(at.first) + k]);
      ratio_[i * n_coarse_gamma + static_cast<std::size_t>(j)] = std::exp(static_cast<float>(log));
    }
}

}  // namespace nusky
