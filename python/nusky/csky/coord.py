"""csky's `coord`: angles on the sphere, rad everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.sphere import rotate_to
from nusky.typing import F64
from nusky.units import numbers

__all__ = ["delta_angle", "rotate_source_to_xaxis", "rotate_to", "rotate_xaxis_to_source"]


def delta_angle(
    zenith1: ArrayLike, azimuth1: ArrayLike, zenith2: ArrayLike, azimuth2: ArrayLike, latlon: bool = False
) -> Any:
    """Angle between directions.

    Parameters
    ----------
    zenith1, azimuth1, zenith2, azimuth2 : (…) rad
        With ``latlon=True`` the first of each pair is a declination or latitude.

    Returns
    -------
    (…) rad

    Examples
    --------
    >>> round(float(delta_angle(0.0, 0.0, 0.3, 1.0)), 12)
    0.3
    """
    lat1, lat2 = _latitude(zenith1, latlon), _latitude(zenith2, latlon)
    apart = numbers("azimuth1", azimuth1, "rad") - numbers("azimuth2", azimuth2, "rad")
    away = np.sin(0.5 * (lat1 - lat2)) ** 2
    away = away + np.cos(lat1) * np.cos(lat2) * np.sin(0.5 * apart) ** 2
    return 2.0 * np.arcsin(np.sqrt(np.clip(away, 0.0, 1.0)))


def rotate_source_to_xaxis(
    src_zenith: ArrayLike, src_azimuth: ArrayLike, zenith: ArrayLike, azimuth: ArrayLike, latlon: bool = False
) -> tuple[F64, F64]:
    """Directions in a frame whose x axis points at the source.

    Parameters
    ----------
    src_zenith, src_azimuth, zenith, azimuth : (…) rad

    Returns
    -------
    zenith, azimuth : (…) rad
    """
    return _turned(src_zenith, src_azimuth, zenith, azimuth, latlon, back=False)


def rotate_xaxis_to_source(
    src_zenith: ArrayLike, src_azimuth: ArrayLike, zenith: ArrayLike, azimuth: ArrayLike, latlon: bool = False
) -> tuple[F64, F64]:
    """The inverse of `rotate_source_to_xaxis`."""
    return _turned(src_zenith, src_azimuth, zenith, azimuth, latlon, back=True)


def _latitude(zenith: ArrayLike, latlon: bool) -> F64:
    angle = numbers("declination" if latlon else "zenith", zenith, "rad")
    return angle if latlon else np.pi / 2 - angle


def _turned(
    src_z: ArrayLike, src_a: ArrayLike, z: ArrayLike, a: ArrayLike, latlon: bool, back: bool
) -> tuple[F64, F64]:
    lat0, lat = _latitude(src_z, latlon), _latitude(z, latlon)
    lon0, lon = numbers("src_azimuth", src_a, "rad"), numbers("azimuth", a, "rad")
    if not back:
        lon = lon - lon0
    x, y, height = np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)
    sign = -1.0 if back else 1.0
    forward = np.cos(lat0) * x + sign * np.sin(lat0) * height
    up = np.cos(lat0) * height - sign * np.sin(lat0) * x
    new_lat = np.arcsin(np.clip(up, -1.0, 1.0))
    new_lon = np.arctan2(y, forward) + (lon0 if back else 0.0)
    return (new_lat if latlon else np.pi / 2 - new_lat), np.mod(new_lon, 2 * np.pi)
