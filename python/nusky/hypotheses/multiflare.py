"""`MultiFlareTrialRunner`: several flares of one source, their TS added."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky.flares import FlareFound
from nusky.hypotheses.flare import FlareTrialRunner
from nusky.hypotheses.flare_maps import FlareSkyScanTrialRunner
from nusky.hypotheses.several_flares import SeveralFlares
from nusky.pixels import PixelSet
from nusky.progress import Progress, scan_progress
from nusky.transients import FlareOptions, box_t0
from nusky.trial import SkyScan
from nusky.trial.status import Status
from nusky.typing import F64, I64

if TYPE_CHECKING:
    from nusky.likelihood.trial_index import TrialIndex
    from nusky.source import Sources
    from nusky.trial.fit import Fit
    from nusky.trial.trial import Trial

__all__ = ["MultiFlareSkyScanTrialRunner", "MultiFlareTrialRunner", "check_least_ts"]


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
class MultiFlareTrialRunner(SeveralFlares, FlareTrialRunner):
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

    @property
    def _flaring(self) -> Sources:
        return replace(self.src, extension=np.array([self.likelihood.extension]))

    @property
    def _flare_runners(self) -> tuple[FlareTrialRunner, ...]:
        return (self,)

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
