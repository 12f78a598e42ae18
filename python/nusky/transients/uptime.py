"""Uptime of a season, and how finely its times are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nusky.data.uptime import Uptime
from nusky.typing import F64

if TYPE_CHECKING:
    from nusky.analysis.season import SubAnalysis

__all__ = ["season_uptime", "time_resolution"]


def time_resolution(mjd: F64) -> float:
    """Days to which the events' times are known: 1 where all of them are whole days, else 0.

    Examples
    --------
    >>> time_resolution(np.array([55700.0, 55701.0])), time_resolution(np.array([55700.0, 55700.5]))
    (1.0, 0.0)
    """
    return 1.0 if len(mjd) > 1 and not np.any(mjd % 1.0) else 0.0


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
