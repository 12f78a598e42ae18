"""`HypothesisReading`: ln Λ of a trial under a hypothesis that is no single position, at given parameters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nusky.analysis import HermiteAxis
from nusky.likelihood import LikelihoodReading, SeasonReading, WindowLikelihoodModel, cells_of

if TYPE_CHECKING:
    from nusky.likelihood import EventValues, Signal
    from nusky.typing import F32, F64, I64

__all__ = ["HypothesisReading"]


@dataclass(frozen=True, eq=False)
class HypothesisReading(LikelihoodReading):
    """As `LikelihoodReading`, for events whose S is that of an `EventValues`: a stack, a template.

    In `carrying` the separation is NaN, and what γ does to S is in the column ``energy``; with a spectrum in each pixel
    ``space`` holds the energy, too.

    Parameters
    ----------
    values : EventValues
    sigsub : bool
        The signal-subtracted likelihood.
    model, trial, ra, dec, fitter
        See `LikelihoodReading`; `ra` and `dec` are NaN.
    """

    values: EventValues
    sigsub: bool = False

    def _season(self, k: int) -> SeasonReading:
        model, on_time = self.model, getattr(self.model, "on_time", None)
        events, is_injected = self._events_of(k)
        if on_time is not None:
            inside = np.flatnonzero(on_time.contains(k, events["mjd"]))
            events, is_injected = events[inside], is_injected[inside]
        found = self.values.signal_of(k, events)
        # with signal subtraction every event counts, those without S by what is taken from it
        rows = np.arange(len(events)) if self.sigsub else found.rows
        some = events[rows]
        background = np.asarray(model.analysis[k].background(some["sindec"]))
        ratio = model.log_energy_ratio(k, some)
        density = np.zeros(len(rows))
        at = np.searchsorted(rows, found.rows)
        density[at] = found.density
        log_ratio = _sum(ratio, found, at, len(rows))
        log_mean = None
        whole = self.values.whole_ratio(k, some)
        space = density / background if whole is None else whole
        if whole is not None:
            log_ratio = None
        mean = self.values.whole_mean(k, some) if self.sigsub else None
        if self.sigsub:
            cell = cells_of(some["sindec"], model.analysis[k].background.sindec_bins)
            log_mean = np.log(np.maximum(self.values.subtracted[k], 1e-300))[cell]
        factor = np.ones(len(rows)) if on_time is None else on_time.factor(k, some["mjd"])
        time = np.ones(len(rows)) if factor is None else factor
        n_events = float(self.trial.n_events[k]) if on_time is None else on_time.seasons[k].n_background
        away = np.full(len(rows), np.nan)
        return SeasonReading(k, some, is_injected[rows], away, space, time, log_ratio, n_events, log_mean, mean)

    @cached_property
    def _nodes(self) -> tuple[HermiteAxis | None, F64]:
        nodes, at = self.values.gamma_nodes, self.values.log_acceptance()
        if isinstance(self.model, WindowLikelihoodModel):
            active = list(self.model.on_time.active)
            at = at[active] + np.log(self.model.on_time.common_shares[active])[:, None]
        return (HermiteAxis(nodes) if len(nodes) else None), at


def _sum(ratio: F32 | None, signal: Signal, at: I64, n: int) -> F64 | None:
    """(n, G) ln R, with what γ does to S for the events at `at`."""
    if signal.log_shape is None:
        return None if ratio is None else np.asarray(ratio, dtype=np.float64)
    total = np.zeros((n, signal.log_shape.shape[1])) if ratio is None else np.array(ratio, dtype=np.float64)
    total[at] += signal.log_shape
    return total
