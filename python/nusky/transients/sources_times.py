"""`SignalTimesOfSources`: when signal comes from each of several sources."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nusky.transients.signal_times import SignalTimes, SignalWindow
from nusky.typing import F64, I64

__all__ = ["SignalTimesOfSources"]


@dataclass(frozen=True, eq=False)
class SignalTimesOfSources(SignalTimes):
    """Uptime and times of the signal of several sources.

    Parameters
    ----------
    analysis : Analysis
    options : SignalWindow
        That of the first source.
    windows : (J,) SignalWindow
        That of each.
    weight : (J,)
        Their fluxes, for the mean time that signal comes.

    Raises
    ------
    ValueError
        If no season took data in the window of a source.
    """

    windows: tuple[SignalWindow, ...]
    weight: F64

    @cached_property
    def _of(self) -> tuple[SignalTimes, ...]:
        """Those of each source; equal windows share one."""
        made: dict[SignalWindow, SignalTimes] = {}
        for j, window in enumerate(self.windows):
            try:
                made.setdefault(window, SignalTimes(self.analysis, window))
            except ValueError as error:
                raise ValueError(f"source {j}: {error}") from None
        return tuple(made[window] for window in self.windows)

    @cached_property
    def shares(self) -> F64:
        """(K, J) what each season's acceptance is multiplied with, for each source: T_w / T."""
        return np.stack([one.shares for one in self._of], axis=1)

    @cached_property
    def days(self) -> float:
        """T_w of the sources in days, averaged with their fluxes."""
        return float(np.average([one.days for one in self._of], weights=self.weight))

    def signal_times_of(self, k: int, source: I64, uniform: F64) -> F64:
        """Times of signal of some sources in season k, MJD, for numbers uniform in [0, 1)."""
        found = np.empty(len(uniform))
        for j in np.unique(source).tolist():
            mine = np.flatnonzero(source == j)
            found[mine] = self._of[j].signal_times(k, uniform[mine])
        return found
