"""Fetching a release: listed by the server, continued where it stopped, checked, recorded."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nusky.downloads.dataverse import RemoteFile, list_files
from nusky.downloads.manifest import write_manifest
from nusky.downloads.registry import find_release, release_folder
from nusky.downloads.transfer import ConvertedTable, transfer
from nusky.progress import Progress

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["fetch_release"]

Log = Callable[[str], None]

_MB = 1_000_000
#: Room left on the disk beside the files, bytes.
_SPARE = 50 * _MB


def fetch_release(
    name: str,
    *,
    version: str | None = None,
    to: str | os.PathLike[str] | None = None,
    server: str | None = None,
    log: Log = print,
    progress: bool = True,
) -> Path:
    """Fetch a public release, or the rest of it.

    Files that are here and have the server's checksum are kept; one that was interrupted is continued. The server's
    list says which files there are, how large, and their checksums; after the last one their SHA-256 are recorded for
    `verify_release`, and what to cite is printed.

    Parameters
    ----------
    name : str
        See `RELEASES`.
    version : str, optional
        Default: the last.
    to : path, optional
        Folder, made if missing; default: `release_folder`.
    server : str, optional
        Address of another Dataverse that has the data set.
    log : callable
        Gets lines for people.
    progress : bool
        Show a line that counts megabytes.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ImportError
        pooch is not installed.
    KeyError, ValueError
        No such release or version, an answer that is not understood, or a file with a wrong checksum.
    OSError
        The disk is full or would be, or the connection failed again and again; what has come is kept.

    Examples
    --------
    >>> from nusky.downloads import fetch_release
    >>> folder = fetch_release("icetracks-dr2", version="2.0")      # doctest: +SKIP
    """
    release = find_release(name)
    version = release.version(version)
    folder = release_folder(name, version) if to is None else Path(to).expanduser()
    pooch = _pooch()
    files = list_files(server or release.server, release.doi, version)
    folder.mkdir(parents=True, exist_ok=True)
    _check_room(folder, files)
    total = sum(file.size for file in files)
    header = f"Fetching {release.title}, version {version}: {len(files)} files, {total / _MB:.0f} MB, to {folder}"
    forms, done = {}, 0
    with Progress(header, max(1, round(total / _MB)), "MB", progress) as shown:
        for file in files:
            path, form = _fetch_file(pooch, folder, file, partial(_count, shown, done))
            forms[path] = form
            done += file.size
    write_manifest(folder, {"release": name, "version": version, "doi": release.doi}, forms)
    converted = [path for path, form in forms.items() if form == "tab"]
    if converted:
        log(
            f"{len(converted)} table(s) came as the server's own .tab in place of the uploaded file, for which it "
            f"publishes no checksum: {', '.join(converted[:3])}{' …' if len(converted) > 3 else ''}"
        )
    log("Please cite")
    for line in release.cite:
        log(f"  {line}")
    log("and do not combine its events with those of another release.")
    return folder


def _count(shown: Progress, before: int, here: int) -> None:
    shown.update((before + here) // _MB)


def _pooch() -> ModuleType:
    try:
        import pooch
    except ImportError:
        raise ImportError("fetching a release needs pooch: pip install 'nusky[download]'") from None
    pooch.get_logger().setLevel(logging.ERROR)
    return pooch  # type: ignore[no-any-return]


def _part(folder: Path, file: RemoteFile) -> Path:
    return folder / f"{file.path}.part"


def _check_room(folder: Path, files: tuple[RemoteFile, ...]) -> None:
    """Refuse before the first byte where the disk cannot hold the rest."""
    needed = _SPARE
    for file in files:
        here = [path.stat().st_size for path in (folder / file.path, _part(folder, file)) if path.is_file()]
        needed += max(0, file.size - max(here, default=0))
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(
            f"{folder}: {needed / _MB:.0f} MB are needed and {free / _MB:.0f} MB are free; make room, or give another "
            "folder"
        )


def _fetch_file(pooch: Any, folder: Path, file: RemoteFile, seen: Callable[[int], None]) -> tuple[str, str]:
    """The path below the folder that a file came to, and its form."""
    target, part = folder / file.path, _part(folder, file)
    table = Path(file.path).with_suffix(".tab")
    if (folder / table).is_file() and str(table) != file.path and not target.exists():
        seen(file.size)
        return str(table.as_posix()), "tab"
    target.parent.mkdir(parents=True, exist_ok=True)

    def downloader(url: str, output: str, _: Any) -> None:
        transfer(url, part, file.size, seen)
        os.replace(part, output)

    try:
        pooch.retrieve(file.url, known_hash=file.checksum, fname=target.name, path=target.parent, downloader=downloader)
    except ConvertedTable:
        _check_table(file, part)
        os.replace(part, folder / table)
        return str(table.as_posix()), "tab"
    except ValueError as error:
        if "hash" not in str(error).lower():
            raise
        raise ValueError(
            f"{target}: what came from {file.url} has not the server's checksum {file.checksum}; it was not kept. "
            "Repeat the command; if it happens again, the server or something on the way alters the file"
        ) from None
    seen(file.size)
    return file.path, "original"


def _check_table(file: RemoteFile, part: Path) -> None:
    """A converted table has no published checksum; a page or a message in its place is found out here."""
    with part.open("rb") as stream:
        start = stream.read(200).lstrip()
    if start[:1] in (b"<", b"{", b""):
        part.unlink()
        raise ValueError(f"{file.url}: a web page or a message came in place of the table: {start[:60]!r}")
