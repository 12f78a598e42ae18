#include "nusky/trials/point_fitter.hpp"

namespace nusky {

PointFitter::PointFitter(const Likelihood& likelihood, const PointSource& source, const PointSignal* signal, std::optional<double> gamma)
    : events_(likelihood.axis(), source, signal), model_(likelihood, events_.index(), gamma, 1, 1), fitter_(model_, false) {}

DirectionFit PointFitter::fit(std::size_t w, double n_sig, const Poisson* poisson) {
  events_.take(w, n_sig, poisson);
  return fit_index();
}

DirectionFit PointFitter::fit(const std::vector<EventPart>& parts, const double* n_events) {
  events_.take(parts, n_events);
  return fit_index();
}

DirectionFit PointFitter::fit_index() {
  fitter_.forget();
  fitter_.load(events_.source().directions(), 0);
  return fitter_.fit(0);
}

}  // namespace nusky
