"""Pixels of several sizes that follow the resolution of a multi-order prior."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky import _core
from nusky.checks import check_fraction
from nusky.files.hashing import content_hash
from nusky.maps.multiorder import MultiOrderMap
from nusky.maps.skymap import SkyMap, smallest_region
from nusky.pixels.pixel_set import PixelRule, PixelSet, declination_limits, tiles_of
from nusky.priors.policy import FLOOR_DEPTH, PriorPolicy
from nusky.priors.prior import SpatialPrior
from nusky.sphere.healpix import check_nside

if TYPE_CHECKING:
    from nusky.typing import F64, I64

__all__ = ["MultiOrderPixels", "follow_prior"]


@dataclass(frozen=True, eq=False, repr=False)
class MultiOrderPixels:
    """Cells of mixed nside, each with its share of a prior; made by `follow_prior`.

    Attributes
    ----------
    parts : tuple of PixelSet
        The cells by nside, coarsest first. Arrays over all cells follow this order.
    probability : (M,) float64
        Prior probability of each cell.
    log_ratio : (M,) float64
        ln(ρ / ρ_max) of the prior's density, ρ_max over the whole map; −inf where the prior is 0.
    min_nside : int
        Coarsest nside a cell could have.
    report : tuple of PixelRule

    Examples
    --------
    >>> from nusky.maps.skymap import SkyMap
    >>> x = np.exp(-0.5 * (np.arange(3072) / 300) ** 2)
    >>> follow_prior(SkyMap(x), min_nside=4, max_nside=16, p_max=1e-3)
    MultiOrderPixels(870 cells, nside 4 ... 16)
    """

    parts: tuple[PixelSet, ...]
    probability: F64
    log_ratio: F64
    min_nside: int
    report: tuple[PixelRule, ...] = field(default=())

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def __reduce__(self) -> tuple[Any, ...]:
        # Worker processes rebuild the core's object: it is cheap to make and cannot be pickled
        return MultiOrderPixels, (self.parts, self.probability, self.log_ratio, self.min_nside, self.report)

    def __repr__(self) -> str:
        if not self.parts:
            return "MultiOrderPixels(0 cells)"
        return f"MultiOrderPixels({len(self)} cells, nside {self.parts[0].nside} ... {self.parts[-1].nside})"

    @cached_property
    def ra(self) -> F64:
        """(M,) rad: centres of the cells."""
        return _joined([part.ra for part in self.parts])

    @cached_property
    def dec(self) -> F64:
        """(M,) rad."""
        return _joined([part.dec for part in self.parts])

    @property
    def finest_nside(self) -> int:
        """nside of the smallest cells."""
        return self.parts[-1].nside

    @cached_property
    def nsides(self) -> I64:
        """(M,) nside of each cell."""
        return np.repeat([part.nside for part in self.parts], [len(part) for part in self.parts]).astype(np.int64)

    @cached_property
    def pixels(self) -> I64:
        """(M,) RING index of each cell at its own nside."""
        return np.concatenate([part.pixels for part in self.parts]) if self.parts else np.empty(0, dtype=np.int64)

    @property
    def cell_area(self) -> F64:
        """(M,) sr: area of each cell."""
        area: F64 = np.pi / (3.0 * self.nsides.astype(np.float64) ** 2)
        return area

    @property
    def area(self) -> float:
        """Area of all cells, sr."""
        return float(self.cell_area.sum())

    def describe(self) -> str:
        """How many cells each step left, one line a step."""
        return "\n".join(str(line) for line in self.report)

    def term(self, policy: PriorPolicy | None = None) -> F64:
        """(M,) prior term ``w ln(ρ / ρ_max)`` of each cell.

        Densities are compared, not probabilities: a large cell holds more probability than a small one without being
        a likelier place.
        """
        policy = PriorPolicy() if policy is None else policy
        term: F64 = policy.weight * self.log_ratio
        zero = np.isneginf(term)
        if policy.zero == "floor" and zero.any() and not zero.all():
            term[zero] = term[~zero].min() - policy.weight * FLOOR_DEPTH
        return term

    @cached_property
    def content_hash(self) -> str:
        """Names the cells in stored results."""
        return content_hash([self.pixels, self.nsides, self.log_ratio])

    @cached_property
    def directions(self) -> _core.Directions:
        """The centres as the core takes them, in the order of the cells; made once.

        A cell is in the tile it has in a flat scan of its nside, so its result is that of the flat scan, whatever other
        cells and sizes there are.
        """
        tiles = [tiles_of(part.nside, part.pixels) for part in self.parts]
        first = np.cumsum([0, *(t.ra.size for t in tiles)])
        tile = np.concatenate([t.tile + start for t, start in zip(tiles, first, strict=False)])
        centre_ra, centre_dec = _joined([t.ra for t in tiles]), _joined([t.dec for t in tiles])
        radius = _joined([t.radius for t in tiles])
        return _core.Directions(self.ra, self.dec, tile, centre_ra, centre_dec, radius)

    def embed(self, values: Any, nside: int | None = None, fill: float = 0.0) -> F64:
        """Full-sky RING map with each cell's value over its area; of cells finer than `nside` the largest counts.

        Parameters
        ----------
        values : (M,) array
        nside : int, optional
            Default: that of the finest cell.
        fill : float
            Value where there is no cell.

        Examples
        --------
        >>> from nusky.maps.skymap import SkyMap
        >>> cells = follow_prior(SkyMap(np.ones(12)), min_nside=1, max_nside=4)
        >>> cells.embed(np.arange(12.0), nside=2).size
        48
        """
        import healpy

        given = np.asarray(values, dtype=np.float64)
        if given.shape != (len(self),):
            raise ValueError(f"values: shape {given.shape}, expected one for each of the {len(self)} cells")
        nside = max((part.nside for part in self.parts), default=1) if nside is None else check_nside(nside)
        out = np.full(12 * nside * nside, -np.inf)
        painted = np.zeros(out.size, dtype=bool)
        start = 0
        for part in self.parts:
            mine = given[start : start + len(part)]
            start += len(part)
            nested = healpy.ring2nest(part.nside, part.pixels)
            if part.nside <= nside:
                share = (nside // part.nside) ** 2
                where = (nested[:, None] * share + np.arange(share)).ravel()
                mine = np.repeat(mine, share)
            else:
                where = nested // (part.nside // nside) ** 2
            ring = healpy.nest2ring(nside, where)
            np.maximum.at(out, ring, mine)
            painted[ring] = True
        out[~painted] = fill
        return out


def follow_prior(
    prior: MultiOrderMap | SkyMap | SpatialPrior,
    *,
    min_nside: int = 64,
    max_nside: int = 512,
    containment: float | None = None,
    min_dec: float = -np.pi / 2,
    max_dec: float = np.pi / 2,
    tolerance: float = 0.0,
    p_max: float = 0.0,
) -> MultiOrderPixels:
    """Cells of a prior's own resolution within two limits.

    Parameters
    ----------
    prior : MultiOrderMap, SkyMap or SpatialPrior
        Flat maps are merged into larger cells first (`tolerance`, `p_max`: see `MultiOrderMap.from_flat`).
    min_nside, max_nside : int
        Larger cells are split to `min_nside`, smaller ones merged to `max_nside`. Keep the largest cells smaller
        than the events' errors, or a hot spot slips between centres: 64 is 0.9°.
    containment : float, optional
        0 < q ≤ 1: the cells of highest density that hold this probability. Changes the question.
    min_dec, max_dec : float or Quantity
        rad, for the centres of the cells.

    Returns
    -------
    MultiOrderPixels
        Cells with no prior probability are left out: they cannot win.

    Examples
    --------
    >>> from nusky.maps.skymap import SkyMap
    >>> print(follow_prior(SkyMap(np.ones(12)), min_nside=2, max_nside=4, max_dec=0.0).describe())
            48  nside 2 … 2, whole map  (exact)
            48  prior > 0  (exact)
            28  -90 <= dec <= 0 deg  (41.7 % of the prior outside)
    """
    low, high = check_nside(min_nside, "min_nside"), check_nside(max_nside, "max_nside")
    if low > high:
        raise ValueError(f"min_nside={low} is larger than max_nside={high}; exchange them")
    min_dec, max_dec = declination_limits(min_dec, max_dec)
    if containment is not None:
        check_fraction("containment", containment)
    cells = prior if isinstance(prior, MultiOrderMap) else _merged(prior, tolerance, p_max)
    order, ipix, probability = _clamped(cells, low.bit_length() - 1, high.bit_length() - 1)
    area = np.pi / 3 * 0.25 ** order.astype(np.float64)
    density = probability / area
    with np.errstate(divide="ignore"):
        log_ratio = np.log(density) - np.log(density.max())
    sizes = f"nside {1 << int(order.min())} … {1 << int(order.max())}, whole map"
    report = [PixelRule(sizes, order.size, True)]
    keep = probability > 0
    report.append(PixelRule("prior > 0", int(keep.sum()), True))
    if containment is not None:
        keep[:] = False
        keep[smallest_region(probability, containment, area)] = True
        outside = float(probability[~keep].sum())
        report.append(PixelRule(f"{100 * containment:g} % containment", int(keep.sum()), False, outside))
    return _cut_and_sorted(order, ipix, probability, log_ratio, keep, (min_dec, max_dec), low, report)


def _cut_and_sorted(
    order: I64,
    ipix: I64,
    probability: F64,
    log_ratio: F64,
    keep: NDArray[np.bool_],
    limits: tuple[float, float],
    min_nside: int,
    report: list[PixelRule],
) -> MultiOrderPixels:
    import healpy

    parts, probabilities, ratios = [], [], []
    for level in np.unique(order[keep]).tolist():
        mine = np.flatnonzero(keep & (order == level))
        ring = healpy.nest2ring(1 << level, ipix[mine])
        along = np.argsort(ring)
        part = PixelSet(1 << level, ring)
        inside = (part.dec >= limits[0]) & (part.dec <= limits[1])
        if not inside.any():
            continue
        parts.append(PixelSet(1 << level, part.pixels[inside]))
        probabilities.append(probability[mine[along][inside]])
        ratios.append(log_ratio[mine[along][inside]])
    n = sum(len(part) for part in parts)
    if limits != (-np.pi / 2, np.pi / 2):
        rule = f"{np.degrees(limits[0]):g} <= dec <= {np.degrees(limits[1]):g} deg"
        outside = float(max(0.0, probability.sum() - sum(float(p.sum()) for p in probabilities)))
        report.append(PixelRule(rule, n, False, outside))
    if not n:
        lines = "\n".join(str(line) for line in report)
        raise ValueError(f"no cell is left; widen min_dec, max_dec or containment\n{lines}")
    return MultiOrderPixels(tuple(parts), _joined(probabilities), _joined(ratios), min_nside, tuple(report))


def _merged(prior: SkyMap | SpatialPrior, tolerance: float, p_max: float) -> MultiOrderMap:
    flat = prior if isinstance(prior, SkyMap) else SkyMap(prior.probability)
    return MultiOrderMap.from_flat(flat, tolerance=tolerance, p_max=p_max)


def _clamped(cells: MultiOrderMap, low: int, high: int) -> tuple[I64, I64, F64]:
    """Order, nested pixel and probability of the cells with order within low … high, split and merged as needed."""
    middle = (cells.order >= low) & (cells.order <= high)
    orders, ipixs, values = [cells.order[middle]], [cells.ipix[middle]], [cells.probability[middle]]
    fine = cells.order > high
    if fine.any():
        parent, inverse = np.unique(cells.ipix[fine] >> 2 * (cells.order[fine] - high), return_inverse=True)
        orders.append(np.full(parent.size, high, dtype=np.int64))
        ipixs.append(parent)
        values.append(np.bincount(inverse, weights=cells.probability[fine], minlength=parent.size).astype(np.float64))
    coarse = cells.order < low
    if coarse.any():
        shift = 2 * (low - cells.order[coarse])
        count = np.int64(1) << shift
        begin = np.cumsum(count) - count
        ipix = np.repeat((cells.ipix[coarse] << shift) - begin, count) + np.arange(int(count.sum()))
        orders.append(np.full(ipix.size, low, dtype=np.int64))
        ipixs.append(ipix)
        values.append(np.repeat(cells.probability[coarse] / count, count))
    return np.concatenate(orders), np.concatenate(ipixs), np.concatenate(values)


def _joined(arrays: list[F64]) -> F64:
    return np.concatenate(arrays) if arrays else np.empty(0)
