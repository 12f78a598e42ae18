"""`PublicRelease`: a folder with one of IceCube's public releases."""

from __future__ import annotations

import os
import pathlib

from nusky.data.cleaning import MIN_SIGMA, OnBad
from nusky.data.dataset import Dataset, silent
from nusky.data.specs import DataSpec, PSDataSpecs
from nusky.files import as_path
from nusky.releases import (
    FIRST_YEAR_FILES,
    FIRST_YEAR_KEY,
    FIRST_YEAR_VERSION,
    KnownResponses,
    TrackRelease,
    first_year_fingerprint,
    icetracks_fingerprint,
    is_first_year,
    is_track_release,
    read_ic86_first_year,
    read_icetracks,
)
from nusky.selections.repository import Log, Spec, own_key

__all__ = ["PublicRelease"]


class PublicRelease:
    """A folder with one of IceCube's public releases, whole or in part; which one is seen from the files.

    The first year of IC86 (2011-12), IceTracks-DR1 (2008-2018), IceTracks-DR2 (2008-2022) version 1.0 or 2.0.

    Parameters
    ----------
    path : path
    joined : bool
        Neighbouring seasons of one response are one season, such as ``IC86_2012_2017`` (DR1) or ``IC86_2011_2021``
        (DR2), as in csky: fits cost by season. Single seasons can be asked for by key in either case.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        No such folder, or a file.
    ValueError
        The folder holds no release known here, or files of two.

    Examples
    --------
    >>> from nusky.selections import PublicRelease
    >>> release = PublicRelease("../shared/data/icecube_ic86_2011")     # doctest: +SKIP
    >>> release                                                         # doctest: +SKIP
    PublicRelease(../shared/data/icecube_ic86_2011 | ic86-first-year)
    >>> release.versions, release.specs("ic86-first-year")              # doctest: +SKIP
    (('ic86-first-year',), (DataSpec('IC86_2011'),))
    """

    def __init__(self, path: str | os.PathLike[str], *, joined: bool = True) -> None:
        self._path = as_path(path)
        self._joined = joined
        # What was made of the last response, which the next season may share.
        self._known: KnownResponses = {}
        self._tracks: TrackRelease | None = None
        if self._path.is_file():
            raise NotADirectoryError(f"{self._path} is a file; unpack it, and name the folder (public release)")
        if not self._path.is_dir():
            raise FileNotFoundError(f"{self._path}: no such folder (public release)")
        if is_track_release(self._path):
            if is_first_year(self._path):
                raise ValueError(
                    f"{self._path} holds files of two releases (first year of IC86; events, uptime, irfs), which must "
                    "not be combined; keep each in its own folder"
                )
            self._tracks = TrackRelease.of(self._path)
        elif not is_first_year(self._path):
            inner = [folder.name for folder in sorted(self._path.iterdir()) if is_track_release(folder)]
            hint = f"; is {inner[0]!r} inside it what you want?" if inner else ""
            raise ValueError(
                f"{self._path}: no public release known here; expected {', '.join(FIRST_YEAR_FILES)} "
                "(first year of IC86) or the folders events, uptime, irfs (IceTracks-DR1, doi:10.7910/DVN/VKL316; "
                f"IceTracks-DR2, doi:10.7910/DVN/MMIIZA){hint}"
            )

    def __repr__(self) -> str:
        parts = [str(self._path), self.versions[0]]
        if self._tracks is not None:
            here, whole = len(self._tracks.present), len(self._tracks.stems)
            parts.append(f"{whole} seasons" if here == whole else f"{here} of {whole} seasons")
        return f"PublicRelease({' | '.join(parts)})"

    @property
    def versions(self) -> tuple[str, ...]:
        """The one version this folder holds."""
        return (FIRST_YEAR_VERSION if self._tracks is None else self._tracks.version,)

    def specs(self, version: str) -> tuple[DataSpec, ...]:
        """Every season whose events are here; see `joined`.

        Raises
        ------
        FileNotFoundError
            Half a release: a season's uptime or area is missing, or no season has its events.
        """
        self._check(version)
        if self._tracks is None:
            return PSDataSpecs.ps_2011
        keys = self._tracks.keys(self._joined)
        if not keys:
            raise FileNotFoundError(f"{self._path}: the folder events holds no season; is the download whole?")
        return tuple(self._spec(self._tracks, key) for key in keys)

    def _spec(self, tracks: TrackRelease, key: str) -> DataSpec:
        files = tracks.complete(key)

        def names(paths: tuple[pathlib.Path, ...]) -> tuple[str, ...]:
            return tuple(path.relative_to(self._path).as_posix() for path in paths)

        (response,) = names((files.smearing or files.area,))
        return DataSpec(key, names(files.events), response, names(files.uptime))

    def _check(self, version: str) -> None:
        if version != self.versions[0]:
            raise ValueError(f"{self!r} has version {self.versions[0]!r}, not {version!r}")

    def _season(self, version: str, spec: Spec) -> str:
        self._check(version)
        key = own_key(spec, self)
        if self._tracks is None and key != FIRST_YEAR_KEY:
            raise KeyError(f"{self!r} holds only the season {FIRST_YEAR_KEY}, not {key!r}")
        return key

    def fingerprint(
        self, version: str, spec: Spec, *, on_bad: OnBad | None = None, min_sigma: float = MIN_SIGMA
    ) -> str:
        """See `DataRepository`."""
        key = self._season(version, spec)
        if self._tracks is None:
            return first_year_fingerprint(self._path, on_bad=on_bad, min_sigma=min_sigma)
        return icetracks_fingerprint(self._tracks, key, on_bad=on_bad, min_sigma=min_sigma)

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
        if self._tracks is None:
            return read_ic86_first_year(self._path, on_bad=on_bad, min_sigma=min_sigma, log=log)
        return read_icetracks(self._tracks, key, on_bad=on_bad, min_sigma=min_sigma, log=log, known=self._known)
