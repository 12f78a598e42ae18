"""What a HEALPix map must be: nside, number of pixels; places inside its pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from nusky.typing import F64, I64

__all__ = ["check_flat_nside", "check_nest", "check_nside", "inside_pixels", "map_nside"]


def check_nside(nside: Any, name: str = "nside") -> int:
    """`nside` as an int, or an error that says what is wrong with it.

    Parameters
    ----------
    nside : int
        Power of two, 1 … 2**29.
    name : str
        What to call it in the message.

    Returns
    -------
    int

    Raises
    ------
    TypeError
        If it is not an integer.
    ValueError
        If it is not a power of two in range.

    Examples
    --------
    >>> check_nside(64)
    64
    """
    try:
        value = int(nside)
        whole = not isinstance(nside, bool) and value == nside
    except (TypeError, ValueError, OverflowError):
        whole = False
    if not whole:
        raise TypeError(f"{name}: expected an integer that is a power of two, got {nside!r}")
    if value < 1 or value > 2**29 or value & (value - 1):
        raise ValueError(f"{name}={value} is not a power of two between 1 and 2**29; use 32, 64, 128, …")
    return value


# Of a flat map: 6 GB
_FINEST_FLAT = 8192


def map_nside(npix: int, name: str = "map") -> int:
    """nside of a full-sky map with `npix` pixels; ValueError with the nearest valid lengths otherwise.

    Examples
    --------
    >>> map_nside(49152)
    64
    """
    nside = round((int(npix) / 12) ** 0.5)
    if npix < 12 or 12 * nside * nside != npix or nside & (nside - 1):
        order = max(0.0, np.log2(max(npix, 1) / 12) / 2)
        below, above = 2 ** int(np.floor(order)), 2 ** int(np.ceil(order))
        near = " or ".join(f"{12 * n * n} (nside {n})" for n in sorted({below, above}))
        raise ValueError(
            f"{name}: {npix} values are no full-sky HEALPix map (12 nside², nside a power of two); nearest is {near}. "
            "For a partial map give a FITS table with explicit pixels to read_sky_map"
        )
    return int(nside)


def check_flat_nside(nside: int) -> int:
    """`nside` of a flat map that fits into memory, or an error.

    Examples
    --------
    >>> check_flat_nside(512)
    512
    """
    if check_nside(nside) > _FINEST_FLAT:
        raise ValueError(
            f"nside={nside}: a flat map of it has {12 * nside**2:.3g} pixels, {96 * nside**2 / 2**30:.3g} GB; take "
            f"{_FINEST_FLAT} or less (512 is 0.1 degrees), or keep cells of their own size (MultiOrderMap)"
        )
    return int(nside)


# Sub-pixels this fine (nside 2^29, 0.4 milliarcseconds) stand for "anywhere inside a pixel"
_FINEST_ORDER = 29


def inside_pixels(nside: int, pixels: I64, uniform: F64) -> tuple[F64, F64]:
    """Places anywhere inside pixels, for numbers uniform in [0, 1).

    Parameters
    ----------
    nside : int
    pixels : (N,) RING
    uniform : (N,)

    Returns
    -------
    ra, dec : (N,) rad
    """
    import healpy

    children = 4 ** (_FINEST_ORDER - (nside.bit_length() - 1))
    nested = healpy.ring2nest(nside, pixels)
    inside = nested * children + (uniform * children).astype(np.int64)
    theta, phi = healpy.pix2ang(2**_FINEST_ORDER, inside, nest=True)
    return np.asarray(phi), np.asarray(np.pi / 2 - theta)


def check_nest(nest: Any) -> bool | None:
    """`nest` as True, False or None; words are refused, since every word is true.

    Examples
    --------
    >>> check_nest(1), check_nest(None)
    (True, None)
    """
    if nest is None or isinstance(nest, (bool, np.bool_)) or (isinstance(nest, (int, np.integer)) and nest in (0, 1)):
        return None if nest is None else bool(nest)
    raise TypeError(f"nest={nest!r}: give nest=True for NESTED order, nest=False for RING")
