"""Bring a probability map to another resolution or frame without losing probability."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nusky.sphere.frames import resolve_frame
from nusky.sphere.healpix import check_flat_nside, check_nside, map_nside

if TYPE_CHECKING:
    from nusky.typing import F64

__all__ = ["regrade", "rotate"]

# Pixels handled at once: bounds the temporaries to some tens of MB at any nside.
_CHUNK = 1 << 20


def regrade(probability: F64, nside: int, *, nest: bool = False) -> F64:
    """Map of probability per pixel at another nside; the sum is kept.

    Parameters
    ----------
    probability : (npix,) array
        Probability (not density) per pixel.
    nside : int
        Target, a power of two.
    nest : bool
        Ordering of the given and of the returned map (default RING).

    Returns
    -------
    (12 nside²,) float64
        Going up, a pixel's value is shared equally among its children; going down, children are summed. The
        sum is unchanged up to rounding (< 1e-12 relative).

    Raises
    ------
    ValueError
        No full-sky map, or a target finer than 8192 (6 GB).

    Examples
    --------
    >>> import numpy as np
    >>> float(regrade(np.full(48, 1 / 48), 4).sum().round(12))
    1.0
    """
    import healpy

    values = np.asarray(probability, dtype=np.float64)
    source, target = map_nside(values.size), check_flat_nside(nside)
    if source == target:
        return values.copy()
    ratio = (max(source, target) // min(source, target)) ** 2
    if nest:
        return np.repeat(values / ratio, ratio) if target > source else values.reshape(-1, ratio).sum(axis=1)
    coarse_npix = min(values.size, 12 * target * target)
    out = np.empty(12 * target * target)
    step = max(1, _CHUNK // ratio)
    for start in range(0, coarse_npix, step):
        # By families in nested order: a parent and the row of its children, both found in RING.
        parents = np.arange(start, min(start + step, coarse_npix), dtype=np.int64)
        children = healpy.nest2ring(max(source, target), np.arange(start * ratio, (parents[-1] + 1) * ratio))
        parents = healpy.nest2ring(min(source, target), parents)
        if target > source:
            out[children] = np.repeat(values[parents] / ratio, ratio)
        else:
            out[parents] = values[children].reshape(-1, ratio).sum(axis=1)
    return out


@np.errstate(under="ignore")
def rotate(probability: F64, frame: str, *, nside: int | None = None, oversample: int | None = None) -> F64:
    """RING map of probability per pixel in `frame`, turned to equatorial coordinates.

    The density of the given map is averaged over ``oversample²`` points in every target pixel and the result is brought
    back to the given sum: no probability is lost, no value becomes negative, nothing is smoothed beyond one pixel.

    Parameters
    ----------
    probability : (npix,) array
        RING.
    frame : str
        Frame of the given map, see `nusky.sphere.frames.resolve_frame`.
    nside : int, optional
        Of the result; default that of the map.
    oversample : int, optional
        Power of two; default 4 up to nside 128 and 2 above.

    Returns
    -------
    (12 nside²,) float64
        RING, equatorial (J2000), same sum.

    Examples
    --------
    >>> import healpy, numpy as np
    >>> centre = np.zeros(49152)
    >>> centre[healpy.ang2pix(64, 0.0, 0.0, lonlat=True)] = 1.0
    >>> peak = int(rotate(centre, "galactic").argmax())
    >>> [round(float(x)) for x in healpy.pix2ang(64, peak, lonlat=True)]  # Sgr A* is at (266.4°, -28.9°)
    [266, -28]
    """
    import healpy

    values = np.asarray(probability, dtype=np.float64)
    source = map_nside(values.size)
    target = source if nside is None else check_nside(nside)
    origin = resolve_frame(frame)
    if origin == "equatorial":
        return regrade(values, target)
    if target < source:
        # Turn at the fine resolution first, then sum: sampling a fine map with coarse pixels would miss its peaks.
        return regrade(rotate(values, frame, oversample=oversample), target)
    times = check_nside(oversample if oversample is not None else (4 if target <= 128 else 2), "oversample")
    letter = {"galactic": "G", "ecliptic": "E"}[origin]
    matrix = healpy.Rotator(coord=["C", letter]).mat
    out = np.empty(12 * target * target)
    fine, share = target * times, times * times
    step = max(1, _CHUNK // share)
    for start in range(0, out.size, step):
        pixels = np.arange(start, min(start + step, out.size), dtype=np.int64)
        nested = healpy.ring2nest(target, pixels)
        children = (nested[:, None] * share + np.arange(share)).ravel()
        direction = matrix @ np.stack(healpy.pix2vec(fine, children, nest=True))
        found = healpy.vec2pix(source, *direction)
        out[pixels] = values[found].reshape(-1, share).mean(axis=1)
    total = out.sum()
    if not total > 0:
        # A single hot pixel can fall between the samples; then no sample is better than another.
        return regrade(rotate(values, frame, oversample=2 * times), target) if times < 64 else out
    scaled: F64 = out * (values.sum() / total)
    return scaled
