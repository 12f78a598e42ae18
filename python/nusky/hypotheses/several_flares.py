"""`SeveralFlares`: what runners of several flares share, of one source or of a list."""

from __future__ import annotations

import logging as logging_module
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.arrays import Arrays
from nusky.files import as_path, atomic_write
from nusky.injection import GivenFlares, SignalInjector, trial_draws
from nusky.runners import Runner, fitting
from nusky.transients import season_uptime
from nusky.trial import as_trial
from nusky.typing import F64

if TYPE_CHECKING:
    from nusky.hypotheses.flare import FlareTrialRunner
    from nusky.source import Sources
    from nusky.transients import FlareOptions
    from nusky.trial.fit import Fit
    from nusky.trial.trial import Trial

__all__ = ["FlaresBySource", "SeveralFlares"]

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


class SeveralFlares(Runner):
    """A runner whose signal may come at given times, and whose fits may be csky's tables of flares by source.

    A kind of runner says its sources, and the runners that find the flares of each.
    """

    flare: FlareOptions

    @property
    @abstractmethod
    def _flaring(self) -> Sources:
        """The sources, with the extensions that signal has."""

    @property
    @abstractmethod
    def _flare_runners(self) -> tuple[FlareTrialRunner, ...]:
        """What finds the flares of each source."""

    @property
    def names(self) -> tuple[str, ...]:
        """Keys of a `FlaresBySource`: names of the sources, or their numbers."""
        return self._flaring.name or tuple(str(i) for i in range(len(self._flaring)))

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
            For each flare the times of its events, MJD, and the number of the source, 0 if it is the only one. Every
            event is injected that comes while a season took data; how many do not is logged.
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
            trial = _with_given_flares(self, self._flaring, injflares, n_sig, seed, TRUTH)
            trial = trial.replaced() if replace_evts else trial
        if save_evts is not None:
            _write_injected(trial, save_evts)
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
        trial = self._one_trial(n_sig, poisson, seed, TRUTH)
        return self.get_one_fit_from_trial(trial, mp_cpus, logging, flat, **fitter_args)

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

        Parameters
        ----------
        trial, mp_cpus, logging, flat, fitter_args
            See `Runner.get_one_fit_from_trial`.
        decorrelate : bool
            csky's, which keeps sources near each other from sharing events; of one source no result depends on it.

        Raises
        ------
        ValueError
            `decorrelate` of several sources: they are fitted to the same events.
        """
        if decorrelate and len(self._flaring) > 1:
            raise ValueError("decorrelate=True is not there: sources near each other are fitted to the same events")
        if flat is not False:
            return super().get_one_fit_from_trial(trial, mp_cpus, logging, flat, **fitter_args)
        fits = fitting("get_one_fit_from_trial", self, flat, fitter_args)
        runner, made = fits._renewed(as_trial(trial, len(self.analysis)))
        found = (one._fit_trial(made, 1, logging) for one in runner._flare_runners)
        return FlaresBySource(zip(self.names, map(FlaresBySource.of, found), strict=True))


def _write_injected(trial: Trial, path: Any) -> None:
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


def _with_given_flares(
    runner: SeveralFlares, src: Sources, injflares: Sequence[Any], n_sig: float, seed: Any, TRUTH: Any
) -> Trial:
    """A trial of a runner with signal events at given times from sources.

    Parameters
    ----------
    runner : SeveralFlares
        Says background, spectrum and uptime.
    src : Sources
        What the numbers in `injflares` mean.
    injflares, n_sig, seed, TRUTH
        See `SeveralFlares.get_one_trial`.
    """
    if n_sig:
        raise ValueError(f"injflares says how many events are injected and when; leave n_sig={n_sig:g} out")
    if TRUTH:
        raise ValueError("TRUTH=True takes the real sky as it is; leave injflares out")
    flares = GivenFlares.of(injflares, len(src))
    trial = runner._one_trial(0, False, seed, False)
    uptimes = [season_uptime(season, runner.flare.use_grl) for season in runner.analysis]
    signal = SignalInjector(runner.analysis, runner.injection)
    assert trial.seed is not None
    assert trial.index is not None
    injected, lost = flares.inject(signal, trial_draws(trial.seed, trial.index), src, uptimes)
    n = len(flares.mjd)
    if lost == n and n:
        first, last = runner._flare_runners[0].model.span
        raise ValueError(
            f"injflares: no season took data at any of the {n} times, MJD {flares.mjd.min():.6f} … "
            f"{flares.mjd.max():.6f}; the data are {first:.4f} … {last:.4f}"
        )
    if lost:
        _log.warning("injflares: %d of %d events come while no season took data, and are not there.", lost, n)
    return replace(trial, injected=injected)
