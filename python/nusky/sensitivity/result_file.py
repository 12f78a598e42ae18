"""`NSigResult` on disk: the numbers, the efficiency curve, and the trials they rest on."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky.dists.tsd import ts_values
from nusky.files.npz import DamagedFile, read_npz, write_npz
from nusky.sensitivity.efficiency import EfficiencyCurve
from nusky.sensitivity.result import NSigResult
from nusky.version import code_version

__all__ = ["read_n_sig", "write_n_sig"]

FORMAT = "nusky-n-sig-1"

_CURVE = ("params", "n_sigs", "n_passed", "n_trials")
_APART = ("_added", "curve", "trials")


def write_n_sig(path: str | os.PathLike[str], result: NSigResult) -> None:
    """Write `result` to `path` (as it is named, ".npz" is not added), atomically."""
    fields: dict[str, Any] = {name: value for name, value in vars(result).items() if name not in _APART}
    for name in ("spectrum", "config"):
        fields[name] = None if fields[name] is None else dict(fields[name])
    curve = result.curve
    meta = {
        "format": FORMAT,
        "version": code_version(),
        "result": fields,
        "curve": {"method": curve.method, "goodness": curve.goodness},
        "trials": list(result.trials),
    }
    arrays: dict[str, NDArray[Any]] = {name: np.asarray(getattr(curve, name)) for name in _CURVE}
    for i, rows in enumerate(result.trials.values()):
        table = getattr(getattr(rows, "dtype", None), "names", None)
        arrays[f"trials{i}"] = np.array(rows).view(np.ndarray) if table else ts_values(rows)
    write_npz(path, arrays, meta)


def read_n_sig(path: str | os.PathLike[str]) -> NSigResult:
    """Read what `write_n_sig` wrote.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it is damaged or something else (named).
    """
    meta, arrays = read_npz(path)
    if meta.get("format") != FORMAT:
        raise DamagedFile(f"{path} has the format {meta.get('format')!r}, a result of find_n_sig {FORMAT!r}")
    about = meta["curve"]
    params, n_sigs, n_passed, n_trials = (arrays[name] for name in _CURVE)
    curve = EfficiencyCurve(about["method"], params, n_sigs, n_passed, n_trials, about["goodness"])
    trials = {n_sig: arrays[f"trials{i}"] for i, n_sig in enumerate(meta["trials"])}
    return NSigResult(curve=curve, trials=trials, **meta["result"])
