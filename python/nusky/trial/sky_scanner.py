"""csky's `trial.SkyScanner`: what scripts ask of it, the grid of a scan."""

from __future__ import annotations

import numpy as np

from nusky.sphere import check_nside
from nusky.typing import F64

__all__ = ["SkyScanner"]


class SkyScanner:
    """Centres of HEALPix pixels; scans are made by `get_sky_scan_trial_runner`.

    Examples
    --------
    >>> ra, dec = SkyScanner.get_healpix_grid(2)
    >>> len(ra), bool(dec[0] > 0)
    (48, True)
    """

    @staticmethod
    def get_healpix_grid(nside: int) -> tuple[F64, F64]:
        """Right ascension and declination, rad, of all pixels in RING order.

        Parameters
        ----------
        nside : int

        Returns
        -------
        ra, dec : (12 nside²,) rad
        """
        import healpy

        theta, phi = healpy.pix2ang(check_nside(nside), np.arange(12 * int(nside) ** 2))
        return np.asarray(phi), np.asarray(np.pi / 2 - theta)
