"""`TemplateFit`: fits of a template whose events all have a term, made by the core."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nusky import _core
from nusky.likelihood import cells_of
from nusky.trial import Scramble, Status

if TYPE_CHECKING:
    from nusky.events import Events
    from nusky.injection import InjectedMany
    from nusky.likelihood import TemplateValues
    from nusky.trial import Trial
    from nusky.typing import F64, I64

__all__ = ["TemplateFit"]

# ln R of an event that is as good as none
_LEAST_LOG = -60.0


@dataclass(frozen=True, eq=False)
class TemplateFit:
    """ln Λ = Σ_k Σ_i ln[1 + (n_k/N_k)(W_i(γ) − V_i(γ))] of whole seasons; V is 1 or that of `sigsub`.

    An event's S is looked up once a trial: S(γ) is a sum of few smeared maps, with factors that depend on γ alone. Sums
    of powers over all events at 16 values of γ give the maxima roughly, and Newton's method on all events exactly;
    where γ is fixed, Newton's method is all.

    Parameters
    ----------
    values : TemplateValues
    sigsub : bool
    """

    values: TemplateValues
    sigsub: bool = False

    @cached_property
    def template(self) -> _core.SkyTemplate:
        """The template as the core takes it, with the seasons' own events."""
        values = self.values
        columns = [np.ascontiguousarray(values.columns_of(k)) for k in range(len(values.model.analysis))]
        taken = [np.log(np.maximum(table, 1e-300)) for table in values.subtracted] if self.sigsub else []
        taken = [np.ascontiguousarray(np.broadcast_to(one, (len(one), columns[0].shape[1]))) for one in taken]
        return _core.SkyTemplate(self._likelihood, values.smeared.rows, self._own, columns, taken)

    @cached_property
    def _likelihood(self) -> _core.Likelihood:
        if self.values.free:
            return self.values.likelihood
        return _core.Likelihood(np.empty(0), np.zeros(1), np.ascontiguousarray(self.values.log_shares()[:, None, None]))

    @cached_property
    def _own(self) -> list[_core.TemplateEvents]:
        return [self.events(k, season.data) for k, season in enumerate(self.values.model.analysis)]

    def prepare(self) -> None:
        """Make what all trials share."""
        _ = self.template

    def events(self, k: int, events: Events, sort: bool = True) -> _core.TemplateEvents:
        """Events of a season for the core.

        Parameters
        ----------
        sort : bool
            Neighbours in the table of smeared maps together: faster for many; False: in their order.
        """
        values = self.values
        model, season = values.model, values.model.analysis[k]
        own = events is season.data
        places = values.places(events["dec"], events["sigma"])
        order = np.argsort(places.start, kind="stable") if sort else np.arange(len(events))
        density = season.background_density if own else np.asarray(season.background(events["sindec"]))
        if values.free:
            ratio = season.log_energy_ratio if own else model.log_energy_ratio(k, events)
        else:
            with np.errstate(divide="ignore"):
                # An energy that the spectrum does not have: next to nothing
                ratio = np.maximum(np.log(values.energy_ratio(k, events)), _LEAST_LOG)[:, None]
        assert ratio is not None
        cell = cells_of(events["sindec"], season.background.sindec_bins) if self.sigsub else np.zeros(len(events))
        return _core.TemplateEvents(
            values.smeared.table,
            order,
            places.start[order],
            np.ascontiguousarray(places.weight[:, order]),
            cell.astype(np.int64)[order],
            (ratio - np.log(density)[:, None]).astype(np.float32)[order],
            values.gamma_nodes.tolist() if values.free else [],
        )

    def fit(self, trial: Trial) -> tuple[float, float, float, int]:
        """TS, n_s, γ (NaN where n_s = 0) and status of a trial: the bits of the loop over trials for its events.

        Raises
        ------
        ValueError
            For a trial of a time window.
        """
        if trial.window is not None:
            raise ValueError(f"the trial holds only the events of {trial.window}, this runner fits whole seasons")
        parts: list[tuple[int, _core.TemplateEvents, F64]] = []
        for k, (background, injected) in enumerate(zip(trial.background, trial.injected, strict=True)):
            season = self.values.model.analysis[k]
            if isinstance(background, Scramble) and background.season is season and background.dec is None:
                parts.append((k, self._own[k], np.ascontiguousarray(background.ra, dtype=np.float64)))
            else:
                events = background.events() if isinstance(background, Scramble) else background
                parts.append((k, self.events(k, events), np.mod(events["ra"], 2 * np.pi)))
            if injected is not None and len(injected):
                parts.append((k, self.events(k, injected, sort=False), np.mod(injected["ra"], 2 * np.pi)))
        ts, ns, gamma, status, *_ = _core.fit_template_events(
            self.template, parts, np.array(trial.n_events, dtype=np.float64)
        )
        fixed = self.values.model.fixed_gamma
        if fixed is not None and status != Status.NO_EXCESS:
            gamma = fixed
        return ts, ns, gamma, status

    def injected(self, seasons: InjectedMany) -> list[tuple[_core.TemplateEvents, F64, I64]]:
        """The signal of some trials as the core takes it."""
        found = []
        for k, (events, first) in enumerate(seasons):
            made = self.values.model.analysis[k].sim[:0] if events is None else events
            found.append((self.events(k, made, sort=False), np.mod(made["ra"], 2 * np.pi), first))
        return found
