"""Directions on the sphere: vectors, rotations, sidereal time, angles, HEALPix numbers, coordinate frames."""

from __future__ import annotations

from nusky.sphere.angles import as_mjd, days, moments, radians
from nusky.sphere.frames import Frame, resolve_frame
from nusky.sphere.healpix import check_flat_nside, check_nest, check_nside, inside_pixels, map_nside
from nusky.sphere.limits import at_limits
from nusky.sphere.map_object import MapObject, map_object
from nusky.sphere.positions import coordinates
from nusky.sphere.rotation import offset_by, rotate_to, separation
from nusky.sphere.sidereal import local_azimuth, turned_with_earth
from nusky.sphere.smearing import Places, SmearedMaps
from nusky.sphere.vectors import unit_vectors

__all__ = [
    "Frame",
    "MapObject",
    "Places",
    "SmearedMaps",
    "as_mjd",
    "at_limits",
    "check_flat_nside",
    "check_nest",
    "check_nside",
    "coordinates",
    "days",
    "inside_pixels",
    "local_azimuth",
    "map_nside",
    "map_object",
    "moments",
    "offset_by",
    "radians",
    "resolve_frame",
    "rotate_to",
    "separation",
    "turned_with_earth",
    "unit_vectors",
]
