"""`PixelSpectra`: a map of the sky with a spectrum in each pixel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from nusky.checks import refuse_text
from nusky.hyp.tabulated import BinnedFlux
from nusky.sphere import map_nside
from nusky.typing import F64
from nusky.units import numbers

__all__ = ["PixelSpectra"]

# How well every pixel's expected events by energy are met by sums of a few pixels' spectra
_CLOSE = 1e-3


# of the flux of a pixel
_UNIT = "1 / (GeV cm2 s sr)"


@dataclass(frozen=True, eq=False)
class PixelSpectra:
    """φ of each pixel, constant inside each energy bin and 0 outside of them.

    Parameters
    ----------
    flux : (npix, M) ≥ 0
        RING, equatorial. GeV⁻¹ cm⁻² s⁻¹ of the pixel (or per sr: pixels have the same area); a common factor of all
        numbers only matters where a flux is told as a multiple of this one.
    energy_bins : (M + 1,) GeV, increasing, > 0

    Raises
    ------
    ValueError
        Shapes that do not fit, negative or missing values, no flux at all.

    Examples
    --------
    >>> spectra = PixelSpectra(np.outer(np.arange(12.0), [1.0, 0.5]), [1e3, 1e4, 1e5])
    >>> spectra.total([2e3, 2e4]).tolist()
    [66.0, 33.0]
    """

    flux: F64
    energy_bins: F64

    def __post_init__(self) -> None:
        refuse_text("flux", self.flux)
        flux, edges = numbers("flux", self.flux, _UNIT).copy(), numbers("energy_bins", self.energy_bins, "GeV").copy()
        if flux.ndim != 2 or edges.shape != (flux.shape[-1] + 1,):
            raise ValueError(
                f"spectra of pixels are (npix, M) values and M + 1 edges of energy, got {flux.shape} and {edges.shape}"
            )
        map_nside(len(flux))
        wrong = ~np.isfinite(flux) | (flux < 0)
        if wrong.any():
            p, m = np.argwhere(wrong)[0].tolist()
            raise ValueError(
                f"template[{p}, {m}] = {flux[p, m]:g}: a flux is a number of 0 or more ({np.count_nonzero(wrong)} "
                "values are not); set them to what they are meant to be"
            )
        if not flux.any():
            raise ValueError("the template has no flux: no value is larger than 0")
        for name, array in (("flux", flux), ("energy_bins", edges)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        _ = self.total  # checks the edges

    @cached_property
    def total(self) -> BinnedFlux:
        """Spectrum of all pixels together."""
        return BinnedFlux(self.energy_bins, self.flux.sum(axis=0))

    def bin(self, m: int) -> BinnedFlux:
        """φ = 1 in bin m, and 0 elsewhere."""
        return BinnedFlux(self.energy_bins[m : m + 2], [1.0])

    @cached_property
    def shares(self) -> F64:
        """(npix,) of the particles of all energies, those from each pixel."""
        number = self.flux @ np.diff(self.energy_bins)
        return np.asarray(number / number.sum())

    def share_at(self, energy: float) -> F64:
        """(npix,) of the flux at `energy` (GeV), that of each pixel.

        Raises
        ------
        ValueError
            No flux at this energy.
        """
        energy = float(numbers("energy", energy, "GeV"))
        at = self.flux[:, min(int(np.searchsorted(self.energy_bins, energy, side="right")) - 1, self.flux.shape[1] - 1)]
        if not self.energy_bins[0] <= energy <= self.energy_bins[-1] or not at.any():
            raise ValueError(
                f"the template has no flux at {energy:g} GeV (energy bins {self.energy_bins[0]:g} … "
                f"{self.energy_bins[-1]:g} GeV): choose E0 and unit within them"
            )
        return np.asarray(at / at.sum())

    def components(self, weight: ArrayLike) -> tuple[F64, tuple[BinnedFlux, ...]]:
        """A few pixels' spectra, and for every pixel the sum of them that its spectrum is.

        The spectrum farthest from all sums of those that were taken is taken next, until each pixel's is met within
        1e-3 of its events (of bright pixels; of faint ones within as many events).

        Parameters
        ----------
        weight : (M,) ≥ 0
            Events that φ = 1 in each bin gives: what the distances are measured in.

        Returns
        -------
        factors : (C, npix)
            May be negative.
        spectra : tuple of C fluxes

        Raises
        ------
        ValueError
            Nothing has both flux and weight.
        """
        events = self.flux * np.asarray(weight, dtype=np.float64)
        number = events.sum(axis=1)
        if not number.max() > 0:
            raise ValueError(
                f"the template's energies ({self.energy_bins[0]:g} … {self.energy_bins[-1]:g} GeV) miss the simulated "
                "ones: no events are expected"
            )
        left = events / np.sqrt(number.max() * np.maximum(number, 1e-12 * number.max()))[:, None]
        pixels: list[int] = []
        while len(pixels) < events.shape[1]:
            length = np.linalg.norm(left, axis=1)
            far = int(length.argmax())
            if pixels and not length[far] > _CLOSE:
                break
            pixels.append(far)
            left = left - np.outer(left @ (left[far] / length[far] ** 2), left[far])
        factors = np.linalg.lstsq(events[pixels].T, events.T, rcond=None)[0]
        return np.asarray(factors), tuple(BinnedFlux(self.energy_bins, self.flux[p]) for p in pixels)
