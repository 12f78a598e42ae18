"""The core's index of the events in a time window, which knows how far they reach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky import _core
from nusky.likelihood.near_tiles import Reach

__all__ = ["WindowIndex"]


class WindowIndex(_core.EventIndex):
    """An `EventIndex` with `reach`: where its events are and how far from them anything can be found.

    Parameters
    ----------
    parts, n_events, n_threads
        See `_core.EventIndex`.
    reach : Reach or None
        None: so many events that every pixel may be near one.
    """

    def __init__(
        self, parts: Sequence[Any], n_events: NDArray[np.float64], reach: Reach | None, *, n_threads: int
    ) -> None:
        super().__init__(parts, n_events, n_threads=n_threads, few=True)
        self.reach = reach
