"""Prior terms at the scanned pixels: whole rows for a few priors, the top of each for a catalogue.

A thousand priors at nside 64 are 400 MB as a table, and nearly all of it never decides anything. The best pixel of
prior j is where TS + term_j is largest, and term_j ≤ 0: it lies among the pixels with the largest terms (few, known
beforehand) or among those with the largest TS (few, known after the scan). `PriorTerms.best` looks at these two lists
only and proves that no other pixel can win, so it gives what the whole rows would give, to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nusky import _core
from nusky.pixels.multi_order import MultiOrderPixels
from nusky.pixels.pixel_set import PixelSet

if TYPE_CHECKING:
    from nusky.priors.prior import SpatialPrior
    from nusky.typing import F64, I64

__all__ = ["Best", "PriorTerms"]

# Whole rows up to this size (64 MB): the core's search for the hottest spot works on them
_MATRIX_BYTES = 2**26
# Pixels kept of each prior of a catalogue: 12 bytes each, 24 MB for a thousand priors
_KEPT = 2048


class Best(NamedTuple):
    """Best scanned pixel of each prior.

    Attributes
    ----------
    row : (J,) int64
        Row in the pixel set, −1 where no pixel is allowed; of several equal ones the first.
    value : (J,) float64
        TS + term there; −inf where none is allowed.
    """

    row: I64
    value: F64


@dataclass(frozen=True, eq=False)
class PriorTerms:
    """Terms of J priors at P scanned pixels; make it with `of`, `flat` or `of_matrix`.

    Attributes
    ----------
    pixels : PixelSet or MultiOrderPixels
    fallback : (J,) int64
        RING pixel of `fallback_nside` that stands for a prior without any allowed pixel: its maximum.
    fallback_nside : int
    matrix : (J, P) float64 or None
        All terms, −inf where excluded; None for a catalogue too large for that.

    Examples
    --------
    >>> terms = PriorTerms.of_matrix(np.array([[0.0, -3.0], [-5.0, 0.0]]), PixelSet(1, [2, 7]))
    >>> terms.best(np.array([1.0, 4.5])).row.tolist()
    [1, 1]
    """

    pixels: PixelSet | MultiOrderPixels
    fallback: I64
    fallback_nside: int
    matrix: F64 | None
    priors: tuple[SpatialPrior, ...] = ()
    kept_row: tuple[NDArray[np.int32], ...] = ()
    kept_term: tuple[F64, ...] = ()
    cut: tuple[float, ...] = ()

    @classmethod
    def of(
        cls,
        priors: Sequence[SpatialPrior],
        pixels: PixelSet | MultiOrderPixels,
        *,
        matrix_bytes: int = _MATRIX_BYTES,
        kept: int = _KEPT,
    ) -> PriorTerms:
        """Terms of priors at the pixels of a scan.

        Parameters
        ----------
        priors : sequence of SpatialPrior
            Of the pixels' nside; for `MultiOrderPixels` the one prior that they follow.
        pixels : PixelSet or MultiOrderPixels
        matrix_bytes : int
            Largest table of whole rows.
        kept : int
            Pixels remembered of each prior where the table would be larger.
        """
        fallback = np.array([prior.peak for prior in priors], dtype=np.int64)
        nside = priors[0].nside
        if isinstance(pixels, MultiOrderPixels):
            return cls(pixels, fallback, nside, pixels.term(priors[0].policy)[None])
        if 8 * len(priors) * len(pixels) <= matrix_bytes:
            return cls(pixels, fallback, nside, np.stack([prior.term_at(pixels.pixels) for prior in priors]))
        tops = [_top(prior.term_at(pixels.pixels), kept) for prior in priors]
        rows, terms, cuts = zip(*tops, strict=True)
        return cls(pixels, fallback, nside, None, tuple(priors), rows, terms, cuts)

    @classmethod
    def flat(cls, pixels: PixelSet) -> PriorTerms:
        """No prior: every term is 0."""
        return cls.of_matrix(np.zeros((1, len(pixels))), pixels)

    @classmethod
    def of_matrix(cls, matrix: F64, pixels: PixelSet, fallback: I64 | None = None) -> PriorTerms:
        """Terms given as whole rows, (J, P)."""
        if fallback is None:
            fallback = np.full(len(matrix), pixels.pixels[0] if len(pixels) else 0, dtype=np.int64)
        return cls(pixels, fallback, pixels.nside, matrix)

    def __len__(self) -> int:
        return int(self.fallback.size)

    def prepare(self) -> None:
        """Make what all trials share."""
        _ = self.pixels.directions
        if self.matrix is not None and len(self.pixels):
            _ = self.search

    @cached_property
    def search(self) -> _core.SearchPlan:
        """What the core's search for the hottest pixels needs to know before any trial.

        Raises
        ------
        ValueError
            For a catalogue (``matrix`` is None), whose terms are not in one table.
        """
        if self.matrix is None:
            raise ValueError("matrix is None: the terms of a catalogue are not in one table; scan all pixels instead")
        return _core.SearchPlan(self.pixels.directions, self.matrix)

    def row(self, j: int) -> F64:
        """(P,) terms of prior j at all pixels."""
        return self.matrix[j] if self.matrix is not None else self.at(j, np.arange(len(self.pixels)))

    def at(self, j: int, rows: I64) -> F64:
        """(n,) terms of prior j at some rows of the pixel set; −inf for the row −1."""
        matrix = self.matrix
        found = self.priors[j].term_at(self.pixels.pixels[rows]) if matrix is None else matrix[j, rows]
        return np.where(rows >= 0, found, -np.inf)

    def best(self, ts: F64) -> Best:
        """Best pixel of each prior.

        Parameters
        ----------
        ts : (P,) array
            ≥ 0, in the order of the pixels.

        Returns
        -------
        Best
        """
        n = len(self)
        row, value = np.full(n, -1, dtype=np.int64), np.full(n, -np.inf)
        if not len(ts):
            return Best(row, value)
        if self.matrix is not None:
            # One row at a time: the sum of all of them would take as much memory again
            for j, terms in enumerate(self.matrix):
                row[j], value[j] = _largest(ts + terms)
            return Best(row, value)
        for j, (rows, terms) in enumerate(zip(self.kept_row, self.kept_term, strict=True)):
            if rows.size:
                i, value[j] = _largest(ts[rows] + terms)
                row[j] = rows[i]
        # A pixel that was not kept has a term ≤ cut: it wins, or ties with a lower number, only if TS makes up for it
        needed = np.full(n, np.inf)
        dropped = np.array(self.cut) > -np.inf
        needed[dropped] = value[dropped] - np.array(self.cut)[dropped]
        needed[dropped] -= 1e-9 * (1.0 + np.abs(needed[dropped]))  # room for the rounding of the sums
        warm = np.flatnonzero(ts >= needed.min())
        warm = warm[np.argsort(-ts[warm], kind="stable")]
        n_hot = np.searchsorted(-ts[warm], -needed, side="right")
        for j in np.flatnonzero(n_hot).tolist():
            hot = np.sort(warm[: n_hot[j]])
            i, total = _largest(ts[hot] + self.at(j, hot))
            if total > value[j] or (total == value[j] and hot[i] < row[j]):
                row[j], value[j] = hot[i], total
        return Best(np.where(value > -np.inf, row, -1), value)


def _largest(total: F64) -> tuple[int, float]:
    """Row and value of the largest element, −1 where all are −inf."""
    i = int(np.argmax(total))
    value = float(total[i])
    return (i, value) if value > -np.inf else (-1, value)


def _top(terms: F64, kept: int) -> tuple[NDArray[np.int32], F64, float]:
    """Rows (ascending) and values of the largest terms, and a bound on all the others."""
    finite = np.flatnonzero(terms > -np.inf)
    if finite.size <= kept:
        return finite.astype(np.int32), terms[finite], -np.inf
    along = np.argpartition(-terms[finite], kept)
    top = np.sort(finite[along[:kept]])
    return top.astype(np.int32), terms[top], float(terms[finite[along[kept]]])
