"""Which releases can be fetched, from where, and how they are cited."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nusky.files import user_cache_dir

__all__ = ["RELEASES", "RemoteRelease", "find_release", "release_folder"]


@dataclass(frozen=True)
class RemoteRelease:
    """A release on a Dataverse server.

    Parameters
    ----------
    name, title : str
    server : str
        Address of the Dataverse.
    doi : str
        Of the data set, without ``doi:``.
    versions : tuple of str
        Published versions, oldest first.
    cite : tuple of str
        What a paper that uses it cites.
    """

    name: str
    title: str
    server: str
    doi: str
    versions: tuple[str, ...]
    cite: tuple[str, ...]

    def version(self, wanted: str | None = None) -> str:
        """A version of this release, by default the last.

        Raises
        ------
        ValueError
            No such version is known.
        """
        if wanted is None:
            return self.versions[-1]
        if wanted not in self.versions:
            raise ValueError(f"{self.name} has no version {wanted!r}; it has {', '.join(self.versions)}")
        return wanted


class _Releases(Mapping[str, RemoteRelease]):
    """Read from registry.json when first asked for."""

    def __init__(self) -> None:
        self._known: dict[str, RemoteRelease] = {}

    def _load(self) -> dict[str, RemoteRelease]:
        if not self._known:
            text = Path(__file__).with_name("registry.json").read_text(encoding="utf-8")
            for name, entry in json.loads(text).items():
                entry |= {key: tuple(entry[key]) for key in ("versions", "cite")}
                self._known[name] = RemoteRelease(name=name, **entry)
        return self._known

    def __getitem__(self, name: str) -> RemoteRelease:
        return self._load()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())


#: By name.
RELEASES: Mapping[str, RemoteRelease] = _Releases()


def find_release(name: str) -> RemoteRelease:
    """A release by name.

    Raises
    ------
    KeyError

    Examples
    --------
    >>> from nusky.downloads import find_release
    >>> find_release("icetracks-dr2").version()
    '2.0'
    """
    if name not in RELEASES:
        raise KeyError(f"no release {name!r} to fetch; there are {', '.join(RELEASES)}")
    return RELEASES[name]


def release_folder(name: str, version: str) -> Path:
    """Where a release is kept unless another folder is given: in the user's cache folder."""
    return user_cache_dir() / "releases" / f"{name}-v{version}"
