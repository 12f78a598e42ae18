"""A prior for a position with a circular error."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nusky.priors.prior import SpatialPrior
from nusky.sphere import check_flat_nside, coordinates, radians

__all__ = ["gaussian"]

# further away is no right ascension in rad, but one in degrees
_MOST_TURNS = 2


@np.errstate(under="ignore")
def gaussian(ra: Any, dec: Any = None, *, fwhm: float, nside: int | None = None) -> SpatialPrior:
    """Gaussian prior around a position, p ∝ exp(−ψ² / 2σ²) with σ = fwhm / √(8 ln 2).

    Parameters
    ----------
    ra, dec : float, rad, Quantity, or a SkyCoord in place of both
    fwhm : float, rad
        Full width at half maximum, 0 < fwhm ≤ π.
    nside : int, optional
        By default at least four pixels for each `fwhm`, 64 … 1024.

    Returns
    -------
    SpatialPrior

    Raises
    ------
    ValueError
        For a position or width out of range.

    Examples
    --------
    >>> import numpy as np
    >>> gaussian(np.pi, 0.0, fwhm=np.radians(10)).nside
    64
    """
    import healpy

    ra, dec = coordinates(ra) or (ra, dec)
    if dec is None:
        raise TypeError("gaussian needs ra and dec, or a SkyCoord in place of both")
    ra, dec, fwhm = radians("ra", ra), radians("dec", dec), radians("fwhm", fwhm)
    for name, value in (("ra", ra), ("dec", dec), ("fwhm", fwhm)):
        if np.ndim(value) or np.asarray(value).dtype.kind not in "iuf":
            raise TypeError(f"{name}={value!r}: give one number, rad, or a Quantity")
    if nside is not None:
        nside = check_flat_nside(nside)
    if not (abs(ra) <= _MOST_TURNS * 2 * np.pi and -np.pi / 2 <= dec <= np.pi / 2):
        raise ValueError(f"ra={ra!r}, dec={dec!r} is no position; give rad, ra within two turns, dec in -pi/2 … pi/2")
    if not 0 < fwhm <= np.pi:
        raise ValueError(f"fwhm={fwhm!r} must be in 0 … pi, rad")
    if nside is None:
        nside = 64
        while nside < 1024 and healpy.nside2resol(nside) > fwhm / 4:
            nside *= 2
    centre = healpy.ang2vec(np.pi / 2 - dec, ra)
    # from the chord: a cosine near 1 has lost the digits of a small separation
    chord = np.linalg.norm(np.array(healpy.pix2vec(nside, np.arange(healpy.nside2npix(nside)))).T - centre, axis=1)
    separation = 2 * np.arcsin(np.minimum(chord / 2, 1))
    sigma = fwhm / math.sqrt(8 * math.log(2))
    exponent = -0.5 * (separation / sigma) ** 2
    return SpatialPrior(np.exp(exponent - exponent.max()))
