"""One file over HTTP, continued where it was interrupted."""

from __future__ import annotations

import errno
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["ConvertedTable", "transfer"]

_BLOCK = 1 << 20
_TIMEOUT = 60.0
#: Seconds before another try.
_PAUSES = (1.0, 3.0, 10.0, 30.0)


#: Not every system has quotas.
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_TOO_MANY_REQUESTS = 429


class ConvertedTable(Exception):
    """The server sent its own tab-separated form of a table in place of the file that was uploaded."""


class _Cut(OSError):
    """The connection ended before the file did."""


def transfer(url: str, part: Path, size: int, seen: Callable[[int], None]) -> None:
    """Fetch a file to `part`, going on after what is there; several tries.

    Parameters
    ----------
    url : str
    part : Path
        Left as it is if this fails or is interrupted: the next call goes on.
    size : int
        Bytes that the file has.
    seen : callable
        Gets the number of bytes of this file that are here.

    Raises
    ------
    ConvertedTable
        `part` then holds the whole of what the server sent.
    OSError
        The disk is full, or the server cannot be reached any more.
    ValueError
        The server refuses.
    """
    for pause in (*_PAUSES, None):
        try:
            if _once(url, part, size, seen):
                raise ConvertedTable
            return
        except (_Cut, http.client.HTTPException, urllib.error.URLError, TimeoutError, ConnectionError) as error:
            if isinstance(error, urllib.error.HTTPError):
                with error:
                    if error.code < 500 and error.code != _TOO_MANY_REQUESTS:
                        raise ValueError(f"{url}: the server refuses ({error.code} {error.reason})") from None
            if pause is None:
                here = part.stat().st_size if part.exists() else 0
                raise OSError(
                    f"{url}: the connection failed {len(_PAUSES) + 1} times ({error}); {here} of {size} bytes are kept "
                    f"in {part}: repeat the command to go on from there"
                ) from None
            time.sleep(pause)


def _once(url: str, part: Path, size: int, seen: Callable[[int], None]) -> bool:
    """True if what came is a converted table."""
    here = part.stat().st_size if part.exists() else 0
    if here > size:
        part.unlink()
        here = 0
    if here == size and size:
        return False
    request = urllib.request.Request(url, headers={"Range": f"bytes={here}-"} if here else {})
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as reply:
        converted = url.endswith("format=original") and _is_converted(reply)
        if reply.status != 206:
            here = 0  # the server knows no ranges: from the start
        length = reply.headers.get("Content-Length")
        expected = here + int(length) if converted and length is not None else size
        if not converted:
            _check_length(url, reply, part, here, size)
        with part.open("ab" if here else "wb") as file:
            while block := reply.read(_BLOCK):
                _write(file, block, part, here, size)
                here += len(block)
                seen(min(here, size))
                if here > max(expected, size):
                    break
    if not converted and here > size:
        part.unlink()
        raise ValueError(f"{url}: more than the {size} bytes that the file should have; is this the right server?")
    if here < expected and not (converted and length is None):
        raise _Cut(f"after {here} of {expected} bytes")
    return converted


def _check_length(url: str, reply: Any, part: Path, here: int, size: int) -> None:
    """Refuse a message in the file's place before a byte of it is written."""
    length, kind = reply.headers.get("Content-Length"), reply.headers.get("Content-Type", "of no type")
    page = "text/html" in kind.lower() and ".htm" not in part.name
    if page or (length is not None and here + int(length) != size):
        sent = "a web page" if length is None else f"{here + int(length)} bytes"
        raise ValueError(
            f"{url}: the server sends {sent} ({kind}) where its list of files says {size} bytes; is it a message in "
            "the file's place? Look at that address in a browser, or try again later"
        )


def _is_converted(reply: Any) -> bool:
    given = f"{reply.headers.get('Content-Type', '')} {reply.headers.get('Content-Disposition', '')}".lower()
    return "tab-separated" in given or '.tab"' in given or given.endswith(".tab")


def _write(file: Any, block: bytes, part: Path, here: int, size: int) -> None:
    try:
        file.write(block)
        file.flush()
    except OSError as error:
        full = " (the disk is full)" if error.errno in _FULL else ""
        raise type(error)(
            error.errno,
            f"{error.strerror}{full} after {here} of {size} bytes; they are kept: make room, then repeat the command "
            "to go on from there",
            str(part),
        ) from None
