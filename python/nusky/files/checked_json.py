"""JSON files with a checksum: a digit that changed on a disk is no other result."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from typing import Any

from nusky.files.atomic import atomic_write
from nusky.files.npz import DamagedFile
from nusky.files.paths import as_path

__all__ = ["read_json", "write_json"]


def write_json(path: str | os.PathLike[str], content: Mapping[str, Any]) -> None:
    """Write a mapping, whole or not at all.

    Parameters
    ----------
    path : path-like
    content : mapping
        What JSON can hold, without NaN and infinities; ``crc`` is added.

    Raises
    ------
    ValueError
        NaN or infinity.
    OSError
        As `atomic_write`.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/a.json"
    >>> write_json(path, {"ts": 12.5})
    >>> read_json(path, "a result")
    {'ts': 12.5}
    """
    text = json.dumps({**content, "crc": _crc(content)}, indent=1, allow_nan=False)
    with atomic_write(path) as f:
        f.write(text.encode() + b"\n")


def read_json(path: str | os.PathLike[str], what: str) -> dict[str, Any]:
    """Read what `write_json` wrote.

    Parameters
    ----------
    path : path-like
    what : str
        What the file should be, for messages.

    Raises
    ------
    FileNotFoundError
    DamagedFile
        No JSON, no mapping, or something was changed since it was written.
    """
    try:
        stored = json.loads(as_path(path).read_bytes())
    except (ValueError, RecursionError) as error:
        raise DamagedFile(f"{path} is not JSON ({error}), so not {what}") from None
    if not isinstance(stored, dict) or "crc" not in stored:
        raise DamagedFile(f"{path} is not {what}, or damaged: it has no checksum")
    if stored.pop("crc") != _crc(stored):
        raise DamagedFile(f"{path} was changed after it was written (wrong checksum); make it again")
    return stored


def _crc(content: Mapping[str, Any]) -> int:
    return zlib.crc32(json.dumps(content, sort_keys=True).encode())
