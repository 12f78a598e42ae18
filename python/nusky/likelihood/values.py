"""`EventValues`: the likelihood of a hypothesis that is no single position, from S of every event."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nusky import _core
from nusky.likelihood.trial_index import TrialIndex
from nusky.likelihood.window import WindowLikelihoodModel
from nusky.trial import Scramble

if TYPE_CHECKING:
    from nusky.events import Events
    from nusky.likelihood.model import LikelihoodModel
    from nusky.trial import Trial
    from nusky.typing import F32, F64, I64

__all__ = ["EventValues", "Signal", "cells_of"]


class Signal(NamedTuple):
    """What a hypothesis says of the events of one season.

    Attributes
    ----------
    rows : (M,) int64
        Events with S > 0.
    density : (M,) sr⁻¹
        S of these, normalised over the sky.
    log_shape : (M, G) or None
        ln of the factor that γ makes of `density`, at the γ nodes; None: S does not depend on γ.
    """

    rows: I64
    density: F64
    log_shape: F64 | None = None


def cells_of(sindec: F64, bins: F64) -> I64:
    """Cell of each sin δ; beyond the edges the outermost.

    Examples
    --------
    >>> cells_of(np.array([-1.0, 0.1, 1.0]), np.array([-1.0, 0.0, 1.0])).tolist()
    [0, 1, 1]
    """
    return np.clip(np.searchsorted(bins, sindec, side="right") - 1, 0, len(bins) - 2)


@dataclass(frozen=True, eq=False)
class EventValues(ABC):
    """S/B of events and shares of seasons of a hypothesis; what a subclass says is `signal` and `log_acceptance`.

    W_i(γ) = S_i(γ)/B_i · R_i(γ) · T_S/T_B enters the likelihood of `LikelihoodModel`, or with a time window that of
    `WindowLikelihoodModel`; events without S count in N only.

    Parameters
    ----------
    model : LikelihoodModel
        Energy term, γ, background and time window; its cut and extension are the hypothesis' business.
    """

    model: LikelihoodModel

    @abstractmethod
    def signal(self, k: int, ra: F64, dec: F64, sigma: F64) -> Signal:
        """S of events of season k at these places, with these angular errors; (N,) each, rad."""

    def whole_ratio(self, k: int, events: Events) -> F64 | None:
        """(N,) W of events where place and energy do not come apart; None where they do, and `signal` says S."""
        return None

    def whole_mean(self, k: int, events: Events) -> F64 | None:
        """(N,) W̃ of events where signal subtraction takes the likelihood of W̃ away, too; None where it does not."""
        return None

    def mean_signal(self, k: int, dec: F64, sigma: F64) -> Signal:
        """S averaged over right ascension, of events of season k at these declinations: what `subtracted` needs."""
        raise NotImplementedError(f"{type(self).__name__} has no signal subtraction")

    @cached_property
    def subtracted(self) -> tuple[F64, ...]:
        """For each season (C, G) what a signal-subtracted likelihood takes from W, in cells of sin δ, at the γ nodes.

        V_c = s_c / P_c: the share of the signal in a cell, from S/B of the season's own events averaged over right
        ascension, over the share of the events that the background density is made of. Of n signal events among N the
        density of the cell holds n/N V_c times itself; the mean of V over the events is 1. One column where γ is fixed
        or S does not depend on it; 0 in a cell without events.
        """
        tables = []
        for k, season in enumerate(self.model.analysis):
            data, bins = season.data, season.background.sindec_bins
            found = self.mean_signal(k, data["dec"], data["sigma"])
            ratio = (found.density / season.background_density[found.rows])[:, None]
            if found.log_shape is not None:
                ratio = ratio * np.exp(found.log_shape)
            near = cells_of(data["sindec"][found.rows], bins)
            sums = np.stack([np.bincount(near, column, len(bins) - 1) for column in ratio.T], axis=1)
            total = sums.sum(axis=0)
            counts = season.background.counts[:, None]
            share = sums / np.where(total > 0, total, 1.0) / np.maximum(counts, 1.0)
            tables.append(np.asarray(share * counts.sum()))
        return tuple(tables)

    def with_background(self, model: LikelihoodModel) -> EventValues:
        """The same hypothesis where only the background density of the seasons is another."""
        return replace(self, model=model)

    @abstractmethod
    def log_acceptance(self) -> F64:
        """(K, G) ln of the expected events of each season for the whole hypothesis, up to a common factor.

        At the γ nodes of `gamma_nodes`; without an energy term (K, 1), of the spectrum that shares n_s.
        """

    @cached_property
    def gamma_nodes(self) -> F64:
        """(G,) γ nodes of the energy term; none without one."""
        return self.model.acceptances()[0]

    @cached_property
    def likelihood(self) -> _core.Likelihood:
        """n_s and γ to ln Λ: the shares are those of the whole hypothesis."""
        log_acceptance = self.log_acceptance()
        extended = isinstance(self.model, WindowLikelihoodModel)
        if isinstance(self.model, WindowLikelihoodModel):
            active = list(self.model.on_time.active)
            log_acceptance = log_acceptance[active] + np.log(self.model.on_time.common_shares[active])[:, None]
        table = np.ascontiguousarray(log_acceptance[:, None, :], dtype=np.float64)
        return _core.Likelihood(self.gamma_nodes, np.zeros(1), table, extended=extended)

    @cached_property
    def direction(self) -> _core.Directions:
        """The one direction of the core's calls: values are the same in all of them."""
        return _core.Directions(np.zeros(1), np.zeros(1))

    def prepare(self) -> None:
        """Make what all trials share."""
        _ = self.likelihood, self.direction

    def index(self, trial: Trial, n_threads: int) -> TrialIndex:
        """The events of a trial for the core.

        Raises
        ------
        ValueError
            For a trial of another time window, or events without times where they are needed.
        """
        on_time = getattr(self.model, "on_time", None)
        window = None if on_time is None else on_time.window
        if trial.window is not None and trial.window != window:
            raise ValueError(
                f"the trial holds only the events of {trial.window}, this runner fits {window or 'whole seasons'}"
            )
        active = range(len(trial.background)) if on_time is None else on_time.active
        parts = [part for season, k in enumerate(active) for part in self._parts(season, k, trial)]
        if on_time is None:
            n_events = np.array(trial.n_events, dtype=np.float64)
        else:
            n_events = np.array([on_time.seasons[k].n_background for k in active])
        return TrialIndex(_core.EventIndex(parts, n_events, n_threads=n_threads, few=True))

    def _parts(self, season: int, k: int, trial: Trial) -> list[tuple[_core.EventColumns, F64, int, None, None]]:
        background, injected = trial.background[k], trial.injected[k]
        own = isinstance(background, Scramble) and background.season is self.model.analysis[k]
        windowed = isinstance(self.model, WindowLikelihoodModel)
        columns = []
        if isinstance(background, Scramble) and own and background.dec is None and not windowed:
            columns.append(self._own(k, background))
        else:
            events = background.events() if isinstance(background, Scramble) else background
            if isinstance(background, Scramble) and windowed and background.mjd is None:
                events = events.with_columns(mjd=background.season.data["mjd"])
            columns.append(self.columns(k, events))
        if injected is not None and len(injected):
            columns.append(self.columns(k, injected))
        return [(one, np.zeros(len(one)), season, None, None) for one in columns]

    def _own(self, k: int, background: Scramble) -> _core.EventColumns:
        """A season's own events, whose B and ln R are known."""
        season, data = self.model.analysis[k], background.season.data
        found = self.signal(k, background.ra, data["dec"], data["sigma"])
        if self.model.options.mode in ("fit", "fixed"):
            ratio: F32 | None = season.log_energy_ratio[found.rows]
        else:
            ratio = self.model.log_energy_ratio(k, data[found.rows])
        return self._values(found, season.background_density[found.rows], ratio)

    def inside(self, k: int, events: Events) -> tuple[Events, F64 | None]:
        """Events of season k that are in the time window, and T_S/T_B of them; all events and None without a window."""
        if not isinstance(self.model, WindowLikelihoodModel):
            return events, None
        if "mjd" not in events:
            raise ValueError(
                f"events of season {self.model.analysis[k].key} have no times (mjd), which a fit in a time window "
                "needs; make the trial with a runner for this window, or add the column"
            )
        events = events[self.model.on_time.contains(k, events["mjd"])]
        return events, self.model.on_time.factor(k, events["mjd"])

    def signal_of(self, k: int, events: Events) -> Signal:
        """S of events; in time windows of sources' own with their T_S/T_B."""
        return self.signal(k, events["ra"], events["dec"], events["sigma"])

    def columns(self, k: int, events: Events) -> _core.EventColumns:
        """Any events of season k; with a time window, those inside it."""
        events, factor = self.inside(k, events)
        found = self.signal_of(k, events)
        some = events[found.rows]
        background = np.asarray(self.model.analysis[k].background(some["sindec"]))
        ratio = self.model.log_energy_ratio(k, some)
        if factor is not None:
            background = background / factor[found.rows]
        return self._values(found, background, ratio)

    def _values(self, found: Signal, background: F64, ratio: F32 | None) -> _core.EventColumns:
        if ratio is not None and found.log_shape is not None:
            ratio = (ratio + found.log_shape).astype(np.float32)
        value = np.ascontiguousarray(found.density / background, dtype=np.float64)
        return _core.EventColumns.of_values(value, ratio, self.gamma_nodes)
