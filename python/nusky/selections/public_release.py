"""`PublicRelease`: a folder with one of IceCube's public releases."""

from __future__ import annotations

import os

from nusky.data.cleaning import MIN_SIGMA, OnBad
from nusky.data.dataset import Dataset, silent
from nusky.data.specs import DataSpec, PSDataSpecs
from nusky.files import as_path
from nusky.releases.first_year import (
    FIRST_YEAR_FILES,
    FIRST_YEAR_KEY,
    FIRST_YEAR_VERSION,
    first_year_fingerprint,
    is_first_year,
    read_ic86_first_year,
)
from nusky.releases.ten_year import (
    TEN_YEAR_STEMS,
    TEN_YEAR_VERSION,
    is_ten_year,
    read_ten_year,
    ten_year_fingerprint,
    ten_year_seasons,
)
from nusky.selections.repository import Log, Spec, own_key

__all__ = ["PublicRelease"]


class PublicRelease:
    """A folder with one of IceCube's public releases: the first year of IC86, or (part of) the ten-year release.

    Parameters
    ----------
    path : path

    Raises
    ------
    FileNotFoundError
        No such folder.
    ValueError
        The folder holds no release known here.

    Examples
    --------
    >>> from nusky.selections import PublicRelease
    >>> release = PublicRelease("../shared/data/icecube_ic86_2011")     # doctest: +SKIP
    >>> release.versions, release.specs("ic86-first-year")              # doctest: +SKIP
    (('ic86-first-year',), (DataSpec('IC86_2011'),))
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = as_path(path)
        if not self._path.is_dir():
            raise FileNotFoundError(f"{self._path}: no such folder (public release)")
        if is_first_year(self._path):
            self._version = FIRST_YEAR_VERSION
        elif is_ten_year(self._path):
            self._version = TEN_YEAR_VERSION
        else:
            raise ValueError(
                f"{self._path}: no public release known here; expected {', '.join(FIRST_YEAR_FILES)} "
                "(first year of IC86) or the folders events, uptime, irfs (ten years, doi:10.21234/CPKQ-K003)"
            )

    def __repr__(self) -> str:
        return f"PublicRelease({self._path})"

    @property
    def versions(self) -> tuple[str, ...]:
        """The one version this folder holds."""
        return (self._version,)

    def specs(self, version: str) -> tuple[DataSpec, ...]:
        """Seasons all of whose needed files are there."""
        self._check(version)
        if self._version == FIRST_YEAR_VERSION:
            return PSDataSpecs.ps_2011
        ready, partial = ten_year_seasons(self._path)
        if not ready:
            lacks = "; ".join(f"{key} lacks {', '.join(files)}" for key, files in partial.items())
            raise FileNotFoundError(f"{self._path}: no season is complete ({lacks or 'no events'})")
        return tuple(spec for spec in PSDataSpecs.seasons if spec.key in ready)

    def _check(self, version: str) -> None:
        if version != self._version:
            raise ValueError(f"{self!r} has version {self._version!r}, not {version!r}")

    def _season(self, version: str, spec: Spec) -> str:
        self._check(version)
        stems = {stems[0]: key for key, stems in TEN_YEAR_STEMS.items() if len(stems) == 1}
        key = own_key(spec, self)
        key = stems.get(key, key)
        if self._version == FIRST_YEAR_VERSION and key != FIRST_YEAR_KEY:
            raise KeyError(f"{self!r} holds only the season {FIRST_YEAR_KEY}, not {key!r}")
        return key

    def fingerprint(
        self, version: str, spec: Spec, *, on_bad: OnBad | None = None, min_sigma: float = MIN_SIGMA
    ) -> str:
        """See `DataRepository`."""
        key = self._season(version, spec)
        if self._version == FIRST_YEAR_VERSION:
            return first_year_fingerprint(self._path, on_bad=on_bad, min_sigma=min_sigma)
        return ten_year_fingerprint(self._path, key, on_bad=on_bad, min_sigma=min_sigma)

    def read(
        self,
        version: str,
        spec: Spec,
        *,
        on_bad: OnBad | None = None,
        min_sigma: float = MIN_SIGMA,
        log: Log = silent,
    ) -> Dataset:
        """See `DataRepository`; by default (`on_bad=None`) the release's known defects are dropped and reported."""
        key = self._season(version, spec)
        if self._version == FIRST_YEAR_VERSION:
            return read_ic86_first_year(self._path, on_bad=on_bad, min_sigma=min_sigma, log=log)
        return read_ten_year(self._path, key, on_bad=on_bad, min_sigma=min_sigma, log=log)
