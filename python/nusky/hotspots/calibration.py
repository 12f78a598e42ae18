"""How far below the maximum the TS of the true position lies: measured on trials with a source like the one found."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nusky.hotspots.finder import SpotFinder, refined_spots
from nusky.hotspots.hottest import best_by_search, scan_pixels
from nusky.pixels.cells import CellIndex
from nusky.pixels.pixel_set import PixelSet
from nusky.pixels.refinement import Refinement
from nusky.progress import Progress
from nusky.trial.trial import Trial
from nusky.typing import F64

__all__ = ["RegionCalibration", "calibrate_regions"]

# A localization fits all that is hot in fine pixels: its maximum may be in any of several spots of the coarse map
_SPOTS = 20


@dataclass(frozen=True, eq=False)
class RegionCalibration:
    """Drops of TS between the maximum and the true position, in trials with a source of known position.

    Attributes
    ----------
    delta_ts : (n,) float64, ascending
        Largest TS of the map minus TS at the source, with the prior term if there is a prior.
    source : dict
        What was injected: ``ra``, ``dec`` (rad), ``ns`` (mean of the Poisson-distributed number of events), ``gamma``.
    seed : int
        Of the trials.
    nside : int
        Of the fine pixels.

    Examples
    --------
    >>> calibration = RegionCalibration(np.arange(1.0, 100.0), {"ns": 10.0}, 1, 512)
    >>> calibration.border(0.9), round(calibration.level_error(0.9), 3)
    (90.0, 0.03)
    """

    delta_ts: F64
    source: dict[str, Any]
    seed: int
    nside: int

    def __post_init__(self) -> None:
        delta = np.sort(np.asarray(self.delta_ts, dtype=np.float64))
        if not (delta.ndim == 1 and delta.size and np.isfinite(delta).all()):
            raise ValueError("delta_ts must be finite numbers, one for each trial, and at least one")
        delta.setflags(write=False)
        object.__setattr__(self, "delta_ts", delta)

    @staticmethod
    def check(n_trials: int, levels: Sequence[float]) -> None:
        """Raise ValueError unless so many trials can calibrate regions of these levels."""
        for level in levels:
            if math.ceil(level * (n_trials + 1) - 1e-9) > n_trials:
                raise ValueError(
                    f"calibrate: {n_trials} trials cannot calibrate a region of level {level:g}; give at least "
                    f"{math.ceil(level / (1 - level) - 1e-9)}, better ten times as many"
                )

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return len(self.delta_ts)

    def border(self, level: float) -> float:
        """Drop of TS at the border of the region that holds the true position with this probability.

        The k-th smallest of n drops with k = ⌈level·(n + 1)⌉: a further trial's is not above it with probability
        ≥ level (conformal prediction).

        Raises
        ------
        ValueError
            If there are too few trials for the level.
        """
        self.check(self.n_trials, [level])
        k = math.ceil(level * (self.n_trials + 1) - 1e-9)
        return float(self.delta_ts[max(k, 1) - 1])

    def level_error(self, level: float) -> float:
        """Standard deviation of the coverage of the calibrated region, from the number of trials."""
        return math.sqrt(level * (1 - level) / (self.n_trials + 2))

    def coverage(self, drop: float) -> float:
        """Fraction of the trials whose true position lies within a drop of TS: of Wilks' −2 ln(1 − level), say."""
        return float(np.searchsorted(self.delta_ts, drop, side="right") / self.n_trials)

    def as_dict(self) -> dict[str, Any]:
        """Everything but the drops, as values JSON can hold."""
        return {"n_trials": self.n_trials, "seed": self.seed, "nside": self.nside, "source": dict(self.source)}


def calibrate_regions(
    finder: SpotFinder,
    make_trial: Callable[[int], Trial],
    n_trials: int,
    *,
    source: dict[str, Any],
    prior: int,
    nside: int,
    seed: int,
    n_threads: int,
    logging: bool,
) -> RegionCalibration:
    """Fit trials with a source of known position: the hottest spot, refined, and the position itself.

    Parameters
    ----------
    finder : SpotFinder
        Of the search.
    make_trial : callable
        Trial of a number, with the source in it.
    n_trials : int
    source : dict
        See `RegionCalibration`.
    prior : int
        Whose term counts.
    nside : int
        Of the fine pixels.
    seed, n_threads, logging
        As for `localize`.
    """
    import healpy

    model, terms = finder.model, finder.terms
    cells = CellIndex.of(terms.pixels)
    pixel = int(healpy.ang2pix(nside, np.pi / 2 - source["dec"], source["ra"]))
    true = PixelSet(nside, np.array([pixel]))
    term = float(terms.at(prior, cells.rows(nside, true.pixels))[0])
    drops = np.empty(n_trials)
    with Progress("Calibrating the regions of the position:", n_trials, "trials", logging) as progress:
        for j in range(n_trials):
            index = finder.index(make_trial(j), n_threads)
            at_source = float(scan_pixels(model, index, true, n_threads, False)[0][0]) + term
            if terms.pixels.finest_nside < nside:
                table = refined_spots(model, index, terms, cells, Refinement(nside=nside, spots=_SPOTS), n_threads)
            else:
                table = best_by_search(model, index, terms, n_threads)
            drops[j] = max(float(table["ts_raw"][prior]) - at_source, 0.0)
            progress.update(j + 1)
    return RegionCalibration(drops, source, seed, nside)
