"""`TrialRunner`: trials of one source at a known position."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nusky import _core
from nusky.events import Events
from nusky.executors.on_threads import InterruptedBatch
from nusky.hotspots.hottest import best_of_trials
from nusky.hyp.flux import Flux
from nusky.injection.point import PointInjector
from nusky.injection.seeding import BatchDraws, TrialDraws, seed_key
from nusky.injection.signal import InjectedMany
from nusky.likelihood.point import PointFit
from nusky.likelihood.reading import LikelihoodReading
from nusky.likelihood.window import WindowLikelihoodModel
from nusky.progress import Progress, scan_progress
from nusky.runners.injectors import SeasonSignal
from nusky.runners.making import Background, Made
from nusky.runners.runner import MANY_TRIALS, Runner
from nusky.source.positions import Sources
from nusky.source.window import TimeWindow
from nusky.source.windows import TimeWindows
from nusky.transients.on_time import OnTime, TransientOptions
from nusky.transients.signal_times import SignalTimes, SignalWindow
from nusky.trial.fit import PER_PRIOR_DTYPE, Fit
from nusky.trial.trial import Trial, as_trial
from nusky.typing import F64, I64

if TYPE_CHECKING:
    from nusky.likelihood.trial_index import PartOfTrials, TrialIndex


__all__ = ["TrialRunner", "check_sources"]


def check_sources(
    src: Sources | None, transient: TransientOptions | None, n: int | None = None, own_windows: bool = False
) -> None:
    """Raise for sources that a runner cannot take; with `own_windows` each may have another window.

    Raises
    ------
    TypeError
        Not `Sources`.
    ValueError
        Another time window than the runner's, or another number of sources than `n`.
    """
    if src is None:
        return
    if not isinstance(src, Sources):
        raise TypeError(f"src must come from nusky.sources(ra, dec), got {type(src).__name__}")
    window = None if transient is None else transient.window
    has = (TimeWindows if own_windows else TimeWindow).of(src)
    if src.is_transient and has != window:
        raise ValueError(
            f"src has the time window {has}, the runner {window or 'none'}; make it with nusky's "
            "get_*_runner functions, or pass transient=TransientOptions(TimeWindow.of(src))"
        )
    if n is not None and len(src) != n:
        raise ValueError(f"src holds {len(src)} sources; this runner fits {n}: make one runner for each, src[i]")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TrialRunner(Runner):
    """Trials of one source: scramble, inject at its position, fit n_s and γ there.

    Parameters
    ----------
    src : Sources
        One source.
    signal_window : SignalWindow or None
        When injected signal comes, csky's ``sig="tw"``; acceptance, fluxes and fluences are then those of this window.
        None: the search's own time window, or the whole livetime.
    analysis, likelihood, injection, mp_cpus, ts_to_p, transient
        See `Runner`.

    Examples
    --------
    >>> import nusky as cy                                                          # doctest: +SKIP
    >>> tr = cy.get_trial_runner(src=cy.sources(83.63, 22.01, deg=True), ana=ana)   # doctest: +SKIP
    >>> ts, ns, gamma = tr.get_one_fit(10, seed=1)                                  # doctest: +SKIP
    """

    src: Sources
    signal_window: SignalWindow | None = None

    _sky: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_sources(self.src, self.transient, 1)
        if self.transient is not None and self.signal_window is not None:
            raise ValueError("the search has a time window, in which its signal comes: leave signal_window out")
        super().__post_init__()
        _ = self.timing  # checks the window against the livetime

    @cached_property
    def timing(self) -> OnTime | SignalTimes | None:
        """When signal comes, and what acceptance and fluxes are those of; None: the whole livetime, no times."""
        return self.on_time if self.signal_window is None else SignalTimes(self.analysis, self.signal_window)

    def _describe(self) -> dict[str, Any]:
        window = {} if self.signal_window is None else {"signal_window": self.signal_window.as_dict()}
        return {"ra": float(self.src.ra[0]), "dec": float(self.src.dec[0]), **window}

    @cached_property
    def _directions(self) -> _core.Directions:
        return _core.Directions(np.array(self.src.ra), np.array(self.src.dec))

    @cached_property
    def _point(self) -> PointFit:
        return PointFit(self.model, float(self.src.ra[0]), float(self.src.dec[0]))

    @cached_property
    def _injector(self) -> PointInjector:
        return PointInjector(self.signal_injector, float(self.src.ra[0]), float(self.src.dec[0]))

    @cached_property
    def _signal_columns(self) -> list[_core.EventColumns]:
        """Everything that can be injected, evaluated once."""
        return [self.model.columns_for(k, events) for k, (events, _) in enumerate(self._injector.seasons)]

    @cached_property
    def _signal(self) -> _core.PointSignal:
        """Everything that can be injected."""
        seasons = self._injector.seasons
        ra = [events["ra"] for events, _ in seasons]
        times = list(self.timing.tables) if isinstance(self.timing, SignalTimes) else []
        cumulative = [cumulative for _, cumulative in seasons]
        records = [self.model.records_of(columns) for columns in self._signal_columns]
        return _core.PointSignal(records, ra, cumulative, self._injector.shares, times)

    @property
    def _moves(self) -> bool:
        """Whether injected events come from other places in every trial."""
        return self.signal_injector.injected_extension > 0

    def signal_places(self, k: int) -> tuple[F64, F64]:
        """Declinations that season k's signal comes from, and their shares."""
        return self.src.dec, np.ones(1)

    @property
    def sig_injs(self) -> tuple[SeasonSignal, ...]:
        """How each season's signal is injected."""
        return tuple(SeasonSignal(self, k) for k in range(len(self.analysis)))

    @property
    def sig_inj_acc_total(self) -> float:
        """Expected events for the injected flux as it stands, over all seasons."""
        return self.get_acc_total()

    def get_one_llh(
        self, n_sig: float = 0, poisson: bool = False, seed: Any = None, TRUTH: bool = False
    ) -> LikelihoodReading:
        """Make one trial and give its likelihood, to be read at any parameters; arguments as for `get_one_trial`."""
        return self.get_one_llh_from_trial(self.get_one_trial(n_sig, poisson, seed, TRUTH))

    def get_one_llh_from_trial(self, trial: Any) -> LikelihoodReading:
        """The likelihood of a trial, to be read at any parameters.

        Parameters
        ----------
        trial : Trial or (evss, n_exs)

        Returns
        -------
        LikelihoodReading
            `fit`, `scan_ts`, `get_minus_llh_ratio`, `carrying`.
        """
        given = as_trial(trial, len(self.analysis))
        runner, made = self._renewed(given)
        ra, dec = float(self.src.ra[0]), float(self.src.dec[0])
        return LikelihoodReading(runner.model, made, ra, dec, partial(self.get_one_fit_from_trial, given))

    def _prepare(self, n_sig: float) -> None:
        super()._prepare(n_sig)
        _ = self._directions
        if self.on_time is None:
            _ = self._point.source
        if n_sig and not self._moves:
            _ = self._signal

    def _fit_numbers(
        self, numbers: I64, n_sig: float, poisson: bool, seed: int, n_threads: int, progress: Progress | None
    ) -> NDArray[np.void]:
        if self.on_time is not None or not self._scrambles or (n_sig and self._moves):
            return super()._fit_numbers(numbers, n_sig, poisson, seed, n_threads, progress)
        rows = np.zeros(len(numbers), dtype=self.dtype)
        done, interrupted = _core.fit_point_trials(
            self.model.likelihood,
            [self._point.source],
            self._signal if n_sig else None,
            key=seed_key(seed),
            numbers=numbers,
            n_sig=n_sig,
            poisson=poisson,
            rows=rows.view(np.float64).reshape(len(rows), 1, len(self.columns)),
            n_threads=n_threads,
            progress=None if progress is None else lambda n, _: progress.update(n),
        )
        if interrupted:
            raise InterruptedBatch(rows[:done].view(np.recarray), numbers[:done], len(numbers))
        return rows.view(np.recarray)

    def _with_signal(self, background: Background, draws: TrialDraws, n_sig: float, poisson: bool, made: Made) -> Trial:
        injected = tuple(events for events, _ in self._inject_many(draws.batch, n_sig, poisson))
        return Trial(background, injected, (0,) * len(background), **made)

    def _inject_many(self, draws: BatchDraws, n_sig: float, poisson: bool) -> InjectedMany:
        if self._moves:
            counts = draws.signal_counts(n_sig, poisson)[:, None]
            ra, dec = (np.broadcast_to(angle, counts.shape) for angle in (self.src.ra, self.src.dec))
            return self.signal_injector.inject_many(draws, ra, dec, counts)
        parts: list[tuple[Events | None, I64]] = []
        for k, (row, mjd, first) in enumerate(self._drawn(draws, n_sig, poisson)):
            events = self._injector.seasons[k][0][row] if len(row) else None
            parts.append((events if events is None or mjd is None else events.with_columns(mjd=mjd), first))
        return tuple(parts)

    def _drawn(self, draws: BatchDraws, n_sig: float, poisson: bool) -> Iterator[tuple[I64, F64 | None, I64]]:
        """For each season the rows of what can be injected that many trials draw, when they come, and `first`."""
        season, row, begin, time = self._signal.draw(draws.key, draws.numbers, n_sig, poisson)
        trial = np.repeat(np.arange(len(draws)), np.diff(begin))
        uniform = None if self.on_time is None else draws.uniforms("signal_time", np.diff(begin))[:, 0]
        for k in range(len(self.analysis)):
            some = np.flatnonzero(season == k)
            timed = uniform is not None and self.on_time is not None and len(some)
            mjd = self.on_time.signal_times(k, uniform[some]) if timed else None  # type: ignore[union-attr,index]
            if isinstance(self.timing, SignalTimes):
                mjd = time[some]
            yield row[some], mjd, np.searchsorted(trial[some], np.arange(len(draws) + 1))

    @cached_property
    def _plan(self) -> _core.SearchPlan:
        """The one position, as a search that has no prior."""
        return _core.SearchPlan(self._directions, np.zeros((1, 1)))

    def _together(self, n_sig: float) -> int:
        return 1 if self.on_time is None else MANY_TRIALS

    def _tables(self, numbers: I64, n_sig: float, poisson: bool, seed: int, n_threads: int) -> NDArray[np.void]:
        if not isinstance(self.model, WindowLikelihoodModel):
            return super()._tables(numbers, n_sig, poisson, seed, n_threads)
        parts = self._parts_of_trials(numbers, n_sig, poisson, seed)
        best = best_of_trials(self.model, self._plan, parts, len(numbers), n_threads)
        return self._rows(best["ts"], best["ns"], best["gamma"], best["status"])

    def _injected_of_trials(self, draws: BatchDraws, n_sig: float, poisson: bool) -> list[PartOfTrials]:
        if self._moves:
            return super()._injected_of_trials(draws, n_sig, poisson)
        assert isinstance(self.model, WindowLikelihoodModel)
        parts = []
        for k, (row, mjd, first) in enumerate(self._drawn(draws, n_sig, poisson)):
            if mjd is not None:
                ra = self._injector.seasons[k][0]["ra"][row]
                parts.append(self.model.injected_of_trials(k, self._signal_columns[k], ra, row, mjd, first))
        return parts

    def _background_only(self, background: Background, made: Made) -> Trial:
        return Trial(background, (None,) * len(background), (0,) * len(background), **made)

    def _table(self, trial: Trial, n_threads: int, logging: bool = False) -> NDArray[np.void]:
        if self.on_time is not None:
            return super()._table(trial, n_threads, logging)
        with scan_progress(1, 1, logging):
            return self._row(*self._point.fit(trial))

    def _best(self, index: TrialIndex, n_threads: int, logging: bool = False) -> NDArray[np.void]:
        with scan_progress(1, n_threads, logging):
            ts, ns, gamma, status = _core.scan(
                self.model.likelihood, index.core, self._directions, gamma=self.model.fixed_gamma, n_threads=n_threads
            )
        return self._row(ts[0], ns[0], gamma[0], status[0])

    def _row(self, ts: float, ns: float, gamma: float, status: int) -> NDArray[np.void]:
        one: NDArray[np.void] = self._rows(*(np.array([[value]]) for value in (ts, ns, gamma, status)))[0]
        return one

    def _rows(self, ts: F64, ns: F64, gamma: F64, status: NDArray[np.integer[Any]]) -> NDArray[np.void]:
        """Tables (n, 1) of fits (n, 1)."""
        table = np.zeros(ts.shape, dtype=PER_PRIOR_DTYPE)
        table["pixel"], table["ra"], table["dec"] = -1, self.src.ra[0], self.src.dec[0]
        for name, values in (("ts_raw", ts), ("ts", ts), ("ns", ns), ("gamma", gamma), ("status", status)):
            table[name] = values
        return table

    def _fit(self, table: NDArray[np.void], about: dict[str, Any]) -> Fit:
        return Fit(n_scanned=1, **about)

    @property
    def _default_flux(self) -> Flux | None:
        return self.injection.flux

    def _acceptance(self, acceptance: Callable[[Any], Any], **where: Any) -> float:
        if where:
            raise TypeError(f"unknown argument {next(iter(where))!r}: the position is that of the source")
        return float(acceptance(self.src.dec[0]))
