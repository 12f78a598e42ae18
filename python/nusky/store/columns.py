"""Columns of trials that a store can keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["check_trials", "column_names", "find_column", "named_ts_is_p", "with_named_ts", "without_named_ts"]


def check_trials(trials: NDArray[Any], start: int) -> tuple[str, ...]:
    """Names of the columns of trials start, start + 1, …

    Raises
    ------
    ValueError
        If a store cannot keep them: no structured array, a column that is no number or has a name of the store's own,
        a TS that is not finite.

    Examples
    --------
    >>> check_trials(np.zeros(2, dtype=[("ts", "f8"), ("ns", "f8")]), 0)
    ('ts', 'ns')
    """
    names = trials.dtype.names
    if names is None or trials.ndim != 1 or len(trials) == 0:
        raise ValueError(f"trials must be a structured array of shape (n,), n >= 1, got {trials.dtype} {trials.shape}")
    for name in names:
        if trials.dtype[name].kind not in "fiub" or name in ("meta", "trial", "seed", "n_sig"):
            raise ValueError(
                f"column {name!r} ({trials.dtype[name]}) cannot be stored: give numeric columns; "
                "meta, trial, seed and n_sig are names of the store itself"
            )
    if "ts" in names and not np.isfinite(trials["ts"]).all():
        row = int(np.argmin(np.isfinite(trials["ts"])))
        raise ValueError(f"ts of trial {start + row} is {trials['ts'][row]}: a trial without a finite TS is no trial")
    return names


def named_ts_is_p(names: Iterable[str], config: Mapping[str, Any]) -> bool:
    """Whether a column ``mlog10p`` is no p-value but TS, as the configuration of the trials says."""
    return {"mlog10p", "ts"} <= set(names) and bool(config.get("mlog10p_is_ts", False))


def without_named_ts(trials: NDArray[Any], config: Mapping[str, Any]) -> NDArray[Any]:
    """Trials as files keep them: without ``mlog10p`` where no p was known, and TS stood there as in csky.

    Examples
    --------
    >>> rows = np.zeros(2, dtype=[("mlog10p", "f8"), ("ts", "f8")])
    >>> without_named_ts(rows, {"mlog10p_is_ts": True}).dtype.names
    ('ts',)
    """
    names = trials.dtype.names or ()
    return trials[[name for name in names if name != "mlog10p"]] if named_ts_is_p(names, config) else trials


def with_named_ts(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Columns of a file as csky's users look for them: TS as ``mlog10p``, too, where the file has no p."""
    return {**arrays, "mlog10p": arrays["ts"]} if "ts" in arrays and "mlog10p" not in arrays else dict(arrays)


def find_column(name: str, known: Sequence[list[str]]) -> list[str]:
    """Name and kind of a column.

    Raises
    ------
    KeyError
        If there is none of this name.
    """
    for column in known:
        if column[0] == name:
            return column
    raise KeyError(f"column {name!r} is not in the store: it has {column_names(known)}")


def column_names(columns: Iterable[Sequence[str]]) -> str:
    """All names, for a message."""
    return ", ".join(f"{name} ({kind})" for name, kind in columns) or "no trials yet"
