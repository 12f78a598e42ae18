"""Lines of a journal's manifest: JSON with a checksum, so that a changed digit is no other trial."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

__all__ = ["REPLACES", "checked", "entry_of", "is_shard_name", "line_of", "replaced_by"]

REPLACES = "replaces"
"""In what a joined shard says of itself: the names of those whose content it has."""

_CHECK = b', "crc": '


def line_of(entry: Mapping[str, Any]) -> bytes:
    """Line of a shard.

    Parameters
    ----------
    entry : mapping
        ``name``, ``n_bytes`` and ``meta``.

    Examples
    --------
    >>> line_of({"name": "a.npz", "n_bytes": 3, "meta": {}})
    b'{"name": "a.npz", "n_bytes": 3, "meta": {}, "crc": 2651804583}'
    """
    text = json.dumps(entry).encode()
    return text[:-1] + _CHECK + str(zlib.crc32(text)).encode() + b"}"


def entry_of(line: bytes) -> dict[str, Any] | None:
    """What a line says; None where it is blank, torn, changed or names something else than a shard.

    The directory is the authority: a shard without a line describes itself.

    Examples
    --------
    >>> entry_of(line_of({"name": "a.npz", "n_bytes": 3, "meta": {}}))["n_bytes"]
    3
    >>> entry_of(line_of({"name": "a.npz", "n_bytes": 3, "meta": {}}).replace(b"3,", b"2,")) is None
    True
    """
    entry = checked(line)
    whole = entry is not None and isinstance(entry.get("n_bytes"), int) and isinstance(entry.get("meta"), dict)
    return entry if entry is not None and whole and is_shard_name(entry.get("name")) else None


def checked(line: bytes) -> dict[str, Any] | None:
    """The mapping of a line, if its checksum is right."""
    at = line.rfind(_CHECK)
    text = line[:at] + b"}"
    if at < 0 or line[at + len(_CHECK) :].strip() != str(zlib.crc32(text)).encode() + b"}":
        return None
    try:
        entry = json.loads(text)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def is_shard_name(name: object) -> bool:
    """Whether a name is that of a file in the folder of the shards; nothing else that a store names is touched.

    Examples
    --------
    >>> [is_shard_name(name) for name in ("a.npz", "../a.npz", "/tmp/a.npz", "a.txt", 3)]
    [True, False, False, False, False]
    """
    return isinstance(name, str) and name.endswith(".npz") and not set(name) & set("/\\\0")


def replaced_by(meta: Mapping[str, Any]) -> list[str]:
    """Names of the shards that a joined one replaces, files beside it only: they are removed."""
    names = meta.get(REPLACES, [])
    return [name for name in names if is_shard_name(name)] if isinstance(names, (list, tuple)) else []
