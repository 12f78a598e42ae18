"""Borders of regions that have islands far from each other."""

from __future__ import annotations

import healpy
import numpy as np

from nusky.hotspots.localization import Localization
from nusky.pixels import PixelSet
from nusky.pixels.regions import position_regions
from nusky.sphere import separation

NSIDE = 1024
SPOTS = ((2.0, 0.4, 30.0), (3.5, -0.6, 29.0))  # ra, dec, TS: 80° apart
WIDTH = 0.004


def enclosed(lines: list[np.ndarray]) -> float:
    """Area within closed lines, sr."""
    total = 0.0
    for line in lines:
        x, y = line[:, 0] * np.cos(line[:, 1].mean()), line[:, 1]
        total += abs(0.5 * np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))
    return total


def test_each_island_has_a_border_as_fine_as_its_pixels() -> None:
    near = [healpy.query_disc(NSIDE, healpy.dir2vec(np.pi / 2 - dec, ra), 0.03) for ra, dec, _ in SPOTS]
    pixels = PixelSet(NSIDE, np.unique(np.concatenate(near)))
    ts = np.max([peak - (separation(pixels.ra, pixels.dec, ra, dec) / WIDTH) ** 2 for ra, dec, peak in SPOTS], axis=0)
    empty = np.zeros(len(pixels))
    where = Localization(pixels, ts, empty, empty, position_regions(pixels, ts))
    for level in (0.5, 0.9):
        lines = where.contour(level)
        assert len(lines) == 2
        border = ts.max() - where.region(level).delta_ts
        for line, (ra, dec, peak) in zip(lines, SPOTS, strict=True):
            np.testing.assert_allclose(
                separation(line[:, 0], line[:, 1], ra, dec), WIDTH * np.sqrt(peak - border), rtol=0.05
            )
            assert len(line) > 20
        # pixels of an island of radius 4 pixels: its area is known to their borders only
        assert abs(enclosed(lines) / where.area(level) - 1) < 0.1
