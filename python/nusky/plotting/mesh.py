"""A HEALPix map as matplotlib wants it: values on a mesh of positions, and a colour bar for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.missing import without_missing
from nusky.sphere import check_nest, map_object
from nusky.typing import F64

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.colorbar import Colorbar

__all__ = ["add_colorbar", "as_full_map", "coarsen_for_mesh", "look_up"]


# The finest map that a whole-sky mesh of 0.45° cells can sample without skipping pixels (0.46°).
_MESH_NSIDE = 128


def as_full_map(m: Any, nest: bool = False) -> tuple[F64, bool]:
    """The values of a full-sky map with NaN where none is, and whether they are NESTED."""
    if hasattr(m, "ts"):
        m = m.ts
    found = map_object(m)
    if found.uniq is not None:
        raise ValueError(f"m: the {found.name} has cells of many sizes; give read_sky_map(m).regrade(128)")
    if found.frame not in (None, "equatorial"):
        raise ValueError(f"m: the {found.name} is {found.frame}, the picture equatorial; give read_sky_map(m)")
    nest = bool(check_nest(nest)) if found.nest is None else found.nest
    values, _ = without_missing(found.values, "m")
    nside = np.sqrt(values.size / 12)
    if values.ndim != 1 or nside != int(nside) or not values.size:
        raise ValueError(
            f"m: an array of shape {values.shape} is no full-sky HEALPix map, whose length is 12 nside² "
            "(for one row of a scan give scan[1] or scan.ts)"
        )
    return values, nest


def coarsen_for_mesh(m: Any, nest: bool) -> tuple[F64, bool]:
    """Values and whether they are NESTED, coarse enough that the mesh skips no pixel."""
    import healpy as hp

    values, nest = as_full_map(m, nest)
    finite = np.isfinite(values)
    if not finite.any():
        raise ValueError("m: no finite pixel in the map; there is nothing to draw")
    nside = int(np.sqrt(values.size // 12))
    if nside <= _MESH_NSIDE or nside % _MESH_NSIDE:
        return values, nest
    nested = values if nest else hp.reorder(values, r2n=True)
    blank = np.where(np.isfinite(nested), nested, -np.inf)
    coarse: F64 = blank.reshape(12 * _MESH_NSIDE**2, -1).max(axis=1)
    return coarse, True


def look_up(values: F64, ra: F64, dec: F64, nest: bool) -> np.ma.MaskedArray[Any, np.dtype[np.float64]]:
    """Values of a map at some positions (rad), masked where they are not finite."""
    import healpy as hp

    nside = int(np.sqrt(values.size // 12))
    pixels = hp.ang2pix(nside, np.pi / 2 - dec, ra, nest=nest)
    return np.ma.masked_invalid(values[pixels])


def add_colorbar(ax: Axes, mesh: QuadMesh, n_ticks: int | None, **kw: Any) -> Colorbar:
    """Colour bar with ticks spread evenly from end to end, or with matplotlib's own choice for None."""
    from matplotlib.ticker import FuncFormatter, LinearLocator

    if n_ticks is not None:
        if isinstance(n_ticks, bool) or not isinstance(n_ticks, (int, np.integer)) or n_ticks < 2:
            raise ValueError(f"n_ticks={n_ticks!r} must be an integer of 2 or more, or None")
        if type(mesh.norm).__name__ == "Normalize":  # other norms (LogNorm, say) bring ticks that fit them
            formatter = FuncFormatter(lambda v, _: f"{v:.3g}".replace("-", "−"))
            kw = {**kw, "ticks": LinearLocator(n_ticks), "format": formatter}
    return ax.figure.colorbar(mesh, ax=ax, **kw)
