"""p-values at declinations between those at which background trials were made."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.dists.tsd import finite
from nusky.sphere import at_limits
from nusky.typing import F64
from nusky.units import numbers

__all__ = ["PValues", "ts_to_p", "ts_to_p_error"]


# deg. Scrambles keep each event's declination: p has structure on the scale of an event's angular error, from 0.2 deg
_FAR = 0.25  # from the nearest node: further than that, p is not the node's
_WIDE = 0.5  # between two nodes: closer ones follow the structure
# Root mean square of ln(p interpolated / p counted), by the deg between nodes: bench/trials/declinations.py
_MEASURED = {0.2: 0.02, 0.5: 0.06, 1.0: 0.10, 2.0: 0.25}


class PValues(Protocol):
    """What `ts_to_p` asks of a distribution: `TSD`, `Chi2TSD`, `BinnedTSD` or one's own."""

    def p_values(self, x: ArrayLike, fit: bool | None = None) -> F64:
        """p-values of TS values."""


def ts_to_p(
    bgs: Mapping[Any, PValues],
    dec: ArrayLike,
    ts: ArrayLike,
    fit: bool | None = None,
    *,
    _degrees: bool | None = None,
) -> F64:
    """p-values at declinations between those at which background trials were made: log p is interpolated linearly.

    Scrambles keep the declination of each event, so that p has structure of the size of an event's angular error, which
    distant nodes cannot know: between nodes 0.2, 0.5, 1 and 2° apart of the first-year IC86 season, interpolated p of
    TS ≥ 4 were off by 2, 6, 10 and 25 % (root mean square). At the nodes they are exact.

    Parameters
    ----------
    bgs : mapping from declination to TSD
        Keys in the unit of `dec` (csky's users give degrees), at least one.
    dec : array_like
        Within the range of the keys. Nothing is replaced by the nearest key. A Quantity becomes degrees or rad as the
        keys are.
    ts : array_like
        Broadcast with `dec`.
    fit : bool, optional
        See the module's first lines.

    Returns
    -------
    ndarray
        p-values, (1 + k) / (1 + n) where counted.

    Raises
    ------
    ValueError
        If a declination is outside the keys' range: the value and the range are named.

    Warns
    -----
    UserWarning
        Once a call, with what was measured for nodes as far apart, if a TS > 0 is asked more than 0.25° from a node,
        between nodes more than 0.5° apart. (For this, keys within ±π/2 are taken as rad.)

    Examples
    --------
    >>> from nusky.dists import TSD
    >>> bgs = {20.0: TSD([1.0], n_zero=9), 20.4: TSD([1.0, 1.0, 1.0], n_zero=7)}
    >>> float(ts_to_p(bgs, 20.4, 0.5)), round(float(ts_to_p(bgs, 20.2, 0.5)), 4)
    (0.36363636363636365, 0.2571)
    """
    nodes = _Nodes.of(bgs, _degrees)
    dec, ts, interval = nodes.find(dec, ts)
    log_p = nodes.log_p(dec, ts, interval, fit)
    if len(nodes.dec) > 1:
        scale = 1.0 if nodes.in_degrees else float(np.degrees(1.0))
        _warn_between(scale * nodes.dec, scale * dec, interval, log_p, 3 if _degrees is None else 4)
    return np.asarray(np.exp(log_p))


def ts_to_p_error(
    bgs: Mapping[Any, PValues], dec: ArrayLike, ts: ArrayLike, fit: bool | None = None, *, _degrees: bool | None = None
) -> F64:
    """Relative standard deviation of the p that `ts_to_p` gives: of the trials, and of what lies between the nodes.

    How much p changes unseen between two nodes is estimated from the nodes themselves: each of the two is interpolated
    between its own neighbours, and the root mean square of ln(interpolated / own) is taken, times 2 √(w (1 − w)) with w
    the way between the nodes: 0 at a node, all of it in the middle. Structure that is much narrower than the nodes are
    apart it knows as well as they do.

    Parameters
    ----------
    bgs, dec, ts, fit
        As for `ts_to_p`.

    Returns
    -------
    ndarray
        Standard deviation of p, divided by p.

    Examples
    --------
    >>> from nusky.dists import TSD
    >>> bgs = {d: TSD([1.0] * k, n_zero=1000 - k) for d, k in ((20.0, 100), (20.5, 150), (21.0, 100))}
    >>> ts_to_p_error(bgs, [20.0, 20.25], 0.5).round(2).tolist()
    [0.09, 0.41]
    """
    nodes = _Nodes.of(bgs, _degrees)
    dec, ts, interval = nodes.find(dec, ts)
    log_p, counted = nodes.at(ts, fit)
    last = len(nodes.dec) - 1
    if last == 0:
        return np.asarray(counted[0])
    w = (dec - nodes.dec[interval]) / (nodes.dec[interval + 1] - nodes.dec[interval])
    away = np.zeros((last + 1, *ts.shape))
    for i in range(1, last):
        v = (nodes.dec[i] - nodes.dec[i - 1]) / (nodes.dec[i + 1] - nodes.dec[i - 1])
        away[i] = (1 - v) * log_p[i - 1] + v * log_p[i + 1] - log_p[i]
    # an end has one neighbour only: what is seen there is how much p changes
    away[0], away[last] = (away[1], away[last - 1]) if last > 1 else (log_p[1] - log_p[0],) * 2
    left, right = (np.take_along_axis(away, (interval + k)[None], axis=0)[0] for k in (0, 1))
    between = np.sqrt(0.5 * (left**2 + right**2)) * 2 * np.sqrt(w * (1 - w))
    of_left, of_right = (np.take_along_axis(counted, (interval + k)[None], axis=0)[0] for k in (0, 1))
    of_trials = np.hypot((1 - w) * of_left, w * of_right)
    return np.asarray(np.hypot(of_trials, between))


@dataclass(frozen=True, eq=False)
class _Nodes:
    """Declinations with background trials, ascending, and their distributions."""

    dec: F64
    tsds: tuple[Any, ...]
    in_degrees: bool

    @classmethod
    def of(cls, bgs: Mapping[Any, PValues], degrees: bool | None) -> _Nodes:
        if not bgs:
            raise ValueError("bgs is empty: give at least one declination with its TSD")
        keys = sorted(bgs)
        for key in keys:
            if not hasattr(bgs[key], "p_values"):
                raise TypeError(
                    f"bgs[{key!r}] is a {type(bgs[key]).__name__}: give distributions, TSD(values) for each declination"
                )
        dec = numbers("keys of bgs", keys, "rad" if degrees is False else "deg")
        in_degrees = bool(np.abs(dec).max() > np.pi / 2) if degrees is None else degrees
        return cls(dec, tuple(bgs[key] for key in keys), in_degrees)

    def find(self, dec: ArrayLike, ts: ArrayLike) -> tuple[F64, F64, NDArray[np.intp]]:
        """Declinations in the unit of the nodes and TS, broadcast, and the node before each."""
        dec = numbers("dec", dec, "deg" if self.in_degrees else "rad")
        if np.isnan(dec).any():
            raise ValueError(f"dec holds NaN at {int(np.argmax(np.isnan(dec)))}: a declination must be a number")
        dec_array, ts_array = np.broadcast_arrays(finite(dec, "dec"), finite(ts, "ts"))
        first, last = self.dec[0], self.dec[-1]
        dec_array = at_limits(dec_array, float(first), float(last))
        outside = (dec_array < first) | (dec_array > last)
        if outside.any():
            raise ValueError(
                f"dec = {dec_array[outside].flat[0]:g} lies outside the declinations with background trials, "
                f"{first:g} … {last:g} (unit of the keys), and {int(outside.sum())} values do: "
                "make trials there, or leave those directions out"
            )
        before = np.searchsorted(self.dec, dec_array, side="right") - 1
        return dec_array, ts_array, np.clip(before, 0, max(len(self.dec) - 2, 0))

    def log_p(self, dec: F64, ts: F64, interval: NDArray[np.intp], fit: bool | None) -> F64:
        """ln p, linear between the nodes."""
        log_p = np.zeros(dec.shape)
        for i in np.unique(interval):
            at = interval == i
            here = np.log(self.tsds[i].p_values(ts[at], fit))
            if len(self.dec) > 1:
                weight = (dec[at] - self.dec[i]) / (self.dec[i + 1] - self.dec[i])
                here = (1 - weight) * here + weight * np.log(self.tsds[i + 1].p_values(ts[at], fit))
            log_p[at] = here
        return log_p

    def at(self, ts: F64, fit: bool | None) -> tuple[F64, F64]:
        """(D, …) ln p of every node at these TS, and the relative error that its trials leave."""
        p = np.stack([np.asarray(tsd.p_values(ts, fit)) for tsd in self.tsds])
        known = [
            np.asarray(tsd.sf_error(ts, fit)) if hasattr(tsd, "sf_error") else np.zeros(ts.shape) for tsd in self.tsds
        ]
        return np.log(p), np.where(ts > 0, np.stack(known) / p, 0.0)


def _warn_between(nodes: F64, dec: F64, interval: NDArray[np.intp], log_p: F64, stacklevel: int) -> None:
    """Say that p between distant nodes is uncertain; all in deg. Where p = 1 (TS = 0) it is exact."""
    gap = np.diff(nodes)[interval]
    distance = np.minimum(dec - nodes[interval], nodes[interval + 1] - dec)
    unsure = (gap > _WIDE) & (distance > _FAR) & (log_p < 0)
    if unsure.any():
        widest = float(gap[unsure].max())
        measured = np.interp(widest, list(_MEASURED), list(_MEASURED.values()))
        more = "more than " if widest > max(_MEASURED) else ""
        warnings.warn(
            f"p is interpolated between declinations with background trials up to {widest:.3g} deg apart. It has "
            "structure of the size of an event's angular error: nodes as far apart made p of TS = 4 wrong by "
            f"{more}{100 * measured:.0f} % (root mean square). Make trials at the declinations where p matters, or "
            f"nodes at most {_WIDE:g} deg apart ({100 * _MEASURED[_WIDE]:.0f} %)",
            UserWarning,
            stacklevel,
        )
