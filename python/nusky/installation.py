"""What is installed and what of the machine is used."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from nusky.threads import allowed_threads
from nusky.version import code_version, commit

__all__ = ["installation", "show_config"]

_LIBRARIES = (
    "numpy",
    "scipy",
    "healpy",
    "astropy",
    "matplotlib",
    "pandas",
    "pyarrow",
    "pooch",
    "h5py",
    "distributed",
    "loky",
)


def installation() -> dict[str, str]:
    """Collect versions, processor and threads: what a bug report needs.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> "threads" in installation()
    True
    """
    from nusky import _core

    found = {
        "nusky": code_version(),
        "commit": commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "threads": str(allowed_threads()),
    }
    found |= {
        "core": f"{_core.__version__}, {_core.compiler}, Eigen {_core.eigen_version}",
        "instructions": f"{_core.simd_level()} (of {_core.simd_levels()})",
    }
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def show_config() -> None:
    """Print versions, processor and threads, one line each.

    Examples
    --------
    >>> show_config()  # doctest: +ELLIPSIS, +NORMALIZE_WHITESPACE
    nusky ...
    core ...
    """
    rows = installation()
    width = max(map(len, rows))
    print("\n".join(f"{name:<{width}} {value}" for name, value in rows.items()))  # noqa: T201 - printing is its purpose
