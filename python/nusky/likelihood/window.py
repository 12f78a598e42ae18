"""The extended likelihood of a time window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky import _core
from nusky.events import Events
from nusky.likelihood.model import LikelihoodModel
from nusky.likelihood.trial_index import PartOfTrials, TrialIndex
from nusky.transients.on_time import OnTime
from nusky.trial.trial import Scramble, Trial
from nusky.typing import F64, I64

if TYPE_CHECKING:
    from nusky.injection.off_time import OffTimeEvents

Part = tuple[Any, ...]

__all__ = ["WindowLikelihoodModel"]


@dataclass(frozen=True, eq=False, kw_only=True)
class WindowLikelihoodModel(LikelihoodModel):
    """ln Λ = −n_s + Σ_k Σ_{i in window} ln[1 + n_k S_i R_i T_S(t_i) / (N_b,k B_i T_B(t_i))].

    The core gets only the seasons with uptime in the window; n_k is their share of the acceptance in the window.

    Parameters
    ----------
    analysis, options
        See `LikelihoodModel`.
    on_time : OnTime
        Of the same analysis.
    """

    on_time: OnTime

    @cached_property
    def likelihood(self) -> _core.Likelihood:
        """n_s and γ to ln Λ, for the seasons with uptime in the window."""
        gamma_nodes, sindec, log_acceptance = self.acceptances()
        active = list(self.on_time.active)
        inside = log_acceptance[active] + np.log(self.on_time.common_shares[active])[:, None, None]
        return _core.Likelihood(gamma_nodes, sindec, np.ascontiguousarray(inside), extended=True)

    def prepare(self) -> None:
        """Make what all trials share."""
        super().prepare()
        _ = self.expected

    def index(self, trial: Trial, n_threads: int, rows: tuple[I64, ...] | None = None) -> TrialIndex:
        """Index the events of one trial that are in the window.

        Parameters
        ----------
        trial : Trial
            Of this window; or of whole seasons, of which the events in the window are taken.
        n_threads : int
        rows : None
            Not used: the events of a window are few.

        Raises
        ------
        ValueError
            For a trial of another window, or events without times.
        """
        if trial.window is not None and trial.window != self.on_time.window:
            raise ValueError(
                f"the trial holds only the events of {trial.window}, this runner fits {self.on_time.window}"
            )
        parts: list[Part] = []
        for season, k in enumerate(self.on_time.active):
            background = trial.background[k]
            if isinstance(background, Scramble) and background.season is self.analysis[k]:
                parts.append(self._own(season, k, background))
            else:
                events = background.events() if isinstance(background, Scramble) else background
                parts.append(self._other(season, k, events, "background"))
            injected = trial.injected[k]
            if injected is not None and len(injected):
                parts.append(self._other(season, k, injected, "injected"))
        return TrialIndex(_core.EventIndex(parts, self.expected, n_threads=n_threads, few=True))

    @cached_property
    def expected(self) -> F64:
        """Expected background of the seasons with uptime in the window."""
        return np.array([self.on_time.seasons[k].n_background for k in self.on_time.active])

    def background_of_trials(self, seasons: Sequence[OffTimeEvents]) -> list[PartOfTrials]:
        """Background events of many trials, of every season of the analysis, as `OffTimeInjector.draw` gives them."""
        parts = []
        for season, k in enumerate(self.on_time.active):
            ra, rows, mjd, first = seasons[k]
            parts.append(PartOfTrials(self.columns[k], ra, season, rows, self.on_time.factor(k, mjd), first))
        return parts

    def injected_of_trials(
        self, k: int, columns: _core.EventColumns, ra: F64, rows: I64, mjd: F64 | None, first: I64
    ) -> PartOfTrials:
        """Injected events of many trials, of season k: rows of some columns, trial by trial."""
        assert mjd is not None
        inside = self.on_time.contains(k, mjd)
        if not inside.all():  # as in a trial alone
            ra, rows, mjd = ra[inside], rows[inside], mjd[inside]
            first = np.concatenate([[0], np.cumsum(inside)])[first]
        return PartOfTrials(columns, ra, self.on_time.active.index(k), rows, self.on_time.factor(k, mjd), first)

    def _own(self, season: int, k: int, background: Scramble) -> Part:
        rows, mjd, ra = background.rows, background.mjd, background.ra
        if rows is None or mjd is None:
            rows = self.on_time.seasons[k].on
            mjd, ra = background.season.data["mjd"][rows], ra[rows]
        return self.columns[k], ra, season, rows, self.on_time.factor(k, mjd)

    def _other(self, season: int, k: int, events: Events, what: str) -> Part:
        if "mjd" not in events:
            raise ValueError(
                f"the {what} events of season {self.analysis[k].key} have no times (mjd), which a fit in a time window "
                "needs; make the trial with a runner for this window, or add the column"
            )
        inside = self.on_time.contains(k, events["mjd"])
        if not inside.all():
            events = events[inside]
        return self.columns_for(k, events), events["ra"], season, None, self.on_time.factor(k, events["mjd"])
