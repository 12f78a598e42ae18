"""A template's S by brute force: the sum over all pixels of a fine grid, nothing interpolated."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from nusky.analysis import Analysis
from nusky.likelihood.reading import space_density
from nusky.sphere import separation
from nusky.typing import F64
from small_analysis import small_analysis


@cache
def one() -> Analysis:
    """2 000 events."""
    return small_analysis("one")


@cache
def two() -> Analysis:
    """Twice 2 000 events."""
    return small_analysis("one", "two")


def band(nside: int, width: float = 0.12) -> F64:
    """A belt around a great circle that is inclined by 63°, with a brighter part."""
    import healpy

    x, y, z = healpy.pix2vec(nside, np.arange(12 * nside**2))
    away = np.arcsin(np.clip(0.455 * z - 0.891 * x, -1, 1))
    return np.asarray(np.exp(-0.5 * (away / width) ** 2) * (1.2 + y))


def blob(nside: int, ra: float, dec: float, width: float) -> F64:
    """A Gaussian of this width, rad."""
    import healpy

    theta, phi = healpy.pix2ang(nside, np.arange(12 * nside**2))
    return np.asarray(np.exp(-0.5 * (separation(phi, np.pi / 2 - theta, ra, dec) / width) ** 2))


def smeared(values: F64, ra: F64, dec: F64, sigma: F64, fine: int = 128) -> F64:
    """(N,) the map, given per sr, convolved with Gaussians of σ at N places."""
    import healpy

    theta, phi = healpy.pix2ang(fine, np.arange(12 * fine**2))
    on_fine = healpy.ud_grade(values, fine) * (4 * np.pi / (12 * fine**2))
    found = [
        float(
            (on_fine * space_density(np.asarray(separation(phi, np.pi / 2 - theta, a, d)), np.full(phi.shape, s))).sum()
        )
        for a, d, s in zip(ra, dec, sigma, strict=True)
    ]
    return np.array(found)


def signal(season: Any, flux: F64, gamma: float, ra: F64, dec: F64, sigma: F64, fine: int = 128) -> F64:
    """(N,) S of a template of flux shares in a season, at γ."""
    import healpy

    nside = healpy.npix2nside(len(flux))
    theta, _ = healpy.pix2ang(nside, np.arange(len(flux)))
    events = flux * np.asarray(season.acceptance(np.pi / 2 - theta, gamma))
    per_steradian = events / events.sum() * (len(flux) / (4 * np.pi))
    return smeared(per_steradian, ra, dec, sigma, fine)
