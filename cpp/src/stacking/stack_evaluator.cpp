#include "nusky/stacking/stack_evaluator.hpp"

#include <algorithm>
#include <cmath>

namespace nusky {
namespace {

// So many events before they are looked at, what they point to is asked for.
constexpr std::size_t ahead = 12;

// An event as the kernel takes it: σ and B are read off its record, which holds no extension.
StackedEvent stacked(const EventRecord& record, double x, double y, double cut_n_sigma) {
  const double sigma2 = 0.5 / static_cast<double>(record.spatial.rate);
  double per_density = static_cast<double>(record.spatial.weight) * sigma2;
  if (record.spatial.gaussian == 0.0F) per_density *= -std::expm1(-2.0 / sigma2);
  return {{fixed_point(x), fixed_point(y), fixed_point(record.sin_dec)},
          static_cast<float>(sigma2),
          static_cast<float>(per_density),
          static_cast<float>(cut_n_sigma * cut_n_sigma)};
}

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

// The pairs of all events. Records are far apart in memory and asked for before they are needed.
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
    __builtin_prefetch(&columns.record(event[std::min(i + ahead, n - 1)]));
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
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const StackClass& sources = classes[c];
    ranges_.clear();
    sources.grid.near(turn_word(ra), own ? stack_->own_reach(season, event, c) : stack_->reach(sources, columns, event), ranges_);
    if (ranges_.empty()) continue;
    const StackedEvent here = stacked(columns.record(event), x, y, stack_->cut_n_sigma());
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

void StackEvaluator::add_free(std::size_t season, const EventColumns& columns, ValueEvents& out) {
  const float* rows = stack_->rows(season);
  const std::size_t stride = stack_->row_length(), blocks = stride / block_size;
  for (std::size_t k = 0; k < found_.size(); ++k) {
    if (k + ahead < found_.size()) __builtin_prefetch(columns.record(found_[k + ahead].event).ratio);
    const Found& f = found_[k];
    const EventRecord& record = columns.record(f.event);
    const std::uint32_t* source = source_.data() + f.first;
    const float* ratio = ratio_.data() + f.first;
    const std::size_t n = f.last - f.first;
    kernels_->stack_rows(n, source, ratio, rows, stride, 1, mixture_.data());
    const float lift = stack_->lift(season) * record.lift;
    const float peak = kernels_->stack_coarse(mixture_.data(), record.ratio, out.next_coarse()) * lift;
    const bool near = peak >= out.nodes_above();
    if (near) {
      kernels_->stack_rows(n, source, ratio, rows + n_coarse_gamma, stride, blocks - 1, mixture_.data() + n_coarse_gamma);
      kernels_->stack_nodes(out.node_stride(), mixture_.data() + n_coarse_gamma, record.log_ratio, out.next_nodes());
    }
    out.add_with_rows(1.0F, peak, lift, near);
  }
}

}  // namespace nusky
