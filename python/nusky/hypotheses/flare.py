"""`FlareTrialRunner`: flares of unknown start and length at one position."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky.executors.on_threads import InterruptedBatch, fit_batch
from nusky.flares import FlareFound, FlareModel, FlareReading
from nusky.injection.seeding import seed_key
from nusky.progress import Progress, scan_progress
from nusky.runners.point_source import TrialRunner
from nusky.transients import GAUSS_REACH, FlareOptions, SignalWindow, box_t0
from nusky.trial.fit import PER_PRIOR_DTYPE, result_columns
from nusky.trial.trial import as_trial
from nusky.typing import I64

if TYPE_CHECKING:
    from nusky import _core
    from nusky.trial.fit import Fit
    from nusky.trial.trial import Trial

__all__ = ["FlareTrialRunner"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class FlareTrialRunner(TrialRunner):
    """Trials of one source that may have flared: scramble, inject in a window, fit n_s, γ, start and length.

    Events keep their times and get new right ascensions.

    Parameters
    ----------
    flare : FlareOptions
    signal_window : SignalWindow
        When injected signal comes; the whole uptime by default.
    src, analysis, likelihood, injection, mp_cpus, ts_to_p
        See `TrialRunner`.

    Examples
    --------
    >>> import nusky as cy                                                              # doctest: +SKIP
    >>> tr = cy.get_trial_runner(src=src, ana=ana, time="utf", box=True, dt_max=200)    # doctest: +SKIP
    >>> ts, ns, gamma, t0, dt = tr.get_one_fit(seed=1)                                  # doctest: +SKIP
    """

    flare: FlareOptions = field(default_factory=FlareOptions)
    signal_window: SignalWindow | None = field(default_factory=SignalWindow)

    def __post_init__(self) -> None:
        if self.transient is not None:
            raise ValueError("a flare has no given window; leave out mjd= and t_100= of src")
        if self.simulated is not None:
            raise ValueError("simulated background has no times, which flares need: leave bg_weight_names out")
        super().__post_init__()

    @cached_property
    def model(self) -> FlareModel:
        """The likelihood of the analysis under the options."""
        return FlareModel(self.analysis, self.likelihood, flare=self.flare)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of `get_many_fits` and of a fit's array view."""
        return (*result_columns(sky=False, gamma_free=self.likelihood.mode == "fit"), "t0", "dt")

    def _describe(self) -> dict[str, Any]:
        return {**super()._describe(), "flare": self.model.as_dict()}

    @cached_property
    def _source(self) -> _core.PointSource:
        return self.model.source(float(self.src.ra[0]), float(self.src.dec[0]))

    def _prepare(self, n_sig: float) -> None:
        self.model.prepare()
        _ = self._source
        if n_sig:
            self.signal_injector.prepare()
        if n_sig and not self._moves:
            _ = self._signal

    def _fit_numbers(
        self, numbers: I64, n_sig: float, poisson: bool, seed: int, n_threads: int, progress: Progress | None
    ) -> NDArray[np.void]:
        if not self._scrambles or (n_sig and self._moves):
            return self._fit_each(numbers, n_sig, poisson, seed, n_threads, progress)
        rows = np.zeros(len(numbers), dtype=self.dtype)
        done, interrupted = self.model.flares.fit_trials(
            self._source,
            self._signal if n_sig else None,
            key=seed_key(seed),
            numbers=numbers,
            n_sig=n_sig,
            poisson=poisson,
            rows=rows.view(np.float64).reshape(len(rows), len(self.columns)),
            n_threads=n_threads,
            progress=None if progress is None else lambda n, _: progress.update(n),
        )
        self._t0_of(rows)
        if interrupted:
            raise InterruptedBatch(rows[:done].view(np.recarray), numbers[:done], len(numbers))
        return rows.view(np.recarray)

    def _fit_each(
        self, numbers: I64, n_sig: float, poisson: bool, seed: int, n_threads: int, progress: Progress | None
    ) -> NDArray[np.void]:
        def fit_some(some: I64, _: int) -> NDArray[np.void]:
            made = (self.draw_trial(seed, j, n_sig, poisson) for j in some.tolist())
            return np.array([self._numbers(self._found(one)) for one in made], dtype=self.dtype)

        return fit_batch(fit_some, numbers, self.dtype, n_threads, self._n_events, progress)

    def _t0_of(self, rows: NDArray[np.void]) -> None:
        """The core gives starts."""
        rows["t0"] = box_t0(rows["t0"], rows["dt"], self.flare.box_mode)

    def _numbers(self, found: FlareFound) -> tuple[float, ...]:
        dt = found.stop - found.start
        gamma = (found.gamma,) if self._gamma_free else ()
        return (found.ts, found.ns, *gamma, float(box_t0(found.start, dt, self.flare.box_mode)), dt)

    def _about(self, best: np.void) -> dict[str, Any]:
        return {"flare": self.model.as_dict()}

    def _table(self, trial: Trial, n_threads: int, logging: bool = False) -> NDArray[np.void]:
        """The row of a fit, with the two numbers of its time term."""
        found, times = self._found(trial), self.columns[-2:]
        row = self._row(found.ts, found.ns, found.gamma, found.status)
        table = np.empty(1, dtype=[*PER_PRIOR_DTYPE.descr, *((name, "f8") for name in times)])
        for name in PER_PRIOR_DTYPE.names or ():
            table[name] = row[name]
        table[times[0]], table[times[1]] = self._numbers(found)[-2:]
        return table

    def _fit_trial(self, trial: Trial, n_threads: int, logging: bool) -> Fit:
        with scan_progress(1, 1, logging):
            found = self._found(trial)
        return self._fit_of_found(found, trial)

    def _found(self, trial: Trial) -> FlareFound:
        runner, made = self._renewed(trial)
        return runner.model.fit(runner._source, made)

    def _fit_of_found(self, found: FlareFound, trial: Trial) -> Fit:
        fit = self._fit_of(self._row(found.ts, found.ns, found.gamma, found.status), trial)
        *_, t0, dt = self._numbers(found)
        reach = 0.0 if self.flare.shape == "box" else (GAUSS_REACH - 0.5) * dt
        about = {**self.model.as_dict(), "start": found.start - reach, "stop": found.stop + reach, "uptime": found.days}
        about["penalty_ts"] = 0.0
        if self.flare.penalty and found.days > 0:
            about["penalty_ts"] = float(2.0 * np.log(found.days / self.model.longest))
        plain = {name: None if isinstance(v, float) and not np.isfinite(v) else v for name, v in about.items()}
        return replace(fit, columns=self.columns, t0=t0, dt=dt, flare=plain)

    def get_one_llh_from_trial(self, trial: Any) -> FlareReading:
        """The likelihood of a trial, to be read at any parameters: ``scan_ts(ns, gamma, t0=, dt=)``."""
        made = as_trial(trial, len(self.analysis))
        ra, dec = float(self.src.ra[0]), float(self.src.dec[0])
        return FlareReading(self.model, made, ra, dec, partial(self.get_one_fit_from_trial, made))
