"""Where on the sky each cell of a picture of it is: the inverse of matplotlib's whole-sky projections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nusky.typing import F64

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PROJECTIONS", "sky_cells"]

PROJECTIONS = ("aitoff", "hammer", "mollweide")


def sky_cells(ax: Axes, shape: tuple[int, int]) -> tuple[F64, F64]:
    """Longitude and latitude, rad, of the centres of a grid of cells over the whole of the axes.

    Parameters
    ----------
    ax : matplotlib axes
        Of the projection ``aitoff``, ``hammer`` or ``mollweide``.
    shape : (int, int)
        Cells upwards and to the right.

    Returns
    -------
    lon, lat : shape
        −π … π and −π/2 … π/2 in the coordinates of the axes; NaN outside the map's ellipse.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> lon, lat = sky_cells(Figure().add_subplot(projection="hammer"), (3, 3))
    >>> float(lon[1, 1]), float(lat[1, 1])
    (0.0, 0.0)
    """
    name = getattr(ax, "name", "")
    v, u = (2 * (np.arange(n) + 0.5) / n - 1 for n in shape)
    u, v = np.meshgrid(u, v)
    inside = u**2 + v**2 <= 1
    u, v = u[inside], v[inside]
    lon, lat = np.full(shape, np.nan), np.full(shape, np.nan)
    if name == "mollweide":
        theta = np.arcsin(v)
        lon[inside] = np.pi * u / np.maximum(np.cos(theta), 1e-12)
        lat[inside] = np.arcsin((2 * theta + np.sin(2 * theta)) / np.pi)
    elif name == "hammer":
        z = np.sqrt(1 - 0.5 * (u**2 + v**2))
        lon[inside] = 2 * np.arctan2(np.sqrt(2) * u * z, 2 * z**2 - 1)
        lat[inside] = np.arcsin(np.sqrt(2) * v * z)
    elif name == "aitoff":  # the azimuthal equidistant projection of half the longitude
        c = 0.5 * np.pi * np.hypot(u, v)
        stretch = 0.5 * np.pi * np.sinc(c / np.pi)
        lon[inside] = 2 * np.arctan2(u * stretch, np.cos(c))
        lat[inside] = np.arcsin(v * stretch)
    else:
        raise ValueError(f"axes of the projection {name!r}: one of {', '.join(PROJECTIONS)} is needed")
    return lon, lat
