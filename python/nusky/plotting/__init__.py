"""Pictures: whole-sky maps on matplotlib's ``aitoff`` axes, zooms around a position, distributions and curves.

Right ascension increases to the **left**, as seen from the Earth, and the centre of a whole-sky map is
α = 180°, δ = 0, unless something else is asked for. Pixels that hold NaN or ±inf (not scanned, excluded by a prior) are
left blank.

matplotlib, healpy and astropy are imported when something is drawn, not when this package is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nusky.plotting.contours import containment
from nusky.plotting.distributions import OBSERVED, plot_passing_fraction, plot_recovery, plot_tsd
from nusky.plotting.mesh import add_colorbar
from nusky.plotting.response import plot_response
from nusky.plotting.sky import SkyPlotter, corner_legend, plot_sky
from nusky.plotting.style import CONTOUR_COLORS, mrichman_mpl, saving, soft_colors
from nusky.plotting.zoom import SkyZoom

if TYPE_CHECKING:
    from matplotlib.colors import LinearSegmentedColormap

    skymap_cmap: LinearSegmentedColormap

__all__ = [
    "CONTOUR_COLORS",
    "OBSERVED",
    "SkyPlotter",
    "SkyZoom",
    "add_colorbar",
    "containment",
    "corner_legend",
    "mrichman_mpl",
    "plot_passing_fraction",
    "plot_recovery",
    "plot_response",
    "plot_sky",
    "plot_tsd",
    "saving",
    "skymap_cmap",
    "soft_colors",
]


def __getattr__(name: str) -> Any:
    if name == "skymap_cmap":  # made when it is first used, so that importing this does not import matplotlib
        from nusky.plotting import style

        return style.skymap_cmap
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
