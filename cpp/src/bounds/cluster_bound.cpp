#include "nusky/bounds/cluster_bound.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nusky {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

ClusterBound::ClusterBound(const Pool& pool, const Cap& cap, const BoundConstants& constants, CapEvents&& room)
    : constants_(constants),
      centre_(cap.centre),
      most_(pool.most),
      rounding_(constants.rounding * std::max(1.0, static_cast<double>(pool.events.size()) / constants.rounded_events)),  // B7
      events_(std::move(room)),
      tail_(pool.tail) {
  const KeptSums kept = keep_events(pool.events, cap.centre - pool.cap.centre, cap.radius, constants_, events_, tail_);
  const auto n = static_cast<double>(constants_.cluster_n);
  cluster_ts_ = tangent_ts(n, n * tail_.u + kept.p, n * n * tail_.u2 + kept.top);
}

// What the tangent at n proves (B2), from Σ u/(1+u) and Σ 2 [ln(1+u) − u/(1+u)] or what is above that, as Σ u²/(1+u) is.
double ClusterBound::tangent_ts(double n, double p, double top) const {
  if (p > (1.0 - constants_.least_fall) * n * (1.0 - rounding_)) return infinity;                       // B2, B7
  return top * (1.0 + rounding_) + constants_.rounding_of_event * static_cast<double>(events_.size());  // B7
}

double ClusterBound::group_ts(const DirectionGroup& group) const {
  const SurveyView view = events_.view();
  const Vec3 at = group.centre - centre_;
  for (const float n0 : constants_.group_n) {
    double p = 0.0, top = 0.0;
    kernels().survey_cap(view, static_cast<float>(at.x()), static_cast<float>(at.y()), static_cast<float>(at.z()),
                         static_cast<float>(2.0 * std::sin(0.5 * std::min(pi, group.radius))), n0, &p, &top);
    const auto n = static_cast<double>(n0);
    const double ts = tangent_ts(n, p + n * tail_.u, top + n * n * tail_.u2);  // B9
    if (std::isfinite(ts)) return ts;
  }
  return infinity;
}

void ClusterBound::direction_ts(float n0, std::size_t count, const float* x, const float* y, const float* z, double* ts) const {
  double p[4] = {}, top[4] = {};
  const auto n = static_cast<double>(n0);
  kernels().survey(events_.view(), count, x, y, z, n0, p, top);
  for (std::size_t k = 0; k < count; ++k) ts[k] = tangent_ts(n, p[k] + n * tail_.u, top[k] + n * n * tail_.u2);  // B9
}

double ClusterBound::highest_ts(double needed, const float* u, double& start_n) const {
  double n = start_n, least = infinity;
  for (int iteration = 0; iteration < 8; ++iteration) {
    EventSums s{};
    kernels().sums_flat(events_.size(), u, false, static_cast<float>(n), s);  // out of range, it is too large: still a bound
    s.p += n * tail_.u;
    s.q += n * tail_.u;
    s.log += n * tail_.u + 0.5 * n * n * tail_.u2;  // B9: so that log − p bounds Σ [ln(1+u) − u/(1+u)] ≤ Σ u²/2
    if (s.p <= (1.0 - constants_.least_fall) * n * (1.0 - rounding_)) {
      least = std::min(least, 2.0 * (s.log - s.p) * (1.0 + rounding_));  // B2
      if (least < needed || s.p >= 0.9 * n) break;
    } else if (2.0 * (s.log - n) > needed) {
      break;  // G itself is above: no tangent can lie below
    }
    // n G′ = p − n and n² G″ = q − p: Newton on G′ = −0.05, kept within a factor
    const double slope = s.p / n - 0.95, curvature = (s.q - s.p) / (n * n);
    n = std::clamp(curvature < 0.0 ? n - slope / curvature : 2.0 * n, 0.25 * n, 4.0 * n);
  }
  start_n = std::clamp(n, 1.0, 60.0);
  return least;
}

bool ClusterBound::may_have(double needed, const float* v, GammaParts& parts, BoundSpace& space) const {
  const std::size_t n = events_.size();
  needed = std::min(needed, most_);
  space.u.resize(n);
  kernels().survey_values(events_.view(), v[0], v[1], v[2], space.u.data());
  if (highest_ts(needed, space.u.data(), space.start_n) < needed) return false;
  if (!parts.free()) return true;
  space.u_part.resize(n);
  for (std::size_t part = 0; part < GammaParts::n_parts; ++part) {  // B10
    const float* left = parts.part(part);
    for (std::size_t i = 0; i < n; ++i) space.u_part[i] = space.u[i] * left[i];
    if (!(highest_ts(needed, space.u_part.data(), space.start_n) < needed)) return true;
  }
  return false;
}

}  // namespace nusky
