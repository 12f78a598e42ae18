"""Which scanned cell holds a place: cells of any size as intervals of the nested curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nusky.maps.multiorder import MAX_ORDER
from nusky.pixels.pixel_set import PixelSet

if TYPE_CHECKING:
    from nusky.pixels.multi_order import MultiOrderPixels
    from nusky.typing import I64

__all__ = ["CellIndex"]


@dataclass(frozen=True, eq=False)
class CellIndex:
    """Scanned cells along the nested curve; look up which of them holds a smaller pixel.

    Attributes
    ----------
    start, end : (P,) int64
        Interval of each cell, in numbers of the finest order, ascending.
    row : (P,) int64
        Row of that cell in the set.
    nside, ring : (P,) int64
        The cells in the order of the set.

    Examples
    --------
    >>> cells = CellIndex.of(PixelSet(2, [0, 7]))
    >>> cells.rows(2, np.array([7, 8])).tolist()
    [1, -1]
    """

    start: I64
    end: I64
    row: I64
    nside: I64
    ring: I64

    @classmethod
    def of(cls, pixels: PixelSet | MultiOrderPixels) -> CellIndex:
        """Index of a set."""
        parts = pixels.parts
        intervals = [_interval(part.nside, part.pixels) for part in parts]
        start = _joined([begin for begin, _ in intervals])
        along = np.argsort(start)
        nside = np.repeat([part.nside for part in parts], [len(part) for part in parts]).astype(np.int64)
        return cls(
            start[along],
            _joined([end for _, end in intervals])[along],
            along,
            nside,
            _joined([part.pixels for part in parts]),
        )

    def rows(self, nside: int, ring: I64) -> I64:
        """Row of the cell that holds each pixel, −1 where none does.

        Parameters
        ----------
        nside : int
        ring : (n,) int64
            RING; of a pixel larger than the cells, the part where the nested curve enters it decides.

        Returns
        -------
        (n,) int64
        """
        if not self.start.size:
            return np.full(np.shape(ring), -1, dtype=np.int64)
        begin, _ = _interval(nside, ring)
        slot = np.searchsorted(self.start, begin, side="right") - 1
        inside = (slot >= 0) & (begin < self.end[np.maximum(slot, 0)])
        return np.where(inside, self.row[np.maximum(slot, 0)], -1)

    def surround(self, rows: I64) -> bool:
        """Every neighbour of the cells `rows` is in the set."""
        import healpy

        for nside in np.unique(self.nside[rows]).tolist():
            mine = self.ring[rows[self.nside[rows] == nside]]
            around = np.unique(healpy.get_all_neighbours(nside, mine))
            if (self.rows(nside, around[around >= 0]) < 0).any():
                return False
        return True


def _interval(nside: int, ring: I64) -> tuple[I64, I64]:
    import healpy

    shift = 2 * (MAX_ORDER - (nside.bit_length() - 1))
    nested = np.asarray(healpy.ring2nest(nside, ring), dtype=np.int64)
    return nested << shift, (nested + 1) << shift


def _joined(parts: list[I64]) -> I64:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
