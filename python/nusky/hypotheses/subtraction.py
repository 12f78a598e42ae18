"""`SubtractedFit`: the signal-subtracted likelihood of any hypothesis, with γ free or fixed, of whole seasons."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nusky.analysis import HermiteAxis
from nusky.likelihood import best_ns, cells_of
from nusky.trial import Scramble, Status

if TYPE_CHECKING:
    from nusky.events import Events
    from nusky.likelihood import EventValues
    from nusky.trial import Trial
    from nusky.typing import F32, F64, I64

__all__ = ["SubtractedFit"]

# γ is looked for at so many nodes or all of fewer, evenly spaced, and then between the neighbours of the best ones
_NODES = 24
_PRECISION = 1e-7
# How far below the highest of these a maximum may be to be followed, in TS
_NEAR_BEST = 1.0


class _Terms(NamedTuple):
    """What the events of one season bring.

    Attributes
    ----------
    k : int
        Season.
    n_events : float
        N of the season.
    far : (C,)
        Events of each cell of sin δ without S.
    cell : (L,) int64
        Cells of those with S.
    log_w : (L, G) float32
        ln W of these at the γ nodes; one column where γ is fixed.
    """

    k: int
    n_events: float
    far: F64
    cell: I64
    log_w: F32


@dataclass(frozen=True, eq=False)
class SubtractedFit:
    """ln Λ = Σ_k Σ_i ln[1 + (n_k/N_k)(W_i − V_i)], V of `EventValues.subtracted`: no term is left for far events.

    At each γ the function is concave in n_s, and `best_ns` finds its maximum; over γ the highest of the maxima at some
    nodes are followed between their neighbours.

    Parameters
    ----------
    values : EventValues
        Its `signal` and `subtracted`.
    """

    values: EventValues

    @cached_property
    def _axis(self) -> HermiteAxis | None:
        nodes = self.values.gamma_nodes
        return HermiteAxis(nodes) if len(nodes) > 1 else None

    def _at(self, table: F64 | F32, gamma: float | None) -> F64:
        """Values (…, G) at one γ; of one column that."""
        if self._axis is None or gamma is None or table.shape[-1] == 1:
            return np.asarray(table[..., 0], dtype=np.float64)
        index, weight = self._axis.weights(np.array([gamma]))
        return np.asarray(table[..., index[0]] @ weight[0])

    @cached_property
    def _log_acceptance(self) -> F64:
        return np.asarray(self.values.log_acceptance())

    @cached_property
    def _log_subtracted(self) -> tuple[F64, ...]:
        return tuple(np.log(np.maximum(table, 1e-300)) for table in self.values.subtracted)

    @cached_property
    def _own_cells(self) -> tuple[I64, ...]:
        return tuple(cells_of(s.data["sindec"], s.background.sindec_bins) for s in self.values.model.analysis)

    def prepare(self) -> None:
        """Make what all trials share."""
        _ = self._log_subtracted, self._own_cells, self._log_acceptance, self.values.signal(0, *np.zeros((3, 0)))

    def season(
        self,
        k: int,
        events: Events,
        ra: F64,
        cell: I64,
        n_events: float,
        among: I64 | None = None,
        total: I64 | None = None,
    ) -> _Terms:
        """Terms of some events of a season.

        Parameters
        ----------
        ra : (N,) rad
            Of the events.
        cell : (N,) int64
            Their cells of sin δ.
        n_events : float
            N of the season.
        among : (M,) int64, optional
            The events that can be near, where that is known.
        total : (C,), optional
            Events of each cell, where that is known.
        """
        model = self.values.model
        season = model.analysis[k]
        if among is None:
            found = self.values.signal(k, ra, events["dec"], events["sigma"])
            rows = found.rows
        else:
            found = self.values.signal(k, ra[among], events["dec"][among], events["sigma"][among])
            rows = among[found.rows]
        own = events is season.data
        if own and model.options.mode in ("fit", "fixed"):
            log_w: F64 | F32 | None = season.log_energy_ratio[rows]
        else:
            log_w = model.log_energy_ratio(k, events[rows])
        density = season.background_density[rows] if own else np.asarray(season.background(events["sindec"][rows]))
        logs = np.log(np.maximum(found.density, 1e-300) / density)[:, None]
        gamma = model.fixed_gamma
        for part in (log_w, found.log_shape):
            if part is not None:
                logs = logs + (part if gamma is None else self._at(part, gamma)[:, None])
        n_cells = len(season.background.counts)
        every = np.bincount(cell, minlength=n_cells) if total is None else total
        far = every - np.bincount(cell[rows], minlength=n_cells)
        return _Terms(k, n_events, far.astype(np.float64), cell[rows], np.asarray(logs, dtype=np.float32))

    def terms(self, trial: Trial) -> list[_Terms]:
        """Terms of a trial's events, background and injected ones apart.

        Raises
        ------
        ValueError
            For a trial of a time window.
        """
        if trial.window is not None:
            raise ValueError(f"the trial holds only the events of {trial.window}, this runner fits whole seasons")
        parts = []
        for k, (background, injected) in enumerate(zip(trial.background, trial.injected, strict=True)):
            season, n = self.values.model.analysis[k], float(trial.n_events[k])
            if isinstance(background, Scramble) and background.season is season and background.dec is None:
                parts.append(self.season(k, season.data, background.ra, self._own_cells[k], n))
            else:
                own = background.events() if isinstance(background, Scramble) else background
                parts.append(self.season(k, own, own["ra"], self._cells(k, own), n))
            if injected is not None and len(injected):
                parts.append(self.season(k, injected, injected["ra"], self._cells(k, injected), n))
        return parts

    def _cells(self, k: int, events: Events) -> I64:
        return cells_of(events["sindec"], self.values.model.analysis[k].background.sindec_bins)

    def _best_at(self, parts: list[_Terms], gamma: float | None) -> tuple[float, float, Status]:
        log_a = self._at(self._log_acceptance, gamma)
        share = np.exp(log_a - log_a.max())
        share /= share.sum()
        taken = [np.exp(self._at(table, gamma)) for table in self._log_subtracted]
        z: list[F64] = []
        counts: list[F64] = []
        limit = np.inf
        for part in parts:
            factor, own = share[part.k] / part.n_events, taken[part.k]
            limit = min(limit, 1.0 / factor)
            z += [-factor * own, factor * (np.exp(self._at(part.log_w, gamma)) - own[part.cell])]
            counts += [part.far, np.ones(len(part.cell))]
        number = np.concatenate(counts)
        some = number > 0
        return best_ns(np.concatenate(z)[some], limit, number[some])

    def fit(self, trial: Trial) -> tuple[float, float, float, Status]:
        """TS, n_s, γ (NaN where n_s = 0) and status of a trial."""
        return self.fit_terms(self.terms(trial))

    def fit_terms(self, parts: list[_Terms]) -> tuple[float, float, float, Status]:
        """The same from the terms of the trial's events."""
        model = self.values.model
        if model.options.mode != "fit":
            gamma = model.fixed_gamma
            ts, ns, status = self._best_at(parts, gamma)
            return ts, ns, np.nan if gamma is None or status == Status.NO_EXCESS else gamma, status
        nodes = self.values.gamma_nodes
        at = np.unique(np.r_[np.arange(0, len(nodes), max(1, len(nodes) // _NODES)), len(nodes) - 1])
        found = np.array([self._best_at(parts, float(nodes[g]))[0] for g in at])
        best = (0.0, 0.0, np.nan, Status.NO_EXCESS)
        if not found.max() > 0:
            return best
        padded = np.r_[-np.inf, found, -np.inf]
        peaks = (found >= padded[:-2]) & (found >= padded[2:]) & (found > found.max() - _NEAR_BEST)
        for peak in np.flatnonzero(peaks).tolist():
            low, high = nodes[at[max(peak - 1, 0)]], nodes[at[min(peak + 1, len(at) - 1)]]
            gamma = self._climb(parts, float(low), float(high), float(nodes[at[peak]]))
            ts, ns, status = self._best_at(parts, gamma)
            if ts > best[0]:
                best = (ts, ns, gamma, status)
        return best

    def _climb(self, parts: list[_Terms], low: float, high: float, start: float) -> float:
        """γ of the maximum between two nodes, their ends included."""
        from scipy.optimize import minimize_scalar

        found = minimize_scalar(
            lambda gamma: -self._best_at(parts, float(gamma))[0],
            bounds=(low, high),
            method="bounded",
            options={"xatol": _PRECISION},
        )
        candidates = [float(found.x), start, low, high]
        return max(candidates, key=lambda gamma: self._best_at(parts, gamma)[0])
