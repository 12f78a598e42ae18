#include <algorithm>
#include <memory>
#include <optional>

#include <pybind11/stl.h>

#include "interrupt.hpp"
#include "nusky/kernels/table.hpp"
#include "nusky/trials/point_fitter.hpp"
#include "nusky/trials/point_trials.hpp"
#include "parts.hpp"
#include "trial_calls.hpp"

namespace nusky::bindings {
namespace {

using Seasons = std::vector<std::shared_ptr<PointRecords>>;
using Sources = std::vector<std::shared_ptr<PointSource>>;

std::vector<std::shared_ptr<const PointRecords>> constant(const Seasons& records) { return {records.begin(), records.end()}; }

std::shared_ptr<PointRecords> make_records(const std::shared_ptr<EventColumns>& columns, const std::optional<double>& gamma) {
  require_finite(gamma);
  py::gil_scoped_release release;
  return std::make_shared<PointRecords>(columns, gamma);
}

std::shared_ptr<PointSource> make_source(const Seasons& records, const F64& ra, double dec, const std::vector<F64>& times) {
  if (records.empty()) throw std::invalid_argument("records: at least one season is needed");
  const std::vector<double> places(ra.data(), ra.data() + ra.size());
  if (places.empty()) throw std::invalid_argument("ra: at least one right ascension is needed");
  for (const double a : places)
    if (!(a >= 0.0 && a <= 2 * pi)) throw std::invalid_argument("ra: must be within 0 and 2 pi rad");
  if (!(std::abs(dec) <= pi / 2)) throw std::invalid_argument("dec: must be within -pi/2 and pi/2 rad");
  std::vector<const double*> moments;
  if (!times.empty() && times.size() != records.size()) throw std::invalid_argument("times: one array for each season is needed");
  for (std::size_t k = 0; k < times.size(); ++k) {
    require_length(times[k], records[k]->size(), "times");
    moments.push_back(times[k].data());
  }
  py::gil_scoped_release release;
  return std::make_shared<PointSource>(constant(records), places, dec, moments);
}

// What a loop over trials does before it fits: for `n` trials from a multiple of four on.
std::size_t count_near(const PointSource& source, std::uint64_t key, std::uint64_t first, std::size_t n) {
  py::gil_scoped_release release;
  DrawnWords words;
  std::vector<std::uint32_t> number, word;
  std::size_t near = 0;
  for (std::uint64_t quad = first / trials_of_block; quad < (first + n) / trials_of_block; ++quad) {
    words.draw(source, key, quad);
    for (std::size_t k = 0; k < source.n_seasons(); ++k) {
      const PointBackground& season = source.season(k);
      number.resize(season.size() + random_room);
      word.resize(season.size() + random_room);
      for (std::size_t w = 0; w < trials_of_block; ++w) {
        ArcPicks picks{0, number.data(), word.data()};
        for (const ArcRange& range : season.ranges)
          kernels().in_arc({range.n, words.of(k, w, range), season.half.data() + range.at, static_cast<std::uint32_t>(range.first)},
                           source.position(0).word, &picks);
        near += picks.n;
      }
    }
  }
  return near;
}

std::shared_ptr<PointSignal> make_signal(const Seasons& records, const std::vector<F64>& ra, const std::vector<F64>& cumulative,
                                         const F64& share, const std::vector<std::pair<F64, F64>>& times) {
  std::vector<const double*> angles, probabilities;
  require_length(share, records.size(), "share");
  if (ra.size() != records.size() || cumulative.size() != records.size())
    throw std::invalid_argument("ra and cumulative: one array for each season is needed");
  for (std::size_t k = 0; k < records.size(); ++k) {
    require_length(ra[k], records[k]->size(), "ra");
    require_length(cumulative[k], records[k]->size(), "cumulative");
    const double* c = cumulative[k].data();
    for (std::size_t i = 0; i < records[k]->size(); ++i)
      if (!(c[i] >= (i > 0 ? c[i - 1] : 0.0) && c[i] <= 1.0))
        throw std::invalid_argument("cumulative: row " + std::to_string(i) + " of season " + std::to_string(k) + " does not ascend to 1");
    angles.push_back(ra[k].data());
    probabilities.push_back(c);
  }
  std::vector<SignalTimes> when;
  if (!times.empty() && times.size() != records.size()) throw std::invalid_argument("times: (part, time) for each season is needed");
  for (const auto& [part, time] : times) {
    when.push_back({to_vector(part, "part"), to_vector(time, "time")});
    const std::vector<double>& p = when.back().part;
    if (p.size() != when.back().time.size() || p.size() < 2 || p.front() != 0.0 || p.back() != 1.0 || !std::is_sorted(p.begin(), p.end()))
      throw std::invalid_argument("times: part must ascend from 0 to 1, with a time for each");
  }
  return std::make_shared<PointSignal>(constant(records), angles, probabilities, share.data(), std::move(when));
}

py::tuple draw_signal(const PointSignal& signal, std::uint64_t key, const I64& trials, double n_sig, bool poisson) {
  const std::optional<Poisson> counts = poisson ? std::optional<Poisson>(n_sig) : std::nullopt;
  std::vector<InjectedEvent> drawn;
  std::vector<std::int64_t> season, row, first{0};
  std::vector<double> time;
  for (std::size_t i = 0; i < require_ndim(trials, 1, "trials"); ++i) {
    if (trials.data()[i] < 0) throw std::invalid_argument("trials: entry " + std::to_string(i) + " is negative");
    signal.draw(key, static_cast<std::uint64_t>(trials.data()[i]), n_sig, counts ? &*counts : nullptr, drawn);
    for (const InjectedEvent& e : drawn) {
      season.push_back(e.season);
      row.push_back(e.row);
      time.push_back(e.time);
    }
    first.push_back(static_cast<std::int64_t>(row.size()));
  }
  return py::make_tuple(to_array(std::move(season)), to_array(std::move(row)), to_array(std::move(first)), to_array(std::move(time)));
}

// Per source, and season, (records, ra, first) of events that trials inject.
std::vector<std::vector<InjectedRecords>> read_injected(const py::sequence& given, const Sources& sources, std::size_t trials) {
  std::vector<std::vector<InjectedRecords>> out;
  for (const py::handle& one : given) {
    std::vector<InjectedRecords>& seasons = out.emplace_back();
    for (const py::handle& season : py::cast<py::sequence>(one)) {
      const auto [records, ra, first] = py::cast<std::tuple<std::shared_ptr<PointRecords>, F64, I64>>(season);
      require_length(ra, records->size(), "injected: ra");
      require_length(first, trials + 1, "injected: first");
      const std::int64_t* at = first.data();
      if (at[0] != 0 || at[trials] != static_cast<std::int64_t>(records->size()) || !std::is_sorted(at, at + trials + 1))
        throw std::invalid_argument("injected: first must ascend from 0 to the number of events");
      seasons.push_back({records, ra.data(), at});
    }
    if (seasons.size() != sources[0]->n_seasons()) throw std::invalid_argument("injected: one entry for each season is needed");
  }
  if (!out.empty() && out.size() != sources.size()) throw std::invalid_argument("injected: one entry for each source is needed");
  return out;
}

py::tuple point_trials(const Likelihood& likelihood, const Sources& sources, const PointSignal* signal, std::uint64_t key,
                       const I64& numbers, double n_sig, bool poisson, const py::sequence& injected, F64& rows, int n_threads,
                       const std::optional<py::function>& progress) {
  if (sources.empty()) throw std::invalid_argument("sources: at least one is needed");
  for (const auto& one : sources) require_seasons(likelihood, *one, signal);
  PointSources run;
  run.source.assign(sources.begin(), sources.end());
  run.signal = n_sig > 0.0 ? signal : nullptr;
  require_ndim(rows, 3, "rows");
  if (static_cast<std::size_t>(rows.shape(1)) != run.n_positions())
    throw std::invalid_argument("rows: expected shape (n, " + std::to_string(run.n_positions()) + ", 1 to 3)");
  const auto columns = static_cast<int>(rows.shape(2));
  const TrialRequest request = read_request(key, numbers, n_sig, poisson, rows, 1, 3);
  run.injected = read_injected(injected, sources, request.n);
  std::exception_ptr raised;
  std::size_t done = 0;
  double* out = rows.mutable_data();
  {
    py::gil_scoped_release release;
    done = fit_point_trials(likelihood, run, request, columns, out, n_threads, checkpoint_for(progress, raised));
  }
  return finished(done, raised);
}

py::tuple point_events(const Likelihood& likelihood, const PointSource& source, const py::sequence& parts, const F64& n_events) {
  require_seasons(likelihood, source, nullptr);
  require_length(n_events, source.n_seasons(), "n_events");
  const PartList list = read_parts(parts);
  std::vector<double> counts = to_vector(n_events, "n_events");
  check_parts(list.parts, counts);
  DirectionFit fit;
  {
    py::gil_scoped_release release;
    fit = fit_point_parts(likelihood, source, list.parts, counts.data());
  }
  return py::make_tuple(fit.ts, fit.ns, fit.gamma, static_cast<int>(fit.status));
}

}  // namespace

void require_seasons(const Likelihood& likelihood, const PointSource& source, const PointSignal* signal) {
  const auto n = static_cast<std::size_t>(likelihood.n_seasons());
  if (source.n_seasons() != n || (signal != nullptr && signal->n_seasons() != n))
    throw std::invalid_argument("likelihood, source and signal must have as many seasons");
  const auto same = [&](const EventColumns& columns) {
    if (columns.axis().nodes() != likelihood.axis().nodes())
      throw std::invalid_argument("gamma_nodes of the event columns and of the likelihood differ");
  };
  for (std::size_t k = 0; k < n; ++k) {
    same(source.season(k).columns());
    if (signal != nullptr) same(signal->season(k).records->columns());
  }
}

TrialRequest read_request(std::uint64_t key, const I64& numbers, double n_sig, bool poisson, const F64& rows, int fewest, int most) {
  TrialRequest request{key, require_ndim(numbers, 1, "numbers"), numbers.data(), n_sig, poisson};
  const py::ssize_t last = rows.ndim() - 1;
  if (last < 1 || static_cast<std::size_t>(rows.shape(0)) != request.n || rows.shape(last) < fewest || rows.shape(last) > most)
    throw std::invalid_argument("rows: expected shape (n, ..., " + std::to_string(fewest) + " to " + std::to_string(most) +
                                "), n that of numbers");
  for (std::size_t i = 0; i < request.n; ++i)
    if (request.number[i] < 0) throw std::invalid_argument("numbers: entry " + std::to_string(i) + " is negative");
  if (!(n_sig >= 0.0 && n_sig <= 1e9)) throw std::invalid_argument("n_sig: must be within 0 and 1e9");
  return request;
}

py::tuple finished(std::size_t done, const std::exception_ptr& raised) {
  try {
    if (raised) std::rethrow_exception(raised);
  } catch (py::error_already_set& e) {
    if (!e.matches(PyExc_KeyboardInterrupt)) throw;
    return py::make_tuple(done, true);
  }
  return py::make_tuple(done, false);
}

void bind_trials(py::module_& m) {
  py::class_<PointRecords, std::shared_ptr<PointRecords>>(m, "PointRecords", R"(
The events of some columns as fits of one position read them.

Parameters
----------
columns : EventColumns
gamma : float or None (free)
)")
      .def(py::init(&make_records), py::arg("columns"), py::arg("gamma") = py::none())
      .def("__len__", &PointRecords::size);
  py::class_<PointSource, std::shared_ptr<PointSource>>(m, "PointSource", R"(
A source at a fixed position, or at several that have a declination in common, and the seasons' own events in reach of it, laid out once
for all trials.

Parameters
----------
records : sequence of PointRecords, of the seasons' own events
ra : (M,) float64, rad; of several, ascending over the circle in even steps
dec : float, rad
times : sequence of (n,) float64, MJD of the events of each season; empty: not known
)")
      .def(py::init(&make_source), py::arg("records"), py::arg("ra"), py::arg("dec"), py::arg("times") = std::vector<F64>{})
      .def_property_readonly("n_in_reach", &PointSource::n_in_reach)
      .def("count_near", &count_near, py::arg("key"), py::arg("first"), py::arg("n"),
           "How many background events of trials first ... first + n - 1, multiples of four, come near: drawn and tested, not fitted.");
  py::class_<PointSignal, std::shared_ptr<PointSignal>>(m, "PointSignal", R"(
Simulated events on a source at a fixed position, of which trials inject some.

Parameters
----------
records : sequence of PointRecords, of the rotated events of each season
ra : sequence of (n,) float64, rad
cumulative : sequence of (n,) float64, probability up to and with each event; ascends to 1
share : (K,) float64, of the injected events that falls to each season
times : sequence of (part, time), float64: the time, MJD, at which a part of a season's signal has come; empty: not known
)")
      .def(py::init(&make_signal), py::arg("records"), py::arg("ra"), py::arg("cumulative"), py::arg("share"),
           py::arg("times") = std::vector<std::pair<F64, F64>>{})
      .def("draw", &draw_signal, py::arg("key"), py::arg("trials").noconvert(), py::arg("n_sig"), py::arg("poisson"),
           "Seasons and rows (n,) int64 of the events that trials (T,) inject, in the order drawn, where each trial begins, (T + 1,), and "
           "times (n,), NaN where not known.");
  m.def("fit_point_trials", &point_trials, py::arg("likelihood"), py::arg("sources"), py::arg("signal").none(true), py::kw_only(),
        py::arg("key"), py::arg("numbers").noconvert(), py::arg("n_sig") = 0.0, py::arg("poisson") = false,
        py::arg("injected") = py::tuple(), py::arg("rows").noconvert(), py::arg("n_threads") = 0, py::arg("progress") = py::none(), R"(
Draws trials and fits every position of every source to each: a fit is a function of the key, of numbers[i], of what is injected and of its
position alone.

Parameters
----------
sources : sequence of PointSource
signal : PointSignal or None
key : int, of the seed, 0 ... 2^64 - 1
numbers : (n,) int64
n_sig, poisson : events of `signal` to inject, or their mean
injected : for each source, and season, (records, ra, first): events injected besides, by row, rad, and where each trial begins (n + 1,);
    empty: none
rows : (n, positions, 1 to 3) float64, filled with ts, ns and gamma
n_threads : 0 means all that the process may use
progress : callable(done, total) or None

Returns
-------
done : int, how many rows are filled
interrupted : bool, by Ctrl-C
)");
  m.def("fit_point_events", &point_events, py::arg("likelihood"), py::arg("source"), py::arg("parts"), py::arg("n_events").noconvert(), R"(
Fits the first position of a source to given events, with the same bits as fit_point_trials to the same ones; parts as for EventIndex,
without factors.

Returns
-------
ts, ns, gamma : float
status : int, see nusky.Status
)");
}

}  // namespace nusky::bindings
