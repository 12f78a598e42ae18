"""csky's `inspect`: what the terms of a likelihood say of a trial's events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nusky.likelihood import LikelihoodReading, SeasonReading
from nusky.typing import F64

__all__ = [
    "SeasonModel",
    "get_energy_eval",
    "get_energy_model",
    "get_llh_model",
    "get_pdf_ratio_model",
    "get_space_eval",
    "get_space_model",
]


def _season(L: LikelihoodReading, i: int) -> SeasonReading:
    if not isinstance(L, LikelihoodReading):
        raise TypeError(f"L must come from get_one_llh or get_one_llh_from_trial, got {type(L).__name__}")
    try:
        return L.seasons[i]
    except IndexError:
        raise ValueError(f"season {i} is not there: this likelihood has {len(L.seasons)}") from None


def _picked(season: SeasonReading, values: F64, j: int) -> F64:
    if j not in (0, 1):
        raise ValueError(f"ensemble {j!r} is not there: 0 is background, 1 injected signal")
    return np.asarray(values[season.injected == bool(j)])


def get_space_eval(L: LikelihoodReading, i: int = -1, j: int = 0) -> Callable[..., tuple[F64]]:
    """A function that gives ``(S/B,)`` of the spatial term for the events within the cut.

    Parameters
    ----------
    L : LikelihoodReading
    i : int
        Season.
    j : {0, 1}
        Background events, injected ones.
    """
    season = _season(L, i)
    return lambda **_: (_picked(season, season.space, j),)


def get_energy_eval(L: LikelihoodReading, i: int = -1, j: int = 0) -> Callable[..., tuple[F64]]:
    """A function of ``gamma=`` that gives ``(R,)`` of the energy term; arguments as for `get_space_eval`."""
    season = _season(L, i)
    return lambda gamma=None: (_picked(season, L.energy_ratio(season, gamma), j),)


def get_llh_model(L: Any, i: int = -1) -> Any:
    """What a season's likelihood counts, of a likelihood (`SeasonReading`) or of a runner (`SeasonModel`)."""
    return _season(L, i) if isinstance(L, LikelihoodReading) else SeasonModel(L, _number(L, i))


def get_pdf_ratio_model(tr: Any, i: int = -1) -> Any:
    """Models of a season of a runner, or of a likelihood: background, energy, acceptance."""
    return tr.model.analysis[_number(tr, i)]


def get_space_model(tr: Any, i: int = -1) -> Any:
    """The background density of a season, ``get_space_model(tr)(sindec=0.1)``; S follows from each event's σ."""
    return get_pdf_ratio_model(tr, i).background


def get_energy_model(tr: Any, i: int = -1) -> Any:
    """The energy term of a season: `EnergyRatio`, see `SubAnalysis.energy_pdf_ratio_model`."""
    return get_pdf_ratio_model(tr, i).energy


@dataclass(frozen=True)
class SeasonModel:
    """What a runner's likelihood of one season rests on.

    Attributes
    ----------
    runner : Runner
    i : int
        Season.
    """

    runner: Any
    i: int

    @property
    def N_bg(self) -> float:
        """Expected background events in the time window; of a steady search those of the season."""
        on_time = self.runner.on_time
        season = self.runner.analysis[self.i]
        return float(len(season.data) if on_time is None else on_time.seasons[self.i].n_background)

    @property
    def pdf_ratio_model(self) -> Any:
        """The season with its models."""
        return get_pdf_ratio_model(self.runner, self.i)


def _number(tr: Any, i: int) -> int:
    n = len(tr.model.analysis)
    if not -n <= i < n:
        raise ValueError(f"season {i} is not there: this analysis has {n}")
    return i % n
