"""A scan kept as its pixels with TS > 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky.hotspots.hottest import scan_pixels
from nusky.typing import F64, I64

__all__ = ["SparseScan", "StoredScan", "background_config", "pack", "pixels_of", "runs_of", "scan_trials", "unpack"]


@dataclass(frozen=True, eq=False)
class SparseScan:
    """Pixels of one scan with TS > 0: 20 bytes each.

    Attributes
    ----------
    pixel : (M,) uint32, RING, ascending
    ts : (M,) float64
        Exact: priors are added to it later.
    ns, gamma : (M,) float32

    Examples
    --------
    >>> scan = SparseScan.of(np.arange(3), np.array([0.0, 2.0, 4.0]), np.ones(3), np.ones(3))
    >>> len(scan), scan.map("ts", nside=1)[:4].tolist()
    (2, [0.0, 2.0, 4.0, 0.0])
    """

    pixel: NDArray[np.uint32]
    ts: F64
    ns: NDArray[np.float32]
    gamma: NDArray[np.float32]

    @classmethod
    def of(cls, pixel: I64, ts: F64, ns: F64, gamma: F64) -> SparseScan:
        """From the fits of some pixels, in ascending order."""
        hot = np.flatnonzero(ts > 0)
        return cls(pixel[hot].astype(np.uint32), ts[hot], ns[hot].astype(np.float32), gamma[hot].astype(np.float32))

    def __len__(self) -> int:
        return len(self.pixel)

    def map(self, name: str, nside: int) -> F64:
        """Full-sky RING map of ``ts``, ``ns`` or ``gamma``: 0 (NaN for gamma) where TS is 0 or nothing was scanned."""
        out = np.full(12 * nside * nside, np.nan if name == "gamma" else 0.0)
        out[self.pixel] = getattr(self, name)
        return out


@dataclass(frozen=True, eq=False)
class StoredScan:
    """One scan of a library.

    Attributes
    ----------
    seed, index : int
        The trial: ``trial index`` of the batch with this seed.
    scan : SparseScan
        Pixels with TS > 0.
    """

    seed: int
    index: int
    scan: SparseScan


def pack(scans: Sequence[SparseScan]) -> dict[str, NDArray[Any]]:
    """Several scans as the arrays of a file; scan k is entries ``indptr[k]`` … ``indptr[k + 1]``."""
    joined = {name: np.concatenate([getattr(scan, name) for scan in scans]) for name in ("pixel", "ts", "ns", "gamma")}
    return {"indptr": np.cumsum([0, *map(len, scans)]), **joined}


def unpack(arrays: dict[str, NDArray[Any]]) -> list[SparseScan]:
    """Inverse of `pack`."""
    parts = [slice(int(a), int(z)) for a, z in zip(arrays["indptr"][:-1], arrays["indptr"][1:], strict=True)]
    return [SparseScan(*(arrays[name][part] for name in ("pixel", "ts", "ns", "gamma"))) for part in parts]


def scan_trials(runner: Any, numbers: list[int], seed: int, n_threads: int) -> dict[str, NDArray[Any]]:
    """Sparse scans of background trials, as `ScanLibrary` keeps them.

    Parameters
    ----------
    runner : SkyScanTrialRunner
    numbers : list of int
        Trial numbers.
    seed, n_threads : int
    """
    scans = []
    for j in numbers:
        trial = runner.draw_trial(seed, j, 0.0, False)
        index = runner.index_trial(trial, n_threads)
        ts, ns, gamma, _ = scan_pixels(runner.model, index, runner.pixels, n_threads, False)
        scans.append(SparseScan.of(runner.pixels.pixels, ts, ns, gamma))
    return {**pack(scans), "scanned_runs": runs_of(runner.pixels.pixels)}


def runs_of(pixels: I64) -> NDArray[np.uint32]:
    """Ascending pixel numbers as first … end of each run, (R, 2): a band of declinations is one.

    Examples
    --------
    >>> runs_of(np.array([4, 5, 6, 9])).tolist(), pixels_of(np.array([[4, 7], [9, 10]])).tolist()
    ([[4, 7], [9, 10]], [4, 5, 6, 9])
    """
    first = np.flatnonzero(np.diff(pixels, prepend=pixels[:1] - 2) != 1)
    last = np.append(first[1:], len(pixels)) - 1
    return np.stack([pixels[first], pixels[last] + 1], axis=1).astype(np.uint32)


def pixels_of(runs: NDArray[Any]) -> I64:
    """Inverse of `runs_of`."""
    return np.concatenate([np.arange(first, end, dtype=np.int64) for first, end in runs.tolist()])


def background_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a runner's configuration that decides a background scan."""
    pixels = {"hash": config["pixels"]["hash"]}
    part = {**{name: config[name] for name in ("analysis", "likelihood", "nside")}, "pixels": pixels}
    if "transient" in config:
        # not when the window is: its background is that of the whole season, wherever it lies
        about = config["transient"]
        window = {name: about["window"][name] for name in ("t_100", "sigma_t")}
        part["transient"] = {**about, "window": window}
    return part
