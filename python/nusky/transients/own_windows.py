"""`OnTimes`: windows of their own, of several sources, and what they mean for an analysis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nusky.data.uptime import Uptime
from nusky.source.windows import TimeWindows
from nusky.transients.on_time import OnTime, OnTimeSeason
from nusky.transients.uptime import season_uptime
from nusky.typing import F64, I64

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nusky.analysis.analysis import Analysis
    from nusky.analysis.season import SubAnalysis
    from nusky.source.positions import Sources

__all__ = ["OnTimes", "has_uptime"]

# Sources that a message names
_NAMED = 8


@dataclass(frozen=True, eq=False)
class OnTimes(OnTime):
    """The seasons of an analysis as the windows of J sources see them.

    What is one window in `OnTime` is here all moments that are in any window: the uptime, the expected background (of
    these moments, each counted once) and the events. What belongs to signal is that of each source.

    Parameters
    ----------
    analysis : Analysis
    options : TransientOptions
        Its window is a `TimeWindows`.
    weight : (J,)
        Ratios of the sources' fluxes, for `days`.

    Raises
    ------
    ValueError
        As for `OnTime`; or a source has no uptime in its window.
    """

    weight: F64

    def __post_init__(self) -> None:
        super().__post_init__()
        lost = np.flatnonzero(~np.any(self.signal_days > 0, axis=0))
        if len(lost):
            named = ", ".join(map(str, lost[:_NAMED].tolist())) + (", …" if len(lost) > _NAMED else "")
            raise ValueError(
                f"{len(lost)} of {len(self.windows)} sources have no uptime in their windows (sources {named}; "
                f"the first is {self.windows[int(lost[0])]}): leave them "
                "out, src[nusky.transients.has_uptime(ana, src)]"
            )

    @property
    def windows(self) -> TimeWindows:
        """The windows."""
        assert isinstance(self.options.window, TimeWindows)
        return self.options.window

    @cached_property
    def _uptimes(self) -> tuple[Uptime, ...]:
        return tuple(on.uptime for on in self.seasons)

    @cached_property
    def signal_days(self) -> F64:
        """(K, J) days of uptime of each season in each window, tails weighted with their height."""
        return np.array([_days_of(self.windows, up) for up in self._uptimes])

    @cached_property
    def days(self) -> float:
        """T_w of the sources, averaged with their fluxes: what turns the flux of all into their fluence."""
        each = _days_of(self.windows, Uptime.union(self._uptimes))
        return float((self.weight * each).sum() / self.weight.sum())

    @cached_property
    def shares(self) -> F64:
        """(K, J) what each season's acceptance is multiplied with, for each source: T_w / T."""
        return np.asarray(self.signal_days / np.array([up.days for up in self._whole])[:, None])

    @property
    def common_shares(self) -> F64:
        return np.ones(len(self.seasons))

    @cached_property
    def n_background_of_sources(self) -> F64:
        """(J,) expected background events in each window, of the whole sky and all seasons."""
        total = np.zeros(len(self.windows))
        for on in self.seasons:
            for j in range(len(total)):
                total[j] += on.rate * on.uptime.clipped(self.windows[j].start, self.windows[j].stop).days
        return total

    def pairs(self, k: int, mjd: F64) -> tuple[I64, I64, F64]:
        """Events of season k and the sources that shine then: numbers of both, and T_S/T_B of the pair."""
        event, source, height = self.windows.pairs(mjd)
        days = self.signal_days[k, source]
        used = days > 0
        event, source, height = event[used], source[used], height[used]
        return event, source, height * (self.seasons[k].uptime.days / days[used])

    def factor(self, k: int, mjd: F64) -> F64 | None:
        """None: T_S/T_B is that of a pair of event and source, see `pairs`."""
        return None

    def signal_times_of(self, k: int, source: I64, uniform: F64) -> F64:
        """Times of signal of some sources in season k, from T_S of each within the uptime, MJD."""
        found = np.empty(len(uniform))
        uptime = self._uptimes[k]
        for j in np.unique(source).tolist():
            mine, window = np.flatnonzero(source == j), self.windows[j]
            up = uptime.clipped(window.start, window.stop)
            found[mine] = window.times(up.start, up.stop, uniform[mine])
        return found

    def describe(self) -> str:
        """A few lines for people: uptime and expected background of each season in the windows."""
        lines = [f"{len(self.windows)} windows, MJD {self.windows.start:.6f} ... {self.windows.stop:.6f}"]
        for on in self.seasons:
            n = int((self.signal_days[self.seasons.index(on)] > 0).sum())
            lines.append(
                f"  {on.season.key}: {n} windows with data, {on.uptime.days:.4g} days in any of them, {on.rate:.4g} "
                f"events a day, {on.n_background:.4g} background events expected"
            )
        return "\n".join(lines)

    def _within(self, whole: Uptime) -> Uptime:
        return whole.within(Uptime(self.windows.starts, self.windows.stops))

    def _integral(self, uptime: Uptime) -> float:
        return float(_days_of(self.windows, uptime).sum())

    def _season(self, season: SubAnalysis) -> OnTimeSeason:
        on = super()._season(season)
        whole = self._whole[list(self.analysis).index(season)]
        # The part of the season that is on time, whoever shines then
        return replace(on, share=on.uptime.days / whole.days)


def has_uptime(analysis: Analysis, src: Sources, use_grl: bool = True) -> NDArray[np.bool_]:
    """(J,) whether some season took data in the window of each source.

    Parameters
    ----------
    analysis : Analysis
    src : Sources
        With time windows.
    use_grl : bool
        As for `TransientOptions`.

    Raises
    ------
    ValueError
        Sources without windows.

    Examples
    --------
    >>> src = src[has_uptime(ana, src)]                     # doctest: +SKIP
    """
    if src.mjd is None or src.t_100 is None or src.sigma_t is None:
        raise ValueError("the sources have no time windows: give sources(…, mjd=, t_100=)")
    windows = TimeWindows(*(tuple(column.tolist()) for column in (src.mjd, src.t_100, src.sigma_t)))
    together = Uptime.union(season_uptime(season, use_grl) for season in analysis)
    return np.asarray(_days_of(windows, together) > 0)


def _days_of(windows: TimeWindows, uptime: Uptime) -> F64:
    """(J,) integrals of s over an uptime, days."""
    found = np.zeros(len(windows))
    first = np.searchsorted(uptime.stop, windows.starts, side="right")
    last = np.searchsorted(uptime.start, windows.stops, side="left")
    for j in np.flatnonzero(last > first).tolist():
        some, window = slice(first[j], last[j]), windows[j]
        start, stop = np.maximum(uptime.start[some], window.start), np.minimum(uptime.stop[some], window.stop)
        found[j] = np.sum(window.elapsed(stop) - window.elapsed(start))
    return found
