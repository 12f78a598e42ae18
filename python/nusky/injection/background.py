"""`BackgroundInjector`: background trials of a steady search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nusky.injection.seeding import TrialStreams
from nusky.trial.trial import Scramble

if TYPE_CHECKING:
    from nusky.analysis.analysis import Analysis

__all__ = ["BackgroundInjector"]


@dataclass(frozen=True, eq=False)
class BackgroundInjector:
    """The season's events at new, uniform right ascensions.

    Parameters
    ----------
    analysis : Analysis
    """

    analysis: Analysis

    def scramble(self, streams: TrialStreams) -> tuple[Scramble, ...]:
        """Background of one trial: ``ra = 2π · rng.random(N_k)`` in the order of each season's rows."""
        seasons = []
        for season, rng in zip(self.analysis, streams.backgrounds, strict=True):
            ra = rng.random(len(season.data))
            ra *= 2.0 * np.pi
            seasons.append(Scramble(season, ra))
        return tuple(seasons)

    def truth(self) -> tuple[Scramble, ...]:
        """The real events where they are."""
        return tuple(Scramble(season, season.data["ra"]) for season in self.analysis)
