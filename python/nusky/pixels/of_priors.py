"""Pixels of a search with priors: of the priors' nside, or cells that follow the one prior's own resolution."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky.checks import check_fraction
from nusky.maps.multiorder import MultiOrderMap
from nusky.pixels.multi_order import MultiOrderPixels, follow_prior
from nusky.pixels.pixel_set import PixelRule, PixelSet
from nusky.pixels.select import select_pixels
from nusky.priors.prior import SpatialPrior

__all__ = ["prior_cells", "prior_pixels"]


def prior_pixels(
    priors: tuple[SpatialPrior, ...],
    *,
    pixels: str | PixelSet | MultiOrderPixels | None = None,
    cells: MultiOrderMap | None = None,
    min_nside: int | None = None,
    max_nside: int | None = None,
    **limits: Any,
) -> PixelSet | MultiOrderPixels:
    """Pixels to fit.

    Parameters
    ----------
    priors : tuple of SpatialPrior
    pixels : "nside", "prior", PixelSet or MultiOrderPixels
        ``"nside"`` (default): pixels of the priors' nside. ``"prior"``: large cells where the prior is coarse or
        negligible, small ones where it is not; needs a single prior. Or a set made before; then no limit may be given.
    cells : MultiOrderMap, optional
        The prior in its own cells, if it came in some.
    min_nside, max_nside : int
        For ``pixels="prior"``: see `follow_prior`; by default 64 and the prior's nside.
    **limits
        Of `select_pixels`: ``min_dec, max_dec, pixmask, cone, containment, prior_floor``.

    Returns
    -------
    PixelSet or MultiOrderPixels

    Raises
    ------
    ValueError
        Options that do not go together, or nothing left.

    Examples
    --------
    >>> import numpy as np
    >>> prior = SpatialPrior(np.exp(-np.arange(12 * 64**2) / 3000))
    >>> prior_pixels((prior,), containment=0.9)
    PixelSet(nside=64, 6908 of 49152 pixels)
    >>> prior_pixels((prior,), pixels="prior", min_nside=16).parts[0].nside
    16
    """
    nside = priors[0].nside
    given = ", ".join(sorted(limits))
    if isinstance(pixels, (PixelSet, MultiOrderPixels)):
        if given:
            raise ValueError(f"pixels= is a finished set, so {given} cannot be applied to it; select it with them")
        return pixels
    if pixels not in (None, "nside", "prior"):
        raise ValueError(f"pixels={pixels!r} is not known; use 'nside', 'prior' or a set of pixels")
    if pixels != "prior":
        if min_nside is not None or max_nside is not None:
            raise ValueError("min_nside and max_nside belong to pixels='prior'; the priors' nside is the scan's")
        return select_pixels(nside, prior=list(priors), **limits)
    if len(priors) > 1:
        raise ValueError(
            f"pixels='prior' follows one prior, but there are {len(priors)}; leave it out, or make a runner for each"
        )
    finest = nside if max_nside is None else max_nside
    return prior_cells(priors[0], cells, min(64, finest) if min_nside is None else min_nside, finest, **limits)


def prior_cells(
    prior: SpatialPrior,
    cells: MultiOrderMap | None,
    min_nside: int,
    max_nside: int,
    *,
    pixmask: Any = None,
    cone: tuple[Any, ...] | None = None,
    prior_floor: float | None = None,
    containment: float | None = None,
    min_dec: float = -np.pi / 2,
    max_dec: float = np.pi / 2,
) -> MultiOrderPixels:
    """Cells that follow a prior, under the limits of `select_pixels`.

    A flat prior is merged first: equal siblings, and siblings that hold less than a millionth of the probability
    together. Mask and cone apply to the centres of the cells.
    """
    found = follow_prior(
        prior if cells is None else cells,
        min_nside=min_nside,
        max_nside=max_nside,
        containment=containment,
        min_dec=min_dec,
        max_dec=max_dec,
        p_max=0.0 if cells is not None else 1e-6,
    )
    if pixmask is not None or cone is not None:
        # The rules of a flat set, asked at the cells' centres
        flat = select_pixels(prior.nside, pixmask=pixmask, cone=cone)
        mask = np.zeros(flat.npix, dtype=bool)
        mask[flat.pixels] = True
        rules = [rule.rule for rule in flat.report[1:]]
        found = _only(found, mask[_pixel_at(prior.nside, found)], " and ".join(rules))
    if prior_floor is not None:
        floor = np.log(check_fraction("prior_floor", prior_floor))
        found = _only(found, found.log_ratio >= floor, f"p >= {prior_floor:g} p_max")
    return found


def _pixel_at(nside: int, cells: MultiOrderPixels) -> NDArray[np.int64]:
    import healpy

    return np.asarray(healpy.ang2pix(nside, np.pi / 2 - cells.dec, cells.ra), dtype=np.int64)


def _only(cells: MultiOrderPixels, keep: NDArray[np.bool_], rule: str) -> MultiOrderPixels:
    """The cells with a True, with one more line in the report."""
    outside = float(max(0.0, 1.0 - cells.probability[keep].sum()))
    report = (*cells.report, PixelRule(rule, int(keep.sum()), False, outside))
    if not keep.any():
        lines = "\n".join(str(line) for line in report)
        raise ValueError(f"no cell is left after {rule!r}; widen the limits\n{lines}")
    parts, start = [], 0
    for part in cells.parts:
        mine = keep[start : start + len(part)]
        start += len(part)
        if mine.any():
            parts.append(PixelSet(part.nside, part.pixels[mine]))
    return MultiOrderPixels(tuple(parts), cells.probability[keep], cells.log_ratio[keep], cells.min_nside, report)
