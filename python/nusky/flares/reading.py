"""`FlareReading`: ln Λ of a trial in a window at given parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.arrays import Arrays
from nusky.data import Uptime
from nusky.flares.model import FlareModel
from nusky.likelihood import LikelihoodReading, SeasonReading
from nusky.transients import GAUSS_REACH, box_edges
from nusky.trial import Fit, Scramble
from nusky.typing import F64

__all__ = ["FlareReading"]


@dataclass(frozen=True, eq=False)
class FlareReading(LikelihoodReading):
    """ln Λ(n_s, γ) of one trial at one position and in one window.

    Without a window (`start` None) the calls take ``t0=`` and ``dt=``, as csky's do.

    Parameters
    ----------
    model, trial, ra, dec, fitter
        See `LikelihoodReading`.
    start, stop : float or None
        MJD.
    sigma : float or None
        Of a Gaussian around the middle between them, days; None: a box.
    """

    start: float | None = None
    stop: float | None = None
    sigma: float | None = None

    def window(self, t0: float, dt: float) -> FlareReading:
        """The same in the window of this t0 (MJD; see `FlareOptions.box_mode`) and length (of a Gaussian σ), days."""
        sigma = float(dt) if self._flare.flare.shape == "gauss" else None
        length = float(dt) if sigma is None else 2.0 * GAUSS_REACH * sigma
        start, stop = box_edges(float(t0), length, self._flare.flare.box_mode)
        if not self._uptimes(start, stop).any():
            first, last = self._flare.span
            raise ValueError(
                f"no season took data in MJD {start:.6f} … {stop:.6f}; the data are {first:.4f} … {last:.4f}"
            )
        return replace(self, start=start, stop=stop, sigma=sigma)

    @property
    def _flare(self) -> FlareModel:
        assert isinstance(self.model, FlareModel)
        return self.model

    @property
    def extended(self) -> bool:
        """Whether this is the extended likelihood."""
        return self._flare.flare.extended

    def _uptimes(self, start: float, stop: float) -> F64:
        return np.array([Uptime(*runs).clipped(start, stop).days for runs in self._flare.runs])

    def _profile(self, mjd: F64) -> F64:
        """s(t) within the window."""
        if self.sigma is None or self.start is None or self.stop is None:
            return np.ones(len(mjd))
        return np.exp(-0.5 * ((mjd - 0.5 * (self.start + self.stop)) / self.sigma) ** 2)

    def _integral(self, uptime: Uptime) -> float:
        """∫ s dt over an uptime, days."""
        if self.start is None or self.stop is None:
            raise TypeError("give the window: t0= (MJD) and dt= (days), or window(t0, dt)")
        up = uptime.clipped(self.start, self.stop)
        if self.sigma is None:
            return float(up.days)
        from scipy.special import ndtr

        t0 = 0.5 * (self.start + self.stop)
        parts = ndtr((up.stop - t0) / self.sigma) - ndtr((up.start - t0) / self.sigma)
        return float(np.sqrt(2.0 * np.pi) * self.sigma * parts.sum())

    @cached_property
    def _parts(self) -> F64:
        """(K,) T_wk/T_k."""
        ups = [Uptime(*runs) for runs in self._flare.runs]
        return np.array([self._integral(up) / up.days for up in ups])

    @property
    def penalty(self) -> float:
        """What the length of the window adds to TS."""
        if not self._flare.flare.penalty or self.start is None or self.stop is None:
            return 0.0
        up = Uptime.union(Uptime(*runs) for runs in self._flare.runs)
        return float(2.0 * np.log(self._integral(up) / self._flare.longest))

    def _season(self, k: int) -> SeasonReading:
        background = self.trial.background[k]
        reading = self
        if isinstance(background, Scramble) and background.mjd is None:
            timed = background.events().with_columns(mjd=background.season.data["mjd"])
            trial = replace(self.trial, background=(*self.trial.background[:k], timed, *self.trial.background[k + 1 :]))
            reading = replace(self, trial=trial)
        season = super(FlareReading, reading)._season(k)
        part, mjd = self._parts[k], season.events["mjd"]
        inside = (mjd >= self.start) & (mjd <= self.stop) & (part > 0)
        return replace(season, time=np.where(inside, self._profile(mjd) / part if part > 0 else 0.0, 0.0))

    def shares(self, gamma: float | None = None) -> F64:
        """(K,) share of n_s of each season, in the window."""
        accepted = super().shares(gamma) * self._parts
        return np.asarray(accepted / accepted.sum())

    def get_minus_llh_ratio(
        self, ns: ArrayLike, gamma: float | None = None, *, t0: float | None = None, dt: float | None = None
    ) -> Any:
        """−ln Λ, without the penalty; `t0` and `dt` where there is no window yet."""
        if t0 is not None and dt is not None:
            return self.window(t0, dt).get_minus_llh_ratio(ns, gamma)
        return super().get_minus_llh_ratio(ns, gamma)

    def scan_ts(
        self, ns: ArrayLike, gamma: ArrayLike | None = None, *, t0: float | None = None, dt: float | None = None
    ) -> tuple[F64, list[F64]]:
        """2 ln Λ and the penalty on a grid, see `LikelihoodReading.scan_ts`; `t0`, `dt` where there is no window."""
        if t0 is not None and dt is not None:
            return self.window(t0, dt).scan_ts(ns, gamma)
        ts, mesh = super().scan_ts(ns, gamma)
        return ts + self.penalty, mesh

    def carrying(self, fit: Fit | None = None) -> Arrays:
        """The events that carry a fit, see `LikelihoodReading.carrying`; those outside its window have time 0."""
        best = self.fit() if fit is None else fit
        if self.start is None and np.isfinite(best.t0):
            return self.window(best.t0, best.dt).carrying(best)
        if self.start is None:
            raise ValueError("the fit found no flare, so no events carry it")
        return super().carrying(best)
