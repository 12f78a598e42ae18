"""Background trials of a follow-up: as many as its p-value needs, kept on disk so that a later call goes on."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.executors import InterruptedBatch
from nusky.files import differences, read_format, write_npz
from nusky.progress import Progress
from nusky.runners import KnownBackground
from nusky.store import ScanLibrary
from nusky.typing import F64
from nusky.version import code_version

if TYPE_CHECKING:
    from nusky.followup.search import Search

__all__ = [
    "BACKGROUND_SEED",
    "FILE",
    "enough_background",
    "given_trials",
    "keep_trials",
    "library_background",
    "more_background",
    "trials_file",
]

FILE = "background.npz"
_FORMAT = "nusky-follow-up-background-1"

# Trials between two looks at the p-value, and exceedances after which it is known to about 14 %
_BATCH, _ENOUGH = 100, 50
BACKGROUND_SEED = 1
"""Added to the seed of a follow-up, so that its scramble is none of its background trials."""


def more_background(runner: Any, seed: int, first: int, n: int) -> F64:
    """TS of background trials `first` … `first` + `n`."""
    return np.array(runner.get_many_fits(n, seed=seed + BACKGROUND_SEED, first_trial=first)["ts"], dtype=np.float64)


def enough_background(
    runner: Any, ts: float, seed: int, *, most: int, least: int = 0, given: F64 | None = None, logging: bool = False
) -> F64:
    """TS of background trials until enough of them exceed an observed TS.

    Parameters
    ----------
    runner : Runner
    ts : float
        Observed.
    seed : int
        Of the follow-up.
    most, least : int
        At most, and at least so many.
    given : (n,) TS, optional
        Of the first trials, made before; more than `most` are all kept.
    logging : bool
        Show progress.

    Raises
    ------
    InterruptedBatch
        On Ctrl-C; its ``partial`` holds all trials so far, those given too.
    """
    found = np.empty(0) if given is None else np.asarray(given, dtype=np.float64)
    with Progress("Background trials:", most, "trials", logging, transient=False) as progress:
        while len(found) < most and (np.count_nonzero(found >= ts) < _ENOUGH or len(found) < least):
            n = min(_BATCH, most - len(found))
            try:
                found = np.concatenate([found, more_background(runner, seed, len(found), n)])
            except InterruptedBatch as stopped:
                # what is finished of this batch may have gaps; the trials before it have none
                rows = np.zeros(len(found), dtype=stopped.partial.dtype)
                rows["ts"] = found
                raise InterruptedBatch(rows, np.arange(len(found)), most) from None
            progress.update(len(found))
        progress.total = len(found)
    return found


def library_background(library: ScanLibrary, search: Search, *, logging: bool = False) -> KnownBackground:
    """TS that a library's background scans have with the prior of a search.

    Parameters
    ----------
    library : ScanLibrary
        Made with the analysis, the likelihood, the limits in declination and the window's length of the search.
    search : Search
    logging : bool
        Show progress.

    Returns
    -------
    KnownBackground

    Raises
    ------
    ValueError
        If the library was made for another search; each difference is named.
    """
    ours, theirs = search.runner.config(), library.config
    lines = [line for key in ("analysis", "likelihood") for line in differences(theirs[key], ours[key], key)]
    lengths = [_length(config) for config in (theirs, ours)]
    if lengths[0] != lengths[1]:
        lines.append(f"time window of {lengths[0]} (library) against {lengths[1]}")
    missing = np.setdiff1d(search.runner.pixels.pixels, library.pixels.pixels)
    if len(missing):
        lines.append(f"{len(missing)} of the {len(search.runner.pixels)} pixels of the search are not in the library")
    if lines:
        raise ValueError(f"library {library.path} is not of this search: {'; '.join(lines)}")
    found = library.fit([search.prior], logging=logging)[:, 0]
    return KnownBackground(np.array(found["ts"]), np.array(found["seed"]), np.array(found["trial"]))


def _length(config: Mapping[str, Any]) -> str:
    window = config.get("transient")
    return "none" if window is None else f"{window['window']['t_100'] * 86_400:.6g} s"


def trials_file(runner: Any, background: F64, seed: int) -> bytes:
    """The bytes of the file that keeps background trials."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        keep_trials(path, runner.config_hash, background, seed)
        return path.read_bytes()


def keep_trials(path: str | os.PathLike[str], config_hash: str, background: F64, seed: int) -> None:
    """Write background trials."""
    meta = {"format": _FORMAT, "version": code_version(), "config_hash": config_hash, "seed": seed}
    write_npz(path, {"ts": np.asarray(background, dtype=np.float64)}, meta)


def given_trials(path: str | os.PathLike[str], config_hash: str, seed: int) -> F64 | None:
    """Background trials that `keep_trials` wrote; None where there is no file, or one of another search or version."""
    if not Path(path).is_file():
        return None
    meta, arrays = read_format(path, _FORMAT, "background trials of a follow-up")
    same = {"version": code_version(), "config_hash": config_hash, "seed": seed}
    return arrays["ts"] if all(meta.get(key) == value for key, value in same.items()) else None
