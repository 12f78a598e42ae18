#include <pybind11/stl.h>

#include <memory>
#include <optional>

#include "interrupt.hpp"
#include "nusky/stacking/stack.hpp"
#include "nusky/trials/hypothesis_trials.hpp"
#include "parts.hpp"
#include "trial_calls.hpp"

namespace nusky::bindings {
namespace {

using Seasons = std::vector<std::shared_ptr<EventColumns>>;

std::shared_ptr<Stack> make_stack(const Seasons& columns, const F64& ra, const F64& dec, const F64& extension, const F64& log_weight,
                                  double cut_n_sigma) {
  if (columns.empty()) throw std::invalid_argument("columns: at least one season is needed");
  const std::size_t n = require_ndim(ra, 1, "ra");
  require_length(dec, n, "dec");
  require_length(extension, n, "extension");
  const auto nodes = static_cast<py::ssize_t>(std::max(1, columns[0]->axis().size()));
  for (const auto& season : columns)
    if (season->axis().nodes() != columns[0]->axis().nodes()) throw std::invalid_argument("columns: gamma_nodes of the seasons differ");
  if (require_ndim(log_weight, 3, "log_weight") != columns.size() || log_weight.shape(1) != static_cast<py::ssize_t>(n) ||
      log_weight.shape(2) != nodes)
    throw std::invalid_argument("log_weight: expected shape (" + std::to_string(columns.size()) + ", " + std::to_string(n) + ", " +
                                std::to_string(nodes) + "): seasons, sources, gamma nodes");
  const std::vector<double> r = to_vector(ra, "ra"), d = to_vector(dec, "dec"), e = to_vector(extension, "extension");
  const double* w = log_weight.data();
  py::gil_scoped_release release;
  return std::make_shared<Stack>(std::vector<std::shared_ptr<const EventColumns>>(columns.begin(), columns.end()), r, d, e, w, cut_n_sigma,
                                 0);
}

void require_match(const Likelihood& likelihood, const Hypothesis& hypothesis) {
  if (hypothesis.n_seasons() != static_cast<std::size_t>(likelihood.n_seasons()))
    throw std::invalid_argument("likelihood and hypothesis must have as many seasons");
  for (std::size_t k = 0; k < hypothesis.n_seasons(); ++k)
    if (hypothesis.season(k)->axis().nodes() != likelihood.axis().nodes())
      throw std::invalid_argument("gamma_nodes of the event columns and of the likelihood differ");
}

// What is injected, with the arrays that it points to.
struct InjectedList {
  std::vector<InjectedSeason> seasons;
  std::vector<py::object> keep;
};

InjectedList read_injected(const std::optional<py::sequence>& injected, const Likelihood& likelihood, std::size_t n_trials) {
  InjectedList list;
  if (!injected) return list;
  if (injected->size() != static_cast<std::size_t>(likelihood.n_seasons()))
    throw std::invalid_argument("injected: one entry for each season is needed");
  for (const py::handle item : *injected) {
    const auto fields = py::cast<py::tuple>(item);
    if (fields.size() != 3) throw std::invalid_argument("injected: expected (columns, ra, first) for each season");
    const auto columns = py::cast<std::shared_ptr<EventColumns>>(fields[0]);
    const auto ra = py::cast<F64>(fields[1]);
    const auto first = py::cast<I64>(fields[2]);
    require_length(ra, columns->size(), "injected ra");
    require_length(first, n_trials + 1, "injected first");
    if (columns->axis().nodes() != likelihood.axis().nodes())
      throw std::invalid_argument("injected: gamma_nodes of the columns and of the likelihood differ");
    const std::int64_t* f = first.data();
    for (std::size_t i = 0; i <= n_trials; ++i)
      if (f[i] < (i > 0 ? f[i - 1] : 0) || f[i] > static_cast<std::int64_t>(columns->size()))
        throw std::invalid_argument("injected first: entry " + std::to_string(i) + " does not ascend within the rows");
    for (std::size_t i = 0; i < columns->size(); ++i)
      if (!(ra.data()[i] >= 0.0 && ra.data()[i] <= 2 * pi))
        throw std::invalid_argument("injected ra: row " + std::to_string(i) + " must be within 0 and 2 pi rad");
    list.seasons.push_back({columns, ra.data(), f});
    list.keep.push_back(ra);
    list.keep.push_back(first);
  }
  return list;
}

py::tuple hypothesis_trials(const Likelihood& likelihood, const Hypothesis& hypothesis, const std::optional<py::sequence>& injected,
                            std::uint64_t key, const I64& numbers, const std::optional<double>& gamma, F64& rows, int n_threads,
                            const std::optional<py::function>& progress) {
  require_finite(gamma);
  require_match(likelihood, hypothesis);
  const TrialRequest request = read_request(key, numbers, 0.0, false, rows, 2, 3);
  const InjectedList list = read_injected(injected, likelihood, request.n);
  std::exception_ptr raised;
  std::size_t done = 0;
  double* out = rows.mutable_data();
  const auto columns = static_cast<int>(rows.shape(1));
  {
    py::gil_scoped_release release;
    done = fit_hypothesis_trials(likelihood, hypothesis, list.seasons, gamma, request, columns, out, n_threads,
                                 checkpoint_for(progress, raised));
  }
  return finished(done, raised);
}

py::tuple hypothesis_events(const Likelihood& likelihood, const Hypothesis& hypothesis, const py::sequence& parts, const F64& n_events,
                            const std::optional<double>& gamma) {
  require_finite(gamma);
  require_match(likelihood, hypothesis);
  require_length(n_events, hypothesis.n_seasons(), "n_events");
  const PartList list = read_parts(parts);
  const std::vector<double> counts = to_vector(n_events, "n_events");
  check_parts(list.parts, counts);
  for (std::size_t p = 0; p < list.parts.size(); ++p)
    if (list.parts[p].factor != nullptr) throw std::invalid_argument("part " + std::to_string(p) + ": a factor is not taken here");
  DirectionFit fit;
  {
    py::gil_scoped_release release;
    fit = HypothesisFitter(likelihood, hypothesis, gamma).fit(list.parts, counts.data());
  }
  return py::make_tuple(fit.ts, fit.ns, fit.gamma, static_cast<int>(fit.status));
}

}  // namespace

void bind_stack(py::module_& m) {
  py::class_<Hypothesis, std::shared_ptr<Hypothesis>>(m, "Hypothesis", "A hypothesis that is no single position.")
      .def_property_readonly("n_seasons", &Hypothesis::n_seasons);
  py::class_<Stack, Hypothesis, std::shared_ptr<Stack>>(m, "Stack", R"(
Sources with weights: S = sum over j of p_j(gamma) S_j, p_j in proportion to w_j A_j(gamma).

Parameters
----------
columns : sequence of EventColumns, of the seasons' own events, made without extension
ra, dec, extension : (J,) float64, rad
log_weight : (K, J, G) float64, ln w_j A_kj at the gamma nodes; without nodes (K, J, 1)
cut_n_sigma : S = 0 beyond this many sigma of event and source together
)")
      .def(py::init(&make_stack), py::arg("columns"), py::arg("ra").noconvert(), py::arg("dec").noconvert(),
           py::arg("extension").noconvert(), py::arg("log_weight").noconvert(), py::kw_only(), py::arg("cut_n_sigma") = 5.0)
      .def("__len__", &Stack::size);
  m.def("fit_hypothesis_trials", &hypothesis_trials, py::arg("likelihood"), py::arg("hypothesis"), py::arg("injected").none(true),
        py::kw_only(), py::arg("key"), py::arg("numbers").noconvert(), py::arg("gamma") = py::none(), py::arg("rows").noconvert(),
        py::arg("n_threads") = 0, py::arg("progress") = py::none(), R"(
Draws the backgrounds of trials, adds what is injected and fits: row i is a function of the key, numbers[i] and its injected events.

Parameters
----------
injected : None, or for each season (columns, ra, first)
    ra : (n,) float64, rad. first : (trials + 1,) int64: trial i has rows first[i] ... first[i + 1] - 1 of the columns.
key : int, of the seed, 0 ... 2^64 - 1
numbers : (trials,) int64
gamma : float or None
rows : (trials, 2) or (trials, 3) float64, filled with ts, ns and gamma
n_threads : 0 means all that the process may use
progress : callable(done, total) or None

Returns
-------
done : int, how many rows are filled
interrupted : bool, by Ctrl-C
)");
  m.def("fit_hypothesis_events", &hypothesis_events, py::arg("likelihood"), py::arg("hypothesis"), py::arg("parts"),
        py::arg("n_events").noconvert(), py::kw_only(), py::arg("gamma") = py::none(), R"(
Fits a hypothesis to given events, with the same bits as fit_hypothesis_trials to the same ones; parts as for EventIndex, without factors.

Returns
-------
ts, ns, gamma : float
status : int, see nusky.Status
)");
}

}  // namespace nusky::bindings
