#include <pybind11/complex.h>
#include <pybind11/stl.h>

#include <cmath>
#include <memory>

#include "interrupt.hpp"
#include "nusky/sphere/sphere.hpp"
#include "nusky/templates/ring_modes.hpp"
#include "nusky/templates/template_trials.hpp"
#include "smeared.hpp"
#include "trial_calls.hpp"

namespace nusky::bindings {
namespace {

using Events = std::shared_ptr<TemplateEvents>;

std::size_t length(const py::array& array, int axis) { return static_cast<std::size_t>(array.shape(axis)); }

Events make_events(const std::vector<I16>& table, const I64& order, const I64& start, const F32& weight, const I64& cell,
                   const F32& log_ratio, const std::vector<double>& gamma_nodes) {
  const SmearedTable maps = smeared_widths(table);
  const std::size_t n = require_ndim(order, 1, "order");
  require_length(start, n, "start");
  require_length(cell, n, "cell");
  if (require_ndim(weight, 2, "weight") != 4 || length(weight, 1) != n) throw std::invalid_argument("weight: expected shape (4, N)");
  if (require_ndim(log_ratio, 2, "log_ratio") != n || length(log_ratio, 1) != std::max<std::size_t>(1, gamma_nodes.size()))
    throw std::invalid_argument("log_ratio: expected shape (N, gamma nodes)");
  const GammaAxis axis(gamma_nodes);
  const std::size_t reach = (maps.n_pairs + 1) * maps.n_ra;
  py::gil_scoped_release release;
  return std::make_shared<TemplateEvents>(n, maps.n_points(), maps.n_ra, reach, order.data(), start.data(), weight.data(), cell.data(),
                                          log_ratio.data(), axis);
}

std::shared_ptr<SkyTemplate> make_template(const Likelihood& likelihood, const std::shared_ptr<SmearedRows>& maps,
                                           const std::vector<Events>& own, const std::vector<F64>& column,
                                           const std::vector<F64>& log_taken) {
  if (column.size() != own.size() || (!log_taken.empty() && log_taken.size() != own.size()))
    throw std::invalid_argument("own, column and log_taken: one entry for each season is needed");
  std::vector<TemplateSeason> seasons;
  for (std::size_t k = 0; k < own.size(); ++k) {
    TemplateSeason& season = seasons.emplace_back();
    season.own = own[k];
    require_ndim(column[k], 2, "column");
    season.column.assign(column[k].data(), column[k].data() + column[k].size());
    if (log_taken.empty()) continue;
    require_ndim(log_taken[k], 2, "log_taken");
    season.log_taken.assign(log_taken[k].data(), log_taken[k].data() + log_taken[k].size());
  }
  return std::make_shared<SkyTemplate>(likelihood, maps, std::move(seasons));
}

// Words of right ascensions in the order of places `first` on.
std::vector<std::uint32_t> words_of(const TemplateEvents& events, const F64& ra) {
  require_length(ra, events.size(), "ra");
  std::vector<std::uint32_t> word(events.size() + template_room, 0);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const double a = ra.data()[events.order()[i]];
    if (!(a >= 0.0 && a <= 2 * pi))
      throw std::invalid_argument("ra: row " + std::to_string(events.order()[i]) + " must be within 0 and 2 pi rad");
    word[i] = static_cast<std::uint32_t>(std::llround(a / right_ascension_step));  // of a drawn one its own word
  }
  return word;
}

void template_terms(const SmearedRows& maps, const TemplateEvents& events, const F64& ra, const F64& column, const F64& factor,
                    const F64& background, double scale, F64& z) {
  const std::size_t n = events.size(), factors = require_ndim(factor, 2, "factor");
  if (events.n_points() != maps.n_points()) throw std::invalid_argument("events: their places are those of another table");
  require_length(column, maps.maps(), "column");
  require_length(background, n, "background");
  require_length(z, n, "z");
  if ((factors != 1 && factors != maps.maps()) || length(factor, 1) != n)
    throw std::invalid_argument("factor: expected shape (R, N) or (1, N)");
  const std::vector<std::uint32_t> word = words_of(events, ra);
  double* out = z.mutable_data();
  const py::gil_scoped_release release;
  maps.terms(events, word.data(), column.data(), factor.data(), factors == 1, background.data(), scale, out);
}

py::tuple template_events(const SkyTemplate& sky, const py::sequence& parts, const F64& n_events) {
  require_length(n_events, sky.n_seasons(), "n_events");
  std::vector<TemplatePart> list;
  std::vector<Events> keep;
  std::vector<std::vector<std::uint32_t>> words;
  for (const py::handle& item : parts) {
    const auto [season, events, ra] = py::cast<std::tuple<std::size_t, Events, F64>>(item);
    if (season >= sky.n_seasons()) throw std::invalid_argument("parts: there is no season " + std::to_string(season));
    sky.require_match(*events, season);
    words.push_back(words_of(*events, ra));
    keep.push_back(events);
    list.push_back({season, events.get(), 0, events->size(), words.back().data()});
  }
  std::vector<double> counts = to_vector(n_events, "n_events");
  std::vector<double> found(counts.size(), 0.0);
  for (const TemplatePart& part : list) found[part.season] += static_cast<double>(part.last);
  for (std::size_t k = 0; k < counts.size(); ++k)
    if (!(counts[k] >= 1.0 && counts[k] >= found[k])) throw std::invalid_argument("n_events: at least 1 and no fewer than there are");
  DirectionFit fit;
  int profile = 0, exact = 0;
  {
    py::gil_scoped_release release;
    TemplateFitter fitter(sky);
    fit = fitter.fit(list, counts.data());
    profile = fitter.profile_passes();
    exact = fitter.exact_passes();
  }
  return py::make_tuple(fit.ts, fit.ns, fit.gamma, static_cast<int>(fit.status), profile, exact);
}

py::tuple template_trials(const SkyTemplate& sky, const std::optional<py::sequence>& injected, std::uint64_t key, const I64& numbers,
                          F64& rows, int n_threads, const std::optional<py::function>& progress) {
  const TrialRequest request = read_request(key, numbers, 0.0, false, rows, 2, 3);
  std::vector<InjectedTemplate> list;
  std::vector<I64> keep;
  if (injected) {
    if (injected->size() != sky.n_seasons()) throw std::invalid_argument("injected: one entry for each season is needed");
    for (const py::handle& item : *injected) {
      const auto [events, ra, first] = py::cast<std::tuple<Events, F64, I64>>(item);
      sky.require_match(*events, list.size());
      require_length(first, request.n + 1, "injected first");
      const std::int64_t* f = first.data();
      for (std::size_t i = 0; i <= request.n; ++i)
        if (f[i] < (i > 0 ? f[i - 1] : 0) || f[i] > static_cast<std::int64_t>(events->size()))
          throw std::invalid_argument("injected first: entry " + std::to_string(i) + " does not ascend within the rows");
      keep.push_back(first);
      list.push_back({events, words_of(*events, ra), keep.back().data()});
    }
  }
  std::exception_ptr raised;
  std::size_t done = 0;
  double* out = rows.mutable_data();
  const auto columns = static_cast<int>(rows.shape(1));
  {
    py::gil_scoped_release release;
    done = fit_template_trials(sky, list, request, columns, out, n_threads, checkpoint_for(progress, raised));
  }
  return finished(done, raised);
}

using C128 = Array<std::complex<double>>;
using C64 = Array<std::complex<float>>;

void modes_of(const C128& alm, const F64& beam, C64& modes, int n_threads) {
  const std::size_t maps = require_ndim(alm, 2, "alm"), n = length(alm, 1), beams = require_ndim(beam, 2, "beam");
  const auto lmax = static_cast<std::size_t>(std::floor(0.5 * (std::sqrt(8.0 * static_cast<double>(n) + 1.0) - 3.0) + 1e-6));
  if ((lmax + 1) * (lmax + 2) / 2 != n) throw std::invalid_argument("alm: expected shape (R, (lmax + 1)(lmax + 2)/2)");
  if (length(beam, 1) < 1 || length(beam, 1) > lmax + 1) throw std::invalid_argument("beam: expected shape (S, L), L at most lmax + 1");
  if (require_ndim(modes, 4, "modes") != beams || length(modes, 1) < 2 || length(modes, 2) != maps || modes.shape(3) != beam.shape(1))
    throw std::invalid_argument("modes: expected shape (S, D, R, L)");
  std::complex<float>* out = modes.mutable_data();
  const py::gil_scoped_release release;
  ring_modes({maps, lmax, alm.data()}, beams, beam.data(), length(beam, 1), length(modes, 1), out, n_threads);
}

}  // namespace

void bind_templates(py::module_& m) {
  py::class_<TemplateEvents, Events>(m, "TemplateEvents", R"(
Events of one season as a template reads them: what does not depend on right ascension.

Parameters
----------
table : S arrays (D - 1, A, 2, B) int16, B may differ, smeared maps; see `nusky.sphere.SmearedMaps`
order : (N,) int64, number of the event at each place; for trials neighbours in the table together
start, weight : as for `smeared_values`, in that order
cell : (N,) int64, of sin(dec); 0 where nothing is subtracted
log_ratio : (N, G) float32, ln R/B at the gamma nodes; without nodes (N, 1)
gamma_nodes : sequence of float
)")
      .def(py::init(&make_events), py::arg("table").noconvert(), py::arg("order").noconvert(), py::arg("start").noconvert(),
           py::arg("weight").noconvert(), py::arg("cell").noconvert(), py::arg("log_ratio").noconvert(), py::arg("gamma_nodes"))
      .def("__len__", &TemplateEvents::size);
  py::class_<SmearedRows, std::shared_ptr<SmearedRows>>(m, "SmearedRows", R"(
A table of smeared maps as the kernels read it.

Parameters
----------
table : S arrays (D - 1, A, 2, B) int16, B may differ; see `nusky.sphere.SmearedMaps`
basis : (S, D - 1, B, R) float32, what the parts are multiplied with, to add up to the maps; B is the largest
)")
      .def(py::init(
               [](const std::vector<I16>& table, const F32& basis) { return std::make_shared<SmearedRows>(smeared_table(table, basis)); }),
           py::arg("table").noconvert(), py::arg("basis").noconvert(), py::keep_alive<1, 2>());
  py::class_<SkyTemplate, std::shared_ptr<SkyTemplate>>(m, "SkyTemplate", R"(
A template whose likelihood has a term for every event: ln L = sum over seasons k and events i of ln[1 + n f_k/N_k (W_i - V_i)].

Parameters
----------
likelihood : Likelihood, whose shares are those of the whole template
maps : SmearedRows
own : sequence of TemplateEvents, of the seasons' own events
column : sequence of (R, G) float64: S is the sum of column times map, at the gamma nodes
log_taken : sequence of (C, G) float64, ln V of cells at the gamma nodes; empty: V is 1
)")
      .def(py::init(&make_template), py::arg("likelihood"), py::arg("maps"), py::arg("own"), py::arg("column"),
           py::arg("log_taken") = std::vector<F64>{}, py::keep_alive<1, 2>(), py::keep_alive<1, 3>());
  m.def("template_terms", &template_terms, py::arg("maps"), py::arg("events"), py::arg("ra").noconvert(), py::arg("column").noconvert(),
        py::arg("factor").noconvert(), py::arg("background").noconvert(), py::arg("scale"), py::arg("z").noconvert(), R"(
Terms of a likelihood from smeared maps: z = scale (max(0, sum over maps of column * value * factor) - background).

Parameters
----------
maps : SmearedRows
events : TemplateEvents
ra : (N,) float64, 0 ... 2 pi rad, in the order of the events; all else is in that of their places
column : (R,) float64
factor : (R, N) float64, or (1, N) where all maps have the same
background : (N,) float64
scale : float
z : (N,) float64, is filled
)");
  m.def("ring_modes", &modes_of, py::arg("alm").noconvert(), py::arg("beam").noconvert(), py::arg("modes").noconvert(),
        py::arg("n_threads") = 0, R"(
Fourier modes of smeared maps along rings of declination: at right ascension a a map is Re[F_0 + 2 sum over m > 0 of F_m exp(i m a)].

Parameters
----------
alm : (R, (lmax + 1)(lmax + 2)/2) complex128, in the order of healpy
beam : (S, L) float64, what they are multiplied with, by degree
modes : (S, D, R, L) complex64, is filled with F_m at D declinations from -90 to 90 degrees
n_threads : 0 means all that the process may use
)");
  m.def("fit_template_trials", &template_trials, py::arg("template"), py::arg("injected").none(true), py::kw_only(), py::arg("key"),
        py::arg("numbers").noconvert(), py::arg("rows").noconvert(), py::arg("n_threads") = 0, py::arg("progress") = py::none(), R"(
Draws the backgrounds of trials, adds what is injected and fits: row i is a function of the key, numbers[i] and its injected events.

Parameters
----------
injected : None, or for each season (events, ra, first)
    ra : (n,) float64, rad. first : (trials + 1,) int64: trial i has rows first[i] ... first[i + 1] - 1 of the events, whose order is that
    of the rows.
key : int, of the seed, 0 ... 2^64 - 1
numbers : (trials,) int64
rows : (trials, 2) or (trials, 3) float64, filled with ts, ns and gamma
n_threads : 0 means all that the process may use
progress : callable(done, total) or None

Returns
-------
done : int, how many rows are filled
interrupted : bool, by Ctrl-C
)");
  m.def("fit_template_events", &template_events, py::arg("template"), py::arg("parts"), py::arg("n_events").noconvert(), R"(
Fits a template to given events, with the same bits as fit_template_trials to the same ones in the same parts.

Parameters
----------
parts : sequence of (season, events, ra): TemplateEvents and (N,) float64, rad
n_events : (K,) float64, with events that are in no part and have W = 0

Returns
-------
ts, ns, gamma : float
status : int, see nusky.Status
profile_passes, exact_passes : int, over all events
)");
}

}  // namespace nusky::bindings
