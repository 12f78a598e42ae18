"""`TimeWindows`: when each of several transients shines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.files import content_hash
from nusky.source.window import TAIL_CUT, TimeWindow
from nusky.sphere import moments
from nusky.typing import F64, I64

if TYPE_CHECKING:
    from nusky.source.positions import Sources

__all__ = ["TimeWindows"]


@dataclass(frozen=True, repr=False)
class TimeWindows:
    """A window for each of J sources, see `TimeWindow`; they may overlap.

    Parameters
    ----------
    mjd : tuple of J floats
        Starts of the boxes, MJD.
    t_100, sigma_t : tuple of J floats
        Lengths of the boxes and widths of their tails, days.

    Examples
    --------
    >>> from nusky.source import sources
    >>> windows = TimeWindows.of(sources([1, 2], 0, mjd=[57000, 57010], t_100=[1, 2]))
    >>> windows, windows.inside([57000.5, 57005.0, 57011.0]).tolist()
    (TimeWindows(2 windows, MJD 57000.000000 ... 57012.000000), [True, False, True])
    """

    mjd: tuple[float, ...]
    t_100: tuple[float, ...]
    sigma_t: tuple[float, ...]

    def __post_init__(self) -> None:
        from nusky.source.positions import time_columns

        columns = time_columns(self.mjd, self.t_100, self.sigma_t, len(self.mjd))
        for name, values in zip(("mjd", "t_100", "sigma_t"), columns, strict=True):
            object.__setattr__(self, name, tuple(values.tolist()))

    @classmethod
    def of(cls, src: Sources) -> TimeWindow | TimeWindows | None:
        """The windows of sources: one `TimeWindow` where all share it, None for steady ones."""
        if src.mjd is None or src.t_100 is None or src.sigma_t is None:
            return None
        if all(np.all(values == values[0]) for values in (src.mjd, src.t_100, src.sigma_t)):
            return TimeWindow.of(src)
        return cls(*(tuple(values.tolist()) for values in (src.mjd, src.t_100, src.sigma_t)))

    def __len__(self) -> int:
        return len(self.mjd)

    def __repr__(self) -> str:
        return f"TimeWindows({len(self)} windows, MJD {self.start:.6f} ... {self.stop:.6f})"

    def __getitem__(self, j: int) -> TimeWindow:
        return TimeWindow(self.mjd[j], self.t_100[j], self.sigma_t[j])

    @cached_property
    def starts(self) -> F64:
        """(J,) first moments of the windows, tails included, MJD."""
        return np.array(self.mjd) - TAIL_CUT * np.array(self.sigma_t)

    @cached_property
    def stops(self) -> F64:
        """(J,) last moments."""
        return np.asarray(np.add(self.mjd, self.t_100) + TAIL_CUT * np.array(self.sigma_t))

    @property
    def start(self) -> float:
        """First moment of all windows, MJD."""
        return float(self.starts.min())

    @property
    def stop(self) -> float:
        """Last moment of all windows, MJD."""
        return float(self.stops.max())

    @property
    def shortest(self) -> float:
        """Length of the shortest box, days."""
        return min(self.t_100)

    @cached_property
    def _order(self) -> tuple[I64, F64, F64]:
        """Windows by their start, the starts, and the last stop of all up to each."""
        order = np.argsort(self.starts, kind="stable")
        return order, self.starts[order], np.maximum.accumulate(self.stops[order])

    def inside(self, mjd: ArrayLike) -> NDArray[np.bool_]:
        """Whether times are within any window, ends included."""
        times = moments(mjd)
        _, starts, reach = self._order
        last = np.searchsorted(starts, times, side="right") - 1
        return np.asarray((last >= 0) & (times <= reach[np.maximum(last, 0)]))

    def pairs(self, mjd: F64) -> tuple[I64, I64, F64]:
        """Times and the windows they are in: number of the time (ascending), of the window, and s(t) there.

        Parameters
        ----------
        mjd : (N,)
        """
        order, starts, reach = self._order
        # Candidates: windows that begin before the time, back to where none before reaches it any more
        last = np.searchsorted(starts, mjd, side="right")
        first = np.minimum(np.searchsorted(reach, mjd, side="left"), last)
        count = last - first
        time = np.repeat(np.arange(len(mjd)), count)
        ends = np.cumsum(count)
        window = order[np.arange(len(time)) - np.repeat(ends - count, count) + np.repeat(first, count)]
        inside = mjd[time] <= self.stops[window]
        time, window = time[inside], window[inside]
        late = mjd[time] - np.array(self.mjd)[window]
        away = np.maximum(np.maximum(-late, late - np.array(self.t_100)[window]), 0.0)
        width = np.array(self.sigma_t)[window]
        shape = np.exp(-0.5 * (away / np.where(width > 0, width, 1.0)) ** 2)
        return time, window, np.where(width > 0, shape, 1.0)

    def as_dict(self) -> dict[str, Any]:
        """Values JSON can hold: the first start, the length of all, and what tells these windows from others."""
        columns = [np.array(one) for one in (self.mjd, self.t_100, self.sigma_t)]
        return {
            "mjd": min(self.mjd),
            "t_100": float(max(np.add(self.mjd, self.t_100)) - min(self.mjd)),
            "n_windows": len(self),
            "windows": content_hash(columns),
        }
