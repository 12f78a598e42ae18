"""What both runners of maps share: scans of all their pixels, hottest spots, and how their pixels are described."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nusky.hottest import embed_scan, scan_pixels
from nusky.mixed_pixels import MultiOrderPixels
from nusky.pixelset import PixelSet
from nusky.refinement import Refinement
from nusky.sky_scan import SkyScan
from nusky.trial import Trial, as_trial

if TYPE_CHECKING:
    from nusky import _core
    from nusky.prior_runner import SpatialPriorTrialRunner
    from nusky.sky_scan_runner import SkyScanTrialRunner

    ScansPixels: TypeAlias = "SpatialPriorTrialRunner | SkyScanTrialRunner"

__all__ = [
    "best_spots",
    "describe_pixels",
    "describe_refinement",
    "event_index",
    "finest_nside",
    "get_one_scan",
    "get_one_scan_from_trial",
]


def get_one_scan(
    runner: ScansPixels,
    n_sig: float = 0,
    *,
    poisson: bool = False,
    seed: Any = None,
    TRUTH: bool = False,
    mp_cpus: int | None = None,
    logging: bool = False,
) -> SkyScan:
    """Make one trial and fit every pixel; arguments as for `get_one_fit`.

    Returns
    -------
    SkyScan
        Array-like of shape (4, npix): mlog10p, ts, ns, gamma; **without** any prior (add ``llh_prior_term[j]`` to ts).
    """
    n_threads = runner._threads(mp_cpus)
    return _scan_trial(runner, runner._one_trial(n_sig, poisson, seed, TRUTH), n_threads, logging)


def get_one_scan_from_trial(
    runner: ScansPixels, trial: Any, *, mp_cpus: int | None = None, logging: bool = False
) -> SkyScan:
    """Fit every pixel to the events of a trial, whichever runner of the same analysis made it; see `get_one_scan`."""
    return _scan_trial(runner, as_trial(trial, len(runner.analysis)), runner._threads(mp_cpus), logging)


def _scan_trial(runner: ScansPixels, trial: Trial, n_threads: int, logging: bool) -> SkyScan:
    pixels = runner.pixels
    fits = scan_pixels(runner.model, runner._index(trial, n_threads), pixels, n_threads, logging)
    provenance = {**runner.provenance(trial), "nside": finest_nside(pixels), "n_scanned": len(pixels)}
    return embed_scan(fits, pixels, runner.ts_to_p, runner.likelihood.mode == "fit", provenance)


def describe_pixels(pixels: PixelSet | MultiOrderPixels) -> dict[str, Any]:
    """What decides the pixels, as values JSON can hold."""
    return {
        "nside": finest_nside(pixels),
        "n_pixels": len(pixels),
        "pixels": {"rules": [str(rule.rule) for rule in pixels.report], "hash": pixels.content_hash},
    }


def describe_refinement(refine: Refinement | None) -> dict[str, Any] | None:
    """The refinement as values JSON can hold; None without one."""
    return None if refine is None else refine.as_dict()


def finest_nside(pixels: PixelSet | MultiOrderPixels) -> int:
    """nside of the smallest pixels."""
    return pixels.nside if isinstance(pixels, PixelSet) else pixels.parts[-1].nside


def event_index(runner: ScansPixels, trial: Trial, n_threads: int) -> _core.EventIndex:
    """The core's index of a trial's events, without those that are near no pixel if most are not."""
    return runner._finder.index(trial, n_threads)


def best_spots(runner: ScansPixels, index: _core.EventIndex, n_threads: int, logging: bool = False) -> NDArray[np.void]:
    """Best fit of each prior, one row each (`nusky.fit.PER_PRIOR_DTYPE`)."""
    return runner._finder.best(index, n_threads, logging)
