"""Public releases that are fetched when they are not here."""

from __future__ import annotations

import os
import pathlib

from nusky.downloads import fetch_release, find_release, is_fetched, release_folder
from nusky.releases import is_track_release
from nusky.selections.public_release import PublicRelease

__all__ = ["icetracks_dr1", "icetracks_dr2"]


def icetracks_dr1(
    version: str | None = None, to: str | os.PathLike[str] | None = None, *, joined: bool = True
) -> PublicRelease:
    """IceCube's ten-year track release, 2008-2018; fetched (0.4 GB) if it is not here.

    Parameters
    ----------
    version : str, optional
        Default: the last.
    to : path, optional
        Folder; default: in the user's cache folder.
    joined : bool
        See `PublicRelease`.

    Raises
    ------
    ImportError, ValueError, OSError
        See `nusky.downloads.fetch_release`.

    Examples
    --------
    >>> import nusky as cy
    >>> ana = cy.get_analysis(cy.selections.icetracks_dr1(), dir="ana")     # doctest: +SKIP
    """
    return _fetched("icetracks-dr1", version, to, joined)


def icetracks_dr2(
    version: str | None = None, to: str | os.PathLike[str] | None = None, *, joined: bool = True
) -> PublicRelease:
    """IceCube's fourteen-year track release, 2008-2022; fetched if it is not here.

    Parameters
    ----------
    version : {"1.0", "2.0"}, optional
        Default: the last; version 1.0 has known flaws (docs/howto/releases.md).
    to : path, optional
        Folder; default: in the user's cache folder.
    joined : bool
        See `PublicRelease`.

    Raises
    ------
    ImportError, ValueError, OSError
        See `nusky.downloads.fetch_release`.

    Examples
    --------
    >>> import nusky as cy
    >>> ana = cy.get_analysis(cy.selections.icetracks_dr2(), dir="ana")     # doctest: +SKIP
    """
    return _fetched("icetracks-dr2", version, to, joined)


def _fetched(name: str, version: str | None, to: str | os.PathLike[str] | None, joined: bool) -> PublicRelease:
    version = find_release(name).version(version)
    folder = release_folder(name, version) if to is None else pathlib.Path(to).expanduser()
    if not is_fetched(folder):
        fetch_release(name, version=version, to=folder)
    inner = [path for path in sorted(folder.iterdir()) if path.is_dir() and is_track_release(path)]
    return PublicRelease(inner[0] if inner and not is_track_release(folder) else folder, joined=joined)
