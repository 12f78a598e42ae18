"""The version of the code, as it is written into every result."""

from __future__ import annotations

from functools import cache

__all__ = ["code_version"]


@cache
def code_version() -> str:
    """Version of the installed package; "unknown" for a source tree that was never installed.

    Examples
    --------
    >>> isinstance(code_version(), str)
    True
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("nusky")
    except PackageNotFoundError:
        return "unknown"
