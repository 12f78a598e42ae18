#include <algorithm>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <tuple>

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

// Raises here what a fit of such trials would raise on its thread.
void require_fit(const Likelihood& likelihood, const std::vector<double>& n_events, const std::optional<double>& gamma,
                 const std::vector<EventPart>& parts) {
  const EventIndex empty({}, n_events, 1);
  const FitModel model(likelihood, empty, gamma, 1, 1);
  for (const EventPart& part : parts)
    if (part.columns->axis().nodes() != likelihood.axis().nodes())
      throw std::invalid_argument("gamma_nodes of the event columns and of the likelihood differ");
}

// Events of n trials as Python gives them: all parts have rows, and the entries of the trials follow each other.
std::vector<PartOfTrials> parts_of_trials(const PartList& list, const std::vector<I64>& first, std::size_t n,
                                          const std::vector<double>& n_events) {
  check_parts(list.parts, n_events);
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
  return all;
}

// The table (n, J) that a search of n trials fills in; what Python raised in between goes on.
template <class Find>
py::array table_of_trials(std::size_t n, const SearchPlan& plan, const Find& find) {
  std::exception_ptr raised;
  std::vector<Hottest> best(n * plan.n_priors());
  {
    py::gil_scoped_release release;
    find(best.data(), raised);
  }
  if (raised) std::rethrow_exception(raised);
  py::array_t<HottestRow> table({static_cast<py::ssize_t>(n), static_cast<py::ssize_t>(plan.n_priors())});
  write_rows(best, table.mutable_data());
  return std::move(table);
}

py::array hottest_of_trials(const Likelihood& likelihood, const SearchPlan& plan, const py::sequence& parts, const std::vector<I64>& first,
                            std::size_t n, const F64& n_events, const std::optional<double>& gamma, int n_threads,
                            const std::optional<py::function>& progress) {
  require_finite(gamma);
  const PartList list = read_parts(parts);
  const std::vector<double> counts = to_vector(n_events, "n_events");
  const std::vector<PartOfTrials> all = parts_of_trials(list, first, n, counts);
  require_fit(likelihood, counts, gamma, list.parts);
  return table_of_trials(n, plan, [&](Hottest* best, std::exception_ptr& raised) {
    find_hottest_of_trials(likelihood, plan, all, n, counts, gamma, n_threads, best, checkpoint_for(progress, raised));
  });
}

using Columns = std::vector<std::shared_ptr<EventColumns>>;
using NearRows = std::tuple<I64, Array<std::int32_t>, F32>;

std::unique_ptr<Scrambles> make_scrambles(const Columns& columns, const std::optional<F32>& grid, const std::vector<NearRows>& near) {
  if (columns.empty()) throw std::invalid_argument("columns: at least one season is needed");
  for (std::size_t k = 0; k < columns.size(); ++k) {
    if (columns[k]->axis().nodes() != columns[0]->axis().nodes())
      throw std::invalid_argument("columns: gamma_nodes of season " + std::to_string(k) + " differ from those of season 0");
    if (columns[k]->size() == 0) throw std::invalid_argument("columns: season " + std::to_string(k) + " has no events");
  }
  NearGrid cells;
  std::vector<NearSeason> seasons;
  if (near.size() != (grid ? columns.size() : 0)) throw std::invalid_argument("near: one entry for each season, or none without a grid");
  if (grid) {
    require_ndim(*grid, 2, "grid");
    if (grid->size() == 0 || grid->shape(1) < 2) throw std::invalid_argument("grid: needs rows of two columns at least");
    cells.n_ra = static_cast<std::size_t>(grid->shape(1)) - 1;
    cells.distance.assign(grid->data(), grid->data() + grid->size());
    const auto last = static_cast<std::int64_t>(grid->size() - grid->shape(1));
    for (std::size_t k = 0; k < columns.size(); ++k) {
      const auto& [rows, first_cell, reach] = near[k];
      const std::size_t n = require_ndim(rows, 1, "rows");
      require_length(first_cell, n, "first_cell");
      require_length(reach, n, "reach");
      for (std::size_t i = 0; i < n; ++i) {
        const std::int64_t row = rows.data()[i], before = i == 0 ? -1 : rows.data()[i - 1];
        if (row <= before || row >= static_cast<std::int64_t>(columns[k]->size()))
          throw std::invalid_argument("rows: those of season " + std::to_string(k) + " must ascend within its columns");
        if (first_cell.data()[i] < 0 || first_cell.data()[i] > last)
          throw std::invalid_argument("first_cell: entry " + std::to_string(i) + " is outside the grid");
      }
      seasons.push_back({n, rows.data(), first_cell.data(), reach.data()});
    }
  }
  return std::make_unique<Scrambles>(std::vector<std::shared_ptr<const EventColumns>>(columns.begin(), columns.end()), std::move(cells),
                                     seasons);
}

py::array hottest_of_scrambles(const Likelihood& likelihood, const SearchPlan& plan, const Scrambles& scrambles, const py::sequence& parts,
                               const std::vector<I64>& first, std::uint64_t key, const I64& numbers, const std::optional<double>& gamma,
                               int n_threads, const std::optional<py::function>& progress) {
  require_finite(gamma);
  const std::size_t n = require_ndim(numbers, 1, "numbers");
  if (n > 0 && *std::min_element(numbers.data(), numbers.data() + n) < 0) throw std::invalid_argument("numbers: must not be negative");
  const PartList list = read_parts(parts);
  std::vector<double> counts;
  for (const auto& season : scrambles.seasons()) counts.push_back(static_cast<double>(season.columns->size()));
  const std::vector<PartOfTrials> injected = parts_of_trials(list, first, n, counts);
  require_fit(likelihood, counts, gamma, list.parts);
  if (scrambles.seasons()[0].columns->axis().nodes() != likelihood.axis().nodes())
    throw std::invalid_argument("gamma_nodes of the scrambles and of the likelihood differ");
  const TrialRequest request{key, n, numbers.data(), 0.0, false};
  return table_of_trials(n, plan, [&](Hottest* best, std::exception_ptr& raised) {
    find_hottest_of_scrambles(likelihood, plan, scrambles, injected, request, gamma, n_threads, best, checkpoint_for(progress, raised));
  });
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
  py::class_<Scrambles>(m, "Scrambles", R"(
The seasons' own events at right ascensions drawn by counter, as the trials of a search see them.

Parameters
----------
columns : sequence of EventColumns, one for each season; events are numbered as their rows
grid : (D, A + 1) float32 or None, lower bounds of the distance to what is searched, rad, in D rows of A cells of right
    ascension; the last column repeats the one before. None: all events matter
near : for each season (rows, first_cell, reach), empty without a grid: (n,) int64 rows of the columns, ascending, of the
    events that can matter; (n,) int32 first cell of the grid's row at their declination; (n,) float32, rad: they matter
    where the bound is at most this
)")
      .def(py::init(&make_scrambles), py::arg("columns"), py::arg("grid").noconvert(), py::arg("near"));
  m.def("hottest_of_scrambles", &hottest_of_scrambles, py::arg("likelihood"), py::arg("plan"), py::arg("scrambles"), py::arg("parts"),
        py::arg("first"), py::kw_only(), py::arg("key"), py::arg("numbers").noconvert(), py::arg("gamma") = py::none(),
        py::arg("n_threads") = 0, py::arg("progress") = py::none(), R"(
What hottest gives for each of n trials of whole seasons, whose backgrounds are drawn here.

Parameters
----------
scrambles : Scrambles, of the seasons of the likelihood
parts, first : injected events, as for hottest_of_trials; each counts in the N of its season
key : of the random numbers
numbers : (n,) int64 of the trials; neighbours within a block of four are drawn together
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
