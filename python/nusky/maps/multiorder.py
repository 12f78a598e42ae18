"""Multi-order sky maps: a probability in cells of many sizes, as gravitational-wave alerts carry it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nusky.maps.skymap import MapRecord, SkyMap, clean_values, normalised, region_area
from nusky.sphere.frames import Frame
from nusky.sphere.healpix import check_flat_nside

if TYPE_CHECKING:
    from nusky.typing import F64, I64

__all__ = ["MAX_FLAT_NSIDE", "MAX_ORDER", "MultiOrderMap"]

# Finest order whose UNIQ numbers and nested ranges fit int64
MAX_ORDER = 29
# A flat map is made without being asked for up to here (12.6 million pixels, 100 MB)
MAX_FLAT_NSIDE = 1024


@dataclass(frozen=True, eq=False, repr=False)
class MultiOrderMap:
    """A map of cells of different sizes; what no cell covers has probability 0.

    Parameters
    ----------
    order : (M,) integers
        0 … 29; a cell's nside is ``2**order``.
    ipix : (M,) integers
        NESTED index at that order.
    probability : (M,) array
        Probability (not density) of each cell; is normalised.
    record : MapRecord

    Attributes
    ----------
    order, ipix : (M,) int64
        In the order of the sky (nested curve).
    probability : (M,) float64
        Sum 1.

    Raises
    ------
    ValueError
        A cell outside its order's range, or cells that overlap; both are named.

    Examples
    --------
    >>> cells = MultiOrderMap([0, 1, 1], [0, 4, 5], [0.5, 0.25, 0.25])
    >>> cells.nside, cells.regrade(1).probability[:2].tolist()
    (2, [0.5, 0.5])
    """

    order: I64
    ipix: I64
    probability: F64
    record: MapRecord = field(default_factory=lambda: MapRecord(ordering="NUNIQ"))

    def __post_init__(self) -> None:
        order, ipix = (np.asarray(self.order), np.asarray(self.ipix))
        for name, index in (("order", order), ("ipix", ipix)):
            if index.dtype.kind not in "iu" or index.ndim != 1:
                raise TypeError(f"{name}: expected a 1-D array of integers, got {index.dtype} of shape {index.shape}")
        order, ipix = order.astype(np.int64), ipix.astype(np.int64)
        values, repaired = clean_values(self.probability, "cells")
        if not order.size == ipix.size == values.size:
            raise ValueError(
                f"order, ipix, probability have {order.size}, {ipix.size}, {values.size} rows; give one each"
            )
        outside = (order < 0) | (order > MAX_ORDER)
        outside |= (ipix < 0) | (ipix >= 12 * 4 ** np.clip(order, 0, MAX_ORDER))
        if outside.any():
            i = int(np.flatnonzero(outside)[0])
            raise ValueError(
                f"cell {i}: order {order[i]}, ipix {ipix[i]} is no HEALPix cell (order 0 … 29, 12·4^order cells)"
            )
        start = ipix << 2 * (MAX_ORDER - order)
        along = np.argsort(start, kind="stable")
        order, ipix, values, start = order[along], ipix[along], values[along], start[along]
        end = start + (np.int64(1) << 2 * (MAX_ORDER - order))
        # A large cell may swallow several: compare with the furthest end so far, not only with the neighbour's.
        reach = np.maximum.accumulate(end)
        clash = np.flatnonzero(start[1:] < reach[:-1])
        if clash.size:
            j = int(clash[0]) + 1
            i = int(np.flatnonzero(end[:j] == reach[j - 1])[0])
            raise ValueError(
                f"cells overlap: (order {order[i]}, ipix {ipix[i]}) covers (order {order[j]}, ipix {ipix[j]}); "
                f"{clash.size} overlaps in all. Keep one value per part of the sky"
            )
        for name, array in (("order", order), ("ipix", ipix)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        object.__setattr__(self, "probability", normalised(values))
        if repaired:
            object.__setattr__(self, "record", replace(self.record, repaired={**self.record.repaired, **repaired}))

    @classmethod
    def from_flat(cls, sky: SkyMap, *, tolerance: float = 0.0, p_max: float = 0.0) -> MultiOrderMap:
        """Merge neighbouring pixels of a flat map into larger cells where little is lost.

        Parameters
        ----------
        sky : SkyMap
        tolerance : float
            Four sibling cells are merged if their values differ by at most this fraction of the largest. 0 merges only
            equal ones: nothing is lost.
        p_max : float
            Siblings are merged, whatever their values, if together they hold at most this probability.

        Returns
        -------
        MultiOrderMap

        Examples
        --------
        >>> MultiOrderMap.from_flat(SkyMap(np.r_[np.ones(191), 5.0]))
        MultiOrderMap(18 cells, nside 1 ... 4)
        """
        import healpy

        if not hasattr(sky, "probability"):
            raise TypeError(f"sky: expected a SkyMap, got {type(sky).__name__}; wrap an array as SkyMap(array)")
        order = sky.nside.bit_length() - 1
        value = sky.probability[healpy.nest2ring(sky.nside, np.arange(sky.probability.size))]
        whole = np.ones(value.size, dtype=bool)
        orders, ipixs, values = [], [], []
        while True:
            merge = np.zeros(value.size // 4, dtype=bool)
            if order > 0:
                family = value.reshape(-1, 4)
                high = family.max(axis=1)
                merge = (high - family.min(axis=1) <= tolerance * high) | (family.sum(axis=1) <= p_max)
                merge &= whole.reshape(-1, 4).all(axis=1)
            ipix = np.flatnonzero(whole & ~np.repeat(merge, 4))
            orders.append(np.full(ipix.size, order, dtype=np.int64))
            ipixs.append(ipix)
            values.append(value[ipix])
            if not merge.any():
                break
            whole, value, order = merge, value.reshape(-1, 4).sum(axis=1), order - 1
        record = replace(sky.record, ordering="NUNIQ")
        return cls(np.concatenate(orders), np.concatenate(ipixs), np.concatenate(values), record)

    def __len__(self) -> int:
        return int(self.order.size)

    @property
    def nside(self) -> int:
        """nside of the finest cell."""
        return 1 << int(self.order.max())

    @property
    def frame(self) -> Frame:
        """Always ``"equatorial"``."""
        return "equatorial"

    @property
    def uniq(self) -> I64:
        """(M,) int64: UNIQ numbers, ``ipix + 4**(order + 1)``."""
        return self.ipix + (np.int64(4) << 2 * self.order)

    @property
    def cell_area(self) -> F64:
        """(M,) sr: area of each cell."""
        area: F64 = (np.pi / 3.0) * 0.25 ** self.order.astype(np.float64)
        return area

    @property
    def density(self) -> F64:
        """(M,) sr⁻¹: probability density of each cell."""
        density: F64 = self.probability / self.cell_area
        return density

    @property
    def covered(self) -> float:
        """Fraction of the sky that has a cell; 1.0 exactly when none is missing."""
        whole = int((np.int64(1) << 2 * (MAX_ORDER - self.order)).sum())
        return float(whole / (12 * 4**MAX_ORDER))

    @cached_property
    def centres(self) -> tuple[F64, F64]:
        """ra, dec (M,) rad: centres of the cells."""
        import healpy

        theta, phi = healpy.pix2ang(np.int64(1) << self.order, self.ipix, nest=True)
        return np.asarray(phi, dtype=np.float64), np.pi / 2 - np.asarray(theta, dtype=np.float64)

    @property
    def map(self) -> F64:
        """Flat RING probability at the finest nside, up to 1024.

        Raises
        ------
        ValueError
            For finer maps: choose a resolution with ``regrade(nside)`` or ``PriorPolicy(regrade=nside)``.
        """
        if self.nside > MAX_FLAT_NSIDE:
            raise ValueError(
                f"the map's finest cells have nside {self.nside}, {12 * self.nside**2:.3g} pixels as a flat map; "
                "choose a resolution: map.regrade(512), or PriorPolicy(regrade=512) for a prior"
            )
        return self.regrade(self.nside).probability

    def area(self, q: float) -> float:
        """Area, sr, of the smallest region of whole cells that holds the probability `q`."""
        return region_area(self.probability, self.cell_area, q)

    def regrade(self, nside: int) -> SkyMap:
        """Flat map at `nside`: larger cells are split, smaller ones summed; no probability is lost."""
        import healpy

        nside = check_flat_nside(nside)
        target = nside.bit_length() - 1
        nested = np.zeros(12 * nside * nside)
        fine = self.order >= target
        np.add.at(nested, self.ipix[fine] >> 2 * (self.order[fine] - target), self.probability[fine])
        shift = 2 * (target - self.order[~fine])
        count = np.int64(1) << shift
        begin = np.cumsum(count) - count
        pixel = np.repeat((self.ipix[~fine] << shift) - begin, count) + np.arange(int(count.sum()))
        nested[pixel] = np.repeat(self.probability[~fine] / count, count)
        ring = nested[healpy.ring2nest(nside, np.arange(nested.size))]
        return SkyMap(ring, self.record)

    def __repr__(self) -> str:
        return f"MultiOrderMap({len(self)} cells, nside {1 << int(self.order.min())} ... {self.nside})"
