"""csky's view of how a runner injects, season by season: ``tr.sig_injs[k]``, ``tr.bg_injs[k]``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.analysis import Analysis
from nusky.events import Events
from nusky.trial import Scramble
from nusky.typing import F64

if TYPE_CHECKING:
    from nusky.hyp import Flux
    from nusky.runners.point_source import TrialRunner
    from nusky.runners.runner import Runner

__all__ = ["SeasonBackground", "SeasonSignal"]


@dataclass(frozen=True)
class SeasonSignal:
    """Signal of one season at the source of a `TrialRunner`; to change it, make another runner (``flux=``).

    Attributes
    ----------
    runner : TrialRunner
    k : int
        Season.
    """

    runner: TrialRunner
    k: int

    @property
    def flux(self) -> tuple[Flux, ...]:
        """Spectrum of the injected events, one for each source."""
        return (self.runner.injection.flux,) * len(self.runner.src)

    @property
    def sig(self) -> Events:
        """Simulated events that are drawn from."""
        return self.runner.analysis[self.k].sim

    @property
    def probs(self) -> F64:
        """(M,) probability of each simulated event to be drawn for a point source; they add up to 1."""
        options, sim = self.runner.injection, self.sig
        near = np.abs(np.sin(sim["true_dec"]) - np.sin(self.runner.src.dec[0])) <= options.sindec_bandwidth
        weight = np.where(near, sim["oneweight"] * options.flux(sim["true_energy"]), 0.0)
        if not weight.any():
            raise ValueError("no simulated event with weight is near the source; widen sindec_bandwidth")
        return np.asarray(weight / weight.sum())

    def inject(self, n_inj: int, seed: Any = None) -> Events | None:
        """So many signal events of this season; None for 0."""
        alone = replace(self.runner, analysis=Analysis([self.runner.analysis[self.k]]))
        return alone.get_one_trial(n_inj, seed=seed).injected[0]


@dataclass(frozen=True)
class SeasonBackground:
    """Background of one season; to change it, make another analysis.

    Attributes
    ----------
    runner : Runner
    k : int
        Season.
    """

    runner: Runner
    k: int

    @property
    def data(self) -> Events:
        """Events that are scrambled."""
        return self.runner.analysis[self.k].data

    @property
    def probs(self) -> F64:
        """(N,) share of each event: every one is used once."""
        return np.full(len(self.data), 1.0 / len(self.data))

    def inject(self, seed: Any = None) -> Events:
        """The season's events of a background trial."""
        part = self.runner.get_one_trial(seed=seed).background[self.k]
        return part.events() if isinstance(part, Scramble) else part
