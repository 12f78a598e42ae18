"""`Uptime`: when a detector took data, as disjoint intervals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.sphere import moments
from nusky.typing import F64
from nusky.units import numbers

if TYPE_CHECKING:
    pass


__all__ = ["Uptime"]


@dataclass(frozen=True, eq=False)
class Uptime:
    """Disjoint intervals in ascending order.

    Parameters
    ----------
    start, stop : (R,) MJD
        Any order, overlaps allowed: they are merged, so that no moment counts twice. Intervals of no length are left
        out.

    Examples
    --------
    >>> up = Uptime(np.array([2.0, 1.0]), np.array([3.0, 1.5]))
    >>> up.days, up.clipped(1.25, 2.5).start.tolist()
    (1.5, [1.25, 2.0])
    """

    start: F64
    stop: F64

    def __post_init__(self) -> None:
        start, stop = numbers("start", self.start, "day"), numbers("stop", self.stop, "day")
        if start.shape != stop.shape or start.ndim != 1 or not (np.isfinite(start).all() and np.isfinite(stop).all()):
            raise ValueError(
                f"start and stop must be finite MJD, one of each for an interval, got {start} and {stop}; leave out "
                "intervals without a beginning or an end"
            )
        keep = stop > start
        order = np.argsort(start[keep], kind="stable")
        start, stop = start[keep][order], stop[keep][order]
        reach = np.maximum.accumulate(stop)
        first = np.flatnonzero(np.concatenate([[True], start[1:] > reach[:-1]])) if len(start) else np.arange(0)
        last = np.concatenate([first[1:] - 1, [len(start) - 1]]) if len(start) else first
        for name, values in (("start", start[first]), ("stop", reach[last])):
            values.setflags(write=False)
            object.__setattr__(self, name, values)

    @cached_property
    def _ends(self) -> F64:
        return np.cumsum(self.stop - self.start)

    def __len__(self) -> int:
        return len(self.start)

    @property
    def days(self) -> float:
        """Total length, days."""
        return float(self._ends[-1]) if len(self) else 0.0

    @classmethod
    def union(cls, several: Iterable[Uptime]) -> Uptime:
        """Moments that are in at least one of several."""
        parts = list(several)
        return cls(np.concatenate([up.start for up in parts]), np.concatenate([up.stop for up in parts]))

    def clipped(self, first: float, last: float) -> Uptime:
        """What of it lies between two times."""
        return Uptime(np.clip(self.start, first, last), np.clip(self.stop, first, last))

    def within(self, other: Uptime) -> Uptime:
        """Moments that are in both.

        Examples
        --------
        >>> both = Uptime(np.array([1.0, 5.0]), np.array([3.0, 6.0])).within(Uptime(np.array([2.0]), np.array([5.5])))
        >>> both.start.tolist(), both.stop.tolist()
        ([2.0, 5.0], [3.0, 5.5])
        """
        first = np.searchsorted(self.stop, other.start, side="right")
        count = np.maximum(np.searchsorted(self.start, other.stop, side="left") - first, 0)
        theirs = np.repeat(np.arange(len(other)), count)
        mine = np.arange(len(theirs)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
        return Uptime(
            np.maximum(self.start[mine], other.start[theirs]), np.minimum(self.stop[mine], other.stop[theirs])
        )

    def contains(self, mjd: ArrayLike, slack: float = 0.0) -> NDArray[np.bool_]:
        """Whether times lie in an interval, ends included, or within `slack` days of one."""
        times = moments(mjd)
        if not len(self):
            return np.zeros(times.shape, dtype=bool)
        run = np.searchsorted(self.start, times + slack, side="right") - 1
        return np.asarray((run >= 0) & (times <= self.stop[np.maximum(run, 0)] + slack))

    def at(self, elapsed: ArrayLike) -> F64:
        """Time at which so many days of uptime have passed.

        Parameters
        ----------
        elapsed : days, 0 … `days`

        Examples
        --------
        >>> Uptime(np.array([1.0, 5.0]), np.array([2.0, 6.0])).at([0.5, 1.25]).tolist()
        [1.5, 5.25]
        """
        days = numbers("elapsed", elapsed, "day")
        run = np.minimum(np.searchsorted(self._ends, days, side="right"), len(self) - 1)
        # From the end of the interval: no rounding can put a time beyond it
        return np.clip(self.stop[run] - (self._ends[run] - days), self.start[run], self.stop[run])
