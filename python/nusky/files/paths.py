"""Paths as people type them: ``~`` is the home directory, ``file://`` a file here, any other address no path."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote

__all__ = ["as_path"]

_LOCAL = re.compile(r"^file:(//(localhost)?(?=/)|(?=/[^/]))", re.IGNORECASE)
_ADDRESS = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]+:/+")


def as_path(path: str | os.PathLike[str], name: str = "path") -> Path:
    """Path with ``~`` expanded; of ``file:///a%20b.fits`` the path in it.

    Parameters
    ----------
    path : str or path-like
    name : str
        What to call it in messages.

    Raises
    ------
    ValueError
        An address (``https://…``), which is not read from, or the home directory of nobody.
    TypeError
        No path at all.

    Examples
    --------
    >>> as_path("~/maps/a.fits") == Path.home() / "maps/a.fits"
    True
    """
    if isinstance(path, bytes) or not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"{name}: expected the path of a file or folder, got {type(path).__name__}")
    text = os.fspath(path)
    if isinstance(text, bytes):
        text = os.fsdecode(text)
    if _LOCAL.match(text):
        text = unquote(_LOCAL.sub("", text))
    # a drive letter of Windows is one letter, a scheme has more
    if _ADDRESS.match(text):
        raise ValueError(f"{name}: {text!r} is an address, not a file; download it first and give the file's name")
    if not text:
        raise ValueError(f"{name} is empty; give the name of a file or folder")
    if "\0" in text:
        raise ValueError(f"{name}: {text!r} holds a zero byte: this is the content of a file, not its name")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError(f"{name}: {text!r} begins with ~ but there is no such home directory") from None
