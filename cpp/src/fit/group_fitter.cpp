#include "nusky/fit/group_fitter.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace nusky {
namespace {

// The product of two u up to this stays within float.
constexpr double largest_pair = 1e18;
// So often the near events of a direction are listed at most, for larger n each time.
constexpr int most_lists = 4;
// Passes over the events that `polish` takes at most: the second settles nearly all that the first did not.
constexpr int most_passes = 3;

}  // namespace

GroupFitter::GroupFitter(const FitModel& model, bool several_tiles)
    : model_(&model),
      kernels_(&kernels()),
      n_seasons_(static_cast<std::size_t>(model.index().n_seasons())),
      tile_(model, several_tiles),
      events_(model),
      profile_(model),
      shares_(n_seasons_) {}

// Prepares `evaluate` for a γ, and returns how far n_s may go there.
double GroupFitter::enter(const Stencil& at) {
  model_->likelihood().shares(events_.sindec(), at, shares_.data());
  if (model_->likelihood().extended()) return 1e12;
  double limit = 1e300;
  for (std::size_t k = 0; k < n_seasons_; ++k)
    if (shares_[k].f > 0) limit = std::min(limit, model_->index().n_events(static_cast<int>(k)) / shares_[k].f);
  return limit * Likelihood::closest_to_limit;
}

EventSums GroupFitter::season_sums(std::size_t season, double y, const Stencil& at, const CoarseWeights& coarse, Accuracy accuracy) {
  const auto yf = static_cast<float>(y);
  const NearEvents& near = events_.near();
  const double tail_squares = static_cast<double>(near.tail_squares[season]);
  const bool huge = y * static_cast<double>(near.sum_largest_w[season]) > largest_pair;
  EventSums s{};
  if (!model_->gamma_free()) {
    const EventView every = events_.every(season);
    kernels_->sums_flat(every.n, every.value, huge, yf, s);
    const double u = y * static_cast<double>(events_.tail(season)[0]), u2 = y * y * tail_squares;
    s.log += u - 0.5 * u2;
    s.p += u - u2;
    s.q += u - 2.0 * u2;
    return s;
  }
  const float* const* rows = events_.node_rows();
  if (accuracy != Accuracy::gradient) {
    s = profile_.weak_sums(season, y, coarse);
    EventView strong = events_.strong(season);
    strong.huge = huge;
    kernels_->sums(strong, rows, at.first, at.value.data(), at.slope.data(), at.curvature.data(), yf, s);
  }
  if (accuracy != Accuracy::profile) {
    // Value and gradient from every near event and the tail; the curvature, which only scales the last step, stays that of the
    // profile.
    double slope = 0.0;
    const double u = y * profile_.tail_sum(season, coarse, slope), most = y * static_cast<double>(near.tail[season]);
    const double u2 = most > 0.0 ? y * y * tail_squares * (u / most) * (u / most) : 0.0;
    s.log = u - 0.5 * u2;
    s.p = u - u2;
    s.p1 = s.p * slope;
    EventView every = events_.every(season);
    every.huge = huge;
    kernels_->sums_first(every, rows, at.first, at.value.data(), at.slope.data(), yf, s);
  }
  return s;
}

// ln Λ and its derivatives in (n, γ), from the event sums; with z = n φ, c = 1/(1 − z) and λ = ln φ:
//   ∂ ln u/∂n = c/n,  ∂ ln u/∂γ = ℓ′ + c λ′   (extended: c = 1 and the first term is −n f)
Evaluation GroupFitter::evaluate(double n, const Stencil& at, double gamma, Accuracy accuracy) {
  const bool extended = model_->likelihood().extended();
  const CoarseWeights coarse = model_->gamma_free() ? CoarseWeights(model_->likelihood().axis(), gamma) : CoarseWeights{};
  Evaluation e;
  for (std::size_t k = 0; k < n_seasons_; ++k) {
    const double n_events = model_->index().n_events(static_cast<int>(k));
    const double f = shares_[k].f, l1 = shares_[k].slope, l2 = shares_[k].curvature, phi = f / n_events;
    const double z = extended ? 0.0 : n * phi, c = 1.0 / (1.0 - z), y = n * phi * c;
    const EventSums s = season_sums(k, y, at, coarse, accuracy);
    const double np = n_events * phi;
    e.value += s.log + (extended ? -n * f : n_events * std::log1p(-z));
    e.dn += (c / n) * s.p - np * c;
    e.dnn += ((s.q - (1.0 - 2.0 * z) * s.p) * c * c) / (n * n) - (extended ? 0.0 : np * phi * c * c);
    e.dg += s.p1 + c * l1 * s.p - n * np * l1 * c;
    e.dng += (c / n) * (s.q1 + c * l1 * s.q) + s.p * c * c * z * l1 / n - np * l1 * c * c;
    e.dgg +=
        s.second + 2.0 * c * l1 * s.q1 + c * c * l1 * l1 * s.q + (c * c * z * l1 * l1 + c * l2) * s.p - n * np * (l1 * l1 * c * c + l2 * c);
  }
  return e;
}

void GroupFitter::load(const Directions& directions, std::size_t group) {
  static constexpr std::array<std::uint32_t, group_size> all{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  tile_.load(directions, group, all.data(), directions.groups()[group].count);
}

DirectionFit GroupFitter::fit(std::size_t p) {
  DirectionFit out;
  n_ref_ = 0.0;
  if (!tile_.any_event(p)) {
    out.status = Status::no_events;
    return out;
  }
  out.status = Status::no_excess;
  if (proven_zero(p)) return out;
  return model_->gamma_free() ? fit_free(p) : fit_fixed(p);
}

DirectionFit GroupFitter::fit_fixed(std::size_t p) {
  const double gamma = model_->gamma().value_or(std::numeric_limits<double>::quiet_NaN());
  double n_ref = Tile::first_n_ref;
  for (;;) {
    n_ref_ = n_ref;
    events_.take(tile_, p, n_ref);
    const DirectionFit found = maximise(0.0, gamma, Accuracy::exact);
    if (found.ns <= 2.0 * n_ref) return found;
    n_ref = 2.0 * found.ns;  // the tail is small up to n_ref only
    tile_.list_again(p, n_ref);
  }
}

DirectionFit GroupFitter::fit_free(std::size_t p) {
  double n_ref = Tile::first_n_ref;
  for (int attempt = 0;; ++attempt) {
    n_ref_ = n_ref;
    events_.take(tile_, p, n_ref);
    DirectionFit found;
    found.status = Status::no_excess;
    if (!profile_.solve(events_)) return found;
    double n = profile_.n(profile_.highest());
    const bool last = attempt == most_lists - 1;
    if (n <= 2.0 * n_ref || last) {
      found = highest_maximum();
      n = found.ns;
    }
    if (n <= 2.0 * n_ref || last) return found;
    n_ref = 2.0 * n;  // the power series of the weak events and of the tail do not hold at this n
    tile_.list_again(p, n_ref);
  }
}

// The best of the local maxima of the profile that may turn out the best.
DirectionFit GroupFitter::highest_maximum() {
  events_.fetch_rows(model_->likelihood().axis().coarse_stencil(static_cast<int>(profile_.highest())).first);
  std::size_t count = 0;
  Maximum* const maxima = profile_.maxima(count);
  for (Maximum* p = maxima; p != maxima + count; ++p) {
    if (p->smooth) continue;
    const DirectionFit near = maximise(p->n > 0.0 ? p->n : 0.01, p->gamma, Accuracy::profile);
    const bool above = near.ts > 0.0;
    p->value = above ? 0.5 * near.ts : 0.0;
    p->n = above ? near.ns : 0.01;
    if (above) p->gamma = near.gamma;
  }
  std::sort(maxima, maxima + count, [](const Maximum& a, const Maximum& b) { return a.value > b.value; });
  DirectionFit best;
  best.status = Status::no_excess;
  for (std::size_t k = 0; k < count; ++k) {
    Maximum& near = maxima[k];
    if (k > 0) {
      const Maximum& before = maxima[k - 1];
      if (std::abs(near.gamma - before.gamma) < 1e-3 && std::abs(near.n - before.n) < 1e-3 * (1.0 + near.n)) continue;  // the same place
      if (2.0 * near.value + 5e-3 + 2e-3 * near.value < best.ts) break;  // the profile is good to less than this
    }
    DirectionFit exact;
    if (!(near.smooth && polish(near, exact))) exact = maximise(near.n, near.gamma, Accuracy::exact);
    if (k == 0 || exact.ts > best.ts) best = exact;
  }
  return best;
}

// Newton on the exact value and gradient with the curvature of the profile, while its steps stay small: one pass over the events mostly.
// With h = d²lnΛ/dn² and the profile's dn/dγ = −(∂²/∂n∂γ)/h, the Hessian needs no further sums. False: the general way is needed, from
// where `best` then stands.
bool GroupFitter::polish(Maximum& best, DirectionFit& out) {
  const GammaAxis& axis = model_->likelihood().axis();
  double before = -1e300;
  for (int pass = 0; pass < most_passes; ++pass) {
    const Stencil at = axis.stencil(best.gamma);
    if (!(best.n < 0.5 * enter(at))) return false;
    const Evaluation e = evaluate(best.n, at, best.gamma, Accuracy::gradient);
    if (!(e.value >= before - value_noise * (1.0 + std::abs(before)))) return false;
    before = e.value;
    double step_g = 0.0;
    if (best.at_end) {
      if ((best.gamma <= axis.front()) != (e.dg <= 0.0)) return false;  // the maximum lies within after all
    } else {
      step_g = -(e.dg + best.per_gamma * e.dn) / best.curvature;
      if (!(best.gamma + step_g > axis.front() && best.gamma + step_g < axis.back())) return false;
    }
    const double step_n = -e.dn / best.curvature_n + best.per_gamma * step_g;
    if (!(std::abs(step_g) < small_step_gamma && std::abs(step_n) < small_step_n * best.n)) return false;
    const double gain = 0.5 * (e.dn * step_n + e.dg * step_g);
    best.n += step_n;
    best.gamma += step_g;
    if (!(gain < enough_gain)) continue;
    out.ts = 2.0 * (e.value + gain);
    out.ns = best.n;
    out.gamma = best.gamma;
    out.status = Status::ok;
    return out.ts > 0.0;
  }
  return false;
}

// ln Λ of the direction in hand, with sums of some accuracy.
class GroupFitter::AtAccuracy : public Surface {
 public:
  AtAccuracy(GroupFitter& fitter, Accuracy accuracy) : fitter_(&fitter), accuracy_(accuracy), at_(fitter.model_->stencil()) {}
  double enter(double gamma) override {
    if (fitter_->model_->gamma_free()) at_ = fitter_->model_->likelihood().axis().stencil(gamma);
    return fitter_->enter(at_);
  }
  Evaluation evaluate(double n, double gamma) override { return fitter_->evaluate(n, at_, gamma, accuracy_); }

 private:
  GroupFitter* fitter_;
  Accuracy accuracy_;
  Stencil at_;
};

DirectionFit GroupFitter::maximise(double n, double gamma, Accuracy accuracy) {
  const GammaAxis& axis = model_->likelihood().axis();
  AtAccuracy surface(*this, accuracy);
  const GammaRange range = model_->gamma_free() ? GammaRange{true, axis.front(), axis.back()} : GammaRange{};
  return Newton(surface, range).maximise(n, gamma);
}

}  // namespace nusky
