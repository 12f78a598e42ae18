#include "nusky/stacking/stack_evaluator.hpp"

#include <algorithm>
#include <cmath>

namespace nusky {
namespace {

// So many events before they are looked at, what they point to is asked for.
constexpr std::size_t ahead = 12;

}  // namespace

StackEvaluator::StackEvaluator(const Stack& stack, std::optional<double> gamma)
    : stack_(&stack), kernels_(&kernels()), free_(stack.axis().free() && !gamma), mixture_(stack.row_length()) {
  if (free_) return;
  for (std::size_t k = 0; k < stack.n_seasons(); ++k) shares_.push_back(stack.shares(k, gamma));
}

void StackEvaluator::add(std::size_t season, const EventColumns& columns, std::size_t n, const std::uint32_t* event, const double* ra,
                         ValueEvents& out) {
  find(season, columns, n, event, ra);
  if (free_)
    add_free(season, columns, out);
  else
    add_fixed(season, columns, out);
}

// The pairs of all events.
void StackEvaluator::find(std::size_t season, const EventColumns& columns, std::size_t n, const std::uint32_t* event, const double* ra) {
  cos_dec_.resize(n);
  x_.resize(n);
  y_.resize(n);
  for (std::size_t i = 0; i < n; ++i) cos_dec_[i] = columns.cos_dec(event[i]);
  kernels_->circle(n, ra, cos_dec_.data(), x_.data(), y_.data());
  found_.clear();
  std::size_t pairs = 0;
  const std::size_t room = stack_->size() + block_size;
  for (std::size_t i = 0; i < n; ++i) {
    if (source_.size() < pairs + room) {
      source_.resize(2 * (pairs + room));
      ratio_.resize(2 * (pairs + room));
    }
    const std::size_t end = find_pairs(season, columns, event[i], ra[i], x_[i], y_[i], pairs);
    if (end > pairs) found_.push_back({event[i], pairs, end});
    pairs = end;
  }
}

// Appends the sources that an event is within its cut of, and S/B of each.
std::size_t StackEvaluator::find_pairs(std::size_t season, const EventColumns& columns, std::size_t event, double ra, double x, double y,
                                       std::size_t pairs) {
  const std::vector<StackClass>& classes = stack_->classes();
  const bool own = &columns == stack_->season(season).get();
  const StackEvent e = own ? stack_->own(season, event) : Stack::stack_event(columns.record(event));
  const auto cut2 = static_cast<float>(stack_->cut_n_sigma() * stack_->cut_n_sigma());
  const StackedEvent here{{fixed_point(x), fixed_point(y), e.z}, e.sigma2, e.per_density, cut2};
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
  for (const Found& f : found_) {
    double value = 0.0;
    for (std::size_t i = f.first; i < f.last; ++i) value += static_cast<double>(shares[source_[i]]) * static_cast<double>(ratio_[i]);
    out.add(static_cast<float>(value), columns.record(f.event));
  }
}

// First R at the coarse γ of all events, then its logarithm at the nodes of those that need it. Rows are far apart in memory, and asked
// for before they are read.
void StackEvaluator::add_free(std::size_t season, const EventColumns& columns, ValueEvents& out) {
  const bool own = &columns == stack_->season(season).get();
  const float* rows = stack_->rows(season);
  const std::size_t stride = stack_->row_length(), blocks = stride / block_size, first = out.size();
  near_.clear();
  for (std::size_t k = 0; k < found_.size(); ++k) {
    if (k + ahead < found_.size()) __builtin_prefetch(columns.ratio_row(found_[k + ahead].event));
    const Found& f = found_[k];
    kernels_->stack_rows(f.last - f.first, source_.data() + f.first, ratio_.data() + f.first, rows, stride, 1, mixture_.data());
    const float lift = stack_->lift(season) * (own ? stack_->own(season, f.event).lift : columns.ratio_lift(f.event));
    const float peak = kernels_->stack_coarse(mixture_.data(), columns.ratio_row(f.event), out.next_coarse()) * lift;
    if (peak >= out.nodes_above()) near_.push_back(k);
    out.add_with_row(1.0F, peak, lift);
  }
  for (std::size_t j = 0; j < near_.size(); ++j) {
    if (j + ahead < near_.size()) {
      const float* row = columns.log_ratio(found_[near_[j + ahead]].event);
      for (std::size_t g = 0; g < out.node_stride(); g += block_size) __builtin_prefetch(row + g);
    }
    const Found& f = found_[near_[j]];
    kernels_->stack_rows(f.last - f.first, source_.data() + f.first, ratio_.data() + f.first, rows + n_coarse_gamma, stride, blocks - 1,
                         mixture_.data());
    kernels_->stack_nodes(out.node_stride(), mixture_.data(), columns.log_ratio(f.event), out.nodes_of(first + near_[j]));
  }
}

}  // namespace nusky
