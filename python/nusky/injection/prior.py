"""Signal from sources that are drawn from spatial priors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nusky.injection.seeding import BatchDraws, TrialDraws
from nusky.injection.signal import Injected, InjectedMany, SignalInjector
from nusky.sphere import inside_pixels
from nusky.typing import F64, I64

if TYPE_CHECKING:
    from nusky.pixels.pixel_set import PixelSet
    from nusky.priors.prior import SpatialPrior


__all__ = ["PriorInjector"]

# Acceptances are kept as logarithms, where nothing is e^−200 of the largest value
_ACCEPTS = 1e-30
# Cumulative probabilities are kept for blocks of so many pixels: those of a thousand priors would be 400 MB
_BLOCK = 64


@dataclass(frozen=True, eq=False)
class PriorInjector:
    """Signal from sources drawn from spatial priors, one for each prior.

    A pixel is drawn with probability ∝ prior among the allowed pixels with acceptance. Several priors are several
    objects of equal flux: the events are shared in proportion to the prior-averaged acceptances.

    Parameters
    ----------
    signal : SignalInjector
    priors : tuple of SpatialPrior
        What sources are drawn from; need not be the priors of the fit.
    allowed : PixelSet
        Where a source can be, of the priors' nside.
    """

    signal: SignalInjector
    priors: tuple[SpatialPrior, ...]
    allowed: PixelSet

    @cached_property
    def _pixel_acceptance(self) -> F64:
        """(P,) acceptance of the injected flux at the allowed pixels, over all seasons; evaluated once a ring."""
        dec, ring = np.unique(self.allowed.dec, return_inverse=True)
        total: F64 = self.signal.acceptance(dec).sum(axis=0)[ring]
        return total

    @cached_property
    def _accepting(self) -> NDArray[np.bool_]:
        accepting: NDArray[np.bool_] = self._pixel_acceptance > _ACCEPTS * self._pixel_acceptance.max(initial=0.0)
        return accepting

    def _weights(self, j: int, rows: slice | I64 = slice(None)) -> F64:
        """Probability of prior j at (some of) the allowed pixels, 0 where nothing is accepted; not normalised."""
        return np.where(self._accepting[rows], self.priors[j].probability[self.allowed.pixels[rows]], 0.0)

    @cached_property
    def _blocks(self) -> F64:
        """(J, B) probability up to the end of each block of pixels."""
        starts = np.arange(0, len(self.allowed), _BLOCK)
        blocks = np.empty((len(self.priors), len(starts)))
        for j in range(len(self.priors)):
            weights = self._weights(j)
            if not weights.any():
                raise ValueError(f"prior {j} is zero in every pixel where a source can be; nothing can be injected")
            blocks[j] = np.cumsum(np.add.reduceat(weights, starts))
        return blocks

    @np.errstate(under="ignore")
    def average(self, values: F64) -> F64:
        """(J,) average over each prior of a quantity given at the allowed pixels, (P,)."""
        totals = self._blocks[:, -1]
        # Not a dot product: how that is summed up, and so its last bit, depends on the library's threads
        return np.array([np.sum(self._weights(j) * values) / total for j, total in enumerate(totals.tolist())])

    @cached_property
    def mean_acceptances(self) -> F64:
        """(J,) acceptance for the injected flux, averaged over each prior."""
        return self.average(self._pixel_acceptance)

    def prepare(self) -> None:
        """Make what all trials share."""
        _ = self.mean_acceptances

    def draw(self, uniform: F64) -> I64:
        """(T, J) rows of the allowed pixels, one drawn from each prior, for numbers (T, J) uniform in [0, 1)."""
        return np.stack([self._rows(j, column) for j, column in enumerate((self._blocks[:, -1] * uniform).T)], axis=1)

    def _rows(self, j: int, at: F64) -> I64:
        """(T,) rows whose share of the cumulative probability holds `at`; one of probability 0 is never taken."""
        ends = self._blocks[j]
        # Rounding can bring a draw up to the end: it belongs to the last block, and pixel, that has any probability
        block = np.minimum(np.searchsorted(ends, at, side="right"), np.searchsorted(ends, ends[-1], side="left"))
        used, of = np.unique(block, return_inverse=True)
        place = used[:, None] * _BLOCK + np.arange(_BLOCK)
        weights = np.where(place < len(self.allowed), self._weights(j, np.minimum(place, len(self.allowed) - 1)), 0.0)
        inside = np.cumsum(weights, axis=1)
        left = np.maximum(at - np.concatenate([[0.0], ends])[block], 0.0)
        within = np.minimum((inside[of] <= left[:, None]).sum(axis=1), (inside < inside[:, -1:]).sum(axis=1)[of])
        rows: I64 = block * _BLOCK + within
        return rows

    def inject(self, draws: TrialDraws, n_sig: float, poisson: bool) -> tuple[Injected, F64, F64]:
        """Draw the sources and inject.

        Returns
        -------
        injected : tuple of Events or None
        ra, dec : (J,) rad
            True positions, (0,) when ``n_sig=0``.
        """
        if n_sig == 0:
            return (None,) * len(self.signal.analysis), np.empty(0), np.empty(0)
        injected, ra, dec = self.inject_many(draws.batch, n_sig, poisson)
        return tuple(events for events, _ in injected), ra[0], dec[0]

    def inject_many(self, draws: BatchDraws, n_sig: float, poisson: bool) -> tuple[InjectedMany, F64, F64]:
        """What `inject` gives for each of T trials.

        Returns
        -------
        injected : tuple of (Events or None, (T + 1,) int64)
            See `SignalInjector.inject_many`.
        ra, dec : (T, J) rad
            True positions.
        """
        n = len(self.priors)
        uniform = draws.uniforms("source", np.full(len(draws), n)).reshape(len(draws), n, 2)
        rows = self.draw(uniform[:, :, 0])
        ra, dec = self._positions(uniform[:, :, 1], rows)
        shares = self.mean_acceptances / self.mean_acceptances.sum()
        if self.signal.options.chosen_by(poisson) != "count":
            mean = n_sig * shares * self._pixel_acceptance[rows] / self.mean_acceptances
            counts = draws.poisson("signal_count", mean)
        else:
            counts = draws.shared(draws.signal_counts(n_sig, poisson), shares)
        return self.signal.inject_many(draws, ra, dec, counts), ra, dec

    def _positions(self, uniform: F64, rows: I64) -> tuple[F64, F64]:
        if not self.signal.options.in_pixel:
            return self.allowed.ra[rows], self.allowed.dec[rows]
        return inside_pixels(self.allowed.nside, self.allowed.pixels[rows], uniform)
