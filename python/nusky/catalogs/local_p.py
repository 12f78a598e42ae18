"""`LocalP`: p of each source of a list, counted at its own position."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from nusky.dists import Chi2TSD
from nusky.typing import F64

__all__ = ["LocalP"]

# Trials at or above a TS from which on p is counted
_FEWEST = 10


@dataclass(frozen=True, eq=False)
class LocalP:
    """Local p-values from background trials of the same sources.

    Parameters
    ----------
    ts : (n, J) array
        TS of n background trials at each of J sources.
    tail : bool
        Where fewer than 10 trials are left, take p from the tail of a `Chi2TSD` fitted at each source: without it no
        local p is below 1/(1 + n), and of several sources beyond all trials the hottest is not known.

    Raises
    ------
    ValueError
        Not two-dimensional, empty, or with values that are no TS.

    Examples
    --------
    >>> local = LocalP(np.array([[0.0, 1.0], [2.0, 0.0], [1.0, 3.0]]))
    >>> local.p([1.5, 0.0]).tolist(), local.of_trials[:, 0].round(3).tolist()
    ([0.5, 1.0], [1.0, 0.25, 0.5])
    """

    ts: F64
    tail: bool = False

    def __post_init__(self) -> None:
        ts = np.asarray(self.ts, dtype=np.float64)
        if ts.ndim != 2 or not ts.size:
            raise ValueError(f"background TS have shape {ts.shape}; give (trials, sources), as fit_sources makes")
        if not np.all(ts >= 0):
            raise ValueError("background TS must be 0 or above; the largest fits of background trials are wanted")
        object.__setattr__(self, "ts", ts)

    @cached_property
    def _sorted(self) -> F64:
        return np.sort(self.ts, axis=0)

    @cached_property
    def _tails(self) -> tuple[Chi2TSD, ...]:
        return tuple(Chi2TSD(column) for column in self.ts.T)

    def _of_ranks(self, ts: F64, ranks: F64) -> F64:
        p = ranks / (1.0 + len(self.ts))
        if self.tail:
            for j, tsd in enumerate(self._tails):
                far = (ranks[..., j] <= _FEWEST) & (ts[..., j] > 0)
                if np.any(far):
                    p[..., j][far] = np.clip(tsd.sf(ts[..., j][far], fit=True), 1e-300, 1.0)
        return np.asarray(np.where(ts > 0, p, 1.0))

    def _at_or_above(self, ts: F64) -> F64:
        counts = np.empty(ts.shape)
        for j, column in enumerate(self._sorted.T):
            counts[..., j] = len(column) - np.searchsorted(column, ts[..., j], side="left")
        return counts

    def p(self, ts: ArrayLike) -> F64:
        """(…, J) p of new fits (…, J): (1 + trials at or above) / (1 + trials), or the tail; 1 where TS = 0."""
        values = np.asarray(ts, dtype=np.float64)
        if values.shape[-1:] != self.ts.shape[1:]:
            raise ValueError(f"ts has shape {values.shape}, the background is of {self.ts.shape[1]} sources")
        return self._of_ranks(values, 1.0 + self._at_or_above(values))

    @cached_property
    def of_trials(self) -> F64:
        """(n, J) p of the background trials, as `p` would give them had each been left out: it counts itself.

        A new trial and those of the background are then alike, and how often these have a p as small is its own p.
        """
        return self._of_ranks(self.ts, self._at_or_above(self.ts))
