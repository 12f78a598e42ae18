"""What a time window means for an analysis: uptime, expected background, acceptance inside the window."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from nusky.data.uptime import Uptime
from nusky.source.window import TimeWindow
from nusky.source.windows import TimeWindows
from nusky.sphere.angles import days
from nusky.transients.uptime import grid_name, season_uptime, time_resolution
from nusky.trial.trial import Scramble
from nusky.typing import F64, I64

if TYPE_CHECKING:
    from nusky.analysis.analysis import Analysis
    from nusky.analysis.season import SubAnalysis
    from nusky.events import Events
    from nusky.trial.trial import Trial


__all__ = ["OnTime", "OnTimeSeason", "Scrambling", "TransientOptions"]

Scrambling = Literal["ra", "time"]

# Run lists are rounded: an event this close to a run belongs to it, as everywhere in nusky
_SLACK = 1.0 / 86_400.0
# Times rounded to r days move the edges of a window by up to r
_LEAST_OF_ROUNDED = 10
# Share of a season's uptime in the window above which the rest is little to measure the rate with
_MOST_OF_IT = 0.5
# Days; in this time the Earth turns by 0.04 degrees
_LEAST_TURN = 1e-4


@dataclass(frozen=True)
class TransientOptions:
    """A time window, and how background is made for it.

    Parameters
    ----------
    window : TimeWindow or TimeWindows
    scramble : {"ra", "time"}
        Background events are the season's events outside the window, brought into it: "ra", with a new right ascension;
        "time", with a new time within the uptime, which turns them along with the sky (azimuth and zenith are kept). A
        window much shorter than a day sees the detector's azimuthal response: use "time" there.
    use_grl : bool
        False: take the detector as on from a season's first event to its last, without a good-run list.
    off_days : float, Quantity, TimeDelta or None
        Days. Background rate and events are those within so many days before and after the window, which follows slow
        changes of the rate; None: of the whole season.

    Examples
    --------
    >>> TransientOptions(TimeWindow(57000.0, 0.5)).scramble
    'ra'
    """

    window: TimeWindow | TimeWindows
    scramble: Scrambling = "ra"
    use_grl: bool = True
    off_days: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.window, (TimeWindow, TimeWindows)):
            raise TypeError(f"window must be a TimeWindow(mjd, t_100), got {self.window!r}")
        if self.off_days is not None and isinstance(self.window, TimeWindows):
            raise ValueError(
                f"off_days={self.off_days!r}: where sources have windows of their own, background rate and events are "
                "those of the whole season outside all windows; leave off_days out"
            )
        if self.scramble not in ("ra", "time"):
            raise ValueError(f"scramble={self.scramble!r} is not known; use 'ra' (new right ascension) or 'time'")
        if not isinstance(self.use_grl, bool):
            raise TypeError(f"use_grl must be True or False, got {self.use_grl!r}")
        if self.off_days is not None:
            given = days("off_days", self.off_days)
            if isinstance(given, bool) or not isinstance(given, Real):
                raise TypeError(f"off_days must be a number of days or None (the whole season), got {self.off_days!r}")
            off_days = float(given)
            if not 0 < off_days < np.inf:
                raise ValueError(f"off_days={self.off_days!r} must be a number of days above 0, or None")
            object.__setattr__(self, "off_days", off_days)

    def as_dict(self) -> dict[str, Any]:
        """Values JSON can hold."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**plain, "window": self.window.as_dict()}


@dataclass(frozen=True, eq=False)
class OnTimeSeason:
    """One season and the window.

    Attributes
    ----------
    season : SubAnalysis
    uptime : Uptime
        Of the season within the window, tails included; may be empty.
    signal_days : float
        T_w, the integral of s(t) over `uptime`: the uptime itself where the window is a box.
    share : float
        T_w over the uptime of the whole season: what the acceptance is multiplied with.
    rate : float
        Events a day outside the window (within `off_days` of it).
    n_background : float
        N_b = `rate` × `uptime`: the expected background.
    on, off : (M,) int64
        The season's events in good runs, inside the window and outside (within `off_days`).
    """

    season: SubAnalysis
    uptime: Uptime
    signal_days: float
    share: float
    rate: float
    n_background: float
    on: I64
    off: I64

    @property
    def active(self) -> bool:
        """Whether the season took data in the window."""
        return self.signal_days > 0


@dataclass(frozen=True, eq=False)
class OnTime:
    """The seasons of an analysis as a time window sees them.

    Parameters
    ----------
    analysis : Analysis
    options : TransientOptions

    Raises
    ------
    ValueError
        For a window in which no season took data, one that leaves no time outside it, a season without a good-run list
        (see `TransientOptions`), or times too coarse for the window.

    Examples
    --------
    >>> on_time = OnTime(ana, TransientOptions(TimeWindow(55700.0, 0.5)))    # doctest: +SKIP
    >>> print(on_time.describe())                                            # doctest: +SKIP
    """

    analysis: Analysis
    options: TransientOptions

    def __post_init__(self) -> None:
        if not self.active:
            raise ValueError(self._nothing())
        if (most := max(on.share for on in self.seasons)) > _MOST_OF_IT:
            length = self.window.stop - self.window.start if isinstance(self.window, TimeWindows) else self.window.t_100
            warnings.warn(
                f"the window of {length:g} days holds {most:.0%} of a season's uptime: little is left "
                "to measure the background with. t_100 is in days: if seconds are meant, t_100 / 86400",
                UserWarning,
                stacklevel=2,
            )

    def __iter__(self) -> Iterator[OnTimeSeason]:
        return iter(self.seasons)

    @property
    def window(self) -> TimeWindow | TimeWindows:
        """The window."""
        return self.options.window

    @cached_property
    def seasons(self) -> tuple[OnTimeSeason, ...]:
        """One for each season of the analysis."""
        return tuple(self._season(season) for season in self.analysis)

    @cached_property
    def _whole(self) -> tuple[Uptime, ...]:
        """Uptime of the whole seasons."""
        return tuple(season_uptime(season, self.options.use_grl) for season in self.analysis)

    def _within(self, whole: Uptime) -> Uptime:
        """What of an uptime is in the window."""
        return whole.clipped(self.window.start, self.window.stop)

    def _integral(self, uptime: Uptime) -> float:
        """Integral of s over an uptime, days."""
        window = self._one
        return float(np.sum(window.elapsed(uptime.stop) - window.elapsed(uptime.start)))

    @property
    def _one(self) -> TimeWindow:
        assert isinstance(self.window, TimeWindow)
        return self.window

    @cached_property
    def active(self) -> tuple[int, ...]:
        """Numbers of the seasons that took data in the window: those of the likelihood."""
        return tuple(k for k, on in enumerate(self.seasons) if on.active)

    @cached_property
    def days(self) -> float:
        """T_w in days, a moment counted once even where seasons overlap: what turns a flux into a fluence."""
        together = Uptime.union(on.uptime for on in self.seasons)
        return self._integral(together)

    @property
    def n_background(self) -> float:
        """Expected background events in the window, over all seasons."""
        return float(sum(on.n_background for on in self.seasons))

    @property
    def shares(self) -> F64:
        """(K,) what each season's acceptance is multiplied with: T_w / T."""
        return np.array([on.share for on in self.seasons])

    @property
    def common_shares(self) -> F64:
        """(K,) those of `shares` that are the same for all sources; 1 where each source has its own."""
        return self.shares

    def factor(self, k: int, mjd: F64) -> F64 | None:
        """T_S/T_B at the times of events of season k; None where it is 1 for all of them."""
        if self._one.sigma_t == 0:
            return None
        on = self.seasons[k]
        return self._one.profile(mjd) * (on.uptime.days / on.signal_days)

    def contains(self, k: int, mjd: F64) -> NDArray[np.bool_]:
        """Whether times are in the window and in the season's uptime."""
        return self.window.inside(mjd) & self.seasons[k].uptime.contains(mjd, _SLACK)

    def n_events(self, trial: Trial) -> list[int]:
        """How many events of a trial, background and injected, are in the window, for each season."""
        counts = []
        for k, (on, background, injected) in enumerate(
            zip(self.seasons, trial.background, trial.injected, strict=True)
        ):
            if not on.active:
                counts.append(0)
                continue
            own = isinstance(background, Scramble) and background.mjd is None
            times = on.season.data["mjd"][on.on] if own else _times(background)
            late = np.empty(0) if injected is None else injected["mjd"]
            counts.append(int(self.contains(k, np.concatenate([times, late])).sum()))
        return counts

    def signal_times(self, k: int, uniform: F64) -> F64:
        """Times of signal in season k, from T_S within the uptime, MJD, for numbers uniform in [0, 1)."""
        uptime = self.seasons[k].uptime
        return self._one.times(uptime.start, uptime.stop, uniform)

    def describe(self) -> str:
        """A few lines for people: uptime and expected background of each season in the window."""
        window = self._one
        length = window.stop - window.start
        tails = f", tails of {window.sigma_t:g} days" if window.sigma_t else ""
        lines = [f"window MJD {window.mjd:.6f} ... {window.mjd + window.t_100:.6f} ({window.seconds:g} s{tails})"]
        for on in self.seasons:
            if on.active:
                lines.append(
                    f"  {on.season.key}: up {on.uptime.days / length:.1%} of it, {on.rate:.4g} events a day, "
                    f"{on.n_background:.4g} background events expected"
                )
            else:
                lines.append(f"  {on.season.key}: no data")
        return "\n".join(lines)

    def _season(self, season: SubAnalysis) -> OnTimeSeason:
        whole = season_uptime(season, self.options.use_grl)
        window, times = self.window, season.data["mjd"]
        uptime = self._within(whole)
        signal_days = self._integral(uptime)
        inside = window.inside(times)
        good = whole.contains(times, _SLACK)
        around = np.inf if self.options.off_days is None else self.options.off_days
        first, last = window.start - around, window.stop + around
        off = np.flatnonzero(good & ~inside & (times >= first) & (times <= last))
        off_time = whole.clipped(first, last).days - uptime.days
        if not signal_days > 0:
            return OnTimeSeason(season, Uptime(np.empty(0), np.empty(0)), 0.0, 0.0, 0.0, 0.0, off[:0], off)
        _check_resolution(season, self.options)
        if not (len(off) and off_time > 0):
            raise ValueError(
                f"season {season.key} has no data outside the window MJD {window.start:.6f} … {window.stop:.6f} (and "
                f"within off_days={self.options.off_days}), so its background is unknown; shorten the window (t_100 is "
                "in days), widen off_days, or fit the whole season without a window"
            )
        rate = len(off) / off_time
        return OnTimeSeason(
            season=season,
            uptime=uptime,
            signal_days=signal_days,
            share=signal_days / whole.days,
            rate=rate,
            n_background=rate * uptime.days,
            on=np.flatnonzero(good & inside),
            off=off,
        )

    def _nothing(self) -> str:
        window = self.window
        reasons = []
        for season in self.analysis:
            up = season_uptime(season, self.options.use_grl)
            before, after = up.stop[up.stop <= window.start], up.start[up.start >= window.stop]
            near = [f"the run before ends at {before[-1]:.6f}"] if len(before) else []
            near += [f"the next starts at {after[0]:.6f}"] if len(after) else []
            reasons.append(f"{season.key} (MJD {up.start[0]:.4f} … {up.stop[-1]:.4f}): {', '.join(near)}")
        return (
            f"no season took data in the window MJD {window.start:.6f} … {window.stop:.6f}; {'; '.join(reasons)}. mjd "
            "is the start of the window, t_100 its length in days"
        )


def _times(background: Scramble | Events) -> F64:
    mjd = background.mjd if isinstance(background, Scramble) else background["mjd"]
    return np.asarray(mjd)


def _check_resolution(season: SubAnalysis, options: TransientOptions) -> None:
    resolution = time_resolution(season.data["mjd"])
    if not resolution:
        return
    least = _LEAST_OF_ROUNDED * resolution
    known = f"season {season.key} knows its events' times to {_length(resolution)} only ({grid_name(resolution)})"
    if options.window.shortest < least:
        raise ValueError(
            f"{known}: a window of t_100={_length(options.window.shortest)} cannot be searched there; take at least "
            f"{_length(least)}, or data with full times"
        )
    if options.scramble == "time" and resolution > _LEAST_TURN:
        raise ValueError(
            f"{known}, so not where the detector pointed: scramble='time' needs full times; use scramble='ra'"
        )


def _length(days: float) -> str:
    return f"{days:.4g} day{'s' if days > 1 else ''}" if days >= 0.1 else f"{days * 86_400:.4g} s"
