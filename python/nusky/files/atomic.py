"""A file appears complete or not at all: temporary name in the same directory, fsync, `os.replace`."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO, cast

from nusky.files.paths import as_path

__all__ = ["TEMPORARY_SUFFIX", "atomic_write", "sync_directory", "sync_files"]

TEMPORARY_SUFFIX = ".part"
_SYNCS = 16  # at once


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str], *, durable: bool = True) -> Iterator[BinaryIO]:
    """Open a binary file for writing that takes the name `path` only when the block ends without an exception.

    A process killed inside the block leaves at most a file ending in ``.part`` beside `path`, never a half-written
    `path`; an exception (a full disk, say) removes that file too.

    Parameters
    ----------
    path : path-like
        Its directory must exist.
    durable : bool
        Make content and name survive a power cut, too. False saves most of the time of a small file; the caller does
        it for many at once with `sync_files`.

    Yields
    ------
    BinaryIO

    Raises
    ------
    FileNotFoundError
        If the directory does not exist.
    OSError
        As the operating system says, with `path` in the message (full disk, no permission).

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> target = Path(tempfile.mkdtemp()) / "a.bin"
    >>> with atomic_write(target) as f:
    ...     _ = f.write(b"all of it")
    >>> target.read_bytes()
    b'all of it'
    """
    path = as_path(path)
    try:
        fd, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=TEMPORARY_SUFFIX, dir=path.parent)
    except OSError as e:
        raise type(e)(e.errno, f"{path} cannot be written: {e.strerror}", str(path.parent)) from None
    try:
        with os.fdopen(fd, "wb") as f:
            yield cast(BinaryIO, f)
            f.flush()
            if durable:
                os.fsync(f.fileno())
        # mkstemp makes files private; give them what the user's umask gives every other file
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
        if durable:
            sync_directory(path.parent)
    except BaseException as e:
        with contextlib.suppress(OSError):
            os.unlink(name)
        if isinstance(e, OSError) and e.filename in (None, name):
            # NumPy's tofile says how much it wrote, and has no number of an error
            code, why = (e.errno, e.strerror) if e.errno else (errno.ENOSPC, f"{e}; is the disk full?")
            raise type(e)(code, f"{path} was not written and nothing is left behind: {why}", str(path)) from e
        raise


def sync_files(directory: str | os.PathLike[str], names: Iterable[str], *, threads: bool = True) -> None:
    """Make files of a directory, and their names, survive a power cut; those that are gone are left out.

    Parameters
    ----------
    directory : path-like
    names : iterable of str
    threads : bool
        Wait for several files at once. A finalizer must say False: the garbage collector may run it while this very
        thread holds the lock of `concurrent.futures`, which starting a thread pool would wait for, for ever.
    """
    paths = [os.path.join(directory, name) for name in names]
    if threads:  # waits that overlap are one wait of the disk
        with ThreadPoolExecutor(min(len(paths), _SYNCS) or 1) as pool:
            list(pool.map(_sync, paths))
    else:
        for path in paths:
            _sync(path)
    sync_directory(directory)


def _sync(path: str) -> None:
    with contextlib.suppress(OSError):
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def sync_directory(path: str | os.PathLike[str]) -> None:
    """Make a rename in directory `path` survive a power cut, where the system can do that."""
    with contextlib.suppress(
        OSError
    ):  # directories cannot be opened on Windows, nor synced on some network file systems
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _umask() -> int:
    # the only portable way to read the mask is to set it; Linux shows it without that race between threads
    with contextlib.suppress(OSError, StopIteration), open("/proc/self/status", encoding="ascii") as f:
        return int(next(line for line in f if line.startswith("Umask:")).split()[1], 8)
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
