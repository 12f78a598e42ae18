"""Units that single values do not show: a window of 1000 days, a catalogue within 6 degrees."""

from __future__ import annotations

import warnings
from datetime import timedelta
from typing import Any

import numpy as np

from nusky.typing import F64
from nusky.units import has_unit

__all__ = ["is_plain", "warn_of_radians", "warn_of_seconds"]

# A window of so many days is rarely meant: 500 and 1000 s are the windows of follow-ups
_LIKE_SECONDS = 500.0
# So many sources make a catalogue, whose positions are all over the sky
_MANY = 10


def is_plain(length: Any) -> bool:
    """Whether a length of time is numbers, of a table's column too, and not something that knows its unit.

    Examples
    --------
    >>> is_plain([1000.0]), is_plain(timedelta(seconds=1000))
    (True, False)
    """
    if has_unit(length) or hasattr(length, "jd1") or isinstance(length, timedelta):
        return False
    return np.asarray(length).dtype.kind in "iuf"


def warn_of_radians(where: str, ra: F64, dec: F64) -> None:
    """Ask whether positions given as degrees are radians: a catalogue has hardly all of its sources within 6 degrees.

    Parameters
    ----------
    where : str
        For the message.
    ra, dec : (P,) degrees

    Warns
    -----
    UserWarning
        Ten sources or more, all of which could be radians.
    """
    widest = float(ra.max()), float(np.abs(dec).max())
    # a field of a degree at RA 0 is a field
    if ra.size >= _MANY and 1.0 < widest[0] <= 2 * np.pi and widest[1] <= 0.5 * np.pi:
        warnings.warn(
            f"{where}: all {ra.size} sources have ra ≤ {widest[0]:.4g} and |dec| ≤ {widest[1]:.4g} degrees: are they "
            "in radians? Give them as sources(ra, dec), or with their unit",
            UserWarning,
            stacklevel=3,
        )


def warn_of_seconds(name: str, length: F64) -> None:
    """Ask whether a length of time given as days is one of seconds.

    Parameters
    ----------
    name : str
        ``"t_100"`` or ``"sigma_t"``.
    length : (P,) days

    Warns
    -----
    UserWarning
        500 days or more.
    """
    longest = float(length.max())
    if longest >= _LIKE_SECONDS:
        what = "a window" if name == "t_100" else "tails"
        warnings.warn(
            f"{name} = {longest:g} is {what} of {longest:g} days. If seconds are meant: {name}={longest:g} / 86400; "
            "3 * u.yr, a Quantity, is taken without this question",
            UserWarning,
            stacklevel=3,
        )
