"""Whole-sky maps on matplotlib's ``aitoff`` axes, TS distributions, and the style of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.files import as_path
from nusky.plotting.mesh import add_colorbar, coarsen_for_mesh, look_up
from nusky.sphere import at_limits, coordinates, radians
from nusky.typing import F64

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.colorbar import Colorbar
    from matplotlib.colors import LinearSegmentedColormap

    from nusky.dists.tsd import TSD

    # Made at first use by __getattr__ below, so that `import nusky.plotting` does not import matplotlib.
    skymap_cmap: LinearSegmentedColormap

__all__ = ["SkyPlotter", "mrichman_mpl", "plot_sky", "plot_tsd", "saving", "skymap_cmap", "soft_colors"]


#: Muted line colours that stay apart in print and for colour-blind readers.
soft_colors: tuple[str, ...] = ("#4878a8", "#d1793f", "#5f9e6e", "#b55d60", "#857aab", "#8d7866", "#c98bb9", "#7f7f7f")

# Lightness falls all the way, so that the map survives a black-and-white print.
_SKYMAP_STOPS = ("#ebf0f7", "#b5d0e9", "#6aa3d5", "#3568ae", "#3a2f80", "#1d0f3d")

# Cells of the mesh along right ascension and declination: 0.45° each, about what a page-wide figure can show.
_MESH_SHAPE = (800, 400)


def __getattr__(name: str) -> Any:
    if name == "skymap_cmap":
        from matplotlib.colors import LinearSegmentedColormap

        cmap = LinearSegmentedColormap.from_list("nusky_skymap", _SKYMAP_STOPS)
        globals()[name] = cmap
        return cmap
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def mrichman_mpl(sans: bool = False, tex: bool = False) -> None:
    """Set matplotlib's defaults to a plain paper style: serif type, inward ticks, thin frames, no legend box.

    Parameters
    ----------
    sans : bool
        Sans-serif type instead of serif.
    tex : bool
        Set text with LaTeX. Needs an installed LaTeX; without it matplotlib's own STIX mathematics is used.

    Examples
    --------
    >>> import nusky as cy
    >>> cy.plotting.mrichman_mpl()
    """
    import matplotlib as mpl
    from cycler import cycler

    mpl.rcParams.update(
        {
            "text.usetex": tex,
            "font.family": "sans-serif" if sans else "serif",
            # Both families come with matplotlib, so no machine lacks them.
            "font.serif": ["STIXGeneral", "DejaVu Serif"],
            "font.sans-serif": ["DejaVu Sans"],
            "mathtext.fontset": "dejavusans" if sans else "stix",
            "font.size": 11 if sans else 12,
            "axes.linewidth": 0.8,
            "axes.labelsize": "medium",
            "axes.prop_cycle": cycler(color=soft_colors),
            "axes.formatter.use_mathtext": True,
            "xtick.direction": "in",
            "ytick.direction": "in",
            "xtick.top": True,
            "ytick.right": True,
            "grid.linewidth": 0.5,
            "lines.linewidth": 1.5,
            "legend.frameon": False,
            "legend.fontsize": "small",
            "image.cmap": "viridis",
            "figure.dpi": 100,
            "savefig.dpi": 150,
        }
    )


def saving(dir: str | Path, name: str) -> tuple[Path, Path]:
    """Save the current pyplot figure as ``dir/name.png`` and ``dir/name.pdf``; the directory is made where missing.

    Parameters
    ----------
    dir : path
        Directory.
    name : str
        File name without its ending.

    Returns
    -------
    tuple of Path
        The two files.

    Raises
    ------
    ValueError
        No figure is open, or `name` holds a directory.

    Examples
    --------
    >>> import matplotlib.pyplot as plt, tempfile
    >>> fig, ax = plt.subplots()
    >>> [path.name for path in saving(tempfile.mkdtemp(), "empty")]
    ['empty.png', 'empty.pdf']
    """
    import matplotlib.pyplot as plt

    if not plt.get_fignums():
        raise ValueError("saving: no pyplot figure is open; draw one first, or call savefig of your figure")
    if not name or Path(name).name != name:
        raise ValueError(f"saving: name={name!r} must be a file name without a directory; put the directory in dir=")
    folder = as_path(dir, "dir")
    folder.mkdir(parents=True, exist_ok=True)
    paths = (folder / f"{name}.png", folder / f"{name}.pdf")
    for path in paths:
        plt.gcf().savefig(path)
    return paths


@dataclass(frozen=True)
class SkyPlotter:
    """Whole-sky maps on axes made with ``projection='aitoff'`` (``'hammer'`` and ``'mollweide'`` work as well).

    Parameters
    ----------
    pc_kw : dict
        Keywords for matplotlib's ``pcolormesh``: ``cmap``, ``vmin``, ``vmax``, ``norm`` …

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
            csky's "no hours": right ascensions are in degrees.

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
        values, nested = coarsen_for_mesh(m, nest)
        n_ra, n_dec = _MESH_SHAPE
        x_edges = np.linspace(-np.pi, np.pi, n_ra + 1)
        dec_edges = np.linspace(-np.pi / 2, np.pi / 2, n_dec + 1)
        x = 0.5 * (x_edges[1:] + x_edges[:-1])
        dec = 0.5 * (dec_edges[1:] + dec_edges[:-1])
        grid = look_up(values, np.mod(np.pi - x, 2 * np.pi)[None, :], dec[:, None], nested)
        # Rasterised: half a million vector cells would make a PDF of tens of megabytes.
        mesh = ax.pcolormesh(x_edges, dec_edges, grid, shading="flat", rasterized=True, **self.pc_kw)
        _label_ra(ax)
        if nohr is not True:
            raise ValueError(f"nohr={nohr!r}: right ascensions are labelled in degrees, not in hours")
        bar = {"orientation": "horizontal", "pad": 0.08, "shrink": 0.8, "aspect": 30, **(cb_kw or {})}
        return mesh, add_colorbar(ax, mesh, n_ticks, **bar)

    def plot_gp(self, ax: Axes, **kw: Any) -> None:
        """Draw the galactic plane (b = 0); keywords go to matplotlib's ``plot``."""
        _require_geo_axes(ax, "plot_gp")
        ra, dec = _galactic_to_equatorial(np.linspace(0, 2 * np.pi, 721), np.zeros(721))
        x, y = self.radec_to_mpl(ra, dec)
        # Start at the left edge: the plane crosses the cut of the map once, and a line must not run back across it.
        order = np.argsort(x)
        ax.plot(x[order], y[order], **{"color": ".5", **kw})

    def plot_gc(self, ax: Axes, **kw: Any) -> None:
        """Mark the galactic centre (l = b = 0); keywords go to matplotlib's ``plot``."""
        _require_geo_axes(ax, "plot_gc")
        ra, dec = _galactic_to_equatorial(np.zeros(1), np.zeros(1))
        ax.plot(*self.radec_to_mpl(ra, dec), **{"color": ".5", "marker": "o", "ls": "none", **kw})

    def radec_to_mpl(self, ra: ArrayLike, dec: ArrayLike) -> tuple[F64, F64]:
        """Axes coordinates of equatorial positions.

        Parameters
        ----------
        ra, dec : (N,) rad
            Right ascension (any range) and declination, −π/2 … π/2.

        Returns
        -------
        x, y : (N,) rad
            To be given to ``ax.plot`` and its like; x = π − ra in (−π, π].

        Examples
        --------
        >>> import numpy as np
        >>> x, y = SkyPlotter().radec_to_mpl([np.pi, np.pi + 0.5], [0.0, 0.1])
        >>> [round(float(v), 3) for v in x]  # the centre, and east of it, which is left
        [0.0, -0.5]
        """
        x = np.pi - np.mod(np.asarray(radians("ra", ra), dtype=np.float64), 2 * np.pi)
        return x, np.array(at_limits(radians("dec", dec), -np.pi / 2, np.pi / 2))

    def thetaphi_to_mpl(self, theta: ArrayLike, phi: ArrayLike) -> tuple[F64, F64]:
        """Axes coordinates of HEALPix angles: colatitude `theta` and longitude `phi`, (N,) rad.

        Examples
        --------
        >>> import numpy as np
        >>> x, y = SkyPlotter().thetaphi_to_mpl(np.pi / 2, np.pi)
        >>> float(x), float(y)
        (0.0, 0.0)
        """
        return self.radec_to_mpl(phi, np.pi / 2 - np.asarray(theta, dtype=np.float64))


def plot_sky(
    ax: Axes,
    m: Any,
    label: str,
    *,
    nest: bool = False,
    mark: Any = None,
    n_ticks: int | None = None,
    pc_kw: Mapping[str, Any] | None = None,
) -> tuple[QuadMesh, Colorbar]:
    """Draw a whole-sky map with grid, galactic plane, galactic centre and a labelled colour bar.

    Parameters
    ----------
    ax : matplotlib axes
        Made with ``projection='aitoff'``.
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

    Returns
    -------
    (QuadMesh, Colorbar)

    Examples
    --------
    >>> import numpy as np, matplotlib.pyplot as plt
    >>> fig, ax = plt.subplots(subplot_kw=dict(projection="aitoff"))
    >>> mesh, cb = plot_sky(ax, np.arange(12 * 16**2), "pixel number", mark=(np.pi, 0.0))
    """
    sp = SkyPlotter(pc_kw={"cmap": __getattr__("skymap_cmap"), **(pc_kw or {})})
    mesh, cb = sp.plot_map(ax, m, n_ticks=n_ticks, nest=nest)
    kw: dict[str, Any] = {"color": ".5", "alpha": 0.5}
    sp.plot_gp(ax, lw=0.8, **kw)
    sp.plot_gc(ax, ms=5, **kw)
    ax.grid(**kw)
    if mark is not None:
        ax.plot(
            *sp.radec_to_mpl(*(coordinates(mark) or mark)),
            marker="o",
            ms=11,
            mfc="none",
            mec="#d1493f",
            mew=1.3,
            ls="none",
        )
    cb.set_label(label)
    return mesh, cb


def plot_tsd(ax: Axes, tsd: TSD, *, n_points: int = 100, label: str | None = None) -> None:
    """Draw a background TS distribution as the fraction of trials at or above each TS, on a logarithmic axis.

    The trials are a step line that starts at 1 for TS = 0. A fitted χ² tail is drawn dashed, a third further than the
    largest trial.

    Parameters
    ----------
    ax : matplotlib axes
    tsd : `nusky.dists.TSD` or `Chi2TSD`
    n_points : int
        Of the fitted curve.
    label : str
        Legend entry of the trials.

    Examples
    --------
    >>> import matplotlib.pyplot as plt, numpy as np
    >>> from nusky.dists import Chi2TSD
    >>> fig, ax = plt.subplots()
    >>> plot_tsd(ax, Chi2TSD(np.random.default_rng(1).chisquare(1, 1000)), label="background")
    """
    ts = np.sort(np.asarray(tsd.values, dtype=np.float64))
    fraction = 1.0 - np.arange(ts.size) / ts.size
    ax.step(ts, fraction, where="pre", label=f"{ts.size} trials" if label is None else label)
    if tsd.tail is not None and ts[-1] > 0:
        x = np.linspace(0, 1.3 * ts[-1], n_points)[1:]
        ax.plot(x, tsd.sf(x, fit=True), ls="--", color=".3", label=f"fitted χ² tail, ndof {tsd.tail.ndof:.2f}")
    ax.set_yscale("log")
    ax.set_xlabel("TS")
    ax.set_ylabel("fraction of trials ≥ TS")
    ax.legend()


def _galactic_to_equatorial(lon: F64, lat: F64) -> tuple[F64, F64]:
    """ICRS right ascension and declination, rad, of galactic longitude and latitude, rad."""
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    icrs = SkyCoord(l=lon * u.rad, b=lat * u.rad, frame="galactic").icrs
    return np.asarray(icrs.ra.rad), np.asarray(icrs.dec.rad)


def _label_ra(ax: Axes) -> None:
    from matplotlib.patheffects import withStroke
    from matplotlib.ticker import FixedLocator, FuncFormatter

    ax.xaxis.set_major_locator(FixedLocator(np.radians(np.arange(-120, 121, 60)).tolist()))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{180 - np.degrees(x):.0f}°"))
    ax.yaxis.set_major_locator(FixedLocator(np.radians(np.arange(-60, 61, 30)).tolist()))
    ax.yaxis.set_major_formatter(
        FuncFormatter(lambda y, _: f"{np.degrees(y):+.0f}°".replace("+0°", "0°").replace("-", "−"))
    )
    ax.tick_params(labelsize="small")
    for text in ax.get_xticklabels():  # they stand inside the map: a pale rim keeps them legible on any colour
        text.set_path_effects([withStroke(linewidth=2.5, foreground="w", alpha=0.9)])


def _require_geo_axes(ax: Axes, who: str) -> None:
    if getattr(ax, "name", "") not in ("aitoff", "hammer", "mollweide"):
        raise ValueError(
            f"{who}: the axes have the projection {getattr(ax, 'name', None)!r}; make them with "
            "plt.subplots(subplot_kw=dict(projection='aitoff'))"
        )
