"""The hottest spots of a map: on its pixels, and again on finer ones around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nusky.hotspots.hottest import (
    best_by_search,
    best_of_map,
    best_of_scrambles,
    best_of_trials,
    best_table,
    scan_pixels,
)
from nusky.hotspots.terms import PriorTerms
from nusky.likelihood.model import LikelihoodModel
from nusky.likelihood.near_events import NearRows
from nusky.likelihood.window import WindowLikelihoodModel
from nusky.pixels.cells import CellIndex
from nusky.pixels.pixel_set import PixelSet
from nusky.pixels.refinement import Refinement, children_of, neighbourhood
from nusky.trial.status import Status
from nusky.trial.trial import Trial

if TYPE_CHECKING:
    from nusky import _core
    from nusky.injection.seeding import BatchDraws
    from nusky.likelihood.trial_index import PartOfTrials, TrialIndex
    from nusky.typing import F64, I64

__all__ = ["SpotFinder", "refined_spots", "separate_spots"]

# Finer pixels have a quarter of the side: 16 for each one, which is one tile of the core
_STEP = 4


@dataclass(frozen=True, eq=False)
class SpotFinder:
    """How the runners of maps find the best fit of each prior.

    Attributes
    ----------
    model : LikelihoodModel
    terms : PriorTerms
        With the pixels they belong to.
    refine : Refinement or None
    """

    model: LikelihoodModel
    terms: PriorTerms
    refine: Refinement | None = None

    @cached_property
    def _cells(self) -> CellIndex:
        return CellIndex.of(self.terms.pixels)

    @cached_property
    def _near_rows(self) -> NearRows | None:
        # The events of a time window are few, and found by other means
        windowed = isinstance(self.model, WindowLikelihoodModel)
        return None if windowed else NearRows(self.model.analysis, self.model.options, self.terms.pixels)

    def prepare(self) -> None:
        """Make what all trials share."""
        if self._near_rows is not None:
            self._near_rows.prepare()
            if self.takes_many:
                _ = self._scrambles
        self.terms.prepare()
        if self.refine is not None:
            _ = self._cells

    def index(self, trial: Trial, n_threads: int) -> TrialIndex:
        """The trial's events, indexed for the core, without those that are near no pixel if most are not."""
        rows = None if self._near_rows is None else self._near_rows.rows(trial)
        return self.model.index(trial, n_threads, rows)

    @property
    def takes_many(self) -> bool:
        """Whether many trials are searched in one call of the core: for whole rows of terms, without refinement."""
        plain = type(self.model) in (LikelihoodModel, WindowLikelihoodModel)
        return plain and self.refine is None and self.terms.matrix is not None and len(self.terms.pixels) > 0

    @cached_property
    def _scrambles(self) -> _core.Scrambles:
        assert self._near_rows is not None
        return self._near_rows.scrambles(self.model.columns)

    def best_of_trials(self, parts: Sequence[PartOfTrials], n: int, n_threads: int) -> NDArray[np.void]:
        """Best fits (n, J) of n trials of a time window, each what `best` gives for it."""
        assert isinstance(self.model, WindowLikelihoodModel)
        return self._table(best_of_trials(self.model, self.terms.search, parts, n, n_threads))

    def best_of_scrambles(
        self, draws: BatchDraws, injected: Sequence[PartOfTrials], n_threads: int
    ) -> NDArray[np.void]:
        """Best fits (n, J) of trials of whole seasons, each what `best` gives for it."""
        return self._table(
            best_of_scrambles(self.model, self.terms.search, self._scrambles, draws, injected, n_threads)
        )

    def _table(self, best: NDArray[np.void]) -> NDArray[np.void]:
        return best_table(best["direction"], best["ts_prior"], best["ns"], best["gamma"], best["status"], self.terms)

    def best(self, index: TrialIndex, n_threads: int, logging: bool) -> NDArray[np.void]:
        """Best fit of each prior, one row each (`nusky.trial.fit.PER_PRIOR_DTYPE`)."""
        if self.refine is not None:
            return refined_spots(self.model, index, self.terms, self._cells, self.refine, n_threads, logging)
        if not logging:
            return best_by_search(self.model, index, self.terms, n_threads)
        # The whole map: slower than the search for the hottest spot, equal to the last bit, and its progress shows
        return best_of_map(scan_pixels(self.model, index, self.terms.pixels, n_threads, True), self.terms)


@dataclass(frozen=True)
class _HotPixel:
    """A hot pixel of one prior that is to be looked at again."""

    prior: int
    nside: int
    pixel: int


def refined_spots(
    model: LikelihoodModel,
    index: TrialIndex,
    terms: PriorTerms,
    cells: CellIndex,
    refinement: Refinement,
    n_threads: int,
    logging: bool = False,
) -> NDArray[np.void]:
    """Best fit of each prior, refined.

    A finer pixel has the term of the scanned cell that holds its centre: the prior is constant inside a cell. Outside
    the scanned cells nothing is fitted.

    Parameters
    ----------
    model, index, n_threads, logging
        See `nusky.hotspots.hottest.scan_pixels`.
    terms : PriorTerms
    cells : CellIndex
        Of the terms' pixels.
    refinement : Refinement

    Returns
    -------
    (J,) structured array, `nusky.trial.fit.PER_PRIOR_DTYPE`
    """
    pixels = terms.pixels
    if refinement.spots == 1 and not logging:
        table = best_by_search(model, index, terms, n_threads)
        hot = [_HotPixel(j, int(row["nside"]), int(row["pixel"])) for j, row in enumerate(table) if _scanned(row)]
    else:
        fits = scan_pixels(model, index, pixels, n_threads, logging)
        table = best_of_map(fits, terms)
        nside = pixels.nsides
        hot = []
        for j in np.flatnonzero(table["status"] != Status.NOT_SCANNED).tolist():
            total = fits[0] + terms.row(j)
            spots = separate_spots(pixels.ra, pixels.dec, nside, total, refinement.spots, refinement.rings)
            hot += [_HotPixel(j, int(nside[row]), int(pixels.pixels[row])) for row in spots]
    while hot := [pixel for pixel in hot if pixel.nside < refinement.nside]:
        hot = [
            finer
            for nside in sorted({pixel.nside for pixel in hot})
            for finer in _step(model, index, terms, cells, refinement, n_threads, table, nside, hot)
        ]
    return table


def separate_spots(ra: F64, dec: F64, nside: I64, values: F64, n: int, rings: int) -> list[int]:
    """Rows of the hottest pixels that are not in each other's neighbourhood, hottest first.

    Parameters
    ----------
    ra, dec : (P,) rad
    nside : (P,) int
        Of each pixel.
    values : (P,)
        −inf never counts as hot.
    n : int
        At most so many.
    rings : int
        Neighbourhood: within ``rings + 1`` pixel sides.

    Examples
    --------
    >>> sky = PixelSet(16, np.arange(3072))
    >>> values = np.zeros(3072); values[[100, 101, 2000]] = 9.0, 8.0, 7.0
    >>> separate_spots(sky.ra, sky.dec, np.full(3072, 16), values, 2, 1)
    [100, 2000]
    """
    left = np.array(values, dtype=np.float64)
    vectors = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    found: list[int] = []
    while len(found) < n and left.size:
        best = int(np.argmax(left))
        if not left[best] > -np.inf:
            break
        found.append(best)
        side = np.sqrt(np.pi / 3.0) / nside[best]
        left[vectors.T @ vectors[:, best] > np.cos(min(np.pi, (rings + 1) * side))] = -np.inf
    return found


def _step(
    model: LikelihoodModel,
    index: TrialIndex,
    terms: PriorTerms,
    cells: CellIndex,
    refinement: Refinement,
    n_threads: int,
    table: NDArray[np.void],
    nside: int,
    hot: list[_HotPixel],
) -> list[_HotPixel]:
    """Fit finer pixels around the hot ones of one nside, put what is better into the table; the next hot pixels."""
    mine = [one for one in hot if one.nside == nside]
    finer = min(refinement.nside, nside * _STEP)
    # Many priors of a catalogue share their hot spots: each place is fitted once
    children = {
        pixel: children_of(PixelSet(nside, neighbourhood(nside, [pixel], rings=refinement.rings)), finer).pixels
        for pixel in {one.pixel for one in mine}
    }
    wanted = np.unique(np.concatenate(list(children.values())))
    row = cells.rows(finer, wanted)
    fine = PixelSet(finer, wanted[row >= 0])
    row = row[row >= 0]
    ts, ns, gamma, status = scan_pixels(model, index, fine, n_threads, False)
    again = []
    for one in mine:
        inside = np.searchsorted(fine.pixels, np.intersect1d(children[one.pixel], fine.pixels, assume_unique=True))
        if not inside.size:
            continue
        total = ts[inside] + terms.at(one.prior, row[inside])
        i = int(np.argmax(total))
        if not total[i] > -np.inf:
            continue
        best = inside[i]
        again.append(_HotPixel(one.prior, finer, int(fine.pixels[best])))
        old = table[one.prior]
        if total[i] > old["ts_raw"]:
            new = (total[i], max(0.0, total[i]), ns[best], gamma[best], fine.ra[best], fine.dec[best], status[best])
            table[one.prior] = (one.prior, fine.pixels[best], finer, *new)
    return again


def _scanned(row: np.void) -> bool:
    return bool(row["status"] != Status.NOT_SCANNED)
