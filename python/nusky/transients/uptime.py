"""Uptime of a season, and how finely its times are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nusky.data.uptime import Uptime
from nusky.typing import F64

if TYPE_CHECKING:
    from nusky.analysis.season import SubAnalysis

__all__ = ["grid_name", "season_uptime", "time_resolution"]


#: Fewer times may lie on a grid by chance.
_ENOUGH = 10
_GRIDS = {
    **{0.1**k: f"MJD have {k} decimal(s)" for k in range(1, 7)},
    **{0.5**k: "MJD on a grid of powers of 2, as of single precision" for k in range(1, 13)},
    1 / 24: "whole hours",
    1 / 1440: "whole minutes",
    1 / 86400: "whole seconds",
}


def time_resolution(mjd: F64) -> float:
    """Days to which the events' times are known: the coarsest grid that all of them lie on; 0: as fine as matters.

    Looked for are whole days, hours, minutes and seconds, up to six decimals of a day, and what is left of times that
    were kept in single precision (1/256 day, or 337 s, between MJD 32768 and 65536).

    Examples
    --------
    >>> time_resolution(np.array([55700.0, 55701.0])), time_resolution(np.array([55700.0, 55700.5]))
    (1.0, 0.0)
    >>> time_resolution(np.linspace(55700.0, 55800.1, 50).astype(np.float32).astype(float))
    0.00390625
    """
    if len(mjd) > 1 and not np.any(mjd % 1.0):
        return 1.0
    if len(mjd) < _ENOUGH:
        return 0.0
    some = mjd[:: max(1, len(mjd) // 1000)]  # most grids are ruled out by a few times
    slack = 4.0 * np.spacing(np.abs(mjd).max())
    for step in sorted(_GRIDS, reverse=True):
        if all(np.all(np.abs(times - np.rint(times / step) * step) <= slack) for times in (some, mjd)):
            return step
    return 0.0


def grid_name(resolution: float) -> str:
    """How a grid of times came about, in words."""
    return _GRIDS.get(resolution, "MJD are whole numbers")


def season_uptime(season: SubAnalysis, use_grl: bool = True) -> Uptime:
    """When a season took data.

    Parameters
    ----------
    season : SubAnalysis
    use_grl : bool
        False: from the first event to the last without a break, whatever the good-run list says.

    Raises
    ------
    ValueError
        Without a good-run list, unless ``use_grl=False``.
    """
    if not use_grl:
        times = season.data["mjd"]
        return Uptime(times.min()[None], times.max()[None] + time_resolution(times))
    if season.grl is None:
        raise ValueError(
            f"season {season.key} has no good-run list, so its uptime in a time window is unknown; give one with the "
            "data, or say use_grl=False: on from its first event to its last"
        )
    return Uptime(season.grl["start"], season.grl["stop"])
