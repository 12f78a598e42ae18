#include "nusky/bounds/survey.hpp"

#include <algorithm>
#include <cmath>

namespace nusky {
namespace {

// Tangents are taken where G falls at least this fast, so that G is below 0 not too far beyond.
constexpr double least_fall = 0.02;
// First and second n at which the tangent is tried for a direction: the first lets most of the sky go, the second catches those where
// the first is too small for G to fall.
constexpr float first_n = 20.0F, second_n = 10.0F;
// For a whole cluster, where many events count as if they were in the same place, G falls late.
constexpr float cluster_n = 60.0F;
constexpr std::array<float, 3> group_n{30.0F, 45.0F, 70.0F};
// Groups as small as this, rad, are bounded as a whole where all their directions need more than this: wider ones, in which most events
// count with their peak, never fall to it.
constexpr double small_group = 0.02, worth_a_group = 20.0;
// Bounds far above what noise reaches need no more care: a ts is compared with this at most.
constexpr double most_needed = 400.0;
// Candidates whose u stays below this at n = 1 in the whole cap are summed once for all directions in question, at the place where
// each is largest: two of three candidates, which together add a percent to the sums.
constexpr float tail_u = 3e-4F;
// Where clusters are smaller than this, events reach over many of them, and are fetched for so many at once. The bounds then hold for a ts
// up to a common limit.
constexpr double small_cluster = 0.04, most_of_pool = 200.0;
constexpr std::size_t clusters_of_pool = 16, few_clusters = 3;
// γ is looked at in so many parts of its range where a direction would be fitted otherwise.
constexpr std::size_t gamma_parts = 5;
// Events on their way from memory.
constexpr std::size_t ahead = 16;
// Rounding of the float sums, and of the two logarithms of an event near 1.
constexpr double rounding = 1e-3, rounding_of_event = 2e-7;

}  // namespace

Survey::Survey(const FitModel& model)
    : model_(&model),
      kernels_(&kernels()),
      share_bounds_(static_cast<std::size_t>(model.index().n_seasons()) * n_lanes),
      highest_share_(static_cast<std::size_t>(model.index().n_seasons())) {}

SurveyColumns Survey::Columns::room(std::size_t size) {
  if (x.size() < size) {
    for (auto* column : {&x, &y, &z, &rate, &weight}) column->resize(size);
    number.resize(size);
  }
  return {x.data(), y.data(), z.data(), rate.data(), weight.data(), number.data()};
}

// Events of a cap around clusters. False: with so few events the bound would be loose, and the fits are cheap.
bool Survey::fetch(const Directions& directions, const Cluster* const* clusters, std::size_t n, const Cap& cap, double most) {
  const EventIndex& index = model_->index();
  const Likelihood& likelihood = model_->likelihood();
  const std::size_t n_seasons = highest_share_.size();
  std::fill(highest_share_.begin(), highest_share_.end(), n_seasons == 1 ? 1.0F : 0.0F);
  if (n_seasons > 1)
    for (std::size_t c = 0; c < n; ++c)
      for (std::uint32_t g = 0; g < clusters[c]->n_groups; ++g) {
        const DirectionGroup& group = directions.groups()[clusters[c]->group[g]];
        for (std::uint32_t p = 0; p < group.count; ++p) {
          likelihood.share_bounds(directions.vector(directions.order()[group.first + p]).z(), share_bounds_.data());
          for (std::size_t k = 0; k < n_seasons; ++k)
            for (std::size_t j = 0; j < n_lanes; ++j) highest_share_[k] = std::max(highest_share_[k], share_bounds_[k * n_lanes + j]);
        }
      }
  double z = 0.0;
  most_ = std::min(most, most_needed);
  const double n_most = static_cast<double>(cluster_n) + 0.5 * most_ / least_fall;
  for (std::size_t k = 0; k < n_seasons && !likelihood.extended(); ++k)
    z = std::max(z, n_most * static_cast<double>(highest_share_[k]) / index.n_events(static_cast<int>(k)));
  const double inflation = bound_factor(z);
  if (!(inflation > 0.0)) return false;

  std::size_t found = 0;
  const double chord = 2.0 * std::sin(0.5 * std::min(pi, cap.radius));
  const CapPlace place = cap_place(cap.centre, chord);
  for (std::size_t k = 0; k < n_seasons; ++k) {
    index.near(static_cast<int>(k), cap.centre, chord, ranges_);
    std::size_t room = found + n_lanes;
    for (const EventRange r : ranges_) room += r.last - r.first;
    const SurveyColumns to = fetched_.room(room);
    const auto scale = static_cast<float>(inflation * static_cast<double>(highest_share_[k]) / index.n_events(static_cast<int>(k)));
    const std::size_t first = found;
    for (const EventRange r : ranges_)
      found += kernels_->fetch(index.view(r), place, scale, r.first,
                               {to.x + found, to.y + found, to.z + found, to.rate + found, to.weight + found, to.number + found});
    for (std::size_t i = first; i < found && !model_->gamma_free(); ++i)
      to.weight[i] *= model_->fixed_ratio(to.number[i]) / index.record(to.number[i]).peak * (1.0F + 1e-6F);
  }
  const SurveyColumns end = fetched_.room(found + n_lanes);
  for (; found % n_lanes != 0; ++found) {
    for (float* column : {end.x, end.y, end.z, end.rate, end.weight}) column[found] = 0.0F;
    end.number[found] = 0;
  }
  fetched_.n = found;
  return true;
}

// What matters within a cap; `offset` is its centre from the middle of `from`.
void Survey::keep(const Columns& from, const Vec3& offset, double radius, Columns& to, double* sums) {
  const float at[3] = {static_cast<float>(offset.x()), static_cast<float>(offset.y()), static_cast<float>(offset.z())};
  to.n = kernels_->survey_keep(from.view(), at, static_cast<float>(2.0 * std::sin(0.5 * std::min(pi, radius))), cluster_n,
                               cluster_n * tail_u, to.room(from.n + n_lanes), sums);
}

void Survey::enter(const Directions& directions, const std::vector<Cluster>& clusters, const std::uint32_t* queue, std::size_t n) {
  const Cluster& first = clusters[queue[0]];
  if (std::find(pooled_.begin(), pooled_.end(), &first) != pooled_.end()) return;
  pooled_.clear();
  if (first.cap.radius > small_cluster) return;
  Vec3 sum = Vec3::Zero();
  for (std::size_t i = 0; i < std::min(n, clusters_of_pool); ++i) {
    const Cluster& c = clusters[queue[i]];
    if (c.cap.radius > 2.0 * first.cap.radius || (c.cap.centre - first.cap.centre).norm() > 6.0 * first.cap.radius) continue;
    pooled_.push_back(&c);
    sum += c.cap.centre;
  }
  Cap cap{sum.normalized(), 0.0};
  for (const Cluster* c : pooled_)  // at these distances an arc is longer than its chord by less than half a percent
    cap.radius = std::max(cap.radius, 1.005 * (c->cap.centre - cap.centre).norm() + c->cap.radius + 1e-9);
  if (pooled_.size() < few_clusters || !fetch(directions, pooled_.data(), pooled_.size(), cap, most_of_pool)) {
    pooled_.clear();
    return;
  }
  double sums[4] = {};
  keep(fetched_, Vec3::Zero(), cap.radius, pool_, sums);
  const auto n0 = static_cast<double>(cluster_n);
  pool_tail_ = sums[0] / n0;
  pool_tail_squares_ = sums[1] / (n0 * n0);
  middle_ = cap.centre;
}

bool Survey::load(const Directions& directions, const Cluster& cluster, const Cap& cap, double highest_needed) {
  const auto n0 = static_cast<double>(cluster_n);
  double sums[4] = {};
  has_parts_ = false;
  tail_ = tail_squares_ = 0.0;
  if (!pooled_.empty()) {
    keep(pool_, cap.centre - middle_, cap.radius, kept_, sums);
    tail_ = pool_tail_;
    tail_squares_ = pool_tail_squares_;
  } else {
    const Cluster* only = &cluster;
    if (!fetch(directions, &only, 1, cap, highest_needed)) return false;
    keep(fetched_, Vec3::Zero(), cap.radius, kept_, sums);
  }
  tail_ += sums[0] / n0;
  tail_squares_ += sums[1] / (n0 * n0);
  cluster_ts_ = tangent_top(n0, n0 * tail_ + sums[2], n0 * n0 * tail_squares_ + sums[3]);
  return true;
}

// What the tangent at n proves, from Σ u/(1+u) and Σ 2 [ln(1+u) − u/(1+u)] or what is above that, as Σ u²/(1+u) is; +∞ where it does not
// fall.
double Survey::tangent_top(double n, double p, double top) const {
  if (p > (1.0 - least_fall) * n * (1.0 - rounding)) return std::numeric_limits<double>::infinity();
  return top * (1.0 + rounding) + rounding_of_event * static_cast<double>(kept_.n);
}

// No direction of the group that is in question has more, as far as the first tangent that falls can tell. Candidates of the cluster must
// be loaded.
double Survey::group_ts(const DirectionGroup& group, const Vec3& centre) const {
  const SurveyView view = kept_.view();
  const Vec3 at = group.centre - centre;
  for (const float n0 : group_n) {
    double p = 0.0, top = 0.0;
    kernels_->survey_cap(view, static_cast<float>(at.x()), static_cast<float>(at.y()), static_cast<float>(at.z()),
                         static_cast<float>(2.0 * std::sin(0.5 * std::min(pi, group.radius))), n0, &p, &top);
    const auto n = static_cast<double>(n0);
    const double ts = tangent_top(n, p + n * tail_, top + n * n * tail_squares_);
    if (std::isfinite(ts)) return ts;
  }
  return std::numeric_limits<double>::infinity();
}

// Holds the directions in question, which may be few of the cluster's.
Cap Survey::cap_of(const Directions& directions, const Cluster& cluster, const bool* alive) {
  std::array<const Vec3*, Cluster::most_groups * n_lanes> some;
  std::size_t n = 0, all = 0;
  for (std::size_t g = 0; g < cluster.n_groups; ++g) {
    const DirectionGroup& group = directions.groups()[cluster.group[g]];
    all += group.count;
    for (std::uint32_t p = 0; p < group.count; ++p)
      if (alive[g * n_lanes + p]) some[n++] = &directions.vector(directions.order()[group.first + p]);
  }
  if (2 * n > all || n == 0) return cluster.cap;
  Vec3 sum = Vec3::Zero();
  for (std::size_t i = 0; i < n; ++i) sum += *some[i];
  if (!(sum.norm() > 0.5 * static_cast<double>(n))) return cluster.cap;
  Cap cap{sum.normalized(), 0.0};
  double chord = 0.0;
  for (std::size_t i = 0; i < n; ++i) chord = std::max(chord, (*some[i] - cap.centre).norm());
  cap.radius = 2.0 * std::asin(std::min(1.0, 0.5 * chord)) + 1e-9;
  return cap.radius < cluster.cap.radius ? cap : cluster.cap;
}

bool Survey::drop_hopeless(const Directions& directions, const Cluster& cluster, const double* needed, bool* alive) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  bool any = false;
  double highest = 0.0, lowest = infinity;
  std::array<double, Cluster::most_groups> lowest_of;
  lowest_of.fill(infinity);
  for (std::size_t g = 0; g < cluster.n_groups; ++g) {
    const std::uint32_t count = directions.groups()[cluster.group[g]].count;
    for (std::size_t i = g * n_lanes; i < g * n_lanes + count; ++i) {
      if (!alive[i]) continue;
      if (!(needed[i] > rounding)) {  // wins even with ts = 0
        any = true;
        continue;
      }
      highest = std::max(highest, needed[i]);
      lowest_of[g] = std::min(lowest_of[g], needed[i]);
    }
    lowest = std::min(lowest, lowest_of[g]);
  }
  if (highest == 0.0) return any;
  const Cap cap = cap_of(directions, cluster, alive);
  if (!load(directions, cluster, cap, highest)) return true;

  std::array<float, Cluster::most_groups * n_lanes> x{}, y{}, z{};
  std::array<std::size_t, Cluster::most_groups * n_lanes> which{};
  std::size_t n = 0;
  const SurveyView view = kept_.view();
  const bool whole = cluster_ts_ < std::min(lowest, most_);
  for (std::size_t g = 0; g < cluster.n_groups; ++g) {
    const DirectionGroup& group = directions.groups()[cluster.group[g]];
    const bool gone = whole || (group.radius < small_group && lowest_of[g] > worth_a_group &&
                                group_ts(group, cap.centre) < std::min(lowest_of[g], most_));
    for (std::uint32_t p = 0; p < group.count; ++p) {
      const std::size_t i = g * n_lanes + p;
      if (!alive[i] || !(needed[i] > rounding)) continue;
      if (gone) {
        alive[i] = false;
        continue;
      }
      const Vec3& v = directions.vector(directions.order()[group.first + p]);
      x[n] = static_cast<float>(v.x() - cap.centre.x());
      y[n] = static_cast<float>(v.y() - cap.centre.y());
      z[n] = static_cast<float>(v.z() - cap.centre.z());
      which[n++] = i;
    }
  }
  for (const float n0 : {first_n, second_n}) {
    std::size_t left = 0;
    const auto at = static_cast<double>(n0);
    for (std::size_t i = 0; i < n; i += 4) {
      const std::size_t count = std::min<std::size_t>(4, n - i);
      double sum_p[4] = {}, sum_up[4] = {};
      kernels_->survey(view, count, x.data() + i, y.data() + i, z.data() + i, n0, sum_p, sum_up);
      for (std::size_t k = 0; k < count; ++k) {
        const std::size_t from = i + k;
        if (tangent_top(at, sum_p[k] + at * tail_, sum_up[k] + at * at * tail_squares_) < std::min(needed[which[from]], most_)) {
          alive[which[from]] = false;
          continue;
        }
        x[left] = x[from];
        y[left] = y[from];
        z[left] = z[from];
        which[left++] = which[from];
      }
    }
    n = left;
  }
  for (std::size_t i = 0; i < n; ++i) {
    const float v[3] = {x[i], y[i], z[i]};
    alive[which[i]] = may_reach(std::min(needed[which[i]], most_), v);
    any |= alive[which[i]];
  }
  return any;
}

// Whether ts may be as large as `needed` at one direction: as far as G tells, and where γ is in each part of its range.
bool Survey::may_reach(double needed, const float* v) {
  u_.resize(kept_.n);
  u_part_.resize(kept_.n);
  kernels_->survey_values(kept_.view(), v[0], v[1], v[2], u_.data());
  if (highest_ts(needed, u_.data()) < needed) return false;
  if (!model_->gamma_free()) return true;
  if (!has_parts_) find_parts();
  for (std::size_t part = 0; part < gamma_parts; ++part) {
    const float* of_peak = parts_.data() + part * kept_.n;
    for (std::size_t i = 0; i < kept_.n; ++i) u_part_[i] = u_[i] * of_peak[i];
    if (!(highest_ts(needed, u_part_.data()) < needed)) return true;
  }
  return false;
}

void Survey::find_parts() {
  has_parts_ = true;
  parts_.resize(gamma_parts * kept_.n);
  const auto record = [&](std::size_t i) -> const EventRecord& { return model_->index().record(kept_.number[std::min(i, kept_.n - 1)]); };
  for (std::size_t i = 0; i < kept_.n; ++i) {
    __builtin_prefetch(&record(i + 2 * ahead));
    __builtin_prefetch(record(i + ahead).ratio);
    const EventRecord& e = record(i);
    for (std::size_t part = 0; part < gamma_parts; ++part) {
      const std::size_t first = part * (n_lanes - 1) / gamma_parts, last = (part + 1) * (n_lanes - 1) / gamma_parts;
      const float most = *std::max_element(e.ratio + first, e.ratio + last + 1) * e.lift;
      parts_[part * kept_.n + i] = std::min(1.0F, most / e.peak * 1.000001F);
    }
  }
}

// 2 max G for these u at n = 1, by Newton and the tangent where it ends; +∞ where no tangent is found.
double Survey::highest_ts(double needed, const float* u) {
  double n = start_n_;
  double least = std::numeric_limits<double>::infinity();
  for (int iteration = 0; iteration < 8; ++iteration) {
    EventSums s{};
    kernels_->sums_flat(kept_.n, u, false, static_cast<float>(n), s);  // out of range, it is too large: still a bound
    s.p += n * tail_;
    s.q += n * tail_;
    s.log += n * tail_ + 0.5 * n * n * tail_squares_;  // so that log − p bounds Σ [ln(1+u) − u/(1+u)] ≤ Σ u²/2
    if (s.p <= (1.0 - least_fall) * n * (1.0 - rounding)) {
      least = std::min(least, 2.0 * (s.log - s.p) * (1.0 + rounding));
      if (least < needed || s.p >= 0.9 * n) break;
    } else if (2.0 * (s.log - n) > needed) {
      break;  // G itself is above: no tangent can lie below
    }
    // n G′ = p − n and n² G″ = q − p: Newton on G′ = −0.05, kept within a factor
    const double slope = s.p / n - 0.95, curvature = (s.q - s.p) / (n * n);
    n = std::clamp(curvature < 0.0 ? n - slope / curvature : 2.0 * n, 0.25 * n, 4.0 * n);
  }
  start_n_ = std::clamp(n, 1.0, 60.0);
  return least;
}

}  // namespace nusky
