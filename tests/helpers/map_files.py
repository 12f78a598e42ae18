"""A made-up sky, and FITS tables of maps written with astropy alone."""

from __future__ import annotations

import pathlib

import numpy as np

NSIDE = 16
NPIX = 12 * NSIDE * NSIDE
FLAT = {"PIXTYPE": "HEALPIX", "COORDSYS": "C", "NSIDE": NSIDE}


def sky(nside: int = NSIDE, lon: float = 40.0, lat: float = 30.0, width: float = 0.2) -> np.ndarray:
    """A bump on a floor, RING, sum 1."""
    import healpy

    x = np.array(healpy.pix2vec(nside, np.arange(12 * nside * nside)))
    p = np.exp((healpy.ang2vec(lon, lat, lonlat=True) @ x - 1) / width**2) + 1e-6
    return p / p.sum()


def nested(p: np.ndarray) -> np.ndarray:
    import healpy

    return healpy.reorder(p, r2n=True)


def table(path: pathlib.Path, columns: dict, units: dict | None = None, **header) -> pathlib.Path:
    """A FITS table written with astropy alone."""
    from astropy.io import fits

    code = {"f4": "E", "f8": "D", "i8": "K", "i4": "J"}
    made = [
        fits.Column(name, code[np.asarray(c).dtype.str[1:]], array=c, unit=(units or {}).get(name))
        for name, c in columns.items()
    ]
    hdu = fits.BinTableHDU.from_columns(made)
    hdu.header.update(header)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    return path
