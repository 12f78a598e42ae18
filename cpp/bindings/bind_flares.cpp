#include <pybind11/stl.h>

#include <memory>
#include <optional>

#include "interrupt.hpp"
#include "nusky/flares/flare_trials.hpp"
#include "nusky/flares/scan_flares.hpp"
#include "parts.hpp"
#include "trial_calls.hpp"

namespace nusky::bindings {
namespace {

struct Flares {
  const Likelihood* likelihood;
  Clock clock;
  FlareOptions options;
  std::optional<LightCurve> curve;
};

std::unique_ptr<Flares> make_flares(const Likelihood& likelihood, const std::vector<std::pair<F64, F64>>& runs, double dt_min,
                                    double dt_max, double threshold, double penalty_days, const std::optional<double>& gamma,
                                    const std::optional<double>& start, const std::optional<double>& stop,
                                    const std::optional<double>& middle, bool gaussian, const std::optional<py::dict>& curve) {
  require_finite(gamma);
  std::vector<Runs> seasons;
  for (const auto& [from, to] : runs) seasons.push_back({to_vector(from, "start"), to_vector(to, "stop")});
  auto flares = std::make_unique<Flares>(
      Flares{&likelihood, Clock(seasons), {gaussian, dt_min, dt_max, threshold, penalty_days, gamma, start, stop, middle, nullptr}, {}});
  if (curve) {
    LightCurve c;
    c.edge = to_vector((*curve)["edge"].cast<F64>(), "edge");
    c.value = to_vector((*curve)["value"].cast<F64>(), "value");
    std::tie(c.thresh_low, c.thresh_high) = (*curve)["range_thresh"].cast<std::pair<double, double>>();
    std::tie(c.lag_low, c.lag_high) = (*curve)["range_lag"].cast<std::pair<double, double>>();
    c.n_thresh = (*curve)["n_thresh"].cast<int>();
    c.n_lag = (*curve)["n_lag"].cast<int>();
    flares->curve = std::move(c);
    flares->options.curve = &*flares->curve;
  }
  FlareSearch(likelihood, flares->clock, flares->options);  // throws for what does not fit together
  return flares;
}

py::tuple scan(const Flares& flares, const EventIndex& index, const Directions& directions, const std::optional<F64>& prior_terms,
               int n_threads, const std::optional<py::function>& progress) {
  std::exception_ptr raised;
  const double* terms = nullptr;
  std::size_t n_priors = 0;
  if (prior_terms) {
    n_priors = require_ndim(*prior_terms, 2, "prior_terms");
    if (prior_terms->shape(1) != static_cast<py::ssize_t>(directions.size()))
      throw std::invalid_argument("prior_terms: expected shape (J, " + std::to_string(directions.size()) + ")");
    terms = prior_terms->data();
  }
  FlareScan out(0);
  {
    py::gil_scoped_release release;
    out = scan_flares(*flares.likelihood, flares.clock, flares.options, index, directions, terms, n_priors, n_threads,
                      checkpoint_for(progress, raised));
  }
  if (raised) std::rethrow_exception(raised);
  return py::make_tuple(to_array(std::move(out.ts)), to_array(std::move(out.ns)), to_array(std::move(out.gamma)),
                        to_array(std::move(out.start)), to_array(std::move(out.stop)), to_array(std::move(out.days)),
                        to_array(std::move(out.status)));
}

py::tuple scan_all(const Flares& flares, const EventIndex& index, const Directions& directions, double least_ts, int n_threads,
                   const std::optional<py::function>& progress) {
  if (!(least_ts >= 0.0)) throw std::invalid_argument("least_ts: must be 0 or more");
  std::exception_ptr raised;
  AllFlaresScan out{FlareScan(0), {}};
  {
    py::gil_scoped_release release;
    out = scan_all_flares(*flares.likelihood, flares.clock, flares.options, index, directions, least_ts, n_threads,
                          checkpoint_for(progress, raised));
  }
  if (raised) std::rethrow_exception(raised);
  FlareScan& sums = out.sums;
  return py::make_tuple(to_array(std::move(sums.ts)), to_array(std::move(sums.ns)), to_array(std::move(sums.gamma)),
                        to_array(std::move(sums.start)), to_array(std::move(sums.stop)), to_array(std::move(sums.days)),
                        to_array(std::move(out.count)), to_array(std::move(sums.status)));
}

py::tuple fit_trials(const Flares& flares, const PointSource& source, const PointSignal* signal, std::uint64_t key, const I64& numbers,
                     double n_sig, bool poisson, F64& rows, int n_threads, const std::optional<py::function>& progress) {
  require_seasons(*flares.likelihood, source, signal);
  const TrialRequest request = read_request(key, numbers, n_sig, poisson, rows, 4, 5);
  std::exception_ptr raised;
  std::size_t done = 0;
  double* out = rows.mutable_data();
  const auto columns = static_cast<int>(rows.shape(1));
  {
    py::gil_scoped_release release;
    done = fit_flare_trials(*flares.likelihood, flares.clock, flares.options, source, n_sig > 0.0 ? signal : nullptr, request, columns, out,
                            n_threads, checkpoint_for(progress, raised));
  }
  return finished(done, raised);
}

py::list fit_all_events(const Flares& flares, const PointSource& source, const py::sequence& parts, const F64& n_events, double least_ts) {
  require_seasons(*flares.likelihood, source, nullptr);
  require_length(n_events, source.n_seasons(), "n_events");
  if (!(least_ts >= 0.0)) throw std::invalid_argument("least_ts: must be 0 or more");
  const PartList list = read_parts(parts);
  std::vector<double> counts = to_vector(n_events, "n_events");
  check_parts(list.parts, counts);
  for (const EventPart& part : list.parts)
    if (part.time == nullptr) throw std::invalid_argument("parts: the events need times");
  std::vector<FlareFit> found;
  {
    py::gil_scoped_release release;
    FlareFitter fitter(*flares.likelihood, flares.clock, flares.options, source, nullptr);
    found = fitter.fit_all(list.parts, counts.data(), least_ts);
  }
  py::list rows;
  for (const FlareFit& fit : found)
    rows.append(py::make_tuple(fit.ts, fit.ns, fit.gamma, fit.start, fit.stop, fit.days, static_cast<int>(fit.status)));
  return rows;
}

py::dict fit_events(const Flares& flares, const PointSource& source, const py::sequence& parts, const F64& n_events) {
  require_seasons(*flares.likelihood, source, nullptr);
  require_length(n_events, source.n_seasons(), "n_events");
  const PartList list = read_parts(parts);
  std::vector<double> counts = to_vector(n_events, "n_events");
  check_parts(list.parts, counts);
  for (const EventPart& part : list.parts)
    if (part.time == nullptr) throw std::invalid_argument("parts: the events need times");
  FlareFit fit;
  std::size_t near = 0, starts = 0, bounded = 0, fitted = 0;
  {
    py::gil_scoped_release release;
    FlareFitter fitter(*flares.likelihood, flares.clock, flares.options, source, nullptr);
    fit = fitter.fit(list.parts, counts.data());
    near = fitter.search().n_near();
    starts = fitter.search().n_starts();
    bounded = fitter.search().n_bounded();
    fitted = fitter.search().n_fitted();
  }
  using namespace py::literals;
  return py::dict("ts"_a = fit.ts, "ns"_a = fit.ns, "gamma"_a = fit.gamma, "start"_a = fit.start, "stop"_a = fit.stop, "days"_a = fit.days,
                  "status"_a = static_cast<int>(fit.status), "n_near"_a = near, "n_starts"_a = starts, "n_bounded"_a = bounded,
                  "n_fitted"_a = fitted);
}

}  // namespace

void bind_flares(py::module_& m) {
  py::class_<Flares>(m, "Flares", R"(
The search for the window in time of the largest ts.

Parameters
----------
likelihood : Likelihood
runs : sequence of (start, stop), float64, MJD: when each season took data, ascending and disjoint
dt_min : days of uptime, above 0: no window has less
dt_max : days from start to end: no window is longer
threshold : windows start and end at events with S/B max R of at least this
penalty_days : 2 ln(uptime of the window / penalty_days) is added to ts; 0: nothing
gamma : float or None
start, stop, middle : MJD or None: where every window starts, or ends, or what every window or Gaussian is around
gaussian : the flare is a Gaussian in time: dt_min and dt_max are those of its sigma, start and stop of a fit t0 -+ sigma/2
curve : dict or None: a light curve that is fitted instead: edge (B + 1,) MJD, value (B,), range_thresh, range_lag (days): where both are
    equal, they are fixed; n_thresh, n_lag. start and stop of a fit are its threshold and lag
)")
      .def(py::init(&make_flares), py::arg("likelihood"), py::arg("runs"), py::kw_only(), py::arg("dt_min"), py::arg("dt_max"),
           py::arg("threshold"), py::arg("penalty_days"), py::arg("gamma") = py::none(), py::arg("start") = py::none(),
           py::arg("stop") = py::none(), py::arg("middle") = py::none(), py::arg("gaussian") = false, py::arg("curve") = py::none(),
           py::keep_alive<1, 2>())
      .def("scan", &scan, py::arg("index"), py::arg("directions"), py::kw_only(), py::arg("prior_terms") = py::none(),
           py::arg("n_threads") = 0, py::arg("progress") = py::none(),
           R"(
Searches every direction; the index must have times.

prior_terms : (J, P) float64, -inf where excluded, or None. With them only the directions of the largest ts + term of each prior
are sure to get their best flare; the others may have less, or none.

Returns
-------
ts, ns, gamma : (P,) float64
start, stop : (P,) MJD, NaN without a flare
days : (P,) uptime in the window
status : (P,) int8, see nusky.Status
)")
      .def("scan_all", &scan_all, py::arg("index"), py::arg("directions"), py::arg("least_ts"), py::kw_only(), py::arg("n_threads") = 0,
           py::arg("progress") = py::none(),
           R"(
All flares of every direction that do not overlap and have at least this ts, as fit_all_events finds them.

Returns
-------
ts, ns : (P,) float64, sums over the flares
gamma, start, stop : (P,) of the best one, NaN without a flare
days : (P,) uptime in all of them
count : (P,) int64, flares
status : (P,) int8, see nusky.Status
)")
      .def("fit_trials", &fit_trials, py::arg("source"), py::arg("signal").none(true), py::kw_only(), py::arg("key"),
           py::arg("numbers").noconvert(), py::arg("n_sig") = 0.0, py::arg("poisson") = false, py::arg("rows").noconvert(),
           py::arg("n_threads") = 0, py::arg("progress") = py::none(),
           "As fit_point_trials; rows (n, 4) or (n, 5) are filled with ts, ns, gamma (with five), start (MJD) and length (days).")
      .def("fit_all_events", &fit_all_events, py::arg("source"), py::arg("parts"), py::arg("n_events").noconvert(), py::arg("least_ts"),
           "All flares of given events that do not overlap and have at least this ts: tuples of ts, ns, gamma, start, stop, days, status, "
           "the best first.")
      .def("fit_events", &fit_events, py::arg("source"), py::arg("parts"), py::arg("n_events").noconvert(),
           "Searches given events, with the same bits as fit_trials in the same ones: a dictionary with ts, ns, gamma, start, stop, days, "
           "status, and how much was looked at.");
}

}  // namespace nusky::bindings
