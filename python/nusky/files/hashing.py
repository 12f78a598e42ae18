"""`content_hash`: what a setting or a file is, in 64 digits."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable

import numpy as np

from nusky.files.digests import file_digest
from nusky.files.paths import as_path

__all__ = ["SCHEMA", "content_hash"]


#: Raised by one whenever reading the same files gives other numbers than before: old caches are then stale.
SCHEMA = 2


def content_hash(settings: Iterable[object], files: Iterable[str | os.PathLike[str]] = ()) -> str:
    """SHA-256 of settings and of the contents of files, with the schema number of this code.

    Parameters
    ----------
    settings : iterable
        Values whose `repr` is hashed (numbers, strings, None), or arrays, whose dtype, shape and bytes are.
    files : iterable of path
        Hashed by name (without folder) and content (see `file_digest`), so a moved file keeps its hash.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    FileNotFoundError
        A file does not exist.

    Examples
    --------
    >>> from nusky.files.hashing import content_hash
    >>> content_hash(["a", 1]) == content_hash(["a", 1]), content_hash(["a", 1]) == content_hash(["a", 2])
    (True, False)
    """
    digest = hashlib.sha256(f"nusky dataset schema {SCHEMA}".encode())
    for value in settings:
        if isinstance(value, np.ndarray):
            digest.update(f"\0array {value.dtype!r} {value.shape}".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
        else:
            digest.update(f"\0{value!r}".encode())
    for name in files:
        path = as_path(name)
        digest.update(f"\0file {path.name} {file_digest(path)}".encode())
    return digest.hexdigest()
