"""Sky maps in memory and on disk: flat and of many cell sizes, read, regraded, rotated, written."""

from __future__ import annotations

from nusky.maps.header import kind_of_quantity
from nusky.maps.multiorder import MAX_FLAT_NSIDE, MAX_ORDER, MultiOrderMap
from nusky.maps.reader import read_sky_map
from nusky.maps.regrading import regrade, rotate
from nusky.maps.skymap import MapRecord, SkyMap, clean_values, normalised, smallest_region
from nusky.maps.table import is_table
from nusky.maps.writer import write_sky_map

__all__ = [
    "MAX_FLAT_NSIDE",
    "MAX_ORDER",
    "MapRecord",
    "MultiOrderMap",
    "SkyMap",
    "clean_values",
    "is_table",
    "kind_of_quantity",
    "normalised",
    "read_sky_map",
    "regrade",
    "rotate",
    "smallest_region",
    "write_sky_map",
]
