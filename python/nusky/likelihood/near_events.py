"""Few pixels, many events: only the events that can reach a pixel are indexed.

An index of a season takes longer than the fit of a few hundred pixels. An event's declination and reach are known
beforehand and its right ascension is new in every trial: a table of distances to the nearest pixel, on a grid in both
coordinates, finds which of a hundred events matter in a microsecond.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nusky import _core
from nusky.likelihood.reach import MARGIN, event_reach, widened
from nusky.pixels.pixel_set import TILE_FACTOR
from nusky.sphere.vectors import unit_vectors
from nusky.trial.trial import Scramble, Trial

if TYPE_CHECKING:
    from nusky.analysis.analysis import Analysis
    from nusky.likelihood.model import LikelihoodOptions
    from nusky.pixels.multi_order import MultiOrderPixels
    from nusky.pixels.pixel_set import PixelSet
    from nusky.typing import F32, I64

__all__ = ["NearRows", "distance_grid"]

_N_DEC, _N_RA = 180, 360
# Pixels are looked up by their ancestors of this nside or coarser
_COARSE = 64
# Above this share of a season's events, choosing them takes longer than it saves
_WORTH = 0.7


def distance_grid(pixels: PixelSet | MultiOrderPixels) -> F32:
    """Lower bound, rad, of the distance from anywhere in a cell of the sky to the cap of the nearest pixel's tile.

    Returns
    -------
    (180, 361) float32
        Cells of 1° in declination (from −90°) and right ascension; the last column repeats the one before it, for what
        rounding brings to 360°.

    Examples
    --------
    >>> from nusky.pixels.pixel_set import PixelSet
    >>> grid = distance_grid(PixelSet(64, [0]))            # at the north pole
    >>> bool(grid[-1, 0] == 0), round(float(np.degrees(grid[90, 0])))
    (True, 83)
    """
    import healpy
    from scipy.spatial import cKDTree

    centres = []
    margin = 0.0
    for part in pixels.parts:
        # What a pixel's fit depends on are the events that reach the cap of its tile, see `tiles_of`; the caps of finer
        # pixels inside it (of a refinement) end within a tenth of its radius beyond its corners
        tiles = max(1, part.nside // TILE_FACTOR)
        coarse = min(tiles, _COARSE)
        nested = healpy.ring2nest(part.nside, part.pixels) // (part.nside // coarse) ** 2
        centres.append(np.stack(healpy.pix2vec(coarse, np.unique(nested), nest=True), axis=1))
        cap = float(healpy.max_pixrad(tiles)) * (0.1 if tiles == coarse else 1.0)
        margin = max(margin, float(healpy.max_pixrad(coarse)) + cap)
    half = 0.5 * np.pi / _N_DEC
    dec = -0.5 * np.pi + half * (2 * np.arange(_N_DEC) + 1)
    ra = half * (2 * np.arange(_N_RA) + 1)
    where = unit_vectors(np.tile(ra, _N_DEC), np.repeat(dec, _N_RA))
    chord = cKDTree(np.concatenate(centres)).query(where)[0]
    distance = 2.0 * np.arcsin(np.minimum(0.5 * chord, 1.0)).reshape(_N_DEC, _N_RA)
    # From a cell's centre to its furthest corner it is no more than to the corner of a flat cell of its widest side
    widest = np.cos(np.maximum(np.abs(dec) - half, 0.0))
    corner = half * np.hypot(1.0, widest)
    bound = np.maximum(distance - corner[:, None] - margin - MARGIN, 0.0)
    return np.concatenate([bound, bound[:, -1:]], axis=1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class NearRows:
    """Which of a season's own events can be within their cut of a pixel, trial by trial.

    Attributes
    ----------
    analysis : Analysis
    options : LikelihoodOptions
        For the cut and the source extension.
    pixels : PixelSet or MultiOrderPixels
        Places inside them are covered too, such as the finer pixels of a refinement.
    """

    analysis: Analysis
    options: LikelihoodOptions
    pixels: PixelSet | MultiOrderPixels

    @cached_property
    def _grid(self) -> F32:
        return distance_grid(self.pixels)

    @cached_property
    def _seasons(self) -> tuple[tuple[I64, NDArray[np.int32], F32], ...] | None:
        """For each season: rows that some right ascension brings near, first cell of their grid row, reach; or None.

        None: more rows than are worth choosing.
        """
        nearest = self._grid.min(axis=1)
        found = []
        expected = 0.0
        for season in self.analysis:
            furthest = widened(event_reach(season.data["sigma"], self.options))
            reach = np.minimum(furthest, 4.0).astype(np.float32)
            grid_row = np.clip((season.data["dec"] / np.pi + 0.5) * _N_DEC, 0, _N_DEC - 1).astype(np.int64)
            rows = np.flatnonzero(nearest[grid_row] <= reach)
            grid_row, reach = grid_row[rows], reach[rows]
            found.append((rows, (grid_row * (_N_RA + 1)).astype(np.int32), reach))
            for row in np.unique(grid_row):  # right ascensions are uniform: the share of cells within reach
                some = np.sort(self._grid[row, :_N_RA])
                expected += float(np.searchsorted(some, reach[grid_row == row], side="right").sum()) / _N_RA
        total = sum(len(season.data) for season in self.analysis)
        return None if expected > _WORTH * total else tuple(found)

    def prepare(self) -> None:
        """Make what all trials share."""
        _ = self._seasons

    def scrambles(self, columns: Sequence[_core.EventColumns]) -> _core.Scrambles:
        """The seasons' events as trials that are drawn in the core see them: the rows that `rows` gives for each.

        Parameters
        ----------
        columns : sequence of EventColumns
            The seasons' own.
        """
        near = self._seasons
        return _core.Scrambles(columns, None, []) if near is None else _core.Scrambles(columns, self._grid, near)

    def rows(self, trial: Trial) -> tuple[I64, ...] | None:
        """Rows of each season's events that can matter for the pixels.

        Parameters
        ----------
        trial : Trial
            Of this analysis.

        Returns
        -------
        tuple of (M_k,) int64, or None
            None: all of them, because most matter or because the events are not the seasons' own.
        """
        seasons = self._seasons
        if seasons is None:
            return None
        chosen = []
        flat = self._grid.ravel()
        for (rows, first_cell, reach), background, season in zip(seasons, trial.background, self.analysis, strict=True):
            if (
                not isinstance(background, Scramble)
                or background.season is not season
                or background.rows is not None
                or background.dec is not None
            ):
                return None
            column = (background.ra[rows] * (_N_RA / (2 * np.pi))).astype(np.int32)
            chosen.append(rows[flat[first_cell + column] <= reach])
        return tuple(chosen)
