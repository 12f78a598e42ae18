"""Positions and many trials: what the core's loop over trials needs of sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nusky import _core
from nusky.injection.seeding import seed_key
from nusky.likelihood.model import LikelihoodModel
from nusky.trial.trial import Trial
from nusky.typing import F64

__all__ = ["PointFit", "PointFits"]


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
        return _core.PointSource(self.model.records, np.array([self.ra]), self.dec)

    def fit(self, trial: Trial) -> tuple[float, float, float, int]:
        """TS, n_s, γ and status for the events of a trial: the same bits as the loop over trials gives for them."""
        parts = self.model.parts(trial)
        n_events = np.array(trial.n_events, dtype=np.float64)
        return _core.fit_point_events(self.model.likelihood, self.source, parts, n_events)


@dataclass(frozen=True, eq=False)
class PointFits:
    """Fits of some right ascensions on each of many declinations to the background of whole seasons.

    Attributes
    ----------
    model : LikelihoodModel
    ra : (D, M) rad
        Evenly spaced on each declination.
    dec : (D,) rad
    """

    model: LikelihoodModel
    ra: F64
    dec: F64

    def fill(
        self,
        ts: F64,
        seed: int,
        numbers: Sequence[int],
        n_threads: int,
        told: Callable[[int], object] | None = None,
    ) -> tuple[int, bool]:
        """TS of each position in trials, the same bits as a runner of that position gives.

        Parameters
        ----------
        ts : (n, D, M)
            To be filled.
        seed : int
        numbers : (n,) int
            Of the trials.
        n_threads : int
        told : callable, optional
            Gets the number of trials done.

        Returns
        -------
        done : int
        interrupted : bool
            By Ctrl-C.
        """
        sources = [
            _core.PointSource(self.model.records, ra, dec) for ra, dec in zip(self.ra, self.dec.tolist(), strict=True)
        ]
        return _core.fit_point_trials(
            self.model.likelihood,
            sources,
            None,
            key=seed_key(seed),
            numbers=np.array(numbers, dtype=np.int64),
            rows=ts.reshape(len(ts), -1, 1),
            n_threads=n_threads,
            progress=None if told is None else lambda n, _: told(n),
        )
