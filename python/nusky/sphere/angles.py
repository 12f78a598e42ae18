"""Angles and times as numbers: radians, days and MJD from plain numbers or from values that know their unit."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np

from nusky.typing import F64
from nusky.units import has_unit, in_unit, numbers

__all__ = ["as_mjd", "days", "moments", "radians"]


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
    return _degrees(name, value) if deg else value


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
    if not has_unit(value) and (isinstance(value, timedelta) or np.asarray(value).dtype.kind == "m"):
        return np.asarray(value, dtype="timedelta64[ns]") / np.timedelta64(1, "D")
    return in_unit(name, value, "day", "1000 * u.s")


def as_mjd(value: Any) -> Any:
    """MJD in UTC, the time scale of IceCube's events, from plain numbers, an astropy Time or a Quantity of days.

    Parameters
    ----------
    value : number, array, Time, list of Time or Quantity

    Raises
    ------
    TypeError
        Lengths of time, dates of Python, NumPy and pandas, seconds (since when?).

    Examples
    --------
    >>> from astropy.time import Time
    >>> float(as_mjd(Time("2020-01-01T12:00"))), as_mjd(57000.0)
    (58849.5, 57000.0)
    """
    if isinstance(value, (list, tuple)) and any(hasattr(item, "jd1") for item in value):
        return np.array([as_mjd(item) for item in value])
    if hasattr(value, "jd1"):
        if not hasattr(value, "mjd"):
            raise TypeError(f"mjd is a moment, got the length of time {value!r}; give astropy's Time or a number")
        try:
            return value.utc.mjd
        except Exception as error:  # a scale that is that of no clock ("local") has an error of its own in astropy
            raise TypeError(f"mjd={_short(value)} cannot be turned into UTC ({error}); give the time in UTC") from None
    # NumPy would count them from 1970, and Python's may be in any time zone
    if _is_date(value):
        raise TypeError(f"mjd={_short(value)}: give it as astropy.time.Time(…) or as a number, MJD in UTC")
    mjd = days("mjd", value)
    if has_unit(value) and np.size(mjd) and np.nanmax(mjd) < _LEAST and np.nanmax(in_unit("mjd", value, "s")) > _CLOCK:
        raise TypeError(
            f"mjd={_short(value)} would be MJD {np.nanmax(mjd):.6g}: seconds since 1970 or 1980 are no MJD; give "
            "astropy.time.Time(…, format='gps') or format='unix'"
        )
    return mjd


def moments(mjd: Any) -> F64:
    """float64 array of what `as_mjd` gives, NaN where it is masked.

    Examples
    --------
    >>> moments([57000, 57001]).tolist()
    [57000.0, 57001.0]
    """
    return numbers("mjd", as_mjd(mjd))


# The first MJD that IceCube's events could have, and how many seconds clocks show since then (GPS: from 1980 on)
_LEAST, _CLOCK = 40_000.0, 5e8


def _is_date(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_is_date(item) for item in value)
    if isinstance(value, date):
        return True
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if kind == "O":
        return any(isinstance(item, date) for item in np.ravel(np.asarray(value))[:1])
    return kind in ("m", "M")


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) < 80 else f"{text[:60]} …"


def _degrees(name: str, value: Any) -> Any:
    if isinstance(value, np.ma.MaskedArray):
        return value * (np.pi / 180.0)
    try:
        return np.radians(np.asarray(value, dtype=float))
    except (TypeError, ValueError):
        raise TypeError(
            f"{name} must be numbers, got {_short(value)}; give degrees, or of hours and minutes "
            "astropy.coordinates.SkyCoord('5h34m32s', '+22d1m')"
        ) from None
