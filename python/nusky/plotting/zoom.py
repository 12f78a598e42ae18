"""A square piece of the sky around a position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.missing import without_missing
from nusky.plotting.contours import containment, draw_borders, draw_contours, smooth
from nusky.plotting.mesh import add_colorbar, as_full_map, look_up
from nusky.plotting.style import CONTOUR_COLORS
from nusky.sphere import at_limits, coordinates, radians
from nusky.typing import F64
from nusky.units import numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import EllipseCollection, QuadMesh
    from matplotlib.colorbar import Colorbar

__all__ = ["SkyZoom"]


@dataclass(frozen=True)
class SkyZoom:
    """A square piece of the sky around a position, on ordinary axes.

    The axes are offsets in degrees from the centre, east to the left and north up, in the azimuthal equidistant
    projection: the distance from the centre is the true angle everywhere, at the poles as well.

    Parameters
    ----------
    ra, dec : float, rad
        Centre.
    width : float, rad
        Side of the square, 0 … π.
    pc_kw : dict
        Keywords for matplotlib's ``pcolormesh``.

    Raises
    ------
    ValueError
        A position that is not finite or a `width` out of range.

    Examples
    --------
    >>> import numpy as np, matplotlib.pyplot as plt
    >>> fig, ax = plt.subplots()
    >>> zoom = SkyZoom(ra=np.radians(170.16), dec=np.radians(0.6), width=np.radians(10))
    >>> mesh, cb = zoom.plot_map(ax, np.arange(12 * 64**2))
    >>> zoom.plot_points(ax, np.radians(170.16), np.radians(0.6), marker="x")
    """

    ra: float
    dec: float
    width: float = np.pi / 18
    pc_kw: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, limit in (("ra", np.inf), ("dec", np.pi / 2), ("width", np.pi)):
            value = radians(f"SkyZoom: {name}", getattr(self, name))
            object.__setattr__(self, name, float(at_limits(value, -limit, limit) if limit < np.inf else value))
        if not (np.isfinite(self.ra) and abs(self.dec) <= np.pi / 2):
            raise ValueError(f"SkyZoom: ra={self.ra}, dec={self.dec} is no position; give rad, |dec| <= pi/2")
        if not 0 < self.width <= np.pi:
            raise ValueError(f"SkyZoom: width={self.width} must be in (0, pi] rad")

    def plot_map(
        self, ax: Axes, m: Any, n_ticks: int | None = None, *, nest: bool = False
    ) -> tuple[QuadMesh, Colorbar]:
        """Draw the piece of a HEALPix map with a colour bar beside it; arguments as `SkyPlotter.plot_map`."""
        _require_plain_axes(ax, "SkyZoom.plot_map")
        values, nest = as_full_map(m, nest)
        edges, ra, dec = self.positions()
        grid = look_up(values, ra, dec, nest)
        if grid.mask.all():
            raise ValueError("SkyZoom.plot_map: no finite pixel inside the square; move the centre or widen it")
        mesh = ax.pcolormesh(edges, edges, grid, shading="flat", rasterized=True, **self.pc_kw)
        self.frame(ax)
        return mesh, add_colorbar(ax, mesh, n_ticks, orientation="vertical", pad=0.03, shrink=0.9)

    def positions(self, n: int = 400) -> tuple[F64, F64, F64]:
        """Cells of an n by n mesh over the square.

        Returns
        -------
        edges : (n + 1,) degrees
            Of the cells, in both coordinates of the axes.
        ra, dec : (n, n) rad
            Of their centres.
        """
        edges = np.linspace(-0.5 * self.width, 0.5 * self.width, n + 1)
        mid = 0.5 * (edges[1:] + edges[:-1])
        ra, dec = self._position(*np.meshgrid(mid, mid))
        return np.degrees(edges), ra, dec

    def at(self, x: ArrayLike, y: ArrayLike) -> tuple[F64, F64]:
        """Right ascension and declination, rad, of points of the axes, degrees."""
        return self._position(np.radians(np.asarray(x, dtype=np.float64)), np.radians(np.asarray(y, dtype=np.float64)))

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

        Arguments as for `SkyPlotter.plot_contours`.
        """
        _require_plain_axes(ax, "SkyZoom.plot_contours")
        if hasattr(m, "contour"):
            draw_borders(ax, m, levels, self._degrees, color, label)
            self.frame(ax)
            return
        values, nested = containment(m, nest)
        edges, ra, dec = self.positions()
        middle = 0.5 * (edges[1:] + edges[:-1])
        draw_contours(ax, middle, middle, smooth(values, ra, dec, nested), levels, color, label)
        self.frame(ax)

    def _degrees(self, ra: F64, dec: F64) -> tuple[F64, F64]:
        x, y = self._offset(ra, dec)
        return np.degrees(x), np.degrees(y)

    def frame(self, ax: Axes) -> None:
        """Set limits and labels of the axes: east to the left, north up."""
        half = np.degrees(0.5 * self.width)
        ax.set_xlim(half, -half)
        ax.set_ylim(-half, half)
        ax.set_aspect("equal")
        ra_deg, dec_deg = np.degrees(self.ra) % 360, np.degrees(self.dec)
        ax.set_xlabel(f"east of RA {ra_deg:.2f}° [deg on the sky]")
        ax.set_ylabel(f"north of Dec {dec_deg:+.2f}° [deg]")

    def plot_events(
        self, ax: Axes, events: Any, *, max_sigma: float | None = None, reach: float = np.inf, **kw: Any
    ) -> int:
        """Draw events as circles of their angular error σ with a dot in the middle.

        Parameters
        ----------
        ax : matplotlib axes
        events : object with ``ra``, ``dec``, ``sigma``
            (N,) arrays in rad: an `Events`, for one.
        max_sigma : float, rad
            Events with a larger error get a dot only. Default: a tenth of the width.
        reach : float, optional
            Only events within `reach`·σ of the centre get a ring: those that matter there. Default: all.
        **kw
            ``color``, ``lw``, ``alpha``, ``label``.

        Returns
        -------
        int
            Number of events inside the square.
        """
        from matplotlib.collections import EllipseCollection

        _require_plain_axes(ax, "SkyZoom.plot_events")
        x, y = self._offset(events.ra, events.dec)
        sigma = np.asarray(events.sigma, dtype=np.float64)
        half = 0.5 * self.width
        inside = (np.abs(x) <= half) & (np.abs(y) <= half)
        x, y, sigma = x[inside], y[inside], sigma[inside]
        max_sigma = radians("max_sigma", max_sigma)
        ringed = (sigma <= (0.1 * self.width if max_sigma is None else max_sigma)) & (np.hypot(x, y) <= reach * sigma)
        x, y = np.degrees(x), np.degrees(y)
        color, lw, alpha = kw.get("color", ".3"), kw.get("lw", 0.6), kw.get("alpha", 0.6)
        ax.plot(x, y, ls="none", marker=".", ms=2, color=color, alpha=alpha, label=kw.get("label"))
        diameter = np.degrees(2 * sigma[ringed])
        rings = EllipseCollection(
            diameter,
            diameter,
            np.zeros(len(diameter)),
            units="xy",
            offsets=np.column_stack([x[ringed], y[ringed]]),
            offset_transform=ax.transData,
            facecolor="none",
            edgecolor=color,
            lw=lw,
            alpha=alpha,
        )
        ax.add_collection(rings)
        return int(inside.sum())

    def plot_rings(
        self, ax: Axes, ra: ArrayLike, dec: ArrayLike, sigma: ArrayLike, values: ArrayLike, **kw: Any
    ) -> EllipseCollection:
        """Draw circles of radius σ around positions, coloured by a value, with a dot in the middle.

        Parameters
        ----------
        ax : matplotlib axes
        ra, dec, sigma : (N,) rad
        values : (N,)
            NaN is drawn grey, or in the colour `bad`.
        **kw
            ``cmap``, ``norm``, ``lw``, ``bad``.

        Returns
        -------
        EllipseCollection
            For ``figure.colorbar``.
        """
        from matplotlib import colormaps
        from matplotlib.collections import EllipseCollection

        _require_plain_axes(ax, "SkyZoom.plot_rings")
        x, y = (np.degrees(v) for v in self._offset(ra, dec))
        diameter = 2 * np.degrees(np.atleast_1d(numbers("sigma", sigma, "rad")))
        cmap = colormaps[kw.pop("cmap", "viridis")].with_extremes(bad=kw.pop("bad", ".5"))
        rings = EllipseCollection(
            diameter, diameter, np.zeros(len(diameter)), units="xy", offsets=np.column_stack([x, y]),
            offset_transform=ax.transData, facecolor="none", cmap=cmap, **{"lw": 1.5, **kw},
        )  # fmt: skip
        rings.set_array(np.ma.masked_invalid(np.atleast_1d(without_missing(values, "values")[0])))
        ax.add_collection(rings)
        ax.plot(x, y, ls="none", marker=".", ms=3, color=".2")
        return rings

    def plot_points(self, ax: Axes, ra: Any, dec: ArrayLike | None = None, **kw: Any) -> None:
        """Mark positions, (N,) rad, Quantities or one SkyCoord; keywords go to matplotlib's ``plot``."""
        _require_plain_axes(ax, "SkyZoom.plot_points")
        ra, dec = coordinates(ra) or (ra, dec)
        if dec is None:
            raise TypeError("SkyZoom.plot_points needs ra and dec, or one SkyCoord in place of both")
        x, y = self._offset(ra, dec)
        ax.plot(np.degrees(x), np.degrees(y), **{"marker": "x", "ls": "none", "color": "k", **kw})

    def _triad(self) -> tuple[F64, F64, F64]:
        """Unit vectors to the centre, to the east and to the north there."""
        sa, ca, sd, cd = np.sin(self.ra), np.cos(self.ra), np.sin(self.dec), np.cos(self.dec)
        return np.array([cd * ca, cd * sa, sd]), np.array([-sa, ca, 0.0]), np.array([-sd * ca, -sd * sa, cd])

    def _position(self, x: F64, y: F64) -> tuple[F64, F64]:
        centre, east, north = self._triad()
        r = np.hypot(x, y)
        sinc = np.sinc(r / np.pi)  # sin(r)/r, finite at the centre
        vector = np.cos(r)[..., None] * centre + (x * sinc)[..., None] * east + (y * sinc)[..., None] * north
        ra = np.mod(np.arctan2(vector[..., 1], vector[..., 0]), 2 * np.pi)
        return ra, np.arctan2(vector[..., 2], np.hypot(vector[..., 0], vector[..., 1]))

    def _offset(self, ra: ArrayLike, dec: ArrayLike) -> tuple[F64, F64]:
        centre, east, north = self._triad()
        ra, dec = np.atleast_1d(numbers("ra", ra, "rad")), np.atleast_1d(numbers("dec", dec, "rad"))
        vector = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)
        x, y = vector @ east, vector @ north
        s = np.hypot(x, y)
        # ψ/sin ψ; arctan2 keeps ψ exact near 0, where arccos would lose half of the digits.
        stretch = np.divide(np.arctan2(s, vector @ centre), s, out=np.ones_like(s), where=s > 0)
        return x * stretch, y * stretch


def _require_plain_axes(ax: Axes, who: str) -> None:
    if getattr(ax, "name", "") != "rectilinear":
        raise ValueError(
            f"{who}: needs ordinary axes, not {getattr(ax, 'name', None)!r}; make them with plt.subplots()"
        )
