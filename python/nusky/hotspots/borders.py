"""Borders of the regions of a localization, each of its islands in a window of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.sphere import separation
from nusky.typing import F64, I64

if TYPE_CHECKING:
    from nusky.hotspots.localization import Localization

__all__ = ["border_lines", "islands"]

# Of the mesh on which a line is found, along a pixel
_CELLS = 8


def islands(nside: int, pixels: I64) -> list[I64]:
    """Rows of pixels that hang together by their sides or corners.

    Parameters
    ----------
    nside : int
    pixels : (N,) RING, ascending

    Returns
    -------
    list of (n,) arrays
        The largest first.

    Examples
    --------
    >>> import healpy
    >>> [rows.tolist() for rows in islands(4, np.array([0, 1, 190, 191]))]
    [[0, 1], [2, 3]]
    """
    import healpy
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    near = healpy.get_all_neighbours(nside, pixels)
    column = np.minimum(np.searchsorted(pixels, near), len(pixels) - 1)
    k, row = np.nonzero(pixels[column] == near)
    links = coo_array((np.ones(len(row), dtype=np.int8), (row, column[k, row])), shape=(len(pixels),) * 2)
    n, label = connected_components(links, directed=False)
    found = [np.flatnonzero(label == i) for i in range(n)]
    return sorted(found, key=len, reverse=True)


def border_lines(where: Localization, level: float) -> list[F64]:
    """Lines around the region of a level, (M, 2) in rad; arguments and errors of `Localization.contour`."""
    region = where.region(level)
    inside = np.flatnonzero(region.inside)
    ra, dec = where.pixels.ra[inside], where.pixels.dec[inside]
    lines = []
    for island in islands(where.pixels.nside, where.pixels.pixels[inside]):
        for line in _around(where, where.ts[where.best] - region.delta_ts, ra[island], dec[island]):
            nearest = int(np.argmin(separation(ra, dec, line[0, 0], line[0, 1])))
            if nearest in island:  # others are in this window, too, and come in their own
                lines.append(line)
    return lines


def _around(where: Localization, border: float, ra: F64, dec: F64) -> list[F64]:
    """Lines where TS is at the border, in a window around some pixels."""
    from contourpy import contour_generator

    from nusky.plotting import SkyZoom

    middle_ra, middle_dec = _middle(ra, dec)
    side = np.sqrt(np.pi / 3) / where.pixels.nside
    reach = float(np.max(separation(ra, dec, middle_ra, middle_dec)))
    zoom = SkyZoom(ra=middle_ra, dec=middle_dec, width=min(float(np.pi), 2 * reach + 6 * side))
    n = int(np.clip(_CELLS * zoom.width / side, 32, 400))  # windows around a few pixels need few cells
    edges, at_ra, at_dec = zoom.positions(n)
    middle = 0.5 * (edges[1:] + edges[:-1])
    values = np.nan_to_num(_between(where, at_ra, at_dec), nan=float(where.ts.min()) - 1.0)
    found = map(np.asarray, contour_generator(middle, middle, values).lines(border))
    return [np.stack(zoom.at(line[:, 0], line[:, 1]), axis=1) for line in found]


def _middle(ra: F64, dec: F64) -> tuple[float, float]:
    x, y, z = (np.cos(dec) * np.cos(ra)).sum(), (np.cos(dec) * np.sin(ra)).sum(), np.sin(dec).sum()
    return float(np.arctan2(y, x)), float(np.arctan2(z, np.hypot(x, y)))


def _between(where: Localization, ra: F64, dec: F64) -> Any:
    """TS interpolated between the pixels' centres; as `ts_at` where not all pixels around were fitted."""
    import healpy

    pixels = where.pixels
    near, weight = healpy.get_interp_weights(pixels.nside, np.pi / 2 - dec.ravel(), ra.ravel())
    row = np.minimum(np.searchsorted(pixels.pixels, near), len(pixels) - 1)
    value = np.where(pixels.pixels[row] == near, where.ts[row], np.nan)
    smooth = (value * weight).sum(axis=0).reshape(ra.shape)
    return np.where(np.isfinite(smooth), smooth, where.ts_at(ra, dec))
