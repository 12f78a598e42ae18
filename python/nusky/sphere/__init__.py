"""Directions on the sphere: vectors, rotations, sidereal time, angles, HEALPix numbers, coordinate frames."""

from __future__ import annotations

from nusky.sphere.angles import as_mjd, days, radians
from nusky.sphere.frames import Frame, resolve_frame
from nusky.sphere.healpix import check_flat_nside, check_nside, map_nside
from nusky.sphere.rotation import offset_by, rotate_to, separation
from nusky.sphere.sidereal import local_azimuth, turned_with_earth
from nusky.sphere.vectors import unit_vectors

__all__ = [
    "Frame",
    "as_mjd",
    "check_flat_nside",
    "check_nside",
    "days",
    "local_azimuth",
    "map_nside",
    "offset_by",
    "radians",
    "resolve_frame",
    "rotate_to",
    "separation",
    "turned_with_earth",
    "unit_vectors",
]
