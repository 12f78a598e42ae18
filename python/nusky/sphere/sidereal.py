"""The turning Earth: right ascension and the detector's azimuth."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nusky.sphere.angles import moments
from nusky.typing import F64
from nusky.units import numbers

__all__ = ["local_azimuth", "turned_with_earth"]

_TWO_PI = 2.0 * np.pi


def local_azimuth(ra: ArrayLike, mjd: ArrayLike) -> F64:
    """Detector azimuth (rad, 0 … 2π) of right ascension `ra` at time `mjd`, with the Earth's rotation alone.

    azimuth = ERA(mjd) + π/2 − ra, ERA the IAU 2000 Earth rotation angle with UT1 = mjd. Precession, nutation and polar
    motion are left out: within 0.1° of IC40's published azimuths below 60° declination. The relation is its own inverse
    in (ra, azimuth).

    Examples
    --------
    >>> round(float(local_azimuth(local_azimuth(1.0, 55700.25), 55700.25)), 9)
    1.0
    """
    days = moments(mjd) - 51_544.5
    turns = 0.779_057_273_264_0 + 0.002_737_811_911_354_48 * days + np.mod(days, 1.0)
    angle = np.mod(_TWO_PI * np.mod(turns, 1.0) + 0.5 * np.pi - numbers("ra", ra, "rad"), _TWO_PI)
    return np.asarray(np.where(angle >= _TWO_PI, 0.0, angle))


def turned_with_earth(ra: ArrayLike, mjd: ArrayLike, new_mjd: ArrayLike) -> F64:
    """Right ascension of events that come at another time from the same local direction; declinations stay.

    Only the difference of two Earth rotation angles enters, so conventions of azimuth do not, and precession (50″ a
    year) is all that is left out.

    Parameters
    ----------
    ra : (N,) rad
    mjd, new_mjd : (N,) MJD
        When they came, and when they are to come.

    Returns
    -------
    (N,) rad, 0 … 2π

    Examples
    --------
    A sidereal day later the sky is back, a solar day later it is 1° ahead:

    >>> turned_with_earth(1.0, 55700.0, [55700.0 + 0.99726957, 55701.0]).round(4).tolist()
    [1.0, 1.0172]
    """
    return local_azimuth(local_azimuth(ra, mjd), numbers("new_mjd", new_mjd, "day"))
