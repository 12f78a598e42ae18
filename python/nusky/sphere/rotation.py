"""Turning directions on the sphere, exactly, poles included."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nusky.typing import F64
from nusky.units import numbers

__all__ = ["offset_by", "rotate_to", "separation"]

_TWO_PI = 2.0 * np.pi


def _wrap(ra: F64) -> F64:
    """Into [0, 2π): the remainder of a tiny negative number rounds to 2π itself."""
    ra = np.mod(ra, _TWO_PI)
    return np.where(ra >= _TWO_PI, 0.0, ra)


def separation(ra_1: ArrayLike, dec_1: ArrayLike, ra_2: ArrayLike, dec_2: ArrayLike) -> F64:
    """Great-circle separation.

    Parameters
    ----------
    ra_1, dec_1, ra_2, dec_2 : arrays that broadcast, rad

    Returns
    -------
    array, rad, 0 … π
        Accurate for tiny separations and near antipodes (the two-argument arctangent of sine and cosine).

    Examples
    --------
    >>> round(float(separation(0.0, 0.0, 1e-9, 0.0)), 12)
    1e-09
    """
    given = {"ra_1": ra_1, "dec_1": dec_1, "ra_2": ra_2, "dec_2": dec_2}
    ra_1, dec_1, ra_2, dec_2 = (numbers(name, x, "rad") for name, x in given.items())
    d = ra_2 - ra_1
    s1, c1, s2, c2 = np.sin(dec_1), np.cos(dec_1), np.sin(dec_2), np.cos(dec_2)
    sine = np.hypot(c2 * np.sin(d), c1 * s2 - s1 * c2 * np.cos(d))
    cosine = s1 * s2 + c1 * c2 * np.cos(d)
    return np.asarray(np.arctan2(sine, cosine))


def _from_local(east: F64, north: F64, radial: F64, ra: ArrayLike, dec: ArrayLike) -> tuple[F64, F64]:
    """Direction with these components along east, north and outwards at (ra, dec)."""
    sin_dec, cos_dec = np.sin(dec), np.cos(dec)
    outward = radial * cos_dec - north * sin_dec  # component along the meridian's foot on the equator
    z = radial * sin_dec + north * cos_dec
    new_dec = np.arctan2(z, np.hypot(outward, east))  # unlike arcsin(z), accurate at the poles
    return _wrap(np.asarray(ra) + np.arctan2(east, outward)), np.asarray(new_dec)


def rotate_to(
    ra: ArrayLike,
    dec: ArrayLike,
    true_ra: ArrayLike,
    true_dec: ArrayLike,
    source_ra: ArrayLike,
    source_dec: ArrayLike,
) -> tuple[F64, F64]:
    """Carry reconstructed directions along with the rotation that takes the true direction to the source.

    The rotation maps east, north and outwards at the true direction to the same three at the source: separation and
    position angle of the reconstructed direction, as seen from the true one, are kept. At a pole east and north are
    those of the limit along the given right ascension.

    Parameters
    ----------
    ra, dec : (N,) rad
        Reconstructed directions.
    true_ra, true_dec : (N,) rad
        True directions.
    source_ra, source_dec : float or (N,) rad
        Where the true directions go.

    Returns
    -------
    ra : (N,) rad, 0 ≤ ra < 2π
    dec : (N,) rad, −π/2 … π/2

    Examples
    --------
    >>> ra, dec = rotate_to([1.0], [0.3], [1.0], [0.3], 2.0, -0.5)
    >>> ra.round(12), dec.round(12)
    (array([2.]), array([-0.5]))
    """
    given = {"ra": ra, "dec": dec, "true_ra": true_ra, "true_dec": true_dec}
    ra, dec, true_ra, true_dec = (numbers(name, x, "rad") for name, x in given.items())
    source_ra, source_dec = numbers("source_ra", source_ra, "rad"), numbers("source_dec", source_dec, "rad")
    d = ra - true_ra
    sin_dec, cos_dec, sin_true, cos_true = np.sin(dec), np.cos(dec), np.sin(true_dec), np.cos(true_dec)
    foot = cos_dec * np.cos(d)
    east = cos_dec * np.sin(d)
    north = cos_true * sin_dec - sin_true * foot
    radial = sin_true * sin_dec + cos_true * foot
    return _from_local(east, north, radial, source_ra, source_dec)


def offset_by(ra: ArrayLike, dec: ArrayLike, distance: ArrayLike, angle: ArrayLike) -> tuple[F64, F64]:
    """Directions at given separations and position angles from others.

    Parameters
    ----------
    ra, dec : arrays that broadcast, rad
    distance : rad, 0 … π
    angle : rad
        Position angle, from north through east.

    Returns
    -------
    ra : rad, 0 ≤ ra < 2π
    dec : rad, −π/2 … π/2

    Examples
    --------
    >>> ra, dec = offset_by(1.0, 0.2, 0.1, 0.0)
    >>> round(float(dec), 12)
    0.3
    """
    ra, dec = numbers("ra", ra, "rad"), numbers("dec", dec, "rad")
    distance, angle = numbers("distance", distance, "rad"), numbers("angle", angle, "rad")
    sine = np.sin(distance)
    return _from_local(sine * np.sin(angle), sine * np.cos(angle), np.cos(distance), ra, dec)
