"""One search with a spatial prior, from an analysis to files: best fit, full scan, FITS maps and pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from nusky.files.atomic import atomic_write
from nusky.typing import F64

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nusky.analysis.analysis import Analysis
    from nusky.priors.prior import SpatialPrior
    from nusky.trial.fit import Fit
    from nusky.trial.sky_scan import SkyScan
    from nusky.trial.trial import SpatialPriorTrial

__all__ = ["Search", "Steps", "run_search", "write_search"]


@dataclass
class Steps:
    """Says what is being done and how long it took.

    Parameters
    ----------
    say : callable
        Takes one line of text: ``print``, for one.
    clock : callable
        Seconds, monotonic.

    Examples
    --------
    >>> ticks = iter([0.0, 1.5])
    >>> steps = Steps(print, clock=lambda: next(ticks))
    >>> with steps("Counting"):
    ...     pass
    --- Counting
        1.50 s
    >>> steps.seconds
    {'Counting': 1.5}
    """

    say: Callable[[str], None]
    clock: Callable[[], float] = perf_counter
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Announce a step, run the block, say the seconds."""
        self.say(f"--- {name}")
        start = self.clock()
        yield
        self.seconds[name] = self.clock() - start
        self.say(f"    {self.seconds[name]:.2f} s")


@dataclass(frozen=True)
class Search:
    """What a search found.

    Attributes
    ----------
    fit : Fit
        Hottest spot with the prior.
    scan : SkyScan
        Every pixel, without the prior.
    prior : SpatialPrior
    trial : SpatialPriorTrial
        The events that were fitted.
    """

    fit: Fit
    scan: SkyScan
    prior: SpatialPrior
    trial: SpatialPriorTrial

    @property
    def ts_with_prior(self) -> F64:
        """(npix,) TS + prior term, cut at 0; NaN where a pixel was not scanned or the prior excludes it."""
        ts = self.scan.ts + self.prior.term
        return np.where(self.scan.scanned & np.isfinite(self.prior.term), np.maximum(0.0, ts), np.nan)


def run_search(
    ana: Analysis, prior: SpatialPrior, options: Mapping[str, Any], steps: Steps, **trial_options: Any
) -> Search:
    """Fit one trial and scan it.

    Parameters
    ----------
    ana : Analysis
    prior : SpatialPrior
    options : mapping
        Of `get_spatial_prior_trial_runner`: ``min_dec``, ``max_dec`` (rad), ``mp_cpus`` …
    steps : Steps
    **trial_options
        Of `get_one_trial`: ``n_sig``, ``seed``, ``poisson``, ``TRUTH``.

    Returns
    -------
    Search
    """
    from nusky.conf.factories import get_spatial_prior_trial_runner

    sptr = get_spatial_prior_trial_runner(ana=ana, llh_priors=prior, **options)
    with steps("Best fit with the prior"):
        trial = cast("SpatialPriorTrial", sptr.get_one_trial(**trial_options))
        fit = sptr.get_one_fit_from_trial(trial)
    with steps("Scan of the whole map"):
        scan = sptr.get_one_scan_from_trial(trial, logging=True)
    return Search(fit, scan, prior, trial)


def write_search(search: Search, out: Path, title: str, steps: Steps) -> dict[Path, str]:
    """Write the fit (JSON), the maps (FITS) and the pictures (PNG) of a search into an existing directory.

    Parameters
    ----------
    search : Search
    out : Path
    title : str
        Of every picture: what data these are.
    steps : Steps

    Returns
    -------
    dict of Path to str
        Every file, and what it is.
    """
    from nusky.maps.writer import write_sky_map

    nside = search.prior.nside
    files = {
        out / "fit.json": "the best fit and how it was made",
        out / "scan.fits": f"TS, n_s, gamma of every pixel (HEALPix RING, equatorial, nside {nside})",
        out / "prior.fits": "the prior as it was used: probability per pixel",
    }
    with steps("FITS and JSON files"):
        search.fit.save(out / "fit.json")
        search.scan.save(out / "scan.fits")
        write_sky_map(out / "prior.fits", search.prior, overwrite=True)
    with steps("Pictures"):
        for name, what, figure in _pictures(search, title):
            path = out / name
            with atomic_write(path) as file:
                figure.savefig(file, format="png", dpi=120)
            files[path] = what
    return files


def _pictures(search: Search, title: str) -> Iterator[tuple[str, str, Figure]]:
    from matplotlib.figure import Figure

    from nusky.plotting.sky import plot_sky

    fit, scan = search.fit, search.scan
    best = (fit.ra, fit.dec)
    pixel_area = 4 * np.pi / search.prior.npix
    density = np.full(search.prior.npix, np.nan)
    positive = search.prior.probability > 0
    density[positive] = np.log10(search.prior.probability[positive] / pixel_area)
    # A density that spans 300 decades would drown its own peak.
    top = float(np.nanmax(density))
    limits = {"vmin": max(float(np.nanmin(density)), top - 8), "vmax": top}
    ts = np.where(scan.scanned, scan.ts, np.nan)
    with_prior = search.ts_with_prior
    skies: tuple[tuple[str, str, F64, str, dict[str, Any]], ...] = (
        ("prior.png", "the prior", density, "log$_{10}$ of the prior [1/sr]", limits),
        ("ts.png", "TS without the prior", ts, "TS without prior", _root_scale(ts)),
        ("ts_with_prior.png", "TS with the prior, cut at 0", with_prior, "TS with prior", _root_scale(with_prior)),
    )
    for name, what, values, label, pc_kw in skies:
        # A Figure of its own instead of pyplot's: no window system is touched and no global state changed.
        figure = Figure(figsize=(8, 5.2))
        ax = figure.add_axes((0.06, 0.06, 0.9, 0.86), projection="aitoff")
        plot_sky(ax, values, label, mark=best, pc_kw=pc_kw)
        ax.set_title(title, fontsize="medium", pad=12)
        yield name, what, figure
    yield "zoom.png", "the surroundings of the best fit with its events", _zoom_picture(search, ts, title)


def _root_scale(ts: F64) -> dict[str, Any]:
    """TS goes with the square of the significance: its root shows the background beside a strong source."""
    from matplotlib.colors import PowerNorm

    # A range of its own for every map, and one that exists where all TS are 0.
    return {"norm": PowerNorm(0.5, vmin=0.0, vmax=float(np.max(ts, initial=1.0, where=np.isfinite(ts))))}


def _zoom_picture(search: Search, ts: F64, title: str) -> Figure:
    from matplotlib.figure import Figure

    from nusky.plotting import skymap_cmap, soft_colors
    from nusky.plotting.zoom import SkyZoom

    fit, trial = search.fit, search.trial
    # A dozen pixels at least, so that the spot has surroundings on any map.
    width = min(np.pi, max(np.radians(10.0), 12 * np.sqrt(4 * np.pi / search.prior.npix)))
    zoom = SkyZoom(fit.ra, fit.dec, width, {"cmap": skymap_cmap, "vmin": 0.0})
    figure = Figure(figsize=(7, 6))
    ax = figure.add_axes((0.1, 0.1, 0.86, 0.82))
    _, cb = zoom.plot_map(ax, ts)
    cb.set_label("TS without prior")
    for k, season in enumerate(trial.evss):
        first = None if k else "events (ring of σ within 2σ)"
        zoom.plot_events(ax, season[0], reach=2.0, color=".4", alpha=0.6, label=first)
        if len(season) > 1:
            zoom.plot_events(ax, season[1], color=soft_colors[1], alpha=1.0, lw=1.0, label=None if k else "injected")
    zoom.plot_points(ax, fit.ra, fit.dec, color="#d1493f", ms=11, mew=2, label="best fit")
    if trial.ra.size:
        zoom.plot_points(ax, trial.ra, trial.dec, marker="+", color="k", ms=13, mew=1.5, label="injected source")
    ax.set_title(title, fontsize="medium")
    ax.legend(loc="upper right", fontsize="small", framealpha=0.9)
    return figure
