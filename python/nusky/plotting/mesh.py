"""A HEALPix map as matplotlib wants it: an image of its values at a mesh of positions, and a colour bar for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.missing import without_missing
from nusky.sphere import check_nest, map_object
from nusky.typing import F64

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colorbar import Colorbar
    from matplotlib.image import AxesImage

__all__ = ["add_colorbar", "add_image", "as_full_map", "coarsen_for_mesh", "look_up"]


# The finest map (pixels of 0.46°) of which a whole-sky image of 1600 by 800 cells skips no pixel.
_MESH_NSIDE = 128
# Keywords of pcolormesh about the edges of its cells; an image has none
_OF_EDGES = {
    "shading", "edgecolor", "edgecolors", "ec", "linewidth", "linewidths", "lw", "antialiased", "antialiaseds", "aa",
    "snap", "rasterized",
}  # fmt: skip


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


def add_image(
    ax: Axes, values: Any, extent: tuple[float, float, float, float], pc_kw: Mapping[str, Any], transform: Any = None
) -> AxesImage:
    """Draw a regular grid of values, the lowest row first. An image takes a tenth of the time of as many cells.

    Parameters
    ----------
    ax : matplotlib axes
    values : (n, m) masked array
    extent : (left, right, bottom, top)
    pc_kw : dict
        Keywords of ``pcolormesh``; those about the edges of cells have nothing to do.
    transform : matplotlib transform, optional
        Of `extent`; default: that of the axes' data.
    """
    from matplotlib.image import AxesImage

    kw = {name: value for name, value in pc_kw.items() if name not in _OF_EDGES}
    limits = kw.pop("vmin", None), kw.pop("vmax", None)
    of_colors = {name: kw.pop(name) for name in ("cmap", "norm") if name in kw}
    # Cells that are blank are not to colour those beside them: colours are mixed, not values
    image = AxesImage(ax, extent=extent, origin="lower", interpolation_stage="rgba", **of_colors, **kw)
    image.set_data(values)
    image.set_transform(ax.transData if transform is None else transform)
    image.set_clip_path(ax.patch)
    if limits != (None, None):
        image.set_clim(*limits)
    image.autoscale_None()
    ax.add_image(image)
    return image


def add_colorbar(ax: Axes, mesh: AxesImage, n_ticks: int | None, **kw: Any) -> Colorbar:
    """Colour bar with ticks spread evenly from end to end, or with matplotlib's own choice for None."""
    from matplotlib.ticker import FuncFormatter, LinearLocator

    if n_ticks is not None:
        if isinstance(n_ticks, bool) or not isinstance(n_ticks, (int, np.integer)) or n_ticks < 2:
            raise ValueError(f"n_ticks={n_ticks!r} must be an integer of 2 or more, or None")
        if type(mesh.norm).__name__ == "Normalize":  # other norms (LogNorm, say) bring ticks that fit them
            formatter = FuncFormatter(lambda v, _: f"{v:.3g}".replace("-", "−"))
            kw = {**kw, "ticks": LinearLocator(n_ticks), "format": formatter}
    return ax.figure.colorbar(mesh, ax=ax, **kw)
