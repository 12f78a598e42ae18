"""The pictures of a follow-up."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.dists import TSD, Chi2TSD
from nusky.plotting import CONTOUR_COLORS, SkyPlotter, SkyZoom, corner_legend, plot_sky, plot_tsd, soft_colors

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nusky.followup.result import FollowUp
    from nusky.typing import F64

__all__ = ["as_pdf", "as_png", "pictures", "title_of"]

# Below this part of its maximum a prior is drawn blank
_DEPTH = 1e-4
# So few trials have no tail to fit
_FOR_A_TAIL = 400
_DPI = 110


def title_of(found: FollowUp) -> str:
    """Heading of page and pictures; a scramble says so.

    Examples
    --------
    >>> title_of(found)                                                              # doctest: +SKIP
    'S230914ak, real sky'
    """
    return f"{found.target.name}, " + ("real sky" if found.truth else "SCRAMBLE: not the real sky")


def pictures(found: FollowUp) -> dict[str, tuple[str, Figure]]:
    """All pictures: name → what it shows, and the figure.

    Examples
    --------
    >>> list(pictures(found))                                                        # doctest: +SKIP
    ['sky', 'zoom', 'ts', 'background', 'energies']
    """
    out = {
        "sky": ("The map with its 50 and 90 % contours and the events", _sky(found)),
        "zoom": ("The surroundings of the hottest spot, events with rings of their σ", _zoom(found)),
        "ts": ("TS of the fitted pixels without and with the prior", _ts(found)),
        "background": ("TS of background trials, and the observed one", _background(found)),
    }
    if found.events:
        out["energies"] = ("Energies of the events that carry the fit", _energies(found))
    return out


def as_png(figure: Figure) -> bytes:
    """A figure as the bytes of a PNG file. Its layout stays as it is then, for further formats."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.image import imsave

    file = io.BytesIO()
    figure.set_dpi(_DPI)
    canvas = FigureCanvasAgg(figure)  # savefig would draw twice, the first time for the layout only
    canvas.draw()
    figure.set_layout_engine("none")
    imsave(file, canvas.buffer_rgba(), dpi=_DPI)
    return file.getvalue()


def as_pdf(figures: list[Figure]) -> bytes:
    """Figures as the bytes of one PDF file, a page each."""
    from matplotlib.backends.backend_pdf import FigureCanvasPdf, PdfPages

    file = io.BytesIO()
    with PdfPages(file) as pages:
        for figure in figures:
            FigureCanvasPdf(figure).print_pdf(pages)
    return file.getvalue()


def _figure(found: FollowUp, size: tuple[float, float], what: str) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    color = "k" if found.truth else CONTOUR_COLORS[0]
    figure.suptitle(f"{title_of(found)}\n{what}", fontsize="medium", color=color)
    return figure


def _sky(found: FollowUp) -> Figure:
    figure = _figure(found, (8, 5.6), f"prior of nside {found.prior.nside}")
    ax = figure.add_subplot(projection="mollweide")
    density = found.prior.probability / (4 * np.pi / found.prior.npix)
    shown = np.where(density > density.max() * _DEPTH, np.log10(np.maximum(density, 1e-300)), np.nan)
    label = r"$\log_{10}$ of the prior's density [sr$^{-1}$]"
    _, bar = plot_sky(ax, shown, label, contours={"prior": found.prior}, mark=_spot(found))
    bar.ax.tick_params(labelsize="small")
    if found.events:
        sky = SkyPlotter()
        ra, dec = _radians(found, "ra"), _radians(found, "dec")
        ax.plot(*sky.radec_to_mpl(ra, dec), ".", ms=5, color="k", label="events of the fit")
        corner_legend(ax)
    return figure


def _zoom(found: FollowUp) -> Figure:
    where = found.localization
    figure = _figure(found, (7, 5.8), "surroundings of " + ("the hottest spot" if where else "the prior's maximum"))
    ax = figure.add_subplot()
    spot = _spot(found)
    if where is not None and spot is not None:
        radius = math.sqrt(max(region.area for region in where.regions) / math.pi)
        zoom = SkyZoom(*spot, width=float(np.clip(8 * radius, np.radians(4), np.pi)))
        _ts_around(found, zoom, ax)
        zoom.plot_contours(ax, found.prior, label="prior", color=CONTOUR_COLORS[3])
        zoom.plot_contours(ax, where, label="hottest spot", color=CONTOUR_COLORS[0])
        zoom.plot_points(ax, *spot, marker="+", ms=11, label="best fit")
        _rings(found, zoom, ax)
    else:
        import healpy

        theta, phi = healpy.pix2ang(found.prior.nside, found.prior.peak)
        zoom = SkyZoom(float(phi), float(np.pi / 2 - theta), np.radians(30), {"cmap": "Greys", "vmin": 0})
        _, bar = zoom.plot_map(ax, found.prior.probability / found.prior.probability.max())
        bar.set_label("prior / its maximum")
        zoom.plot_contours(ax, found.prior, label="prior", color=CONTOUR_COLORS[0])
    ax.legend(fontsize="small", loc="upper left")
    return figure


def _ts_around(found: FollowUp, zoom: SkyZoom, ax: Axes) -> None:
    """TS with the prior in the scanned pixels, fine ones on top where there are any."""
    import healpy

    where = found.localization
    edges, ra, dec = zoom.positions()
    total = _with_prior(found)[healpy.ang2pix(found.scan.nside, np.pi / 2 - dec, ra)]
    if where is not None:
        fine = where.ts_at(ra, dec)
        total = np.where(np.isfinite(fine), fine, total)
    top = float(np.nanmax(total))
    low = min(0.0, top - 20)  # the colours end at a middle grey, on which rings and contours are seen
    mesh = ax.pcolormesh(
        edges, edges, np.ma.masked_invalid(total), cmap="Greys", vmin=low, vmax=top + (top - low), rasterized=True
    )
    bar = ax.figure.colorbar(mesh, ax=ax, pad=0.02, shrink=0.8)
    bar.ax.set_ylim(low, top)
    bar.set_label("TS with the prior")


def _rings(found: FollowUp, zoom: SkyZoom, ax: Axes) -> None:
    if not found.events:
        return
    late = np.array([math.nan if row["dt"] is None else row["dt"] for row in found.events])
    days = found.search.times is None
    values = late / 86_400 if days else late
    ra, dec, sigma = (_radians(found, name) for name in ("ra", "dec", "sigma"))
    color = ".5" if np.isfinite(values).any() else soft_colors[0]
    rings = zoom.plot_rings(ax, ra, dec, sigma, values, bad=color)
    ax.plot([], [], ls="none", marker="o", ms=8, mfc="none", color=color, label="events of the fit, ring of σ")
    if np.isfinite(values).any():
        bar = ax.figure.colorbar(rings, ax=ax, pad=0.02, shrink=0.8)
        bar.set_label(f"time after the trigger [{'d' if days else 's'}]")


def _ts(found: FollowUp) -> Figure:
    figure = _figure(found, (8, 8), f"{found.scan.n_scanned} fitted pixels of nside {found.scan.nside}; others blank")
    without = np.where(found.scan.scanned, found.scan.ts, np.nan)
    for i, (values, label) in enumerate(((without, "TS without the prior"), (_with_prior(found), "TS with the prior"))):
        ax = figure.add_subplot(2, 1, i + 1, projection="mollweide")
        top = max(1.0, float(np.nanmax(values)))
        scale = {"vmin": 0.0 if i == 0 else min(0.0, top - 25), "vmax": top}
        _, bar = plot_sky(ax, values, label, mark=_spot(found), pc_kw=scale)
        bar.ax.tick_params(labelsize="small")
        corner_legend(ax)
    return figure


def _with_prior(found: FollowUp) -> F64:
    total = found.scan.ts + found.prior.term
    return np.where(found.scan.scanned & np.isfinite(total), total, np.nan)


def _background(found: FollowUp) -> Figure:
    n = len(found.background)
    figure = _figure(found, (6.5, 4.2), "TS of background trials")
    ax = figure.add_subplot()
    positive = int(np.count_nonzero(found.background > 0))
    tsd = Chi2TSD(found.background) if positive >= _FOR_A_TAIL else TSD(found.background)
    plot_tsd(ax, tsd, label=f"{n} background trials")
    ax.axvline(found.fit.ts, color=CONTOUR_COLORS[0], lw=1.3, label=f"observed, p = {found.p_value.p:.3g}")
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.set(xlabel="TS with the prior", ylim=(0.5 / n, 1.5), xlim=(0, None))
    ax.legend(fontsize="small")
    return figure


def _energies(found: FollowUp) -> Figure:
    figure = _figure(found, (6.5, 4.2), "energies of the events that carry the fit")
    ax = figure.add_subplot()
    gamma = found.fit.gamma if math.isfinite(found.fit.gamma) else 2.0
    edges = np.arange(1.0, 9.01, 0.2)
    background, signal = np.zeros(len(edges) - 1), np.zeros(len(edges) - 1)
    for season in found.runner.analysis:
        near = np.abs(season.data["sindec"] - np.sin(found.fit.dec)) <= 0.05
        background += np.histogram(season.data["log10energy"][near], edges)[0]
        sim = season.sim
        near = np.abs(sim["sindec"] - np.sin(found.fit.dec)) <= 0.05
        weight = (sim["oneweight"] * sim["true_energy"] ** -gamma)[near] * season.livetime
        signal += np.histogram(sim["log10energy"][near], edges, weights=weight)[0]
    ax.stairs(background / max(background.max(), 1e-300), edges, color=".5", label="data at this declination")
    label = f"simulation, E^−{gamma:.2g}"
    ax.stairs(signal / max(signal.max(), 1e-300), edges, color=soft_colors[0], label=label)
    energy = np.array([row["log10energy"] for row in found.events])
    strength = np.array([row["ts"] for row in found.events])
    strength = strength / strength.max()
    ax.vlines(energy, 0, strength, color=CONTOUR_COLORS[0], lw=1.5, label="events of the fit: height as their TS")
    filled = edges[:-1][(background > 0) | (signal > 1e-3 * signal.max())]
    ax.set(xlabel=r"$\log_{10}$ of the reconstructed energy [GeV]", ylabel="relative to the maximum", ylim=(0, 1.4))
    ax.set_xlim(float(filled.min()), float(filled.max()) + 0.2)
    ax.legend(fontsize="small", ncols=1)
    return figure


def _spot(found: FollowUp) -> tuple[float, float] | None:
    return (found.fit.ra, found.fit.dec) if found.fit.ns > 0 else None


def _radians(found: FollowUp, name: str) -> Any:
    return np.radians([row[name] for row in found.events])
