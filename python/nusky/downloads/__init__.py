"""Public releases from their servers: what there is, fetching, checking."""

from __future__ import annotations

from nusky.downloads.fetch import fetch_release
from nusky.downloads.manifest import is_fetched, verify_release
from nusky.downloads.registry import RELEASES, RemoteRelease, find_release, release_folder

__all__ = [
    "RELEASES",
    "RemoteRelease",
    "fetch_release",
    "find_release",
    "is_fetched",
    "release_folder",
    "verify_release",
]
