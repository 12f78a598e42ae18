"""Trials whose content follows from their index, and ways to damage them on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np

DTYPE = [("ts", "f8"), ("ns", "f8"), ("gamma", "f8")]
CONFIG = {"analysis": "abc", "prior": {"weight": 2.0, "zero": "exclude"}, "pixels": [1, 2]}


def trials(start: int, stop: int) -> np.ndarray:
    """Trials whose content follows from their index, so that any misplacement shows."""
    rows = np.zeros(stop - start, dtype=DTYPE)
    rows["ts"] = np.sqrt(np.arange(start, stop))
    rows["ns"] = np.arange(start, stop) % 7
    rows["gamma"] = np.where(rows["ns"] == 0, np.nan, 2.5)
    return rows


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return all(np.array_equal(a[n], b[n], equal_nan=True) for n in b.dtype.names)


def damage(path: Path) -> None:
    """Flip one bit of a TS value: what a disk does."""
    with np.load(path) as z:
        ts = z["ts"].tobytes()
    content = bytearray(path.read_bytes())
    content[content.index(ts) + 3] ^= 0x10
    path.write_bytes(content)


def half_chi2(n: int, ndof: float = 1.3, scale: float = 1.0, seed: int = 3) -> np.ndarray:
    """n TS values, half of them 0, the others from a scaled χ²."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(n) < 0.5, 0.0, scale * rng.chisquare(ndof, n))
