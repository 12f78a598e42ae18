"""csky's `bk`: results that many jobs left in folders ``key/value/key/value/file``."""

from __future__ import annotations

import fnmatch
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["get_all", "get_best"]


def get_all(
    dir: str | os.PathLike[str],
    pattern: str = "*.npy",
    merge: Callable[[list[Any]], Any] = np.concatenate,
    pre_convert: Callable[[Any], Any] | None = None,
    post_convert: Callable[[Any], Any] | None = None,
    log: bool = True,
    load: Callable[[Path], Any] | None = None,
) -> Any:
    """Read the files below a folder into nested dictionaries, one level for each folder.

    Names of folders that are numbers become numbers: ``gamma/2.0/dec/-30`` is ``found["gamma"][2.0]["dec"][-30.0]``.

    Parameters
    ----------
    dir : path-like
    pattern : str
        Which files, such as ``"trials*npy"``.
    merge : callable
        From the list of a folder's files to one result.
    pre_convert, post_convert : callable, optional
        On every file's content before, and on the result after `merge`.
    log : bool
        Print what is read.
    load : callable, optional
        Reads a file; by default `numpy.load` without pickle.

    Raises
    ------
    FileNotFoundError
        No such folder, or no file in it that fits.
    """
    root = Path(dir)
    if not root.is_dir():
        raise FileNotFoundError(f"{root} is not a folder")
    read = load or _load
    found: dict[Any, Any] = {}
    n_files = 0
    for folder, folders, names in os.walk(root):
        folders.sort()
        fitting = sorted(fnmatch.filter(names, pattern))
        if not fitting:
            continue
        parts = [read(Path(folder) / name) for name in fitting]
        result = merge([part if pre_convert is None else pre_convert(part) for part in parts])
        n_files += len(fitting)
        _put(found, Path(folder).relative_to(root).parts, result if post_convert is None else post_convert(result))
    if not n_files:
        raise FileNotFoundError(f"no file {pattern!r} in {root} or below")
    if log:
        print(f"{n_files} files loaded from {root}")  # noqa: T201
    return found.pop(_HERE) if set(found) == {_HERE} else found


_HERE = ""  # what lies in a folder that has further folders


def _load(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except ValueError as error:
        raise ValueError(
            f"{path}: {error}; a pickle can run any code: for a file of your own pass load=lambda path: np.load(path, "
            "allow_pickle=True), and write trials.as_array"
        ) from error


def _number(name: str) -> Any:
    try:
        return float(name)
    except ValueError:
        return name


def _put(tree: dict[Any, Any], parts: tuple[str, ...], result: Any) -> None:
    for depth, part in enumerate(parts):
        key = _number(part)
        if depth == len(parts) - 1 and key not in tree:
            tree[key] = result
            return
        below = tree.setdefault(key, {})
        if not isinstance(below, dict):
            tree[key] = below = {_HERE: below}
        tree = below
    tree[_HERE] = result


def get_best(d: Mapping[Any, Any], *keys: Any) -> Any:
    """Walk down nested dictionaries; of numbers the **nearest** one is taken, as csky does.

    Nothing says how near it is: compare the key with ``sorted(d["dec"])`` where that matters.

    Parameters
    ----------
    d : nested dictionaries
        See `get_all`.
    *keys
        Names and numbers, such as ``"gamma", 2, "dec", 10, "nsig"``.

    Raises
    ------
    KeyError
        A name that is not there; those that are, are named.

    Examples
    --------
    >>> get_best({"dec": {-10.0: "a", 10.0: "b"}}, "dec", 7)
    'b'
    """
    here: Any = d
    for key in keys:
        if not isinstance(here, Mapping):
            raise KeyError(f"{key!r}: there is nothing below, only a {type(here).__name__}")
        if key in here:
            here = here[key]
            continue
        numbers = [k for k in here if isinstance(k, (int, float)) and math.isfinite(k)]
        if isinstance(key, str) or not numbers:
            raise KeyError(f"{key!r} is not among {', '.join(map(repr, here))}")
        here = here[min(numbers, key=lambda k: abs(k - float(key)))]
    return here
