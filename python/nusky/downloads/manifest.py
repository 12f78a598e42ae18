"""What was fetched, with checksums: a file beside the release, and the check against it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nusky.files import atomic_write, sha256_of

__all__ = ["MANIFEST", "is_fetched", "read_manifest", "verify_release", "write_manifest"]

MANIFEST = "nusky-manifest.json"


def write_manifest(folder: Path, head: Mapping[str, Any], paths: Mapping[str, str]) -> None:
    """Record what is in a folder: the SHA-256 and size of each file now, and how it came (``original``, ``tab``)."""
    files = {
        path: {"sha256": sha256_of(folder / path), "size": (folder / path).stat().st_size, "as": form}
        for path, form in sorted(paths.items())
    }
    with atomic_write(folder / MANIFEST) as file:
        file.write(json.dumps({**head, "files": files}, indent=1).encode())


def read_manifest(folder: Path) -> dict[str, Any]:
    """What `write_manifest` wrote.

    Raises
    ------
    FileNotFoundError
        Nothing was fetched to this folder.
    ValueError
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(f"{folder} holds no {MANIFEST}: nothing was fetched to it, or not to the end")
    try:
        manifest = json.loads(path.read_bytes())
        if not isinstance(manifest["files"], dict):
            raise TypeError
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path} is damaged; fetch the release again (files that are whole are kept)") from None
    return dict(manifest)


def is_fetched(folder: Path) -> bool:
    """Whether a whole release was fetched to a folder and its files are there, by name and size."""
    try:
        files = read_manifest(folder)["files"]
    except (OSError, ValueError):
        return False
    return all((folder / p).is_file() and (folder / p).stat().st_size == entry["size"] for p, entry in files.items())


def verify_release(folder: Path, log: Callable[[str], None]) -> tuple[str, ...]:
    """Compare every file with the checksum from when it was fetched.

    Parameters
    ----------
    folder : Path
    log : callable
        Gets a line for each file.

    Returns
    -------
    tuple of str
        One line for each file that is missing or was changed; empty: all is well.

    Raises
    ------
    FileNotFoundError, ValueError
        No manifest, or a damaged one.
    """
    wrong = []
    for path, entry in read_manifest(folder)["files"].items():
        if not (folder / path).is_file():
            wrong.append(f"{path}: missing")
        elif sha256_of(folder / path) != entry["sha256"]:
            wrong.append(f"{path}: changed since it was fetched ({(folder / path).stat().st_size} bytes)")
        else:
            log(f"  {path}: as fetched")
            continue
        log(f"  {wrong[-1]}")
    return tuple(wrong)
