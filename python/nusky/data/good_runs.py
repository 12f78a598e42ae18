"""Good-run lists: when the detector took data that count."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nusky.data.uptime import Uptime
from nusky.events import Events

__all__ = ["LAST_MJD", "clean_good_runs", "count_outside"]

LAST_MJD = 200_000.0
_SECOND = 1.0 / 86_400.0  # days


def clean_good_runs(
    where: str, start: ArrayLike, stop: ArrayLike, **columns: ArrayLike
) -> tuple[Events, tuple[str, ...]]:
    """Good-run list in time order, checked.

    Parameters
    ----------
    where : str
        File, for messages.
    start, stop : (R,) MJD
    **columns : (R,)
        Further columns, such as `run`.

    Returns
    -------
    Events, tuple of str
        Runs sorted by start, and a line if something was odd.

    Raises
    ------
    ValueError
        No runs, a time that is not finite or no MJD, a run that ends before it starts, or runs that overlap by more
        than a second (their livetime would count twice).

    Examples
    --------
    >>> from nusky.data.good_runs import clean_good_runs
    >>> runs, notes = clean_good_runs("my list", [2.0, 1.0], [2.5, 1.5])
    >>> runs.start.tolist(), notes
    ([1.0, 2.0], ('good-run list: 1 run(s) out of time order, sorted',))
    """
    begin, end = np.asarray(start, dtype=np.float64), np.asarray(stop, dtype=np.float64)
    if len(begin) == 0:
        raise ValueError(f"{where}: the good-run list is empty")
    for name, values in (("start", begin), ("stop", end)):
        bad = ~np.isfinite(values)
        if bad.any():
            row = int(np.argmax(bad))
            raise ValueError(f"{where}: column {name!r}, row {row} (counted from 0): {values[row]} is not a time")
        odd = (values < 0) | (values > LAST_MJD)
        if odd.any():
            row = int(np.argmax(odd))
            raise ValueError(
                f"{where}: column {name!r}, row {row} (counted from 0): {values[row]:.10g} is no MJD (60 000 is today; "
                "a JD is 2 400 000.5 more, seconds of a clock are larger still)"
            )
    if np.any(end < begin):
        row = int(np.argmax(end < begin))
        raise ValueError(f"{where}: row {row} (counted from 0) stops at {end[row]} before it starts at {begin[row]}")
    late = int(np.count_nonzero(np.diff(begin) < 0))
    order = np.argsort(begin, kind="stable")
    begin, end = begin[order], end[order]
    overlap = end[:-1] - begin[1:]
    if np.any(overlap > _SECOND):
        row = int(np.argmax(overlap))
        raise ValueError(
            f"{where}: the run {begin[row]} … {end[row]} overlaps the next, which starts at {begin[row + 1]}; "
            "their livetime would count twice"
        )
    others = {name: np.asarray(values)[order] for name, values in columns.items()}
    notes = (f"good-run list: {late} run(s) out of time order, sorted",) if late else ()
    return Events({"start": begin, "stop": end, **others}), notes


def count_outside(grl: Events, mjd: ArrayLike) -> int:
    """How many times (MJD) lie in no good run, nor within a second of one: lists are rounded.

    Examples
    --------
    >>> from nusky.events import Events
    >>> from nusky.data.good_runs import count_outside
    >>> count_outside(Events({"start": [1.0], "stop": [2.0]}), [1.5, 2.000001, 2.5])
    1
    """
    return int(np.count_nonzero(~Uptime(grl["start"], grl["stop"]).contains(mjd, _SECOND)))
