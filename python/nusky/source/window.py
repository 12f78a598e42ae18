"""`TimeWindow`: when a transient shines."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.sphere import moments
from nusky.typing import F64
from nusky.units import numbers

if TYPE_CHECKING:
    from nusky.source.positions import Sources


__all__ = ["TAIL_CUT", "TimeWindow"]

TAIL_CUT = 4.0
"""The Gaussian tails end at this many `sigma_t`."""

_ROOT_TWO_PI = float(np.sqrt(2.0 * np.pi))


@dataclass(frozen=True)
class TimeWindow:
    """A box in time, ``mjd … mjd + t_100``, with Gaussian tails of width `sigma_t` cut at 4 `sigma_t`.

    Parameters
    ----------
    mjd : float, astropy Time or Quantity
        **Start** of the box, MJD (UTC).
    t_100 : float, astropy TimeDelta or Quantity
        Length of the box, **days**, > 0.
    sigma_t : float, TimeDelta or Quantity
        Width of the tails before and after the box, days; 0: none.

    Raises
    ------
    ValueError, TypeError
        For a value out of range, or no number.

    Examples
    --------
    >>> window = TimeWindow(57000.0, 1000 / 86400)
    >>> window.seconds.__round__(6), window.profile([56999.9, 57000.0, 57000.01]).tolist()
    (1000.0, [0.0, 1.0, 1.0])
    """

    mjd: float
    t_100: float
    sigma_t: float = 0.0

    def __post_init__(self) -> None:
        from nusky.source.positions import time_columns

        columns = time_columns(self.mjd, self.t_100, self.sigma_t, 1)
        for name, values in zip(("mjd", "t_100", "sigma_t"), columns, strict=True):
            object.__setattr__(self, name, float(values[0]))

    @classmethod
    def of(cls, src: Sources) -> TimeWindow | None:
        """The window that all of these sources share; None for steady ones.

        Raises
        ------
        ValueError
            If they have different windows.

        Examples
        --------
        >>> from nusky.source.positions import sources
        >>> TimeWindow.of(sources([1.0, 2.0], 0.1, mjd=57000, t_100=2.0))
        TimeWindow(mjd=57000.0, t_100=2.0, sigma_t=0.0)
        """
        if src.mjd is None or src.t_100 is None or src.sigma_t is None:
            return None
        for name in ("mjd", "t_100", "sigma_t"):
            values = getattr(src, name)
            if np.any(values != values[0]):
                raise ValueError(
                    f"the sources have different {name} ({values[0]:.10g}, {values[values != values[0]][0]:.10g}, …); "
                    "a runner has one window: make one for each source, src[i]"
                )
        return cls(float(src.mjd[0]), float(src.t_100[0]), float(src.sigma_t[0]))

    @property
    def start(self) -> float:
        """First moment of the window, tails included, MJD."""
        return self.mjd - TAIL_CUT * self.sigma_t

    @property
    def stop(self) -> float:
        """Last moment of the window, tails included, MJD."""
        return self.mjd + self.t_100 + TAIL_CUT * self.sigma_t

    @property
    def shortest(self) -> float:
        """Length of the box, days; of several windows that of the shortest one."""
        return self.t_100

    @property
    def seconds(self) -> float:
        """Length of the box, s."""
        return self.t_100 * 86_400.0

    def inside(self, mjd: ArrayLike) -> NDArray[np.bool_]:
        """Whether times are within `start` … `stop`, both included."""
        times = moments(mjd)
        return np.asarray((times >= self.start) & (times <= self.stop))

    def profile(self, mjd: ArrayLike) -> F64:
        """s(t): 1 in the box, exp(−d²/2σ_t²) at a distance d from it, 0 beyond 4 σ_t.

        T_S is s divided by its integral over the detector's uptime.

        Examples
        --------
        >>> TimeWindow(100.0, 1.0, 0.5).profile([99.5, 100.5, 103.5]).round(4).tolist()
        [0.6065, 1.0, 0.0]
        """
        times = moments(mjd)
        late = times - self.mjd
        away = np.maximum(np.maximum(-late, late - self.t_100), 0.0)
        shape = np.exp(-0.5 * (away / self.sigma_t) ** 2) if self.sigma_t > 0 else 1.0
        return np.where(self.inside(times), shape, 0.0)

    def elapsed(self, mjd: ArrayLike) -> F64:
        """Integral of s from the start of the window to these times, days.

        Examples
        --------
        >>> TimeWindow(100.0, 1.0).elapsed([99.0, 100.25, 102.0]).tolist()
        [0.0, 0.25, 1.0]
        """
        late = moments(mjd) - self.mjd
        box = np.clip(late, 0.0, self.t_100)
        if self.sigma_t == 0:
            return np.asarray(box)
        from scipy.special import ndtr

        before = np.clip(late / self.sigma_t, -TAIL_CUT, 0.0)
        after = np.clip((late - self.t_100) / self.sigma_t, 0.0, TAIL_CUT)
        tails = (ndtr(before) - ndtr(-TAIL_CUT)) + (ndtr(after) - 0.5)
        return np.asarray(box + self.sigma_t * _ROOT_TWO_PI * tails)

    def at(self, elapsed: ArrayLike) -> F64:
        """Times at which `elapsed` has these values: its inverse.

        Examples
        --------
        >>> TimeWindow(100.0, 1.0).at([0.0, 0.25, 1.0]).tolist()
        [100.0, 100.25, 101.0]
        """
        days = numbers("elapsed", elapsed, "day")
        if self.sigma_t == 0:
            return np.asarray(self.mjd + np.clip(days, 0.0, self.t_100))
        from scipy.special import ndtr, ndtri

        scale = self.sigma_t * _ROOT_TWO_PI
        tail = scale * (0.5 - ndtr(-TAIL_CUT))
        before = self.sigma_t * ndtri(np.minimum(ndtr(-TAIL_CUT) + np.minimum(days, tail) / scale, 0.5))
        past = np.maximum(days - tail - self.t_100, 0.0)
        after = self.sigma_t * ndtri(np.minimum(0.5 + past / scale, 1.0 - ndtr(-TAIL_CUT)))
        return np.asarray(self.mjd + before + np.clip(days - tail, 0.0, self.t_100) + after)

    def times(self, start: F64, stop: F64, uniform: F64) -> F64:
        """Times from s within some intervals of uptime, MJD.

        Parameters
        ----------
        start, stop : (R,) MJD
            Disjoint, ascending, within the window.
        uniform : (n,) in [0, 1)

        Examples
        --------
        >>> TimeWindow(100.0, 1.0).times(np.array([100.0, 100.8]), np.array([100.2, 101.0]), np.array([0.25, 0.75]))
        array([100.1, 100.9])
        """
        first = self.elapsed(start)
        ends = np.cumsum(self.elapsed(stop) - first)
        at = uniform * ends[-1]
        run = np.minimum(np.searchsorted(ends, at, side="right"), len(ends) - 1)
        before = np.concatenate([[0.0], ends])[run]
        return np.clip(self.at(first[run] + at - before), start[run], stop[run])

    def as_dict(self) -> dict[str, float]:
        """Values JSON can hold."""
        return asdict(self)
