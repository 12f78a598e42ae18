"""`TimedSourceListTrialRunner`: flares, or light curves, of every source of a list on one scramble."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky.catalogs.result import ListFits
from nusky.catalogs.source_list import SourceListTrialRunner
from nusky.executors import InterruptedBatch, fit_batch
from nusky.files import config_hash
from nusky.hypotheses import FlareTrialRunner, LightCurveTrialRunner, MultiFlareTrialRunner, check_least_ts
from nusky.injection import SignalInjector, WindowsSignal
from nusky.transients import FlareOptions, LightCurve, SignalTimes, SignalTimesOfSources, SignalWindow

if TYPE_CHECKING:
    from nusky.progress import Progress
    from nusky.trial import Fit, Trial
    from nusky.typing import I64

__all__ = ["TimedSourceListTrialRunner"]

# Trials between two looks at progress and Ctrl-C: a source takes milliseconds
_TOGETHER = 256


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TimedSourceListTrialRunner(SourceListTrialRunner):
    """Trials of a list whose sources are each fitted for a flare, for several, or with its light curve.

    The fit of source j is, to the last bit, that of its own runner for the same trial: `FlareTrialRunner`,
    `MultiFlareTrialRunner` or `LightCurveTrialRunner`, which are in `runners`. Its two parameters of time are columns
    of `get_many_fits` and of `fit_sources`: ``t0`` and ``dt``, or ``thresh`` and ``lag``.

    Parameters
    ----------
    flare : FlareOptions
    curves : (J,) LightCurve, optional
        One for each source; only `use_grl` and `extended` of `flare` matter then.
    least_ts : float, optional
        Several flares of each source add up, each with this TS at least.
    signal_windows : tuple of SignalWindow
        When injected signal comes: one for all sources or one for each; the whole uptime by default.
    src, background, tail, analysis, likelihood, injection, mp_cpus, declinations
        See `SourceListTrialRunner`.

    Examples
    --------
    >>> runner = cy.get_source_list_trial_runner(src=sources, ana=ana, time="utf", box=True)    # doctest: +SKIP
    >>> print(runner.with_background(1000, seed=1).test(TRUTH=True))                            # doctest: +SKIP
    """

    flare: FlareOptions = field(default_factory=FlareOptions)
    curves: tuple[LightCurve, ...] | None = None
    least_ts: float | None = None
    signal_windows: tuple[SignalWindow, ...] = (SignalWindow(),)

    def __post_init__(self) -> None:
        super().__post_init__()
        n = len(self.src)
        if self.curves is not None and len(self.curves) != n:
            raise ValueError(f"there are {len(self.curves)} light curves for {n} sources: give one for each")
        if self.curves is not None and self.least_ts is not None:
            raise ValueError("several flares have no light curve: leave out ts_min, or the curves")
        if self.least_ts is not None:
            object.__setattr__(self, "least_ts", check_least_ts(self.least_ts))
        if len(self.signal_windows) not in (1, n):
            raise ValueError(
                f"there are {len(self.signal_windows)} windows of signal for {n} sources: give one, or one for each"
            )
        _ = self.timing, self.runners  # checks windows and options

    @property
    def times(self) -> tuple[str, str]:
        """Names of the two parameters of time."""
        return ("t0", "dt") if self.curves is None else ("thresh", "lag")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of `get_many_fits` and of a fit's array view."""
        *first, ra, dec = super().columns
        return (*first, *self.times, ra, dec)

    def _describe(self) -> dict[str, Any]:
        models = [runner.model.as_dict() for runner in self.runners[: 1 if self.curves is None else None]]
        several = {} if self.least_ts is None else {"least_ts": self.least_ts}
        windows = [window.as_dict() for window in self.signal_windows]
        return {**super()._describe(), "times": config_hash({"models": models, "windows": windows}), **several}

    @cached_property
    def timing(self) -> SignalTimes:
        """When signal comes."""
        first, *others = self.signal_windows
        if not others:
            return SignalTimes(self.analysis, first)
        return SignalTimesOfSources(self.analysis, first, self.signal_windows, self.src.weight)

    @cached_property
    def signal_injector(self) -> SignalInjector:
        """Puts simulated events onto the sources, at times of each."""
        kind = WindowsSignal if isinstance(self.timing, SignalTimesOfSources) else SignalInjector
        return kind(self.analysis, self.injection, self.likelihood.extension, self.timing)

    @cached_property
    def runners(self) -> tuple[FlareTrialRunner, ...]:
        """One for each source; those of the same extension and light curve share their likelihood."""
        models: dict[Any, Any] = {}
        made = []
        for j in range(len(self.src)):
            tr = self._runner_of(j)
            curve = None if self.curves is None else self.curves[j]
            vars(tr)["model"] = models.setdefault((tr.likelihood.extension, curve), tr.model)
            made.append(tr)
        return tuple(made)

    def _runner_of(self, j: int) -> FlareTrialRunner:
        one = self.src[j]
        options: dict[str, Any] = {
            "analysis": self.analysis,
            "src": one,
            "likelihood": replace(self.likelihood, extension=float(one.extension[0])),
            "injection": self.injection,
            "mp_cpus": self.mp_cpus,
            "declinations": self.declinations,
            "simulated": self.simulated,
            "flare": self.flare,
            "signal_window": self.signal_windows[j % len(self.signal_windows)],
        }
        if self.curves is not None:
            return LightCurveTrialRunner(**options, curve=self.curves[j])
        if self.least_ts is not None:
            return MultiFlareTrialRunner(**options, least_ts=self.least_ts)
        return FlareTrialRunner(**options)

    def _about(self, best: np.void) -> dict[str, Any]:
        return {name: float(best[name]) for name in self.times}

    def _fit_trial(self, trial: Trial, n_threads: int, logging: bool) -> Fit:
        """That of the best source, which says of its flares what its own runner says."""
        runner, made = self._renewed(trial)
        table = runner._table(made, n_threads, logging)
        best = runner.runners[int(self._winner(table["ts"]))]
        return replace(self._fit_of(table, trial), flare=best._fit_trial(made, n_threads, False).flare)

    def _batches(
        self, numbers: I64, n_sig: float, poisson: bool, seed: int, n_threads: int, progress: Progress | None
    ) -> Iterator[tuple[int, ListFits, bool]]:
        names = [name for name in ListFits._fields if name in self.columns]
        dtype = np.dtype([(name, np.float64, (len(self.src),)) for name in names])
        # each runner makes the trials of background by itself in the core, where it can: they are the same
        alone = not n_sig and self.least_ts is None and self._scrambles
        fit = self._each_alone if alone else self._on_shared_trials
        for start in range(0, len(numbers), _TOGETHER):
            some = numbers[start : start + _TOGETHER]
            try:
                rows, interrupted = fit(dtype, some, n_sig, poisson, seed, n_threads), False
            except InterruptedBatch as stopped:
                # what was finished before the first trial that was not
                whole = int(np.cumprod(stopped.indices == some[: len(stopped.indices)]).sum())
                rows, interrupted = stopped.partial[:whole], True
            none = np.full((len(rows), len(self.src)), np.nan)
            fits = {"gamma": none, **{name: np.asarray(rows[name]) for name in names}}
            yield start, ListFits(**fits), interrupted
            if interrupted:
                return
            if progress is not None:
                progress.update(start + len(some))

    def _each_alone(
        self, dtype: np.dtype[np.void], numbers: I64, n_sig: float, poisson: bool, seed: int, n_threads: int
    ) -> NDArray[np.void]:
        rows = np.zeros(len(numbers), dtype=dtype)
        for j, runner in enumerate(self.runners):
            try:
                fits = runner._fit_numbers(numbers, 0, False, seed, n_threads, None)
            except InterruptedBatch:
                raise InterruptedBatch(rows[:0].view(np.recarray), numbers[:0], len(numbers)) from None
            for name in dtype.names or ():
                rows[name][:, j] = fits[name]
        return rows

    def _on_shared_trials(
        self, dtype: np.dtype[np.void], numbers: I64, n_sig: float, poisson: bool, seed: int, n_threads: int
    ) -> NDArray[np.void]:
        def fit_some(some: I64, threads: int) -> NDArray[np.void]:
            made = np.zeros(len(some), dtype=dtype)
            for i, j in enumerate(some.tolist()):
                table = self._table_of(self.draw_trial(seed, j, n_sig, poisson), threads)
                for name in dtype.names or ():
                    made[name][i] = table[name]
            return made

        return fit_batch(fit_some, numbers, dtype, n_threads, self._n_events)
