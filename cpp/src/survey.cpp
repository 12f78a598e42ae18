#include "nusky/survey.hpp"

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
constexpr float cluster_n = 60.0F, group_n = 45.0F;
// Groups are bounded as a whole where all their directions need more than this.
constexpr double worth_a_tile = 20.0;
// Bounds far above what noise reaches need no more care: a ts is compared with this at most.
constexpr double most_needed = 400.0;
// Candidates whose u stays below this at n = 1 in the whole cluster are summed once for all its directions, at the place where
// each is largest: two of three candidates, which together add a percent to the sums.
constexpr float tail_u = 5e-5F;
// Rounding of the float sums, and of the two logarithms of an event near 1.
constexpr double rounding = 1e-3, rounding_of_event = 2e-7;

}  // namespace

Survey::Survey(const FitModel& model)
    : model_(&model),
      kernels_(&kernels()),
      share_bounds_(static_cast<std::size_t>(model.index().n_seasons()) * n_lanes),
      highest_share_(static_cast<std::size_t>(model.index().n_seasons())) {}

// Candidates of the whole cluster. False: with so few events the bound would be loose, and the fits are cheap.
bool Survey::load(const Directions& directions, const Cluster& cluster, double highest_needed) {
  const EventIndex& index = model_->index();
  const Likelihood& likelihood = model_->likelihood();
  const std::size_t n_seasons = highest_share_.size();
  std::fill(highest_share_.begin(), highest_share_.end(), n_seasons == 1 ? 1.0F : 0.0F);
  if (n_seasons > 1)
    for (std::uint32_t g = 0; g < cluster.n_groups; ++g) {
      const DirectionGroup& group = directions.groups()[cluster.group[g]];
      for (std::uint32_t p = 0; p < group.count; ++p) {
        likelihood.share_bounds(directions.vector(directions.order()[group.first + p]).z(), share_bounds_.data());
        for (std::size_t k = 0; k < n_seasons; ++k)
          for (std::size_t j = 0; j < n_lanes; ++j) highest_share_[k] = std::max(highest_share_[k], share_bounds_[k * n_lanes + j]);
      }
    }
  double z = 0.0;
  const double n_most = static_cast<double>(cluster_n) + 0.5 * std::min(highest_needed, most_needed) / least_fall;
  for (std::size_t k = 0; k < n_seasons && !likelihood.extended(); ++k)
    z = std::max(z, n_most * static_cast<double>(highest_share_[k]) / index.n_events(static_cast<int>(k)));
  if (z > 0.2) return false;
  const double inflation = (1.0 + z * (1.0 + z)) * (1.0 + 1e-4);

  n_ = 0;
  for (auto* column : {&x_, &y_, &z_, &rate_, &weight_}) column->clear();
  for (std::size_t k = 0; k < n_seasons; ++k) {
    index.collect(static_cast<int>(k), cluster.cap, *kernels_, ids_);
    const std::size_t found = ids_.size();
    const auto scale = static_cast<float>(inflation * static_cast<double>(highest_share_[k]) / index.n_events(static_cast<int>(k)));
    for (auto* column : {&x_, &y_, &z_, &rate_, &weight_}) column->resize(n_ + found);
    for (std::size_t i = 0; i < found; ++i) {
      const IndexedEvent& e = index.event(ids_[i]);
      const std::size_t at = n_ + i;
      x_[at] = static_cast<float>(e.x - cluster.cap.centre.x());
      y_[at] = static_cast<float>(e.y - cluster.cap.centre.y());
      z_[at] = static_cast<float>(e.z - cluster.cap.centre.z());
      rate_[at] = e.spatial.rate * (-1.44269504F * 8388608.0F * (1.0F - 1e-5F));
      weight_[at] = e.spatial.weight * scale * (model_->gamma_free() ? e.peak : model_->fixed_ratio(ids_[i]));
    }
    n_ += found;
  }
  const std::size_t filled = (n_ + n_lanes - 1) / n_lanes * n_lanes;
  for (auto* column : {&x_, &y_, &z_, &rate_, &weight_}) column->resize(filled, 0.0F);
  double sums[4] = {};
  n_ = kernels_->survey_keep(filled, x_.data(), y_.data(), z_.data(), rate_.data(), weight_.data(),
                             static_cast<float>(2.0 * std::sin(0.5 * std::min(pi, cluster.cap.radius))), cluster_n, cluster_n * tail_u,
                             sums);
  const auto n0 = static_cast<double>(cluster_n);
  tail_ = sums[0] / n0;
  tail_squares_ = sums[1] / (n0 * n0);
  cluster_ts_ = tangent_top(n0, sums[0] + sums[2], sums[1] + sums[3]);
  return true;
}

// What the tangent at n proves, from Σ u/(1+u) and Σ 2 [ln(1+u) − u/(1+u)] or what is above that, as Σ u²/(1+u) is; +∞ where it does not
// fall.
double Survey::tangent_top(double n, double p, double top) const {
  if (p > (1.0 - least_fall) * n * (1.0 - rounding)) return std::numeric_limits<double>::infinity();
  return top * (1.0 + rounding) + rounding_of_event * static_cast<double>(n_);
}

// No direction of the group has more. Candidates of the cluster must be loaded.
double Survey::group_ts(const DirectionGroup& group, const Vec3& centre) const {
  const SurveyView view{n_, x_.data(), y_.data(), z_.data(), rate_.data(), weight_.data()};
  const Vec3 at = group.centre - centre;
  double p = 0.0, top = 0.0;
  kernels_->survey_cap(view, static_cast<float>(at.x()), static_cast<float>(at.y()), static_cast<float>(at.z()),
                       static_cast<float>(2.0 * std::sin(0.5 * std::min(pi, group.radius))), group_n, &p, &top);
  const auto n = static_cast<double>(group_n);
  return tangent_top(n, p + n * tail_, top + n * n * tail_squares_);
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
  if (!load(directions, cluster, highest)) return true;

  std::array<float, Cluster::most_groups * n_lanes> x{}, y{}, z{};
  std::array<std::size_t, Cluster::most_groups * n_lanes> which{};
  std::size_t n = 0;
  const SurveyView view{n_, x_.data(), y_.data(), z_.data(), rate_.data(), weight_.data()};
  const bool whole = cluster_ts_ < std::min(lowest, most_needed);
  for (std::size_t g = 0; g < cluster.n_groups; ++g) {
    const DirectionGroup& group = directions.groups()[cluster.group[g]];
    const bool gone = whole || (lowest_of[g] > worth_a_tile && group_ts(group, cluster.cap.centre) < std::min(lowest_of[g], most_needed));
    for (std::uint32_t p = 0; p < group.count; ++p) {
      const std::size_t i = g * n_lanes + p;
      if (!alive[i] || !(needed[i] > rounding)) continue;
      if (gone) {
        alive[i] = false;
        continue;
      }
      const Vec3& v = directions.vector(directions.order()[group.first + p]);
      x[n] = static_cast<float>(v.x() - cluster.cap.centre.x());
      y[n] = static_cast<float>(v.y() - cluster.cap.centre.y());
      z[n] = static_cast<float>(v.z() - cluster.cap.centre.z());
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
        if (tangent_top(at, sum_p[k] + at * tail_, sum_up[k] + at * at * tail_squares_) < std::min(needed[which[from]], most_needed)) {
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
    const double limit = std::min(needed[which[i]], most_needed);
    if (highest_ts(limit, v) < limit) {
      alive[which[i]] = false;
    } else {
      any = true;
    }
  }
  return any;
}

// 2 max G at one direction, by Newton and the tangent where it ends; +∞ where no tangent is found.
double Survey::highest_ts(double needed, const float* v) {
  u_.resize(n_);
  const SurveyView view{n_, x_.data(), y_.data(), z_.data(), rate_.data(), weight_.data()};
  kernels_->survey_values(view, v[0], v[1], v[2], u_.data());
  double n = static_cast<double>(first_n);
  double least = std::numeric_limits<double>::infinity();
  for (int iteration = 0; iteration < 8; ++iteration) {
    EventSums s{};
    kernels_->sums_flat(n_, u_.data(), static_cast<float>(n), s);
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
  return least;
}

}  // namespace nusky
