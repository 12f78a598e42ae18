#include <algorithm>
#include <exception>
#include <limits>
#include <memory>
#include <optional>

#include <pybind11/stl.h>

#include "arrays.hpp"
#include "interrupt.hpp"
#include "nusky/fit/scan.hpp"
#include "nusky/hottest/hottest_trials.hpp"
#include "parts.hpp"

namespace nusky::bindings {
namespace {

struct HottestRow {
  std::int64_t direction;
  double ts_prior, ts, ns, gamma;
  std::int8_t status;
};

std::unique_ptr<SearchPlan> make_plan(const Directions& directions, const F64& prior_terms) {
  const std::size_t n_priors = require_ndim(prior_terms, 2, "prior_terms");
  if (prior_terms.shape(1) != static_cast<py::ssize_t>(directions.size()))
    throw std::invalid_argument("prior_terms: expected shape (J, " + std::to_string(directions.size()) + "), got (" +
                                std::to_string(n_priors) + ", " + std::to_string(prior_terms.shape(1)) + ")");
  return std::make_unique<SearchPlan>(directions, prior_terms.data(), n_priors);
}

void write_rows(const std::vector<Hottest>& best, HottestRow* row) {
  for (const Hottest& b : best)
    *row++ = {b.direction, b.direction < 0 ? -std::numeric_limits<double>::infinity() : b.ts_prior,
              b.fit.ts,    b.fit.ns,
              b.fit.gamma, static_cast<std::int8_t>(b.fit.status)};
}

py::array hottest_directions(const Likelihood& likelihood, const EventIndex& index, const SearchPlan& plan,
                             const std::optional<double>& gamma, int n_threads, bool prune) {
  require_finite(gamma);
  std::exception_ptr raised;
  HottestResult result;
  {
    py::gil_scoped_release release;
    const std::optional<py::function> nothing;
    result = find_hottest(likelihood, index, plan, gamma, n_threads, prune, checkpoint_for(nothing, raised));
  }
  if (raised) std::rethrow_exception(raised);
  py::array_t<HottestRow> table(static_cast<py::ssize_t>(plan.n_priors()));
  write_rows(result.best, table.mutable_data());
  return std::move(table);
}

py::array hottest_of_trials(const Likelihood& likelihood, const SearchPlan& plan, const py::sequence& parts, const std::vector<I64>& first,
                            std::size_t n, const F64& n_events, const std::optional<double>& gamma, int n_threads,
                            const std::optional<py::function>& progress) {
  require_finite(gamma);
  const PartList list = read_parts(parts);
  const std::vector<double> counts = to_vector(n_events, "n_events");
  check_parts(list.parts, counts);
  if (first.size() != list.parts.size()) throw std::invalid_argument("first: one array for each part is needed");
  std::vector<PartOfTrials> all;
  for (std::size_t p = 0; p < first.size(); ++p) {
    const EventPart& part = list.parts[p];
    if (part.rows == nullptr) throw std::invalid_argument("part " + std::to_string(p) + ": rows are needed");
    require_length(first[p], n + 1, "first");
    const std::int64_t* at = first[p].data();
    if (at[0] != 0 || at[n] != static_cast<std::int64_t>(part.n) || !std::is_sorted(at, at + n + 1))
      throw std::invalid_argument("first: that of part " + std::to_string(p) + " must ascend from 0 to its " + std::to_string(part.n) +
                                  " entries");
    all.push_back({part, at});
  }
  std::exception_ptr raised;
  std::vector<Hottest> best(n * plan.n_priors());
  {
    py::gil_scoped_release release;
    find_hottest_of_trials(likelihood, plan, all, n, counts, gamma, n_threads, best.data(), checkpoint_for(progress, raised));
  }
  if (raised) std::rethrow_exception(raised);
  py::array_t<HottestRow> table({static_cast<py::ssize_t>(n), static_cast<py::ssize_t>(plan.n_priors())});
  write_rows(best, table.mutable_data());
  return std::move(table);
}

py::tuple scan_directions(const Likelihood& likelihood, const EventIndex& index, const Directions& directions,
                          const std::optional<double>& gamma, int n_threads, const std::optional<py::function>& progress) {
  require_finite(gamma);
  std::exception_ptr raised;
  ScanResult result;
  {
    py::gil_scoped_release release;
    result = scan(likelihood, index, directions, gamma, n_threads, checkpoint_for(progress, raised));
  }
  if (raised) std::rethrow_exception(raised);
  return py::make_tuple(to_array(std::move(result.ts)), to_array(std::move(result.ns)), to_array(std::move(result.gamma)),
                        to_array(std::move(result.status)));
}

}  // namespace

void bind_scan(py::module_& m) {
  PYBIND11_NUMPY_DTYPE(HottestRow, direction, ts_prior, ts, ns, gamma, status);
  py::class_<SearchPlan>(m, "SearchPlan", R"(
What the search for the hottest direction knows before any trial: make it once, use it for all trials.

Parameters
----------
directions : Directions
prior_terms : (J, P) float64, -inf where a direction cannot win; they are copied
)")
      .def(py::init(&make_plan), py::arg("directions"), py::arg("prior_terms").noconvert(), py::keep_alive<1, 2>());
  m.def("hottest", &hottest_directions, py::arg("likelihood"), py::arg("index"), py::arg("plan"), py::kw_only(),
        py::arg("gamma") = py::none(), py::arg("n_threads") = 0, py::arg("prune") = true, R"(
Direction with the largest ts + prior term, for every prior, without fitting directions that cannot win.

The same to the last bit as from a whole scan; ties go to the lowest direction.

Parameters
----------
gamma, n_threads : as for scan
prune : False fits every direction that has a finite term

Returns
-------
(J,) structured array: direction (-1: all terms are -inf), ts_prior, ts, ns, gamma, status
)");
  m.def("hottest_of_trials", &hottest_of_trials, py::arg("likelihood"), py::arg("plan"), py::arg("parts"), py::arg("first"), py::arg("n"),
        py::arg("n_events").noconvert(), py::kw_only(), py::arg("gamma") = py::none(), py::arg("n_threads") = 0,
        py::arg("progress") = py::none(), R"(
What hottest gives for each of n trials of few events, indexed with few=True.

Parameters
----------
parts : as for EventIndex, with the events of all trials, and with rows
first : sequence of (n + 1,) int64, one for each part: trial t has its entries first[t] ... first[t + 1] - 1
n : int
n_events : (K,) float64, of every trial
gamma, n_threads, progress : as for scan; progress counts trials

Returns
-------
(n, J) structured array, see hottest
)");
  m.def("scan", &scan_directions, py::arg("likelihood"), py::arg("index"), py::arg("directions"), py::kw_only(),
        py::arg("gamma") = py::none(), py::arg("n_threads") = 0, py::arg("progress") = py::none(), R"(
Fits every direction.

Parameters
----------
gamma : float or None
    Fixes the spectral index; None fits it within the nodes.
n_threads : 0 means all that the process may use
progress : callable(done, total) or None
    Called from the calling thread a few times a second.

Returns
-------
ts, ns, gamma : (P,) float64
status : (P,) int8, see nusky.Status
)");
}

}  // namespace nusky::bindings
