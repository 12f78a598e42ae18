#include "nusky/bounds/knot_bound.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nusky {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::size_t knots = KnotRow::knots;
// A direction that needs no more than this wins even with ts = 0.
constexpr double nothing_needed = 1e-3;

}  // namespace

KnotBound::KnotBound(const FitModel& model, std::shared_ptr<const KnotRows::Seasons> seasons, const BoundConstants& constants)
    : model_(&model), seasons_(std::move(seasons)), constants_(constants) {
  const EventIndex& index = model.index();
  const double n_most = 0.5 * constants.most_of_knots / constants.least_fall;
  for (int k = 0; k < index.n_seasons(); ++k) {
    float shares[n_coarse_gamma];
    model.likelihood().highest_shares_of(k, -1.0, 1.0, shares);
    const double share = static_cast<double>(*std::max_element(shares, shares + n_coarse_gamma));
    const double z = model.likelihood().extended() ? 0.0 : n_most * share / index.n_events(k);
    const double factor = bound_factor(constants.mixture * z);  // B1
    any_ = any_ && factor > 0.0;
    largest_.push_back(static_cast<float>(factor * share / index.n_events(k) * (1.0 + 1e-5)));
    power_.push_back(static_cast<float>(8388608.0 * std::log2(factor / index.n_events(k) * (1.0 + 1e-5))));
    AlignedVector<KnotRow>& rows = loose_.emplace_back();
    model.likelihood().highest_shares_of(k, -1.0, 1.0, shares);
    for (const std::uint32_t i : index.loose_events(k)) rows.push_back(knot_row(index.record(i), index.axis(), shares));
  }
}

// The rows of the events fetched for a season. Its loose events follow each other part by part.
void KnotBound::find_rows(std::size_t season, std::size_t n) {
  const EventIndex& index = model_->index();
  const std::vector<std::uint32_t>& loose = index.loose_events(static_cast<int>(season));
  if (rows_.size() < n) rows_.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t number = kept_.number(i);
    const EventRecord* record = &index.record(number);
    const KnotRow* row = nullptr;
    for (const KnotRows::Season& s : *seasons_)
      if (s.number == static_cast<int>(season) && record >= s.first && record < s.first + s.rows.size())
        row = s.rows.data() + (record - s.first);
    if (row == nullptr) row = loose_[season].data() + (std::lower_bound(loose.begin(), loose.end(), number) - loose.begin());
    __builtin_prefetch(row);
    rows_[i] = row;
  }
}

void KnotBound::group_ts(const Directions& directions, const DirectionGroup& group, double n, double* ts) {
  const EventIndex& index = model_->index();
  alignas(64) float v[3][group_size], sums[(1 + knots) * group_size] = {};
  for (std::uint32_t p = 0; p < group_size; ++p) {
    const Vec3 at = directions.vector(directions.order()[group.first + std::min(p, group.count - 1)]) - group.centre;
    for (std::size_t d = 0; d < 3; ++d) v[d][p] = static_cast<float>(at[static_cast<Eigen::Index>(d)]);
  }
  const double chord = 2.0 * std::sin(0.5 * std::min(pi, group.radius));
  const FixedCap cap = fixed_cap(group.centre, chord);
  std::size_t all = 0;
  double tail = 0.0;
  for (std::size_t k = 0; k < power_.size(); ++k) {
    index.near(static_cast<int>(k), group.centre, chord, ranges_);
    std::size_t room = block_size, found = 0;
    for (const EventRange r : ranges_) room += r.last - r.first;
    const SurveyColumns to = events_.room(room);
    for (const EventRange r : ranges_)
      found += kernels().fetch(index.view(r), cap, 1.0F, r.first,
                               {to.x + found, to.y + found, to.z + found, to.rate + found, to.weight + found, to.number + found});
    const SurveyColumns end = events_.room(found + block_size);
    all += found;
    for (; found % block_size != 0; ++found) {
      for (float* column : {end.x, end.y, end.z, end.rate, end.weight}) column[found] = 0.0F;
      end.number[found] = 0;
    }
    events_.set_size(found);
    const float at[3] = {};
    double left[4];  // the first: Σ of the largest w of those left out
    const SurveyColumns kept = kept_.room(found + block_size);
    std::size_t n_kept =
        kernels().survey_keep(events_.view(), at, static_cast<float>(chord), largest_[k], constants_.tail_of_knots, kept, left);
    while (n_kept > 0 && kept.weight[n_kept - 1] == 0.0F) --n_kept;
    if (constants_.tail) tail += left[0];  // B9
    kept_.set_size(n_kept);
    find_rows(k, n_kept);
    kernels().survey_knots({n_kept, kept.x, kept.y, kept.z, kept.rate, rows_.data()}, v[0], v[1], v[2], static_cast<float>(n), power_[k],
                           sums);
  }
  const double up = 1.0 + constants_.rounding * std::max(1.0, static_cast<double>(all) / constants_.rounded_in_turn);  // B7
  for (std::uint32_t p = 0; p < group.count; ++p) {
    bool falls = true;  // B11, at the knots B12
    for (std::size_t k = 1; k <= knots; ++k)
      falls = falls && (static_cast<double>(sums[k * group_size + p]) + tail) * up <= 1.0 - constants_.least_fall;
    ts[p] = falls ? static_cast<double>(sums[p]) * up + constants_.rounding_of_event * static_cast<double>(all) : infinity;
  }
}

void KnotBound::drop_hopeless(const Directions& directions, const DirectionGroup& group, const double* needed, bool* alive) {
  double lowest = infinity;
  for (std::uint32_t p = 0; p < group.count; ++p)
    if (alive[p] && needed[p] > nothing_needed) lowest = std::min(lowest, needed[p]);
  if (!(lowest >= constants_.worth_knots && lowest < infinity)) return;
  double ts[group_size];
  group_ts(directions, group, std::clamp(lowest * constants_.n_per_needed, constants_.knot_n[0], constants_.knot_n[1]), ts);
  for (std::uint32_t p = 0; p < group.count; ++p)
    alive[p] = alive[p] && (!(needed[p] > nothing_needed) || !(ts[p] < std::min(needed[p], constants_.most_of_knots)));
}

}  // namespace nusky
