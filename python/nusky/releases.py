"""IceCube's public point-source releases: one door to their parsers."""

from __future__ import annotations

from nusky.first_year import (
    FIRST_YEAR_FILES,
    FIRST_YEAR_KEY,
    FIRST_YEAR_VERSION,
    first_year_fingerprint,
    is_first_year,
    read_ic86_first_year,
)
from nusky.ten_year import (
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
    "first_year_fingerprint",
    "is_first_year",
    "is_ten_year",
    "read_ic86_first_year",
    "read_ten_year",
    "ten_year_fingerprint",
    "ten_year_seasons",
]
