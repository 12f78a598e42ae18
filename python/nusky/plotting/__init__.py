"""Pictures of the sky: whole-sky maps on matplotlib's ``aitoff`` axes and zooms around a position.

Right ascension increases to the **left**, as seen from the Earth, and the centre of a whole-sky map is
α = 180°, δ = 0. The tick labels are right ascensions in degrees. Pixels that hold NaN or ±inf (not scanned, excluded
by a prior) are left blank.

matplotlib, healpy and astropy are imported when something is drawn, not when this package is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nusky.plotting.mesh import add_colorbar
from nusky.plotting.sky import SkyPlotter, mrichman_mpl, plot_sky, plot_tsd, saving, soft_colors
from nusky.plotting.zoom import SkyZoom

if TYPE_CHECKING:
    from matplotlib.colors import LinearSegmentedColormap

    skymap_cmap: LinearSegmentedColormap

__all__ = [
    "SkyPlotter",
    "SkyZoom",
    "add_colorbar",
    "mrichman_mpl",
    "plot_sky",
    "plot_tsd",
    "saving",
    "skymap_cmap",
    "soft_colors",
]


def __getattr__(name: str) -> Any:
    if name == "skymap_cmap":  # made when it is first used, so that importing this does not import matplotlib
        from nusky.plotting import sky

        return sky.skymap_cmap
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
