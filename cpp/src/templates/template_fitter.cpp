#include "nusky/templates/template_fitter.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nusky {
namespace {

// n_s up to which the profile holds at first, and how much further each time that this is not enough.
constexpr double first_n_ref = 512.0, further = 4.0;
// n at which the slope is that at 0.
constexpr double next_to_nothing = 1e-9;

}  // namespace

TemplateFitter::TemplateFitter(const SkyTemplate& sky)
    : sky_(&sky),
      kernels_(&kernels()),
      profile_(sky),
      n_events_(sky.n_seasons()),
      left_out_(sky.n_seasons()),
      shares_(sky.n_seasons()),
      columns_(sky.n_seasons()),
      taken_(sky.n_seasons()) {}

void TemplateFitter::look_up() {
  std::size_t room = 0;
  at_.clear();
  for (const TemplatePart& part : parts_) {
    at_.push_back(room);
    room += sky_->table().maps * stride(part);
  }
  if (values_.size() < room) values_.resize(room);
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    const TemplatePart& part = parts_[p];
    kernels_->template_values(sky_->table(), part.events->places(part.first, part.last), part.word, values_.data() + at_[p], stride(part));
  }
}

double TemplateFitter::enter(double gamma) {
  if (sky_->axis().size() > 0)
    stencil_ = sky_->axis().stencil(gamma);
  else
    stencil_.value[0] = 1.0F;  // without nodes there is one ln(R/B)
  sky_->likelihood().shares(0.0, stencil_, shares_.data());
  double limit = 1e300;
  for (std::size_t k = 0; k < n_events_.size(); ++k) {
    sky_->columns_at(k, stencil_, columns_[k]);
    double most = 1.0;
    if (sky_->subtracted(k)) {
      sky_->taken_at(k, stencil_, taken_[k]);
      most = std::max(most, static_cast<double>(*std::max_element(taken_[k].value.begin(), taken_[k].value.end())));
    }
    if (shares_[k].f > 0.0) limit = std::min(limit, n_events_[k] / (shares_[k].f * most));
  }
  return limit * Likelihood::closest_to_limit;
}

// With x = n φ, φ = f/N, and λ = ln f:
//   ∂/∂n = φ ∂/∂x,  d/dγ = ∂/∂γ + x λ′ ∂/∂x
Evaluation TemplateFitter::evaluate(double n, double) {
  ++exact_passes_;
  Evaluation e;
  const auto first = static_cast<std::size_t>(stencil_.first);
  for (std::size_t k = 0; k < n_events_.size(); ++k) {
    const double phi = shares_[k].f / n_events_[k], x = n * phi, l1 = shares_[k].slope, l2 = shares_[k].curvature;
    const RowsAtGamma &c = columns_[k], &v = taken_[k];
    const TemplateGamma at{{stencil_.value.data(), stencil_.slope.data(), stencil_.curvature.data()},
                           {c.value.data(), c.slope.data(), c.curvature.data()},
                           {v.value.data(), v.slope.data(), v.curvature.data()},
                           sky_->table().maps};
    TemplateSums s{};
    for (std::size_t p = 0; p < parts_.size(); ++p) {
      const TemplatePart& part = parts_[p];
      if (part.season != k) continue;
      const TemplateEvents& events = *part.events;
      const TemplateEventsView view{part.last - part.first,
                                    stride(part),
                                    values_.data() + at_[p],
                                    {events.node(first, part.first), events.node(first + 1, part.first), events.node(first + 2, part.first),
                                     events.node(first + 3, part.first)},
                                    sky_->subtracted(k) ? events.cell(part.first) : nullptr};
      kernels_->template_sums(view, at, static_cast<float>(x), s);
    }
    if (left_out_[k] > 0.0) {
      const double q = 1.0 / (1.0 - x);
      s.log += left_out_[k] * std::log1p(-x);
      s.p -= left_out_[k] * q;
      s.pp += left_out_[k] * q * q;
    }
    const double x1 = x * l1, x2 = x * (l1 * l1 + l2);
    e.value += s.log;
    e.dn += phi * s.p;
    e.dnn -= phi * phi * s.pp;
    e.dg += x1 * s.p + x * s.d;
    e.dng += phi * (l1 * s.p - x1 * s.pp + s.dq);
    e.dgg += x2 * s.p - x1 * x1 * s.pp + 2.0 * x1 * s.dq + x * s.second - x * x * s.dd;
  }
  return e;
}

DirectionFit TemplateFitter::fit(const std::vector<TemplatePart>& parts, const double* n_events) {
  parts_ = parts;
  n_events_.assign(n_events, n_events + n_events_.size());
  left_out_ = n_events_;
  for (const TemplatePart& part : parts_) left_out_[part.season] -= static_cast<double>(part.last - part.first);
  for (std::size_t k = 0; k < left_out_.size(); ++k)
    if (sky_->subtracted(k)) left_out_[k] = 0.0;
  profile_passes_ = exact_passes_ = 0;
  look_up();
  return sky_->gamma_free() ? fit_free() : fit_fixed();
}

DirectionFit TemplateFitter::fit_fixed() {
  DirectionFit out;
  out.status = Status::no_excess;
  const double gamma = sky_->axis().size() > 0 ? sky_->axis().front() : std::numeric_limits<double>::quiet_NaN();
  enter(gamma);
  // ln Λ is concave: the parabola at 0 shows the way
  const Evaluation start = evaluate(next_to_nothing, gamma);
  if (!(start.dn > 0.0)) return out;
  return Newton(*this, {}).maximise(-start.dn / std::min(start.dnn, -1e-300), gamma);
}

DirectionFit TemplateFitter::fit_free() {
  profile_.start(n_events_.data());
  for (double n_ref = first_n_ref;; n_ref *= further) {
    profile_.clear(n_ref);
    for (std::size_t p = 0; p < parts_.size(); ++p) {
      const TemplatePart& part = parts_[p];
      profile_.add(part.season, *part.events, part.first, part.last, values_.data() + at_[p], stride(part));
    }
    for (std::size_t k = 0; k < left_out_.size(); ++k)
      if (left_out_[k] > 0.0) profile_.add_left_out(k, left_out_[k]);
    ++profile_passes_;
    if (profile_.solve()) break;
  }
  DirectionFit best;
  best.status = Status::no_excess;
  const GammaRange range{true, sky_->axis().front(), sky_->axis().back()};
  for (const TemplateStart& start : profile_.maxima()) {
    const DirectionFit found = Newton(*this, range).maximise(start.n, start.gamma);
    if (found.ts > best.ts) best = found;
  }
  return best;
}

}  // namespace nusky
