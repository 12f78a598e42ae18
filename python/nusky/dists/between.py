"""p-values at declinations between those at which background trials were made."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.dists.tsd import finite
from nusky.typing import F64

__all__ = ["PValues", "ts_to_p"]


# deg. Scrambles keep each event's declination: p has structure on the scale of an event's angular error, from 0.2 deg
_FAR = 0.25  # from the nearest node: further than that, p is not the node's
_WIDE = 0.5  # between two nodes: closer ones follow the structure


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
    distant nodes cannot know: between nodes 2° and 21° apart of the first-year IC86 season, interpolated p were 14 to
    29 % too small at TS 2 to 5. At the nodes they are exact.

    Parameters
    ----------
    bgs : mapping from declination to TSD
        Keys in the unit of `dec` (csky's users give degrees), at least one.
    dec : array_like
        Within the range of the keys. Nothing is replaced by the nearest key.
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
        Once a call, if a TS > 0 is asked more than 0.25° from a node, between nodes more than 0.5° apart. (For this,
        keys within ±π/2 are taken as rad.)

    Examples
    --------
    >>> from nusky.dists import TSD
    >>> bgs = {20.0: TSD([1.0], n_zero=9), 20.4: TSD([1.0, 1.0, 1.0], n_zero=7)}
    >>> float(ts_to_p(bgs, 20.4, 0.5)), round(float(ts_to_p(bgs, 20.2, 0.5)), 4)
    (0.36363636363636365, 0.2571)
    """
    if not bgs:
        raise ValueError("bgs is empty: give at least one declination with its TSD")
    keys = sorted(bgs)
    nodes = np.asarray(keys, dtype=np.float64)
    dec_array, ts_array = np.broadcast_arrays(finite(dec, "dec"), finite(ts, "ts"))
    outside = (dec_array < nodes[0]) | (dec_array > nodes[-1])
    if outside.any():
        raise ValueError(
            f"dec = {dec_array[outside].flat[0]:g} lies outside the declinations with background trials, "
            f"{nodes[0]:g} … {nodes[-1]:g} (unit of the keys), and {int(outside.sum())} values do: "
            "make trials there, or leave those directions out"
        )
    log_p = np.zeros(dec_array.shape)
    interval = np.clip(np.searchsorted(nodes, dec_array, side="right") - 1, 0, max(len(nodes) - 2, 0))
    for i in np.unique(interval):
        at = interval == i
        here = np.log(bgs[keys[i]].p_values(ts_array[at], fit))
        if len(keys) > 1:
            weight = (dec_array[at] - nodes[i]) / (nodes[i + 1] - nodes[i])
            here = (1 - weight) * here + weight * np.log(bgs[keys[i + 1]].p_values(ts_array[at], fit))
        log_p[at] = here
    if len(keys) > 1:
        in_degrees = np.abs(nodes).max() > np.pi / 2 if _degrees is None else _degrees
        scale = 1.0 if in_degrees else np.degrees(1.0)
        _warn_between(scale * nodes, scale * dec_array, interval, log_p, 3 if _degrees is None else 4)
    return np.asarray(np.exp(log_p))


def _warn_between(nodes: F64, dec: F64, interval: NDArray[np.intp], log_p: F64, stacklevel: int) -> None:
    """Say that p between distant nodes is uncertain; all in deg. Where p = 1 (TS = 0) it is exact."""
    gap = np.diff(nodes)[interval]
    distance = np.minimum(dec - nodes[interval], nodes[interval + 1] - dec)
    unsure = (gap > _WIDE) & (distance > _FAR) & (log_p < 0)
    if unsure.any():
        warnings.warn(
            f"p is interpolated between declinations with background trials up to {gap[unsure].max():.3g} deg apart. "
            "It has structure of the size of an event's angular error: interpolated p were found to be wrong by up to "
            "30 %. Make trials at the declinations where p matters, or nodes at most 0.5 deg apart",
            UserWarning,
            stacklevel,
        )
