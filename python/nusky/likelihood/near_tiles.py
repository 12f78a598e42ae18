"""Few events, many pixels: only the tiles that an event can reach are looked at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nusky import _core
from nusky.likelihood.reach import MARGIN
from nusky.likelihood.trial_index import Discs
from nusky.pixels.pixel_set import PixelSet, Tiles, tiles_of
from nusky.sphere.vectors import unit_vectors

if TYPE_CHECKING:
    from nusky.typing import F64, I64

__all__ = ["NearTiles"]

# From this fraction of all pixels on (1/_MANY), marking them is faster than sorting them
_MANY = 16


@dataclass(frozen=True, eq=False)
class NearTiles:
    """The tiles of a pixel set, to be found from events; make it with `of`.

    A pixel's fit depends on its tile and on the events, so a few tiles give the same fits, to the last bit, as all of
    them.

    Attributes
    ----------
    pixels : PixelSet
    tiles : Tiles
        Of the pixels.
    by_dec : (T,) int64
        Tiles in the order of their declinations.
    dec, vectors : (T,), (3, T)
        Centres in this order.
    order, first : (P,), (T + 1,) int64
        Rows of the pixels tile by tile, and where each tile starts.

    Examples
    --------
    >>> from nusky.pixels.pixel_set import full_sky
    >>> near = NearTiles.of(full_sky(64))
    >>> tiles = near.found(Discs(np.array([1.0]), np.array([0.2]), np.array([0.05])))
    >>> len(tiles), len(near.rows(tiles))
    (8, 128)
    """

    pixels: PixelSet
    tiles: Tiles
    by_dec: I64
    dec: F64
    vectors: F64
    order: I64
    first: I64

    @cached_property
    def widest(self) -> float:
        """Largest radius of a tile, rad."""
        return float(self.tiles.radius.max(initial=0.0))

    @classmethod
    def of(cls, pixels: PixelSet) -> NearTiles:
        """The tiles of `pixels`."""
        tiles = tiles_of(pixels.nside, pixels.pixels)
        by_dec = np.argsort(tiles.dec, kind="stable")
        counts = np.bincount(tiles.tile, minlength=len(tiles.dec))
        return cls(
            pixels,
            tiles,
            by_dec,
            tiles.dec[by_dec],
            np.ascontiguousarray(unit_vectors(tiles.ra, tiles.dec)[by_dec].T),
            np.argsort(tiles.tile, kind="stable"),
            np.concatenate([[0], np.cumsum(counts)]),
        )

    def found(self, discs: Discs) -> I64:
        """Numbers of the tiles that hold every pixel inside a disc, ascending."""
        reach = np.minimum(discs.radius + (self.widest + MARGIN), np.pi)
        low = np.searchsorted(self.dec, discs.dec - reach).tolist()
        high = np.searchsorted(self.dec, discs.dec + reach).tolist()
        vectors, least = unit_vectors(discs.ra, discs.dec).tolist(), np.cos(reach).tolist()
        x, y, z = self.vectors
        near = [np.empty(0, dtype=np.int64)]
        for a, b, vector, cosine in zip(low, high, vectors, least, strict=True):
            if a < b:
                # Not a matrix product: it would start the linear algebra library's own threads, in every trial
                cosines = x[a:b] * vector[0] + y[a:b] * vector[1] + z[a:b] * vector[2]
                near.append(self.by_dec[a:b][cosines >= cosine])
        return np.unique(np.concatenate(near)) if len(near) > 1 else near[0]

    def rows(self, tiles: I64) -> I64:
        """Rows of the pixels of some tiles, ascending."""
        counts = self.first[tiles + 1] - self.first[tiles]
        if _MANY * counts.sum() > len(self.order):
            chosen = np.zeros(len(self.dec), dtype=bool)
            chosen[tiles] = True
            return np.flatnonzero(chosen[self.tiles.tile])
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.sort(self.order[np.repeat(self.first[tiles], counts) + within])

    def directions(self, tiles: I64, rows: I64) -> _core.Directions:
        """The pixels of some tiles as the core takes them, in the order of `rows`."""
        number = np.empty(len(self.dec), dtype=np.int64)  # filled where it is read; faster than a search for each pixel
        number[tiles] = np.arange(len(tiles))
        centres = self.tiles.ra[tiles], self.tiles.dec[tiles], self.tiles.radius[tiles]
        return _core.Directions(self.pixels.ra[rows], self.pixels.dec[rows], number[self.tiles.tile[rows]], *centres)
