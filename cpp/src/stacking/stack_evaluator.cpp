#include "nusky/stacking/stack_evaluator.hpp"

#include <algorithm>
#include <cmath>

namespace nusky {
namespace {

// So many events before they are looked at, what they point to is asked for.
constexpr std::size_t ahead = 12;
// Events left out whose rows are asked for together.
constexpr std::size_t together = 64;
// Of sums of floats that are to be bounds.
constexpr float above_rounding = 1.0F + 1e-4F;

}  // namespace

StackEvaluator::StackEvaluator(const Stack& stack, std::optional<double> gamma)
    : stack_(&stack), kernels_(&kernels()), free_(stack.axis().free() && !gamma), mixture_(stack.row_length()), left_(stack.n_seasons()) {
  if (free_) return;
  for (std::size_t k = 0; k < stack.n_seasons(); ++k) shares_.push_back(stack.shares(k, gamma));
}

void StackEvaluator::begin() {
  pairs_ = 0;
  for (Left& left : left_) {
    left.event.clear();
    left.columns.clear();
  }
}

void StackEvaluator::add(std::size_t season, const EventColumns& columns, std::size_t n, const std::uint32_t* event, const double* ra,
                         ValueEvents& out) {
  find(season, columns, n, event, ra);
  if (!free_) return add_fixed(season, columns, out);
  leave_out(season, columns, out);
  add_free(season, columns, out);
}

// The pairs of all events, and what these have at most where γ is free.
void StackEvaluator::find(std::size_t season, const EventColumns& columns, std::size_t n, const std::uint32_t* event, const double* ra) {
  cos_dec_.resize(n);
  x_.resize(n);
  y_.resize(n);
  for (std::size_t i = 0; i < n; ++i) cos_dec_[i] = columns.cos_dec(event[i]);
  kernels_->circle(n, ra, cos_dec_.data(), x_.data(), y_.data());
  found_.clear();
  largest_w_.clear();
  const bool own = &columns == stack_->season(season).get();
  const float* share = stack_->largest_share(season);
  const std::size_t room = stack_->size() + block_size;
  for (std::size_t i = 0; i < n; ++i) {
    if (source_.size() < pairs_ + room) {
      source_.resize(2 * (pairs_ + room));
      ratio_.resize(2 * (pairs_ + room));
    }
    const StackEvent e = own ? stack_->own(season, event[i]) : Stack::stack_event(columns.record(event[i]));
    const std::size_t end = find_pairs(season, columns, e, event[i], ra[i], x_[i], y_[i]);
    if (end == pairs_) continue;
    float most = 0.0F;
    for (std::size_t j = pairs_; j < end; ++j) most += share[source_[j]] * ratio_[j];
    found_.push_back({event[i], static_cast<std::uint32_t>(pairs_), static_cast<std::uint32_t>(end)});
    largest_w_.push_back(most * e.peak * above_rounding);
    pairs_ = end;
  }
}

// Appends the sources that an event is within its cut of, and S/B of each. Returns where they end.
std::size_t StackEvaluator::find_pairs(std::size_t season, const EventColumns& columns, const StackEvent& e, std::size_t event, double ra,
                                       double x, double y) {
  const std::vector<StackClass>& classes = stack_->classes();
  const bool own = &columns == stack_->season(season).get();
  const auto cut2 = static_cast<float>(stack_->cut_n_sigma() * stack_->cut_n_sigma());
  const StackedEvent here{{fixed_point(x), fixed_point(y), e.z}, e.sigma2, e.per_density, cut2};
  std::size_t pairs = pairs_;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const StackClass& sources = classes[c];
    ranges_.clear();
    sources.grid.near(turn_word(ra), own ? stack_->own_reach(season, event, c) : stack_->reach(sources, columns, event), ranges_);
    if (ranges_.empty()) continue;
    const std::size_t first = pairs;
    for (const SourceRange r : ranges_)
      pairs = kernels_->stack_pairs({sources.x.data(), sources.y.data(), sources.z.data(), sources.extension2.data()}, r.first, r.last,
                                    here, pairs, {source_.data(), ratio_.data()});
    for (std::size_t i = first; i < pairs; ++i) source_[i] = sources.source[source_[i]];
  }
  return pairs;
}

void StackEvaluator::add_fixed(std::size_t season, const EventColumns& columns, ValueEvents& out) {
  const std::vector<float>& shares = shares_[season];
  for (const StackedSum& f : found_) {
    double value = 0.0;
    for (std::size_t i = f.first; i < f.last; ++i) value += static_cast<double>(shares[source_[i]]) * static_cast<double>(ratio_[i]);
    out.add(static_cast<float>(value), columns.record(f.event));
  }
}

// Takes the events that need no row of their own out of those found.
void StackEvaluator::leave_out(std::size_t season, const EventColumns& columns, ValueEvents& out) {
  Left& left = left_[season];
  std::size_t n = 0;
  for (std::size_t k = 0; k < found_.size(); ++k) {
    if (largest_w_[k] >= out.needed_above()) {
      found_[n++] = found_[k];
    } else {
      out.leave_out(largest_w_[k]);
      left.event.push_back(found_[k]);
    }
  }
  found_.resize(n);
  left.columns.emplace_back(&columns, left.event.size());
}

// R at the coarse γ of the events found, and its logarithm at the nodes. Rows are far apart in memory, and asked for before they are read.
void StackEvaluator::add_free(std::size_t season, const EventColumns& columns, ValueEvents& out) {
  const float* rows = stack_->rows(season);
  const std::size_t stride = stack_->row_length(), blocks = stride / block_size, first = out.size();
  for (std::size_t k = 0; k < found_.size(); ++k) {
    if (k + ahead < found_.size()) {
      const std::size_t next = found_[k + ahead].event;
      __builtin_prefetch(columns.ratio_row(next));
      for (std::size_t g = 0; g < out.node_stride(); g += block_size) __builtin_prefetch(columns.log_ratio(next) + g);
    }
    const StackedSum& f = found_[k];
    kernels_->stack_rows(f.last - f.first, source_.data() + f.first, ratio_.data() + f.first, rows, stride, blocks, mixture_.data());
    const float lift = stack_->lift(season) * columns.ratio_lift(f.event);
    const float peak = kernels_->stack_coarse(mixture_.data(), columns.ratio_row(f.event), out.next_coarse()) * lift;
    out.add_with_row(1.0F, peak, lift);
    kernels_->stack_nodes(out.node_stride(), mixture_.data() + n_coarse_gamma, columns.log_ratio(f.event), out.nodes_of(first + k));
  }
}

void StackEvaluator::sum_left(std::size_t season, float* sums) {
  std::fill_n(sums, n_coarse_gamma, 0.0F);
  const Left& left = left_[season];
  const float* own[together];
  std::size_t first = 0;
  for (const auto& [columns, end] : left.columns)
    for (; first < end; first += std::min(together, end - first)) {
      const std::size_t n = std::min(together, end - first);
      for (std::size_t i = 0; i < n; ++i) {
        own[i] = columns->ratio_row(left.event[first + i].event);
        __builtin_prefetch(own[i]);
      }
      kernels_->stack_left(n, left.event.data() + first, source_.data(), ratio_.data(), stack_->rows(season), stack_->row_length(), own,
                           sums);
    }
}

}  // namespace nusky
