"""`LightCurve`: a flux in bins of time, and what of it is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.checks import refuse_text
from nusky.missing import without_missing
from nusky.sphere import days, moments
from nusky.typing import F64
from nusky.units import numbers

__all__ = ["CurveWindow", "LightCurve"]


@dataclass(frozen=True)
class CurveWindow:
    """A flux in bins of time: when signal comes.

    Parameters
    ----------
    edges : (B + 1,) floats
        MJD, ascending.
    heights : (B,) floats
        ≥ 0, the largest is 1.

    Examples
    --------
    >>> CurveWindow((0.0, 1.0, 3.0), (1.0, 0.5)).elapsed([0.5, 2.0]).tolist()
    [0.5, 1.5]
    """

    edges: tuple[float, ...]
    heights: tuple[float, ...]

    @property
    def start(self) -> float:
        """First edge, MJD."""
        return self.edges[0]

    @property
    def stop(self) -> float:
        """Last edge, MJD."""
        return self.edges[-1]

    def as_dict(self) -> dict[str, Any]:
        """Values JSON can hold."""
        return {"edges": list(self.edges), "heights": list(self.heights)}

    def profile(self, mjd: ArrayLike) -> F64:
        """s(t): the height of the bin, 0 outside."""
        times = np.asarray(mjd, dtype=np.float64)
        at = np.searchsorted(self.edges, times, side="right") - 1
        inside = (at >= 0) & (at < len(self.heights))
        return np.where(inside, np.array(self.heights)[np.clip(at, 0, len(self.heights) - 1)], 0.0)

    def elapsed(self, mjd: ArrayLike) -> F64:
        """∫ s dt from the first edge to these times, days."""
        passed = np.concatenate([[0.0], np.cumsum(np.diff(self.edges) * np.array(self.heights))])
        return np.asarray(np.interp(np.asarray(mjd, dtype=np.float64), self.edges, passed))


@dataclass(frozen=True)
class LightCurve:
    """A flux in bins of time, of which the part above a threshold, after a lag, is what signal follows.

    S in time is max(0, F(t − lag) − thresh), normalised over the uptime: neutrinos of a positive lag come later than
    the light. Outside the bins there is no flux.

    Parameters
    ----------
    edges : (B + 1,) floats, Time or Quantity
        MJD (UTC), ascending.
    values : (B,) floats
        ≥ 0, in any unit.
    range_thresh : (low, high), optional
        In the unit of the values, 0 ≤ low ≤ high < the largest value; equal: fixed. Default: from 0 to the second
        largest value.
    range_lag : (low, high)
        Days; equal: fixed. No lag by default.
    n_seeds_thresh, n_seeds_lag : int
        Places in these ranges where the fit begins.

    Raises
    ------
    ValueError, TypeError
        For a bin without a value or length, or a range that cannot be.

    Examples
    --------
    >>> curve = LightCurve((0.0, 1.0, 2.0, 3.0), (1.0, 5.0, 3.0))
    >>> curve.range_thresh, curve.window(3.0, 0.5).heights
    ((0.0, 3.0), (0.0, 1.0, 0.0))
    """

    edges: tuple[float, ...]
    values: tuple[float, ...]
    range_thresh: tuple[float, float] | None = None
    range_lag: tuple[float, float] = (0.0, 0.0)
    n_seeds_thresh: int = 20
    n_seeds_lag: int = 20

    def __post_init__(self) -> None:
        edges, values = moments(self.edges), _heights(self.values)
        if not np.isfinite(edges).all():
            raise ValueError(f"edge {int(np.argmin(np.isfinite(edges)))} of the light curve is missing; give its MJD")
        if edges.ndim != 1 or values.shape != (len(edges) - 1,) or not len(values):
            raise ValueError(f"a light curve has one edge more than values, got {edges.shape} and {values.shape}")
        for b in np.flatnonzero(~np.isfinite(values))[:1].tolist():
            raise ValueError(
                f"the light curve has a gap: bin {b} (MJD {edges[b]:.4f} … {edges[b + 1]:.4f}) has the value "
                f"{values[b]}; give a flux for every bin (that of its neighbours, say), or 0 where none is expected"
            )
        for b in np.flatnonzero(~(np.diff(edges) > 0))[:1].tolist():
            raise ValueError(
                f"bin {b} of the light curve ends at MJD {edges[b + 1]:.4f} and starts at {edges[b]:.4f}: edges must "
                "ascend; fill gaps with bins of their own"
            )
        for b in np.flatnonzero(values < 0)[:1].tolist():
            raise ValueError(f"bin {b} of the light curve has the negative value {values[b]:g}: set upper limits to 0")
        if not values.max() > 0:
            raise ValueError("the light curve is 0 everywhere: there is nothing that signal could follow")
        object.__setattr__(self, "edges", tuple(edges.tolist()))
        object.__setattr__(self, "values", tuple(values.tolist()))
        others = values[values < values.max()]
        default = (0.0, float(others.max()) if len(others) else 0.0)
        thresh = _pair("range_thresh", default if self.range_thresh is None else self.range_thresh)
        if thresh[0] < 0 or thresh[1] >= values.max():
            raise ValueError(
                f"range_thresh={thresh} must lie between 0 and the largest value of the light curve, {values.max():g}"
            )
        object.__setattr__(self, "range_thresh", thresh)
        object.__setattr__(self, "range_lag", _pair("range_lag", days("range_lag", self.range_lag)))
        for name in ("n_seeds_thresh", "n_seeds_lag"):
            n = getattr(self, name)
            if isinstance(n, bool) or not isinstance(n, int) or not 2 <= n <= 1000:
                raise ValueError(f"{name}={n!r} must be a whole number from 2 to 1000")

    @classmethod
    def of(cls, lcs: Any, **options: Any) -> LightCurve:
        """From a histlite histogram, an (edges, values) pair, or a list that holds one of these.

        Raises
        ------
        TypeError, ValueError
        """
        if isinstance(lcs, cls):
            return lcs
        one = lcs
        if isinstance(lcs, (list, np.ndarray)) and len(lcs) == 1:
            one = lcs[0]
        elif isinstance(lcs, list) and len(lcs) > 1 and all(hasattr(each, "bins") for each in lcs):
            raise ValueError(f"lcs holds {len(lcs)} light curves: a runner takes that of one source; make one for each")
        if hasattr(one, "bins") and hasattr(one, "values"):
            bins = one.bins
            one = (bins[0] if np.ndim(bins[0]) else bins, one.values)
        if isinstance(one, tuple) and len(one) == 2:
            edges, values = one
            return cls(tuple(moments(edges).tolist()), tuple(_heights(values).tolist()), **options)
        raise TypeError(f"lcs must be a histogram (bins, values) or a pair (edges, values), got {type(lcs).__name__}")

    def window(self, thresh: float, lag: float) -> CurveWindow:
        """What signal follows at a threshold and a lag."""
        values = np.maximum(np.array(self.values) - thresh, 0.0)
        if not values.max() > 0:
            raise ValueError(
                f"thresh={thresh:g} is not below the largest value of the light curve, {max(self.values):g}"
            )
        return CurveWindow(tuple((np.array(self.edges) + lag).tolist()), tuple((values / values.max()).tolist()))


def _heights(values: Any) -> F64:
    """Fluxes in any unit, NaN where one is missing."""
    refuse_text("values of the light curve", values)
    return without_missing(getattr(values, "value", values), "values of the light curve")[0]


def _pair(name: str, given: Any) -> tuple[float, float]:
    pair = numbers(name, given)
    if pair.shape != (2,) or not np.all(np.isfinite(pair)) or pair[0] > pair[1]:
        raise ValueError(f"{name}={given!r} must be a pair of numbers, the lower one first")
    return float(pair[0]), float(pair[1])
