"""A template's S by brute force: the sum over all pixels of a fine grid, nothing interpolated."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from nusky.analysis import Analysis
from nusky.hyp import BinnedFlux, PixelSpectra
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


def spectra(nside: int = 8) -> PixelSpectra:
    """A belt that is soft, with a hard blob; the energies are those of the small analysis."""
    edges = np.geomspace(2e3, 1e7, 11)
    middle = np.sqrt(edges[1:] * edges[:-1])
    belt, hot = band(nside, 0.2), blob(nside, 2.0, 0.4, 0.25)
    return PixelSpectra(np.outer(belt, 1e2 * middle**-2.6) + np.outer(hot, middle**-2.0), edges)


def many_spectra() -> PixelSpectra:
    """48 pixels, each with a power law of its own, E^−2 to E^−3.2."""
    edges = np.geomspace(2e3, 1e7, 20)
    middle = np.sqrt(edges[1:] * edges[:-1]) / 1e4
    gamma = 2.6 + 0.6 * np.sin(np.arange(48.0))
    return PixelSpectra((1.2 + np.cos(3.0 * np.arange(48)))[:, None] * middle ** -gamma[:, None], edges)


def signal_of_pixels(season: Any, given: PixelSpectra, events: Any, fine: int = 128) -> F64:
    """(N,) S times the energy ratio of a template with spectra, pixel by pixel with the pixel's own spectrum."""
    import healpy

    nside = healpy.npix2nside(len(given.flux))
    theta, phi = healpy.pix2ang(fine, np.arange(12 * fine**2))
    pixel = healpy.ang2pix(nside, theta, phi)
    dec = np.pi / 2 - healpy.pix2ang(nside, np.arange(len(given.flux)))[0]
    fluxes = [BinnedFlux(given.energy_bins, row) for row in given.flux]
    accepted = np.array([season.acceptance.for_flux(one)(d) for one, d in zip(fluxes, dec, strict=True)])
    ratio = np.exp([season.ratio_of_flux(one)(events)[:, 0] for one in fluxes])  # (npix, N)
    found = np.empty(len(events))
    for i in range(len(events)):
        away = np.asarray(separation(phi, np.pi / 2 - theta, events["ra"][i], events["dec"][i]))
        near = space_density(away, np.full(away.shape, events["sigma"][i]))
        found[i] = (accepted[pixel] * near * ratio[pixel, i]).sum() / (fine / nside) ** 2
    return np.asarray(found / accepted.sum())


def mild_spectra() -> PixelSpectra:
    """A soft belt and a harder blob at energies that the background has: what is injected is found in full."""
    edges = np.geomspace(1e3, 2e4, 6)
    middle = np.sqrt(edges[1:] * edges[:-1]) / 1e3
    hot = 0.3 * blob(16, 2.0, 0.4, 0.15)
    return PixelSpectra(np.outer(band(16, 0.1), middle**-4.0) + np.outer(hot, middle**-2.5), edges)
