"""`PointInjector`: signal at a fixed position, rotated there once for all trials."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nusky.events import Events
from nusky.injection.signal import SignalInjector
from nusky.typing import F64

__all__ = ["PointInjector"]


@dataclass(frozen=True, eq=False)
class PointInjector:
    """The simulated events of a declination band, turned onto a source: what a trial injects is rows of these.

    Attributes
    ----------
    signal : SignalInjector
        Without an extension: its events would come from other bands.
    ra, dec : rad
    """

    signal: SignalInjector
    ra: float
    dec: float

    @cached_property
    def shares(self) -> F64:
        """(K,) of the events that falls to each season."""
        if len(self.signal.analysis) == 1:
            return np.ones(1)
        return self.signal.shares(np.array([self.dec]))[:, 0]

    @cached_property
    def seasons(self) -> tuple[tuple[Events, F64], ...]:
        """For each season the events and the probability up to and with each; none where no share falls to it."""
        made = []
        for k, share in enumerate(self.shares.tolist()):
            if share > 0:
                rows, cumulative = self.signal.band(k, self.dec)
            else:
                rows, cumulative = np.empty(0, dtype=np.int64), np.empty(0)
            made.append((self.signal.rotated(k, rows, self.ra, self.dec), np.ascontiguousarray(cumulative)))
        return tuple(made)
