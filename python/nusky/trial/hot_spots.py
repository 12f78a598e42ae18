"""The hottest spots of a scan: local maxima that are well apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nusky.arrays import Arrays
from nusky.typing import F64, I64

if TYPE_CHECKING:
    from nusky.trial.sky_scan import SkyScan

__all__ = ["hot_spots"]


def hot_spots(scan: SkyScan, n: int, separation: float, term: F64 | None) -> Arrays:
    """See `SkyScan.hot_spots`."""
    import healpy

    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise ValueError(f"n={n!r} must be a whole number of spots, at least 1")
    if not 0 < separation <= np.pi:
        raise ValueError(f"separation={separation!r} must be in 0 … π, rad")
    total = np.where(scan.scanned & (scan.ts > 0), scan.ts, -np.inf)
    if term is not None:
        added = np.asarray(term, dtype=np.float64)
        if added.shape != total.shape:
            raise ValueError(f"term has shape {added.shape}, the scan {total.shape}: give one number a pixel (RING)")
        total = total + added
    candidates = _maxima(scan.nside, total)
    theta, phi = healpy.pix2ang(scan.nside, candidates)
    vectors = np.asarray(healpy.pix2vec(scan.nside, candidates)).T.reshape(-1, 3)
    free = np.ones(len(candidates), dtype=bool)
    chosen: list[int] = []
    for i in range(len(candidates)):
        if not free[i]:
            continue
        chosen.append(i)
        if len(chosen) == n:
            break
        free &= np.linalg.norm(vectors - vectors[i], axis=1) >= 2 * np.sin(0.5 * separation)
    rows = np.array(chosen, dtype=np.int64)
    at = candidates[rows]
    found = {"ts": scan.ts[at], "ns": scan.ns[at], "gamma": scan.gamma[at]}
    if term is not None:
        found["ts_prior"] = total[at]
    return Arrays({"pixel": at, "ra": phi[rows], "dec": np.pi / 2 - theta[rows], **found})


def _maxima(nside: int, total: F64) -> I64:
    """Pixels that no neighbour exceeds, the hottest first; of equal neighbours the one with the lowest number."""
    import healpy

    warm: I64 = np.flatnonzero(total > -np.inf)
    around = healpy.get_all_neighbours(nside, warm)
    other = np.where(around >= 0, total[np.maximum(around, 0)], -np.inf)
    here = total[warm]
    below: NDArray[np.bool_] = (other < here) | ((other == here) & (around > warm)) | (around < 0)
    top = warm[below.all(axis=0)]
    return top[np.argsort(-total[top], kind="stable")]
