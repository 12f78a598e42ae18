"""One position, many trials: what the core's loop over trials needs of a source."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nusky import _core
from nusky.likelihood.model import LikelihoodModel
from nusky.trial.trial import Trial

__all__ = ["PointFit"]


@dataclass(frozen=True, eq=False)
class PointFit:
    """Fits of one position to whole seasons.

    Attributes
    ----------
    model : LikelihoodModel
    ra, dec : rad
    """

    model: LikelihoodModel
    ra: float
    dec: float

    @cached_property
    def source(self) -> _core.PointSource:
        """The position, with the seasons' own events that some right ascension brings near."""
        return _core.PointSource(self.model.columns, self.ra, self.dec)

    def fit(self, trial: Trial) -> tuple[float, float, float, int]:
        """TS, n_s, γ and status for the events of a trial: the same bits as the loop over trials gives for them."""
        parts = self.model.parts(trial)
        n_events = np.array(trial.n_events, dtype=np.float64)
        return _core.fit_point_events(self.model.likelihood, self.source, parts, n_events, gamma=self.model.fixed_gamma)
