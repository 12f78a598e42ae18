"""csky's `inspect`: what the terms of a likelihood say of a trial's events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nusky.likelihood import LikelihoodReading, SeasonReading
from nusky.typing import F64

__all__ = ["get_energy_eval", "get_llh_model", "get_pdf_ratio_model", "get_space_eval"]


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


def get_llh_model(L: LikelihoodReading, i: int = -1) -> Any:
    """What a season's likelihood counts: its `SeasonReading`."""
    return _season(L, i)


def get_pdf_ratio_model(tr: Any, i: int = -1) -> Any:
    """Models of a season of a runner, or of a likelihood: background, energy, acceptance."""
    model = tr.model
    return model.analysis[i]
