"""Error region of a hot spot's position: the pixels whose TS lies within a threshold of the maximum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.missing import without_missing
from nusky.pixels.cells import CellIndex
from nusky.pixels.multi_order import MultiOrderPixels
from nusky.pixels.pixel_set import PixelSet

if TYPE_CHECKING:
    from nusky.typing import Bool

__all__ = ["PositionRegion", "delta_ts", "position_regions"]


@dataclass(frozen=True, eq=False)
class PositionRegion:
    """One region of the position of a hot spot.

    Attributes
    ----------
    level : float
        Confidence, 0 … 1.
    delta_ts : float
        Threshold: −2 ln(1 − level), Wilks for the two coordinates of a position, or one measured on trials.
    best : int
        Row of the hottest pixel.
    inside : (P,) bool
        Rows of the scanned pixels that belong to the region.
    area : float, sr
    complete : bool
        False: the region reaches pixels that were not scanned; `area` is then a lower bound. Scan a wider set.

    Notes
    -----
    Without trials coverage is that of Wilks' theorem, which needs a hot spot well above background and much larger than
    a pixel: of the first-year IC86 season 41 ± 4, 64 ± 4, 87 ± 3 % were found inside for 50, 68, 90 %. An
    area of a few pixels says that the map is too coarse: refine (`nusky.pixels.refinement.refined_pixels`).
    """

    level: float
    delta_ts: float
    best: int
    inside: Bool
    area: float
    complete: bool

    @property
    def n_pixels(self) -> int:
        """Number of pixels in the region."""
        return int(self.inside.sum())


def delta_ts(level: float) -> float:
    """Drop of TS at the border of a region of two parameters: ``−2 ln(1 − level)``.

    Examples
    --------
    >>> round(delta_ts(0.5), 3), round(delta_ts(0.9), 3)
    (1.386, 4.605)
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level={level} must be between 0 and 1 (a fraction, not a percentage)")
    return float(-2.0 * np.log1p(-level))


def position_regions(
    pixels: PixelSet | MultiOrderPixels,
    ts: Any,
    *,
    levels: Sequence[float] = (0.5, 0.9),
    borders: Sequence[float] | None = None,
) -> tuple[PositionRegion, ...]:
    """Regions of the position of the hottest spot, one for each confidence level.

    Parameters
    ----------
    pixels : PixelSet or MultiOrderPixels
        What was scanned.
    ts : (P,) array
        TS of each pixel, or TS with the prior term (the raw one, not cut at 0). NaN and −inf are outside.
    levels : sequence of float
        Confidence, 0 … 1.
    borders : sequence of float, optional
        Drop of TS at the border of each region; default `delta_ts` of the level.

    Returns
    -------
    tuple of PositionRegion
        In the order of `levels`. A second hot spot within the threshold belongs to the region: it is possible too.

    Raises
    ------
    ValueError
        Lengths differ, no finite value, a level outside 0 … 1.

    Examples
    --------
    >>> from nusky.pixels import full_sky
    >>> sky = full_sky(64)
    >>> ts = 30.0 - (np.hypot(sky.ra - 3.0, sky.dec) / 0.1) ** 2
    >>> [round(region.area / np.pi / 0.1**2, 1) for region in position_regions(sky, ts)]
    [1.4, 4.6]
    """
    value, _ = without_missing(ts, "ts")
    if value.shape != (len(pixels),):
        raise ValueError(f"ts: shape {value.shape}, expected one for each of the {len(pixels)} pixels")
    value = np.where(np.isnan(value), -np.inf, value)
    if not value.size or not np.isfinite(value.max()):
        raise ValueError("ts: no finite value, there is no hottest spot")
    best = int(value.argmax())
    area = pixels.cell_area
    cells = CellIndex.of(pixels)
    regions = []
    for level, threshold in zip(levels, map(delta_ts, levels) if borders is None else borders, strict=True):
        inside = value >= value[best] - threshold
        regions.append(
            PositionRegion(
                level, threshold, best, inside, float(area[inside].sum()), cells.surround(np.flatnonzero(inside))
            )
        )
    return tuple(regions)
