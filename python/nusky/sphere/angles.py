"""Angles and times as numbers: radians, days and MJD from plain numbers or from values that know their unit."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np

from nusky.units import has_unit, in_unit

__all__ = ["as_mjd", "days", "radians"]


def radians(name: str, value: Any, deg: bool = False) -> Any:
    """Radians; an astropy Quantity or Angle knows its own unit and wins over `deg`.

    Parameters
    ----------
    name : str
        What to call it in messages.
    value : number, array, Quantity or Angle
    deg : bool
        Plain numbers are degrees.

    Raises
    ------
    TypeError
        The unit is that of something else.

    Examples
    --------
    >>> from astropy import units as u
    >>> radians("ra", 1.5), float(radians("ra", 180 * u.deg).round(3))
    (1.5, 3.142)
    """
    if has_unit(value):
        return in_unit(name, value, "rad", "10 * u.deg")
    return _degrees(value) if deg else value


def days(name: str, value: Any) -> Any:
    """Days, from plain numbers, an astropy Quantity or TimeDelta, or a difference of Python's or NumPy's times.

    Parameters
    ----------
    name : str
        What to call it in messages.
    value : number, array, Quantity, TimeDelta, datetime.timedelta or timedelta64

    Raises
    ------
    TypeError
        The unit is that of something else.

    Examples
    --------
    >>> from astropy import units as u
    >>> days("t_100", 2.0), float(days("t_100", 6 * u.hour)), float(days("t_100", np.timedelta64(6, "h")))
    (2.0, 0.25, 0.25)
    """
    if hasattr(value, "jd1"):  # TimeDelta, whose to_value knows formats and no units
        if hasattr(value, "mjd"):
            raise TypeError(f"{name} is a length of time, got the moment {value!r}; give 1000 * u.s, say")
        return value.to_value("jd")
    if isinstance(value, timedelta) or np.asarray(value).dtype.kind == "m":
        return np.asarray(value, dtype="timedelta64[ns]") / np.timedelta64(1, "D")
    return in_unit(name, value, "day", "1000 * u.s")


def as_mjd(value: Any) -> Any:
    """MJD in UTC, the time scale of IceCube's events, from plain numbers, an astropy Time or a Quantity."""
    if hasattr(value, "jd1"):
        if not hasattr(value, "mjd"):
            raise TypeError(f"mjd is a moment, got the length of time {value!r}; give astropy's Time or a number")
        return value.utc.mjd
    # NumPy would count them from 1970, and Python's may be in any time zone
    if isinstance(value, date) or np.asarray(value).dtype.kind in "mM":
        raise TypeError(f"mjd={value!r}: give it as astropy.time.Time(…) or as a number, MJD in UTC")
    return days("mjd", value)


def _degrees(value: Any) -> Any:
    return (
        value * (np.pi / 180.0) if isinstance(value, np.ma.MaskedArray) else np.radians(np.asarray(value, dtype=float))
    )
