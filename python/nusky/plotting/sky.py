"""Whole-sky maps on matplotlib's ``aitoff`` axes and their like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from nusky.plotting.contours import containment, draw_borders, draw_contours, smooth
from nusky.plotting.mesh import add_colorbar, coarsen_for_mesh, look_up
from nusky.plotting.style import CONTOUR_COLORS, skymap
from nusky.sphere import at_limits, coordinates, radians
from nusky.typing import F64
from nusky.units import numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.colorbar import Colorbar

__all__ = ["SkyPlotter", "corner_legend", "plot_sky"]


# Cells of the mesh along right ascension and declination: 0.45° each, about what a page-wide figure can show.
_MESH_SHAPE = (800, 400)
# Of contours: lines look smooth at half of that
_CONTOUR_SHAPE = (1080, 540)


@dataclass(frozen=True)
class SkyPlotter:
    """Whole-sky maps on axes made with ``projection='aitoff'`` (``'hammer'`` and ``'mollweide'`` work as well).

    Parameters
    ----------
    pc_kw : dict
        Keywords for matplotlib's ``pcolormesh``: ``cmap``, ``vmin``, ``vmax``, ``norm`` …
    center : float, rad
        Right ascension in the middle of the map.
    east : "left" or "right"
        Where right ascension grows: to the left as seen from the Earth, or to the right.
    hours : bool
        Right ascensions in hours instead of degrees.

    Examples
    --------
    >>> import numpy as np, matplotlib.pyplot as plt
    >>> fig, ax = plt.subplots(subplot_kw=dict(projection="aitoff"))
    >>> sp = SkyPlotter(pc_kw=dict(cmap="viridis", vmin=0))
    >>> mesh, cb = sp.plot_map(ax, np.arange(12 * 16**2), n_ticks=2)
    >>> sp.plot_gp(ax, lw=0.5, color=".5")
    >>> cb.set_label("pixel number")
    """

    pc_kw: Mapping[str, Any] = field(default_factory=dict)
    center: float = np.pi
    east: Literal["left", "right"] = "left"
    hours: bool = False

    def __post_init__(self) -> None:
        if self.east not in ("left", "right"):
            raise ValueError(f"east={self.east!r} is not known; use 'left' (as seen from the Earth) or 'right'")
        object.__setattr__(self, "center", float(np.mod(radians("center", self.center), 2 * np.pi)))

    def plot_map(
        self,
        ax: Axes,
        m: Any,
        n_ticks: int | None = 2,
        *,
        nest: bool = False,
        cb_kw: Mapping[str, Any] | None = None,
        nohr: bool = True,
    ) -> tuple[QuadMesh, Colorbar]:
        """Draw a HEALPix map with a colour bar below it.

        Parameters
        ----------
        ax : matplotlib axes
            Made with ``projection='aitoff'``.
        m : (npix,) array, or object with ``.ts`` (a scan) or ``.map`` (a prior, a histlite map)
            Full-sky map in RING order. NaN, ±inf, masked and unseen pixels are left blank. Maps finer than
            nside 128 are drawn with the largest value of each nside-128 pixel, so that a hot spot of one pixel cannot
            fall between the mesh cells.
        n_ticks : int ≥ 2 or None
            Ticks of the colour bar, spread evenly from its lowest to its highest value; None leaves them to matplotlib.
        nest : bool
            The map is in NESTED order.
        cb_kw : dict, optional
            Keywords for the colour bar.
        nohr : True
            csky's "no hours"; in hours with ``SkyPlotter(hours=True)``.

        Returns
        -------
        (QuadMesh, Colorbar)
            ``cb.set_label(...)`` names the quantity.

        Raises
        ------
        ValueError
            Axes of another projection, a map of a wrong length, or no finite pixel.
        """
        _require_geo_axes(ax, "plot_map")
        if nohr is not True:
            raise ValueError(f"nohr={nohr!r}: for right ascensions in hours use SkyPlotter(hours=True)")
        values, nested = coarsen_for_mesh(m, nest)
        n_ra, n_dec = _MESH_SHAPE
        x_edges = np.linspace(-np.pi, np.pi, n_ra + 1)
        dec_edges = np.linspace(-np.pi / 2, np.pi / 2, n_dec + 1)
        x = 0.5 * (x_edges[1:] + x_edges[:-1])
        dec = 0.5 * (dec_edges[1:] + dec_edges[:-1])
        grid = look_up(values, self._ra(x)[None, :], dec[:, None], nested)
        # Rasterised: half a million vector cells would make a PDF of tens of megabytes.
        mesh = ax.pcolormesh(x_edges, dec_edges, grid, shading="flat", rasterized=True, **self.pc_kw)
        self.label_axes(ax)
        bar = {"orientation": "horizontal", "pad": 0.08, "shrink": 0.8, "aspect": 30, **(cb_kw or {})}
        return mesh, add_colorbar(ax, mesh, n_ticks, **bar)

    def _ra(self, x: F64) -> F64:
        """Right ascension at an x of the axes."""
        return np.mod(self.center - (x if self.east == "left" else -x), 2 * np.pi)

    def label_axes(self, ax: Axes) -> None:
        """Name the axes and put the labels of right ascension and declination."""
        from matplotlib.patheffects import withStroke
        from matplotlib.ticker import FixedLocator, FuncFormatter

        def right_ascension(x: float, _: Any) -> str:
            degrees = float(np.degrees(self._ra(np.asarray(x)))) % 360
            return f"{degrees / 15:.3g}h" if self.hours else f"{degrees:.0f}°".replace("360", "0")

        ax.xaxis.set_major_locator(FixedLocator(np.radians(np.arange(-120, 121, 60)).tolist()))
        ax.xaxis.set_major_formatter(FuncFormatter(right_ascension))
        ax.yaxis.set_major_locator(FixedLocator(np.radians(np.arange(-60, 61, 30)).tolist()))
        ax.yaxis.set_major_formatter(
            FuncFormatter(lambda y, _: f"{np.degrees(y):+.0f}°".replace("+0°", "0°").replace("-", "−"))
        )
        getattr(ax, "set_longitude_grid_ends")(90)  # noqa: B009 - matplotlib's stubs do not know these axes
        ax.tick_params(labelsize="small")
        ax.set_xlabel("right ascension", fontsize="small")
        ax.set_ylabel("declination", fontsize="small")
        for text in ax.get_xticklabels():  # they stand inside the map: a pale rim keeps them legible on any colour
            text.set_path_effects([withStroke(linewidth=2.5, foreground="w", alpha=0.9)])

    def plot_contours(
        self,
        ax: Axes,
        m: Any,
        levels: Sequence[float] = (0.5, 0.9),
        *,
        label: str | None = None,
        color: str = CONTOUR_COLORS[0],
        nest: bool = False,
    ) -> None:
        """Draw the smallest regions of a map that hold some probability, or those of a localization.

        Parameters
        ----------
        ax : matplotlib axes
        m : map of probabilities, or Localization
            Of a `Localization` only levels it was made with.
        levels : sequence of float
            0 … 1.
        label : str, optional
            What it is, for the legend (``ax.legend()``).
        color : str
            The levels differ in their lines.
        nest : bool

        Examples
        --------
        >>> import numpy as np, matplotlib.pyplot as plt
        >>> fig, ax = plt.subplots(subplot_kw=dict(projection="mollweide"))
        >>> SkyPlotter().plot_contours(ax, np.arange(12 * 16**2), label="prior")
        """
        _require_geo_axes(ax, "plot_contours")
        if hasattr(m, "contour"):
            draw_borders(ax, m, levels, self._line, color, label)
            return
        values, nested = containment(m, nest)
        n_ra, n_dec = _CONTOUR_SHAPE
        x, y = np.linspace(-np.pi, np.pi, n_ra + 1), np.linspace(-np.pi / 2, np.pi / 2, n_dec + 1)
        ra, dec = np.meshgrid(self._ra(x), y)
        draw_contours(ax, x, y, smooth(values, ra, dec, nested), levels, color, label, linewidths=0.9)

    def _line(self, ra: F64, dec: F64) -> tuple[F64, F64]:
        """A line in coordinates of the axes, cut where it goes around the back of the map."""
        x, y = self.radec_to_mpl(ra, dec)
        jump = np.flatnonzero(np.abs(np.diff(x)) > np.pi) + 1
        return np.insert(x, jump, np.nan), np.insert(y, jump, np.nan)

    def plot_gp(self, ax: Axes, **kw: Any) -> None:
        """Draw the galactic plane (b = 0); keywords go to matplotlib's ``plot``."""
        _require_geo_axes(ax, "plot_gp")
        ra, dec = _galactic_to_equatorial(np.linspace(0, 2 * np.pi, 721), np.zeros(721))
        x, y = self.radec_to_mpl(ra, dec)
        # Start at the left edge: the plane crosses the cut of the map once, and a line must not run back across it.
        order = np.argsort(x)
        ax.plot(x[order], y[order], **{"color": ".15", "ls": "-.", "lw": 1.0, **kw})

    def plot_gc(self, ax: Axes, **kw: Any) -> None:
        """Mark the galactic centre (l = b = 0); keywords go to matplotlib's ``plot``."""
        _require_geo_axes(ax, "plot_gc")
        ra, dec = _galactic_to_equatorial(np.zeros(1), np.zeros(1))
        ax.plot(*self.radec_to_mpl(ra, dec), **{"color": ".15", "marker": "*", "ls": "none", **kw})

    def radec_to_mpl(self, ra: ArrayLike, dec: ArrayLike) -> tuple[F64, F64]:
        """Axes coordinates of equatorial positions.

        Parameters
        ----------
        ra, dec : (N,) rad
            Right ascension (any range) and declination, −π/2 … π/2.

        Returns
        -------
        x, y : (N,) rad
            To be given to ``ax.plot`` and its like; x = center − ra, or ra − center where east is right.

        Examples
        --------
        >>> import numpy as np
        >>> x, y = SkyPlotter().radec_to_mpl([np.pi, np.pi + 0.5], [0.0, 0.1])
        >>> [round(float(v), 3) for v in x]  # the centre, and east of it, which is left
        [0.0, -0.5]
        """
        shift = self.center - np.pi
        x = np.pi - np.mod(numbers("ra", ra, "rad") - shift, 2 * np.pi)
        x = x if self.east == "left" else -x
        return x, np.array(at_limits(numbers("dec", dec, "rad"), -np.pi / 2, np.pi / 2))

    def thetaphi_to_mpl(self, theta: ArrayLike, phi: ArrayLike) -> tuple[F64, F64]:
        """Axes coordinates of HEALPix angles: colatitude `theta` and longitude `phi`, (N,) rad.

        Examples
        --------
        >>> import numpy as np
        >>> x, y = SkyPlotter().thetaphi_to_mpl(np.pi / 2, np.pi)
        >>> float(x), float(y)
        (0.0, 0.0)
        """
        return self.radec_to_mpl(phi, np.pi / 2 - numbers("theta", theta, "rad"))


def corner_legend(ax: Axes) -> None:
    """Put the legend of a whole-sky map into the corner that the map leaves free."""
    entries = len(ax.get_legend_handles_labels()[1])  # a long one stands further out, off the map
    right = 1.06 + 0.03 * max(0, entries - 5)
    ax.legend(loc="lower right", bbox_to_anchor=(right, -0.1), fontsize="x-small", frameon=False)


def plot_sky(
    ax: Axes,
    m: Any,
    label: str,
    *,
    nest: bool = False,
    mark: Any = None,
    n_ticks: int | None = None,
    pc_kw: Mapping[str, Any] | None = None,
    contours: Mapping[str, Any] | None = None,
    levels: Sequence[float] = (0.5, 0.9),
    center: float = np.pi,
    east: Literal["left", "right"] = "left",
    hours: bool = False,
) -> tuple[QuadMesh, Colorbar]:
    """Draw a whole-sky map with grid, galactic plane, galactic centre and a labelled colour bar.

    Parameters
    ----------
    ax : matplotlib axes
        Made with ``projection='aitoff'``, ``'mollweide'`` or ``'hammer'``.
    m : map
        As `SkyPlotter.plot_map` takes it.
    label : str
        Of the colour bar: quantity and unit.
    nest : bool
        The map is in NESTED order.
    mark : (ra, dec), rad, or SkyCoord
        A position to mark with a ring, such as the best fit.
    n_ticks : int ≥ 2 or None
        Ticks of the colour bar, see `SkyPlotter.plot_map`.
    pc_kw : dict
        Keywords for ``pcolormesh``; the default colour map is `skymap_cmap`.
    contours : dict, optional
        Maps of probabilities or localizations whose contours are drawn, by the names they have in the legend.
    levels : sequence of float
        Of the contours.
    center, east, hours
        See `SkyPlotter`.

    Returns
    -------
    (QuadMesh, Colorbar)

    Examples
    --------
    >>> import numpy as np, matplotlib.pyplot as plt
    >>> fig, ax = plt.subplots(subplot_kw=dict(projection="aitoff"))
    >>> mesh, cb = plot_sky(ax, np.arange(12 * 16**2), "pixel number", mark=(np.pi, 0.0))
    """
    sp = SkyPlotter({"cmap": skymap(), **(pc_kw or {})}, center, east, hours)
    mesh, cb = sp.plot_map(ax, m, n_ticks=n_ticks, nest=nest)
    ax.grid(color=".5", alpha=0.5, lw=0.4, ls=":")
    sp.plot_gp(ax, label="galactic plane")
    sp.plot_gc(ax, ms=5)
    for (name, one), color in zip((contours or {}).items(), CONTOUR_COLORS, strict=False):
        sp.plot_contours(ax, one, levels, label=name, color=color)
    if mark is not None:
        ax.plot(
            *sp.radec_to_mpl(*(coordinates(mark) or mark)),
            marker="o", ms=11, mfc="none", mec="#d1493f", mew=1.3, ls="none", label="best fit",
        )  # fmt: skip
    if contours:
        corner_legend(ax)
    cb.set_label(label)
    return mesh, cb


def _galactic_to_equatorial(lon: F64, lat: F64) -> tuple[F64, F64]:
    """ICRS right ascension and declination, rad, of galactic longitude and latitude, rad."""
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    icrs = SkyCoord(l=lon * u.rad, b=lat * u.rad, frame="galactic").icrs
    return np.asarray(icrs.ra.rad), np.asarray(icrs.dec.rad)


def _require_geo_axes(ax: Axes, who: str) -> None:
    if getattr(ax, "name", "") not in ("aitoff", "hammer", "mollweide"):
        raise ValueError(
            f"{who}: the axes have the projection {getattr(ax, 'name', None)!r}; make them with "
            "plt.subplots(subplot_kw=dict(projection='aitoff'))"
        )
