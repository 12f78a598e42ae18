"""Checksums of large files, remembered: a release of gigabytes is not read again to see that it is the same."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
from pathlib import Path

from nusky.files.atomic import atomic_write

__all__ = ["file_digest", "sha256_of", "user_cache_dir"]

#: Bytes; smaller files are read every time.
_LARGE = 16 << 20
#: Seconds; a file changed so recently could change again within the resolution of its time of change.
_SETTLED = 5.0
_KEPT = 1000


def user_cache_dir() -> Path:
    """The user's cache folder for this package: XDG_CACHE_HOME, or where the system keeps caches; it need not exist."""
    if chosen := os.environ.get("XDG_CACHE_HOME"):
        return Path(chosen).expanduser() / "nusky"
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local) / "nusky"
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "nusky"


def file_digest(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's content; that of a large file is remembered in the user's cache folder.

    A file of the same place, size, time of change and inode as before is taken to be the same.

    Parameters
    ----------
    path : path

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    FileNotFoundError, OSError

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "a"
    >>> n = path.write_bytes(b"abc")
    >>> file_digest(path)[:8]
    'ba7816bf'
    """
    path = Path(path)
    status = path.stat()
    if status.st_size < _LARGE:
        return sha256_of(path)
    store = user_cache_dir() / "file-digests.json"
    key, state = str(path.resolve()), [status.st_size, status.st_mtime_ns, status.st_ino]
    known = _load(store)
    if key in known and known[key][:-1] == state:
        return str(known[key][-1])
    digest = sha256_of(path)
    if time.time() - status.st_mtime > _SETTLED:
        known = _load(store)  # others may have added to it meanwhile
        known.pop(key, None)
        known[key] = [*state, digest]
        with contextlib.suppress(OSError):  # nothing is lost but time
            store.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(store) as file:
                file.write(json.dumps(dict(list(known.items())[-_KEPT:])).encode())
    return digest


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, read now."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _load(store: Path) -> dict[str, list[object]]:
    try:
        known = json.loads(store.read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {key: value for key, value in known.items() if isinstance(value, list) and len(value) == 4}
