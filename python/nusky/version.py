"""The version of the code, as it is written into every result."""

from __future__ import annotations

from functools import cache

__all__ = ["code_version", "commit", "release_version"]


@cache
def release_version() -> str:
    """Version of the installed package; "unknown" for a source tree that was never installed.

    Examples
    --------
    >>> isinstance(release_version(), str)
    True
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("nusky")
    except PackageNotFoundError:
        return "unknown"


@cache
def code_version() -> str:
    """Version and eight digits of a hash of this package's sources and those of its core.

    Two commits of one version differ in it, so that what they make is not mixed; the same sources built twice do not.

    Examples
    --------
    >>> version, _, digits = code_version().partition("+")
    >>> version == release_version(), len(digits)
    (True, 8)
    """
    import hashlib
    from pathlib import Path

    from nusky import _core

    digest = hashlib.sha256(_core.source_hash.encode())
    package = Path(__file__).parent
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode())
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return f"{release_version()}+{digest.hexdigest()[:8]}"


def commit() -> str:
    """Git's commit that the core was built from, with "-dirty" where files differed; "unknown" outside a clone.

    It is told beside the version and is no part of it: a commit of the documentation changes no result.

    Examples
    --------
    >>> len(commit()) >= 7
    True
    """
    from nusky import _core

    return _core.commit or "unknown"
