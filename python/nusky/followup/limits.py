"""Sensitivity and upper limit of a follow-up, and their range over the 90 % region of the map."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.dists import TSD
from nusky.priors import SpatialPrior
from nusky.runners import KnownBackground, KnownBackgroundRunner, SpatialPriorTrialRunner
from nusky.sensitivity import sensitivity, upper_limit
from nusky.typing import F64, I64

if TYPE_CHECKING:
    from nusky.followup.search import Search
    from nusky.sensitivity import NSigResult

__all__ = ["Limits", "find_limits"]

_LEVEL = 0.9
# Sources of the range lie within this of the declination where the acceptance is largest or smallest, rad
_BAND = np.radians(1.0)
# Regions narrower than this in acceptance have no range: it would be less than the error of its ends
_NARROW = 0.2
_SETTINGS: dict[str, Any] = {
    "n_sig_step": 3.0, "first_batch_size": 20, "batch_size": 40, "max_batch_size": 200, "n_batches": 5, "unit": 1.0,
    "max_n_sig": 60.0,
}  # fmt: skip
# Fewer signals and fewer trials of each: up to 17 instead of 12 % error over a map that goes round the sky
_QUICK: dict[str, Any] = {"max_batch_size": 150, "n_batches": 4}


@dataclass(frozen=True, eq=False)
class Limits:
    """90 % limits for sources of equal flux (in a window: equal fluence).

    Attributes
    ----------
    sensitivity, upper_limit : NSigResult
        Averaged over the map; GeV. No upper limit (None) where 90 % of sources of one flux are never found above the
        observed TS: some lie where the detector is blind to them.
    sensitivity_range, upper_limit_range : tuple of two NSigResult, or None
        For sources where the acceptance is largest and smallest in the 90 % region: the smallest and the largest flux.
        None: the region is so small that the acceptance changes by less than 20 %.
    declinations : (float, float) or None
        rad, where these are.
    """

    sensitivity: NSigResult
    upper_limit: NSigResult | None
    sensitivity_range: tuple[NSigResult, NSigResult] | None
    upper_limit_range: tuple[NSigResult | None, NSigResult | None] | None
    declinations: tuple[float, float] | None


def find_limits(search: Search, ts: float, known: KnownBackground, seed: int, *, quick: bool = False) -> Limits:
    """Limits of a search, with its background trials; over the whole livetime signal is put onto these, see
    `nusky.runners.KnownBackgroundRunner`.

    Parameters
    ----------
    search : Search
    ts : float
        Observed.
    known : KnownBackground
    seed : int
    quick : bool
        With fewer trials.
    """
    background, options = known.ts, {**_SETTINGS, "seed": seed}
    runner: SpatialPriorTrialRunner = search.runner
    if KnownBackgroundRunner.can(runner):
        median = TSD(background)
        # with room for the error of the threshold, by which the search moves it
        above = max(ts, float(median.median() + 2 * median.isf_error(0.5)))
        runner = KnownBackgroundRunner.like(runner, known, above)
        most = _SETTINGS["max_batch_size"]
        # Twice as many, of trials that cost a tenth; further background, which costs all, is for small libraries only
        options["max_batch_size"] = min(2 * most, max(most, len(background)))
        options |= _QUICK if quick else {}
    both = _both(runner, ts, background, {**options, "tol": 0.1})
    extremes = _extremes(search)
    if extremes is None:
        return Limits(*both, None, None, None)
    ranges = []
    for pixels in extremes[1]:
        shown = np.zeros(search.prior.npix)
        shown[pixels] = search.prior.probability[pixels]
        there = dataclasses.replace(runner, injection_priors=(SpatialPrior(shown),))
        ranges.append(_both(there, ts, background, {**options, "tol": 0.2}))
    return Limits(*both, (ranges[0][0], ranges[1][0]), (ranges[0][1], ranges[1][1]), extremes[0])


def _both(runner: Any, ts: float, background: F64, options: dict[str, Any]) -> tuple[NSigResult, NSigResult | None]:
    found = sensitivity(runner, background, beta=_LEVEL, **options)
    if ts <= found.ts:
        return found, dataclasses.replace(found, kind="upper limit")
    try:
        return found, upper_limit(runner, ts, background, beta=_LEVEL, trials=_signal(found.trials), **options)
    except ValueError as error:
        if "was passed by at most" not in str(error):
            raise
        return found, None


def _signal(trials: Any) -> dict[float, Any]:
    return {n_sig: rows for n_sig, rows in trials.items() if n_sig > 0}


def _extremes(search: Search) -> tuple[tuple[float, float], tuple[I64, I64]] | None:
    """Declinations of largest and smallest acceptance in the 90 % region, and the region's pixels near them."""
    import healpy

    p = search.prior.probability
    order = np.argsort(-p, kind="stable")
    region = order[: int(np.searchsorted(np.cumsum(p[order]), _LEVEL)) + 1]
    region = np.intersect1d(region, search.runner.pixels.pixels)
    if not len(region):
        return None
    dec = np.pi / 2 - healpy.pix2ang(search.prior.nside, region)[0]
    accepted = search.runner.signal_injector.acceptance(dec).sum(axis=0)
    best, worst = int(np.argmax(accepted)), int(np.argmin(accepted))
    if accepted[worst] >= (1 - _NARROW) * accepted[best]:
        return None
    near = [region[np.abs(dec - dec[at]) <= _BAND] for at in (best, worst)]
    return (float(dec[best]), float(dec[worst])), (near[0], near[1])
