"""`BackgroundInjector`: background trials of a steady search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nusky.events import Events
from nusky.injection.seeding import TrialDraws
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

    def scramble(self, draws: TrialDraws) -> tuple[Scramble | Events, ...]:
        """Background of one trial: event i of season k is row i of its data."""
        return tuple(
            Scramble(season, draws.right_ascensions(k, len(season.data))) for k, season in enumerate(self.analysis)
        )

    def truth(self) -> tuple[Scramble, ...]:
        """The real events where they are."""
        return tuple(Scramble(season, season.data["ra"]) for season in self.analysis)
