"""The most significant pixel of sparse scans: by p-value instead of TS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky.hotspots.hottest import mlog10
from nusky.pixels.pixel_set import PixelSet
from nusky.store.prior_search import FIT_DTYPE
from nusky.store.sparse_scan import SparseScan
from nusky.typing import F64

__all__ = ["PValueSearch"]


@dataclass(frozen=True, eq=False)
class PValueSearch:
    """Pixel of a scan with the largest −log10 p; where all TS are 0, the first pixel stands for the sky.

    Parameters
    ----------
    pixels : PixelSet
        Those that compete.
    ts_to_p : callable
        ``p = ts_to_p(dec, ts)``, vectorised, rad.
    """

    pixels: PixelSet
    ts_to_p: Callable[[F64, F64], Any]

    @cached_property
    def dec_of(self) -> F64:
        """Declination (rad) of each RING pixel, NaN outside of `pixels`."""
        dec = np.full(self.pixels.npix, np.nan)
        dec[self.pixels.pixels] = self.pixels.dec
        return dec

    def __call__(self, scan: SparseScan) -> NDArray[np.void]:
        """(1,) structured array, `FIT_DTYPE`, without the positions."""
        out = np.zeros(1, dtype=FIT_DTYPE)
        out["gamma"], out["pixel"] = np.nan, self.pixels.pixels[0]
        at = self.dec_of[scan.pixel]
        inside = np.flatnonzero(np.isfinite(at))
        if len(inside):
            mlog10p = mlog10(self.ts_to_p, at[inside], scan.ts[inside])
            best = int(np.argmax(mlog10p))
            i = inside[best]
            out["mlog10p"], out["ts"], out["ts_raw"] = mlog10p[best], scan.ts[i], scan.ts[i]
            out["ns"], out["gamma"], out["pixel"] = scan.ns[i], scan.gamma[i], scan.pixel[i]
        return out
