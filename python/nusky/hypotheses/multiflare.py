"""`MultiFlareTrialRunner`: several flares of one source, their TS added."""

from __future__ import annotations

import logging as logging_module
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky.arrays import Arrays
from nusky.files import as_path, atomic_write
from nusky.flares import FlareFound
from nusky.hypotheses.flare import FlareTrialRunner
from nusky.hypotheses.flare_maps import FlareSkyScanTrialRunner
from nusky.injection import GivenFlares, SignalInjector, trial_draws
from nusky.pixels import PixelSet
from nusky.progress import Progress, scan_progress
from nusky.transients import FlareOptions, box_t0, season_uptime
from nusky.trial import SkyScan
from nusky.trial.status import Status
from nusky.typing import F64, I64

if TYPE_CHECKING:
    from nusky.likelihood.trial_index import TrialIndex
    from nusky.source import Sources
    from nusky.trial.fit import Fit
    from nusky.trial.trial import Trial

__all__ = [
    "FlaresBySource",
    "MultiFlareSkyScanTrialRunner",
    "MultiFlareTrialRunner",
    "check_least_ts",
    "with_given_flares",
    "write_injected",
]

_log = logging_module.getLogger("nusky")


class FlaresBySource(dict[str, tuple[float, float, Arrays]]):
    """csky's result of several flares: for each source, by its name, ``(ts, ns, flares)``.

    ``flares`` is a table with the columns ``mjd_start``, ``mjd_end`` (MJD), ``ts``, ``ns`` and ``gamma`` (NaN where it
    is fixed), the best one first. Names that are numbers may be asked for as numbers.

    Examples
    --------
    >>> found = FlaresBySource({"7": (9.0, 4.0, Arrays({"ts": [5.0, 4.0]}))})
    >>> found[7][0], len(found[7][-1])
    (9.0, 2)
    """

    def __missing__(self, key: object) -> tuple[float, float, Arrays]:
        if not isinstance(key, str) and str(key) in self:
            return self[str(key)]
        raise KeyError(f"{key!r} is not among the sources {', '.join(map(repr, self))}")

    @staticmethod
    def of(fit: Fit) -> tuple[float, float, Arrays]:
        """What is said of one source, from its fit."""
        listed = (fit.flare or {}).get("flares", [])
        columns = {"mjd_start": "start", "mjd_end": "stop", "ts": "ts", "ns": "ns", "gamma": "gamma"}

        def column(name: str) -> F64:
            return np.array([np.nan if one[name] is None else one[name] for one in listed], dtype=np.float64)

        return fit.ts, fit.ns, Arrays({new: column(old) for new, old in columns.items()})


def _check_boxes(flare: FlareOptions) -> None:
    if flare.shape != "box" or flare.t0 is not None:
        raise ValueError("several flares are boxes with free start and end: leave out box=False and t0")


def check_least_ts(least_ts: Any) -> float:
    """The TS that each of several flares has at least.

    Raises
    ------
    TypeError, ValueError

    Examples
    --------
    >>> check_least_ts(2)
    2.0
    """
    if isinstance(least_ts, bool) or not isinstance(least_ts, (int, float)):
        raise TypeError(f"ts_min must be a number, got {least_ts!r}")
    if not 0 <= least_ts < np.inf:
        raise ValueError(f"ts_min={least_ts!r} must be 0 or more, and finite")
    return float(least_ts)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MultiFlareTrialRunner(FlareTrialRunner):
    """Trials of one source that may have flared several times.

    The best flare is taken, then the best ones before and after it, and so on, as long as they have a TS of
    `least_ts`. TS is the sum of theirs, ns that of their events; gamma, t0 and dt are those of the best one.
    ``fit.flare["flares"]`` lists all.

    Parameters
    ----------
    least_ts : float
        TS, penalty included, that each flare has at least, ≥ 0.
    flare, signal_window, src, analysis, likelihood, injection, mp_cpus, ts_to_p
        See `FlareTrialRunner`; boxes with free start and end.

    Examples
    --------
    >>> import nusky as cy                                                              # doctest: +SKIP
    >>> tr = cy.get_multiflare_trial_runner(src=src, ana=ana, threshold=1000)           # doctest: +SKIP
    >>> [one["t0"] for one in tr.get_one_fit(TRUTH=True).flare["flares"]]               # doctest: +SKIP
    """

    least_ts: float = 2.0

    def __post_init__(self) -> None:
        _check_boxes(self.flare)
        object.__setattr__(self, "least_ts", check_least_ts(self.least_ts))
        super().__post_init__()

    def _describe(self) -> dict[str, Any]:
        return {**super()._describe(), "least_ts": self.least_ts}

    def get_one_trial(
        self,
        n_sig: float = 0,
        poisson: bool = False,
        seed: Any = None,
        TRUTH: bool = False,
        mp_cpus: int | None = None,
        logging: bool = False,
        replace_evts: bool = False,
        *,
        injflares: Sequence[Any] | None = None,
        deltaT: Any = None,
        save_evts: Any = None,
    ) -> Trial:
        """Make one trial, see `Runner.get_one_trial`; or with signal events at given times.

        Parameters
        ----------
        n_sig, poisson, seed, TRUTH, mp_cpus, logging, replace_evts
            See `Runner.get_one_trial`.
        injflares : list of [times, number], optional
            For each flare the times of its events, MJD, and the number of the source, 0 here. Every event is injected
            that comes while a season took data; how many do not is logged.
        deltaT : optional
            csky's, of flares whose times it draws; with the times given it has no meaning.
        save_evts : path-like, optional
            Write the injected events there, as an npy table with the number of the season in ``season``.

        Raises
        ------
        ValueError, TypeError
            `n_sig` or ``TRUTH=True`` with `injflares`; `deltaT` without; times at which no season took data at all.
        """
        if injflares is None:
            if deltaT is not None:
                raise ValueError("deltaT= needs the times of the events: injflares=[[times in MJD, 0], …]")
            trial = super().get_one_trial(n_sig, poisson, seed, TRUTH, mp_cpus, logging, replace_evts)
        else:
            src = replace(self.src, extension=np.array([self.likelihood.extension]))
            trial = with_given_flares(self, src, injflares, n_sig, seed, TRUTH)
            trial = trial.replaced() if replace_evts else trial
        if save_evts is not None:
            write_injected(trial, save_evts)
        return trial

    def get_one_fit(
        self,
        n_sig: float = 0,
        poisson: bool = False,
        seed: Any = None,
        TRUTH: bool = False,
        mp_cpus: int | None = None,
        logging: bool = False,
        flat: bool = True,
        **fitter_args: Any,
    ) -> Any:
        """Make one trial and fit it, see `Runner.get_one_fit`; with ``flat=False`` a `FlaresBySource`."""
        if flat is not False:
            return super().get_one_fit(n_sig, poisson, seed, TRUTH, mp_cpus, logging, flat, **fitter_args)
        return self._by_source(super().get_one_fit(n_sig, poisson, seed, TRUTH, mp_cpus, logging, True, **fitter_args))

    def get_one_fit_from_trial(
        self,
        trial: Any,
        mp_cpus: int | None = None,
        logging: bool = False,
        flat: bool = True,
        *,
        decorrelate: bool = False,
        **fitter_args: Any,
    ) -> Any:
        """Fit a trial, see `Runner.get_one_fit_from_trial`; with ``flat=False`` a `FlaresBySource`.

        csky's `decorrelate` keeps sources near each other from sharing events; there is one, and no result depends on
        it.
        """
        if flat is not False:
            return super().get_one_fit_from_trial(trial, mp_cpus, logging, flat, **fitter_args)
        return self._by_source(super().get_one_fit_from_trial(trial, mp_cpus, logging, True, **fitter_args))

    def _by_source(self, fit: Fit) -> FlaresBySource:
        return FlaresBySource({self.src.name[0] if self.src.name else "0": FlaresBySource.of(fit)})

    def _all(self, trial: Trial) -> tuple[FlareFound, ...]:
        runner, made = self._renewed(trial)
        return runner.model.fit_all(runner._source, made, self.least_ts)

    @staticmethod
    def _sum_of(flares: tuple[FlareFound, ...]) -> FlareFound:
        """The best flare, with the sums of TS, n_s and uptime of all."""
        if not flares:
            return FlareFound(0.0, 0.0, np.nan, np.nan, np.nan, 0.0, int(Status.NO_EXCESS))
        ts, ns, days = (float(sum(getattr(one, name) for one in flares)) for name in ("ts", "ns", "days"))
        return flares[0]._replace(ts=ts, ns=ns, days=days)

    def _found(self, trial: Trial) -> FlareFound:
        return self._sum_of(self._all(trial))

    def _fit_numbers(
        self, numbers: I64, n_sig: float, poisson: bool, seed: int, n_threads: int, progress: Progress | None
    ) -> NDArray[np.void]:
        return self._fit_each(numbers, n_sig, poisson, seed, n_threads, progress)

    def _fit_trial(self, trial: Trial, n_threads: int, logging: bool) -> Fit:
        flares = self._all(trial)
        fit = self._fit_of_found(self._sum_of(flares), trial)
        listed = []
        for one in flares:
            ts, ns, *gamma, t0, dt = self._numbers(one)
            params = {"ts": ts, "ns": ns, "gamma": gamma[0] if gamma else None, "t0": t0, "dt": dt}
            listed.append({**params, "start": one.start, "stop": one.stop, "uptime": one.days})
        penalties = [2.0 * np.log(one.days / self.model.longest) for one in flares if self.flare.penalty]
        about: dict[str, Any] = {"flares": listed, "least_ts": self.least_ts, "penalty_ts": float(sum(penalties))}
        return replace(fit, flare={**(fit.flare or {}), **about})


def write_injected(trial: Trial, path: Any) -> None:
    """Write the injected events of a trial as an npy table, the number of their season in ``season``.

    Raises
    ------
    ValueError
        Nothing was injected.
    """
    tables = [
        Arrays({name: events[name] for name in events.columns}, season=np.full(len(events), k))
        for k, events in enumerate(trial.injected)
        if events is not None
    ]
    if not tables:
        raise ValueError("save_evts: nothing was injected into this trial, so there are no events to write")
    with atomic_write(as_path(path, "save_evts")) as file:
        np.save(file, Arrays.concatenate(tables).as_array, allow_pickle=False)


def with_given_flares(
    runner: FlareTrialRunner, src: Sources, injflares: Sequence[Any], n_sig: float, seed: Any, TRUTH: Any
) -> Trial:
    """A trial of a runner with signal events at given times from sources.

    Parameters
    ----------
    runner : FlareTrialRunner
        Says background, spectrum and uptime.
    src : Sources
        What the numbers in `injflares` mean.
    injflares, n_sig, seed, TRUTH
        See `MultiFlareTrialRunner.get_one_trial`.
    """
    if n_sig:
        raise ValueError(f"injflares says how many events are injected and when; leave n_sig={n_sig:g} out")
    if TRUTH:
        raise ValueError("TRUTH=True takes the real sky as it is; leave injflares out")
    flares = GivenFlares.of(injflares, len(src))
    trial = FlareTrialRunner.get_one_trial(runner, seed=seed)
    uptimes = [season_uptime(season, runner.flare.use_grl) for season in runner.analysis]
    signal = SignalInjector(runner.analysis, runner.injection)
    assert trial.seed is not None
    assert trial.index is not None
    injected, lost = flares.inject(signal, trial_draws(trial.seed, trial.index), src, uptimes)
    n = len(flares.mjd)
    if lost == n and n:
        first, last = runner.model.span
        raise ValueError(
            f"injflares: no season took data at any of the {n} times, MJD {flares.mjd.min():.6f} … "
            f"{flares.mjd.max():.6f}; the data are {first:.4f} … {last:.4f}"
        )
    if lost:
        _log.warning("injflares: %d of %d events come while no season took data, and are not there.", lost, n)
    return replace(trial, injected=injected)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MultiFlareSkyScanTrialRunner(FlareSkyScanTrialRunner):
    """`FlareSkyScanTrialRunner` where several flares of a pixel add up, as in `MultiFlareTrialRunner`.

    Scans have the rows ``t0``, ``dt`` and γ of the best flare of each pixel, then ``n_flares`` and ``uptime``, the days
    of all of them.

    Parameters
    ----------
    least_ts : float
        TS, penalty included, that each flare has at least, ≥ 0.
    """

    least_ts: float = 2.0

    def __post_init__(self) -> None:
        _check_boxes(self.flare)
        object.__setattr__(self, "least_ts", check_least_ts(self.least_ts))
        super().__post_init__()

    def _describe(self) -> dict[str, Any]:
        return {**super()._describe(), "least_ts": self.least_ts}

    def _sums(self, index: TrialIndex, n_threads: int, logging: bool) -> tuple[Any, ...]:
        """ts, ns, γ, t0, dt and status, then flares and days, each (P,)."""
        with scan_progress(len(self.pixels), n_threads, logging) as progress:
            ts, ns, gamma, start, stop, days, count, status = self.model.flares.scan_all(
                index.core,
                self.pixels.directions,
                self.least_ts,
                n_threads=n_threads,
                progress=progress.update if logging else None,
            )
        t0 = box_t0(start, stop - start, self.flare.box_mode)
        return ts, ns, gamma, t0, stop - start, status, count, days

    def _flares(self, index: TrialIndex, n_threads: int, logging: bool, terms: F64 | None = None) -> tuple[Any, ...]:
        return self._sums(index, n_threads, logging)[:6]

    def _scan_trial(self, trial: Trial, n_threads: int, logging: bool) -> SkyScan:
        assert isinstance(self.pixels, PixelSet)
        runner, made_anew = self._renewed(trial)
        *fits, count, days = runner._sums(runner.index_trial(made_anew, n_threads), n_threads, logging)
        return self._flare_scan(trial, tuple(fits), {"n_flares": count.astype(np.float64), "uptime": days})
