"""IceCube's public point-source releases: their parsers, and simulated sets from their tables."""

from __future__ import annotations

from nusky.releases.first_year import (
    FIRST_YEAR_FILES,
    FIRST_YEAR_KEY,
    FIRST_YEAR_VERSION,
    first_year_fingerprint,
    is_first_year,
    read_ic86_first_year,
)
from nusky.releases.response import AreaTable, StandInResponse, simulate_from_tables
from nusky.releases.ten_year import (
    TEN_YEAR_STEMS,
    TEN_YEAR_VERSION,
    is_ten_year,
    read_ten_year,
    ten_year_fingerprint,
    ten_year_seasons,
)

__all__ = [
    "FIRST_YEAR_FILES",
    "FIRST_YEAR_KEY",
    "FIRST_YEAR_VERSION",
    "TEN_YEAR_STEMS",
    "TEN_YEAR_VERSION",
    "AreaTable",
    "StandInResponse",
    "first_year_fingerprint",
    "is_first_year",
    "is_ten_year",
    "read_ic86_first_year",
    "read_ten_year",
    "simulate_from_tables",
    "ten_year_fingerprint",
    "ten_year_seasons",
]
