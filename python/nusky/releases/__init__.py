"""IceCube's public point-source releases: their parsers."""

from __future__ import annotations

from nusky.releases.combination import check_combination
from nusky.releases.first_year import (
    FIRST_YEAR_FILES,
    FIRST_YEAR_KEY,
    FIRST_YEAR_VERSION,
    first_year_fingerprint,
    is_first_year,
    read_ic86_first_year,
)
from nusky.releases.icetracks import KnownResponses, icetracks_fingerprint, read_icetracks
from nusky.releases.layout import TrackRelease, is_track_release, season_stems

__all__ = [
    "FIRST_YEAR_FILES",
    "FIRST_YEAR_KEY",
    "FIRST_YEAR_VERSION",
    "KnownResponses",
    "TrackRelease",
    "check_combination",
    "first_year_fingerprint",
    "icetracks_fingerprint",
    "is_first_year",
    "is_track_release",
    "read_ic86_first_year",
    "read_icetracks",
    "season_stems",
]
