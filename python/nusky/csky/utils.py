"""csky's `utils`: containers and small helpers; everything here forwards."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from nusky.arrays import Arrays
from nusky.events import EditableEvents as Events
from nusky.source import sources
from nusky.source import sources as Sources

__all__ = ["Arrays", "Events", "Sources", "ensure_dir", "get_random", "sources"]


def ensure_dir(path: str | os.PathLike[str]) -> str:
    """Make a folder, with those above it, unless it is there; gives its path.

    Parameters
    ----------
    path : path-like

    Raises
    ------
    OSError
        It cannot be made, or a file has this name.
    """
    os.makedirs(path, exist_ok=True)
    return os.fspath(path)


def get_random(seed: Any = None) -> np.random.Generator:
    """A random generator: the one that is given, or a new one of this seed (None: a random one).

    Parameters
    ----------
    seed : int, numpy.random.Generator or None

    Examples
    --------
    >>> bool(get_random(1).random() == get_random(1).random())
    True
    """
    return np.random.default_rng(seed)
