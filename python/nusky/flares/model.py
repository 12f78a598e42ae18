"""The likelihood of a flare, a box or a Gaussian in time of free place and length, and the search for its maximum."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from nusky import _core
from nusky.events import Events
from nusky.likelihood import LikelihoodModel, Part, TrialIndex
from nusky.transients import FlareOptions, season_uptime, time_resolution
from nusky.trial import Scramble, Trial
from nusky.typing import F64

__all__ = ["FlareFound", "FlareModel"]

#: Times rounded to r days move the edges of a window by up to r.
_LEAST_OF_ROUNDED = 10
#: Days, from which a length longer than all data may be one of seconds.
_LIKE_SECONDS = 500.0


class FlareFound(NamedTuple):
    """The best flare of a trial.

    Attributes
    ----------
    ts, ns, gamma : float
    start, stop : float
        MJD; NaN without a flare. Of a Gaussian t0 ∓ σ/2.
    days : float
        Uptime in the window; of a Gaussian its integral over the uptime.
    status : int
    """

    ts: float
    ns: float
    gamma: float
    start: float
    stop: float
    days: float
    status: int


@dataclass(frozen=True, eq=False, kw_only=True)
class FlareModel(LikelihoodModel):
    """ln Λ(n_s, γ, window) = Σ_k Σ_{i∈k} ln[1 + (n_k/N_k)(S_i R_i T_S(t_i) / (B_i T_B(t_i)) − 1)].

    T_B is uniform over the uptime T_k of a season, T_S over the uptime T_wk in the window, so that T_S/T_B = T_k/T_wk
    there and 0 outside; n_k/n_s is the season's share of the acceptance in the window, A_k T_wk/T_k. For a Gaussian
    s(t) T_wk is ∫ s dt over the uptime of the season, and T_S/T_B = s(t) T_k/T_wk.
    TS = 2 ln Λ + 2 ln(T_w/T_max), without the second term where there is no penalty.
    Extended: ln Λ = −n_s + Σ_k Σ_{i∈k} ln[1 + (n_k/N_k) S_i R_i T_S(t_i) / (B_i T_B(t_i))].

    Parameters
    ----------
    analysis, options
        See `LikelihoodModel`.
    flare : FlareOptions

    Raises
    ------
    ValueError
        For a season without a good-run list, times too coarse for `dt_min`, a t0 outside the data, or windows longer
        than these.
    """

    flare: FlareOptions

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_resolution()
        first, last = self.span
        if self.flare.t0 is not None and not first <= self.flare.t0 <= last:
            raise ValueError(f"t0={self.flare.t0:.6f} is outside the data, MJD {first:.4f} … {last:.4f}; t0 is in MJD")
        if self.flare.dt_min > self.uptime_days:
            raise ValueError(
                f"dt_min={self.flare.dt_min:g} days is longer than all uptime, {self.uptime_days:.4g} days; dt_min and "
                "dt_max are in days"
            )
        longest = self.flare.dt_max
        if longest is not None and longest >= _LIKE_SECONDS and longest > last - first:
            warnings.warn(
                f"dt_max={longest:g} days is longer than the data, {last - first:.4g} days. If seconds are meant: "
                f"dt_max={longest:g} / 86400, or a Quantity; else leave it out",
                UserWarning,
                stacklevel=2,
            )

    def _check_resolution(self) -> None:
        for season in self.analysis:
            resolution = time_resolution(season.data["mjd"])
            if self.flare.dt_min < _LEAST_OF_ROUNDED * resolution:
                raise ValueError(
                    f"season {season.key} knows its events' times to {resolution:.4g} days only: windows of "
                    f"dt_min={self.flare.dt_min:.4g} days cannot be told apart there; give "
                    f"dt_min={_LEAST_OF_ROUNDED * resolution:.4g} or more, or data with full times"
                )

    @cached_property
    def runs(self) -> tuple[tuple[F64, F64], ...]:
        """Starts and ends of each season's runs, MJD."""
        up = [season_uptime(season, self.flare.use_grl) for season in self.analysis]
        return tuple((np.array(one.start), np.array(one.stop)) for one in up)

    @property
    def span(self) -> tuple[float, float]:
        """First and last moment of the data, MJD."""
        return min(float(start[0]) for start, _ in self.runs), max(float(stop[-1]) for _, stop in self.runs)

    @cached_property
    def uptime_days(self) -> float:
        """Uptime of all seasons together."""
        from nusky.data import Uptime

        return Uptime.union(season_uptime(season, self.flare.use_grl) for season in self.analysis).days

    @cached_property
    def likelihood(self) -> _core.Likelihood:
        """n_s and γ to ln Λ."""
        return _core.Likelihood(*self.acceptances(), extended=self.flare.extended)

    @property
    def threshold(self) -> float:
        """S/B max R at which windows start and end."""
        if self.flare.threshold is not None:
            return self.flare.threshold
        return min(1000.0, max(1.0, sum(len(season.data) for season in self.analysis) / 1000.0))

    @property
    def longest(self) -> float:
        """T_max: days of uptime that a window can have at most."""
        if self.flare.dt_max is None:
            return self.uptime_days
        length = self.flare.dt_max * (1.0 if self.flare.shape == "box" else np.sqrt(2.0 * np.pi))
        return float(min(length, self.uptime_days))

    def as_dict(self) -> dict[str, Any]:
        """What decides which flares are found, with threshold and T_max as they are: values JSON can hold."""
        return {**self.flare.as_dict(), "threshold": self.threshold, "t_max": self.longest}

    @cached_property
    def flares(self) -> _core.Flares:
        """The search."""
        fixed: dict[str, dict[str, Any]]
        t0 = self.flare.t0
        fixed = {} if t0 is None else {"post": {"start": t0}, "pre": {"stop": t0}, "center": {"middle": t0}}
        return _core.Flares(
            self.likelihood,
            list(self.runs),
            dt_min=self.flare.dt_min,
            dt_max=np.inf if self.flare.dt_max is None else self.flare.dt_max,
            threshold=self.threshold,
            penalty_days=self.longest if self.flare.penalty else 0.0,
            gamma=self.fixed_gamma,
            gaussian=self.flare.shape == "gauss",
            **fixed.get(self.flare.box_mode, {}),
        )

    @cached_property
    def times(self) -> tuple[F64, ...]:
        """Times of the seasons' own events, MJD."""
        return tuple(np.ascontiguousarray(season.data["mjd"], dtype=np.float64) for season in self.analysis)

    def prepare(self) -> None:
        """Make what all trials share."""
        super().prepare()
        _ = self.flares, self.times

    def source(self, ra: float, dec: float) -> _core.PointSource:
        """A position, with the seasons' own events that some right ascension brings near, and their times."""
        return _core.PointSource(self.records, np.array([ra]), dec, list(self.times))

    def timed_parts(self, trial: Trial) -> list[Part]:
        """The events of a trial as the core takes them, with their times.

        Raises
        ------
        ValueError
            For events without times.
        """
        times: list[F64] = []
        for k, (background, injected) in enumerate(zip(trial.background, trial.injected, strict=True)):
            own = isinstance(background, Scramble) and background.season is self.analysis[k]
            times.append(self.times[k] if own else self._times(k, background, "background"))
            if injected is not None and len(injected):
                times.append(self._times(k, injected, "injected"))
        return [(*part, time) for part, time in zip(self.parts(trial), times, strict=True)]

    def timed_index(self, trial: Trial, n_threads: int) -> TrialIndex:
        """Index the events of a trial, with their times."""
        n_events = np.array(trial.n_events, dtype=np.float64)
        return TrialIndex(_core.EventIndex(self.timed_parts(trial), n_events, n_threads=n_threads))

    def _times(self, k: int, events: Scramble | Events, what: str) -> F64:
        if isinstance(events, Scramble):
            return np.ascontiguousarray(events.season.data["mjd"])
        if "mjd" not in events:
            raise ValueError(
                f"the {what} events of season {self.analysis[k].key} have no times (mjd), which a flare needs; make "
                "the trial with the runner of the flare, or add the column"
            )
        return np.ascontiguousarray(events["mjd"], dtype=np.float64)

    def fit(self, source: _core.PointSource, trial: Trial) -> FlareFound:
        """The best flare in the events of a trial: the same bits as the loop over trials gives for them."""
        n_events = np.array(trial.n_events, dtype=np.float64)
        found: dict[str, Any] = self.flares.fit_events(source, self.timed_parts(trial), n_events)
        return FlareFound(*(found[name] for name in FlareFound._fields))

    def fit_all(self, source: _core.PointSource, trial: Trial, least_ts: float) -> tuple[FlareFound, ...]:
        """All flares in the events of a trial that do not overlap and have at least this TS, the best first.

        After the best one come the best before and after it, and so on.
        """
        n_events = np.array(trial.n_events, dtype=np.float64)
        found = self.flares.fit_all_events(source, self.timed_parts(trial), n_events, least_ts)
        return tuple(sorted((FlareFound(*one) for one in found), key=lambda one: -one.ts))
