"""The hottest spot of sparse scans with prior terms added."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky.hotspots.terms import PriorTerms
from nusky.pixels.pixel_set import PixelSet
from nusky.priors.prior import as_priors
from nusky.store.sparse_scan import SparseScan
from nusky.typing import F64, I64

__all__ = ["FIT_DTYPE", "PriorSearch", "pixel_centres"]


FIT_DTYPE = np.dtype(
    [(name, np.float64) for name in ("mlog10p", "ts", "ns", "gamma", "ra", "dec", "ts_raw")]
    + [("pixel", np.int64), ("trial", np.int64), ("seed", np.uint64)]
)
"""Columns of `ScanLibrary.fit`: those of `get_many_fits`, the value before it is cut at 0, the pixel, and which trial
it is (−1: none of the library's)."""


@dataclass(frozen=True, eq=False)
class PriorSearch:
    """Best pixel of a scan for each prior.

    Parameters
    ----------
    terms : PriorTerms
        Of the pixels that compete.
    pixels : PixelSet
    """

    terms: PriorTerms
    pixels: PixelSet

    @classmethod
    def of(cls, priors: Any, pixels: PixelSet) -> PriorSearch:
        """Search with these priors (maps, or None for none), which must have the nside of the pixels."""
        if priors is None:
            return cls(PriorTerms.flat(pixels), pixels)
        given = as_priors(priors)
        for j, prior in enumerate(given):
            if prior.nside != pixels.nside:
                raise ValueError(
                    f"priors[{j}] has nside {prior.nside}, the library {pixels.nside}: bring it there with "
                    f"SpatialPrior(map, policy=PriorPolicy(regrade={pixels.nside}))"
                )
        # no table of whole rows: for a thousand scans, the lists of each prior's top pixels are what is quick
        return cls(PriorTerms.of(given, pixels, matrix_bytes=0), pixels)

    @cached_property
    def row_of(self) -> I64:
        """Place of each RING pixel in `pixels`, −1 outside."""
        rows = np.full(self.pixels.npix, -1, dtype=np.int64)
        rows[self.pixels.pixels] = np.arange(len(self.pixels))
        return rows

    def __call__(self, scan: SparseScan) -> NDArray[np.void]:
        """(J,) structured array, `FIT_DTYPE`, without the positions."""
        rows = self.row_of[scan.pixel]
        inside = rows >= 0
        ts = np.zeros(len(self.pixels))
        ts[rows[inside]] = scan.ts[inside]
        best = self.terms.best(ts)
        found = best.row >= 0
        at = np.maximum(best.row, 0)
        out = np.zeros(len(self.terms), dtype=FIT_DTYPE)
        out["ts_raw"] = best.value
        out["ts"] = out["mlog10p"] = np.maximum(best.value, 0.0)
        out["pixel"] = np.where(found, self.pixels.pixels[at], self.terms.fallback)
        out["gamma"] = np.nan
        out["trial"] = -1
        hot = np.flatnonzero(found & (ts[at] > 0))
        entry = np.searchsorted(scan.pixel, out["pixel"][hot])
        out["ns"][hot], out["gamma"][hot] = scan.ns[entry], scan.gamma[entry]
        return out


def pixel_centres(nside: int, pixel: I64) -> tuple[F64, F64]:
    """Right ascension and declination (rad) of RING pixels."""
    import healpy

    theta, phi = healpy.pix2ang(nside, pixel)
    return np.asarray(phi), np.asarray(np.pi / 2 - theta)
