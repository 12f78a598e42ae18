"""Hypotheses as simple as can be, for what holds of every one: a position, and a band of declinations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from nusky.hypotheses import HypothesisRunner
from nusky.injection import Injected, TrialDraws
from nusky.likelihood import EventValues, Signal
from nusky.likelihood.reading import space_density
from nusky.sphere import separation
from nusky.typing import F64


@dataclass(frozen=True, eq=False)
class PositionValues(EventValues):
    """A position: what the point-source runner fits, as given values."""

    ra: float
    dec: float

    def signal(self, k: int, ra: F64, dec: F64, sigma: F64) -> Signal:
        away = np.asarray(separation(ra, dec, self.ra, self.dec))
        rows = np.flatnonzero(away <= self.model.options.cut_n_sigma * sigma)
        return Signal(rows, space_density(away[rows], sigma[rows]))

    def log_acceptance(self) -> F64:
        _, sindec, table = self.model.acceptances()
        return np.stack([[np.interp(np.sin(self.dec), sindec, row) for row in season.T] for season in table])


@dataclass(frozen=True, eq=False)
class BandValues(EventValues):
    """Sources spread evenly over a band of sin δ; the harder half of it grows with γ."""

    low: float
    high: float

    def signal(self, k: int, ra: F64, dec: F64, sigma: F64) -> Signal:
        sindec = np.sin(dec)
        rows = np.flatnonzero((sindec >= self.low) & (sindec <= self.high))
        density = np.full(len(rows), 1.0 / (2 * np.pi * (self.high - self.low)))
        if not len(self.gamma_nodes):
            return Signal(rows, density)
        place = (sindec[rows] - self.low) / (self.high - self.low) - 0.5
        return Signal(rows, density, np.log1p(0.5 * place[:, None] * (self.gamma_nodes - 2.5)))

    def log_acceptance(self) -> F64:
        _, sindec, table = self.model.acceptances()
        at = np.linspace(self.low, self.high, 101)
        each = [[np.log(np.mean(np.exp(np.interp(at, sindec, row)))) for row in season.T] for season in table]
        return np.array(each)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PositionRunner(HypothesisRunner):
    """Trials of a position."""

    ra: float
    dec: float

    @cached_property
    def values(self) -> PositionValues:
        return PositionValues(self.model, self.ra, self.dec)

    def _inject(self, draws: TrialDraws, n_sig: float, poisson: bool) -> Injected:
        counts = [draws.signal_count(n_sig, poisson)]
        return self.signal_injector.inject(draws, [self.ra], [self.dec], counts)

    def _acceptance(self, acceptance: Callable[[Any], Any], **where: Any) -> float:
        return float(acceptance(self.dec))

    def _describe(self) -> dict[str, Any]:
        return {"ra": self.ra, "dec": self.dec}
