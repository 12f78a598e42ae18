"""When injected signal comes, where the search itself has no window: a flare, or the whole livetime."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.data.uptime import Uptime
from nusky.source.window import TimeWindow
from nusky.transients.light_curve import CurveWindow
from nusky.transients.uptime import season_uptime
from nusky.typing import F64

if TYPE_CHECKING:
    from nusky.analysis.analysis import Analysis

__all__ = ["SignalTimes", "SignalWindow"]

#: Points of a table of times within Gaussian tails.
_POINTS = 2001


@dataclass(frozen=True)
class SignalWindow:
    """When injected signal comes.

    Parameters
    ----------
    window : TimeWindow, CurveWindow or None
        None: over the whole uptime.
    use_grl : bool
        As for `FlareOptions`.

    Examples
    --------
    >>> SignalWindow(TimeWindow(55700.0, 10.0)).window.t_100
    10.0
    """

    window: TimeWindow | CurveWindow | None = None
    use_grl: bool = True

    def as_dict(self) -> dict[str, Any]:
        """Values JSON can hold."""
        return {"window": None if self.window is None else self.window.as_dict(), "use_grl": self.use_grl}


@dataclass(frozen=True, eq=False)
class SignalTimes:
    """Uptime and times of the signal of an analysis.

    Parameters
    ----------
    analysis : Analysis
    options : SignalWindow

    Raises
    ------
    ValueError
        If no season took data in the window.
    """

    analysis: Analysis
    options: SignalWindow

    def __post_init__(self) -> None:
        if not np.any(self.shares > 0):
            window = self.options.window
            assert window is not None
            ranges = ", ".join(
                f"{season.key}: MJD {up.start[0]:.4f} … {up.stop[-1]:.4f}"
                for season, up in zip(self.analysis, self._uptimes, strict=True)
            )
            raise ValueError(
                f"no season took data while the signal is to come, MJD {window.start:.6f} … {window.stop:.6f} "
                f"({ranges}); t0 is in MJD, dt in days"
            )

    @cached_property
    def _uptimes(self) -> tuple[Uptime, ...]:
        return tuple(season_uptime(season, self.options.use_grl) for season in self.analysis)

    @cached_property
    def tables(self) -> tuple[tuple[F64, F64], ...]:
        """For each season the part of its signal that has come, 0 to 1, at some times; between them it is linear."""
        return tuple(self._table(up)[:2] for up in self._uptimes)

    @cached_property
    def _days(self) -> F64:
        return np.array([self._table(up)[2] for up in self._uptimes])

    @cached_property
    def shares(self) -> F64:
        """(K,) what each season's acceptance is multiplied with: T_w / T."""
        return np.asarray(self._days / np.array([up.days for up in self._uptimes]))

    @cached_property
    def days(self) -> float:
        """T_w in days, a moment counted once even where seasons overlap."""
        return float(self._table(Uptime.union(self._uptimes))[2])

    def signal_times(self, k: int, uniform: F64) -> F64:
        """Times of signal in season k, MJD, for numbers uniform in [0, 1)."""
        part, time = self.tables[k]
        i = np.clip(np.searchsorted(part[:-1], uniform, side="right"), 1, len(part) - 1)
        width = part[i] - part[i - 1]
        later = np.where(width > 0, (uniform - part[i - 1]) / np.where(width > 0, width, 1.0), 0.0)
        return np.asarray(time[i - 1] + later * (time[i] - time[i - 1]))

    def _table(self, uptime: Uptime) -> tuple[F64, F64, float]:
        window = self.options.window
        if window is None:
            up, points = uptime, np.empty(0)
        else:
            up = uptime.clipped(window.start, window.stop)
            points = _points(window)
        if not len(up):
            return np.array([0.0, 1.0]), np.array([uptime.start[0], uptime.start[0]]), 0.0
        part, time, passed = [], [], 0.0
        for start, stop in zip(up.start.tolist(), up.stop.tolist(), strict=True):
            inside = points[(points > start) & (points < stop)]
            t = np.concatenate([[start], inside, [stop]])
            elapsed = t - start if window is None else window.elapsed(t) - window.elapsed(t[:1])
            part.append(passed + elapsed)
            time.append(t)
            passed = float(part[-1][-1])
        return np.concatenate(part) / passed if passed > 0 else np.array([0.0, 1.0]), np.concatenate(time), passed


def _points(window: TimeWindow | CurveWindow) -> F64:
    """Times between which the signal comes uniformly, or nearly so."""
    if isinstance(window, CurveWindow):
        return np.array(window.edges)
    return np.linspace(window.start, window.stop, _POINTS) if window.sigma_t else np.empty(0)
