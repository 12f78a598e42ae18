"""Analysis cache files: an uncompressed zip of ``.npy`` members (so `numpy.load` opens it) and one ``meta.json``.

::

    KEY.subanalysis.VERSION.npz
        meta.json                       format, schema, code version, input hash, and what belongs to no array
        data/ra.npy, data/dec.npy, …    the season's events, one member per column
        sim/…, grl/…                    likewise
        background/…, energy/…, …       the models

Nothing is pickled. Every member carries the zip's CRC-32, all of which are checked when the file is opened;
``input_hash`` says what the content was made from. Files are written under a temporary name and renamed. Arrays are
mapped, not read: any number of processes on a machine share one copy.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from nusky.analysis.members import DATE, MappedMembers, write_member
from nusky.events import Events
from nusky.files.atomic import atomic_write

__all__ = [
    "SCHEMA",
    "DamagedCache",
    "GivenEvents",
    "Meta",
    "NoEvents",
    "StaleCache",
    "StoredEvents",
    "cache_path",
    "check_writable",
    "read_cache",
    "write_cache",
]

FORMAT = "nusky subanalysis"

#: Raised by one when the members or what the models make of the same inputs change; other schemas are stale.
SCHEMA = 4

Array = NDArray[Any]
Meta = dict[str, Any]


class DamagedCache(ValueError):
    """The file is no cache file, or not whole."""


class StaleCache(ValueError):
    """The file is whole, but was made from other inputs, options or code."""


def cache_path(directory: str | os.PathLike[str], key: str, version: str) -> Path:
    """Where a season's cache file belongs.

    Parameters
    ----------
    directory : path
    key, version : str
        Characters that file names cannot hold become ``_``.

    Examples
    --------
    >>> from nusky.analysis.cache import cache_path
    >>> cache_path("ana", "IC86_2011", "version-003-p02").name
    'IC86_2011.subanalysis.version-003-p02.npz'
    """
    return Path(directory) / re.sub(r"[^\w.+=-]", "_", f"{key}.subanalysis.{version}.npz")


def check_writable(directory: str | os.PathLike[str]) -> None:
    """Make sure that a file can be written to `directory` (made if missing), before any work is put into it.

    Parameters
    ----------
    directory : path

    Raises
    ------
    OSError
        As the system says (PermissionError, NotADirectoryError, a full disk), and what to do.

    Examples
    --------
    >>> import tempfile
    >>> check_writable(tempfile.gettempdir())
    """
    try:
        Path(directory).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(b"\0")
    except OSError as error:
        raise type(error)(
            error.errno,
            f"cannot write the analysis cache to dir={os.fspath(directory)!r} ({error.strerror}); "
            "give a dir that can be written to, or dir=None for no cache",
        ) from None


def write_cache(path: str | os.PathLike[str], arrays: Mapping[str, Array], meta: Mapping[str, Any]) -> None:
    """Write a cache file, whole or not at all.

    Parameters
    ----------
    path : path
    arrays : mapping of str to array
        Names like ``data/ra``.
    meta : mapping
        What JSON can hold; ``input_hash`` must be there.

    Raises
    ------
    OSError
        As the system says; nothing half-written is left.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> path = Path(tempfile.mkdtemp()) / "x.npz"
    >>> write_cache(path, {"data/ra": np.arange(3.0)}, {"input_hash": "abc"})
    >>> meta, arrays = read_cache(path, "abc")
    >>> arrays["data/ra"]
    array([0., 1., 2.])
    """
    head = {"format": FORMAT, "schema": SCHEMA, **meta, "arrays": sorted(arrays)}
    with atomic_write(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("meta.json", DATE), json.dumps(head, allow_nan=False, indent=1))
        for name in sorted(arrays):
            write_member(archive, file, name, arrays[name])


def read_cache(
    path: str | os.PathLike[str], input_hash: str | None = None, *, later: str = "sim/"
) -> tuple[Meta, dict[str, Array]]:
    """Read and check a cache file.

    Parameters
    ----------
    path : path
    input_hash : str, optional
        What the content must have been made from; None takes what there is.
    later : str
        Arrays whose names begin so are checked, not kept (see `StoredEvents`).

    Returns
    -------
    meta : dict
    arrays : dict of str to read-only array
        Mapped: see `MappedMembers`.

    Raises
    ------
    FileNotFoundError
    StaleCache
        Another schema or input hash.
    DamagedCache
        Not a cache file, truncated, or with a wrong checksum.

    Examples
    --------
    See `write_cache`.
    """
    with _opened(Path(path)) as (archive, members):
        meta = _read_meta(archive, Path(path))
        if meta.get("schema") != SCHEMA:
            raise StaleCache(f"{path}: schema {meta.get('schema')!r}, this code writes {SCHEMA}")
        if input_hash is not None and meta.get("input_hash") != input_hash:
            raise StaleCache(f"{path}: made from other inputs, options or another version of the code")
        arrays: dict[str, Array] = {}
        for name in meta["arrays"]:
            if name.startswith(later):
                members.check(name)
            else:
                arrays[name] = members.array(name)
        return meta, arrays


@dataclass(frozen=True)
class StoredEvents:
    """Events that stay in a cache file until they are called for.

    Parameters
    ----------
    path : Path
    prefix : str
        Which group, such as ``sim/``.
    input_hash : str
        That of the file when it was opened: a file replaced since is refused.

    Raises
    ------
    FileNotFoundError, StaleCache, DamagedCache
        On the call: the file is gone, was replaced, or was damaged since.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> path = Path(tempfile.mkdtemp()) / "x.npz"
    >>> write_cache(path, {"sim/ra": np.arange(3.0)}, {"input_hash": "abc"})
    >>> StoredEvents(path, "sim/", "abc")()
    Events(3 items | columns: ra)
    """

    path: Path
    prefix: str
    input_hash: str

    def __call__(self) -> Events:
        """Read them."""
        try:
            with _opened(self.path) as (archive, members):
                meta = _read_meta(archive, self.path)
                if meta.get("input_hash") != self.input_hash:
                    raise StaleCache(f"{self.path} was replaced since the analysis was opened; call get_analysis again")
                names = [name for name in meta["arrays"] if name.startswith(self.prefix)]
                return Events({name.removeprefix(self.prefix): members.array(name) for name in names})
        except FileNotFoundError:
            raise FileNotFoundError(
                f"{self.path} has vanished since the analysis was opened, and with it the simulation that injection "
                "needs; call get_analysis again"
            ) from None


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, MappedMembers]]:
    """The archive; whatever goes wrong with its content is damage, and named so."""
    with path.open("rb") as file:  # a missing or forbidden file is reported as such
        try:
            with zipfile.ZipFile(file) as archive:
                yield archive, MappedMembers(archive, file)
        except (StaleCache, DamagedCache):
            raise
        except Exception as error:  # the bytes are not to be trusted: any parser may fail in any way
            raise DamagedCache(f"{path}: {error!r}; call get_analysis again to rebuild it") from error


def _read_meta(archive: zipfile.ZipFile, path: Path) -> Meta:
    meta = json.loads(archive.read("meta.json").decode("utf-8"))
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        raise DamagedCache(f"{path}: not a {FORMAT} file")
    return meta


@dataclass(frozen=True)
class GivenEvents:
    """Events at hand, where `StoredEvents` would read them."""

    events: Events

    def __call__(self) -> Events:
        """These events."""
        return self.events


@dataclass(frozen=True)
class NoEvents:
    """In the place of a simulation that the user chose not to load."""

    key: str

    def __call__(self) -> Events:
        """Refuse, and say what to do."""
        raise ValueError(
            f"{self.key}: set up with load_sig=False, so there is no simulation; use load_sig=True to inject"
        )
