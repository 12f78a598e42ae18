"""What batches, stores and libraries ask of a runner and of a store; their own classes may be given instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nusky.typing import I64

if TYPE_CHECKING:
    from nusky.likelihood.model import LikelihoodModel
    from nusky.likelihood.trial_index import TrialIndex
    from nusky.pixels.pixel_set import PixelSet
    from nusky.trial.trial import Trial

__all__ = ["DrawsTrials", "FitsTrials", "KeepsTrials", "ScansPixels"]


class FitsTrials(Protocol):
    """What a batch needs of a runner; every runner of nusky is one, and so may be one of your own."""

    def config(self) -> dict[str, Any]:
        """JSON-able description of everything that decides the numbers."""

    def fit_trials(
        self, indices: Sequence[int] | I64, n_sig: float = 0, poisson: bool = False, seed: int = 0, n_threads: int = 1
    ) -> NDArray[np.void]:
        """One row a trial, a pure function of the arguments."""


class DrawsTrials(Protocol):
    """A runner whose trials can be looked at elsewhere than where it fits them."""

    @property
    def model(self) -> LikelihoodModel:
        """Likelihood of its analysis."""

    def config(self) -> dict[str, Any]:
        """JSON-able description of everything that decides the numbers."""

    def draw_trial(self, seed: int, index: int, n_sig: float, poisson: bool) -> Trial:
        """Make trial number `index` of a seed."""


class ScansPixels(DrawsTrials, Protocol):
    """A runner of a map of pixels."""

    @property
    def pixels(self) -> PixelSet:
        """Pixels that are fitted."""

    def index_trial(self, trial: Trial, n_threads: int) -> TrialIndex:
        """The events of a trial, indexed for the core."""


class KeepsTrials(Protocol):
    """What a batch needs of a store: `TrialStore`."""

    def require(self, config: Mapping[str, Any]) -> None:
        """Raise ValueError unless the store's configuration is this one."""

    def missing(
        self, *, seed: int, start: int, stop: int, n_sig: float = 0.0, poisson: bool = False
    ) -> list[tuple[int, int]]:
        """Ranges of trial numbers that are not stored."""

    def read_range(
        self, *, seed: int, start: int, stop: int, n_sig: float = 0.0, poisson: bool = False
    ) -> NDArray[Any] | None:
        """Rows of exactly these trials; None if not all of them are there."""

    def append(self, trials: NDArray[Any], *, seed: int, start: int, n_sig: float = 0.0, poisson: bool = False) -> None:
        """Add a block of trials."""
