"""Confidence belts: Neyman's upper limits, Feldman and Cousins' intervals, and what is expected of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from nusky.checks import check_fraction
from nusky.dists import ts_values
from nusky.sensitivity.efficiency import EfficiencyCurve, fit_efficiency
from nusky.typing import F64
from nusky.units import numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ConfidenceBelt", "confidence_belt"]

# Cells of TS, and points of n_sig, of the construction
_CELLS, _POINTS = 40, 401
_QUANTILES = (0.025, 0.16, 0.5, 0.84, 0.975)


@dataclass(frozen=True, eq=False)
class ConfidenceBelt:
    """The distributions of TS at several injected signals, and the limits that follow.

    P(TS > t | n) is a smooth curve in n for each t, fitted to the trials (`fit_efficiency`). Neyman: the upper limit of
    an observed TS is the n at which a fraction `level` of trials lies above it. Feldman and Cousins (1998): TS is cut
    into cells; at each n the cells are taken in the order of P(cell | n) / max P(cell | n') until they hold `level`;
    the interval of an observed TS are the n whose cells hold it. Both cover at least the level, also where TS = 0 has a
    finite probability; the second goes from limits to two-sided intervals by itself.

    Parameters
    ----------
    trials : mapping
        {n_sig: trials}; n_sig = 0 and at least two more.

    Raises
    ------
    ValueError
        For fewer signals, or a signal without trials.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> belt = ConfidenceBelt({n: rng.poisson(n + 1.0, 4000).astype(float) for n in (0, 1, 2, 4, 6, 8, 12)})
    >>> round(belt.upper_limit(3.0)), belt.interval(0.0)[0]
    (6, 0.0)
    """

    trials: Mapping[float, Any]

    def __post_init__(self) -> None:
        if 0.0 not in self.n_sigs or len(self.n_sigs) < 3:
            raise ValueError(f"trials has n_sig = {self.n_sigs.tolist()}: give 0 and two or more others")
        for n_sig, ts in zip(self.n_sigs.tolist(), self._ts, strict=True):
            if not len(ts):
                raise ValueError(f"trials at n_sig = {n_sig:g} are none; give some")

    @cached_property
    def n_sigs(self) -> F64:
        """(P,) injected signals, ascending."""
        return np.array(sorted(float(n) for n in self.trials))

    @cached_property
    def _ts(self) -> tuple[F64, ...]:
        by_n = {float(n): ts_values(rows) for n, rows in self.trials.items()}
        return tuple(np.asarray(by_n[n], dtype=np.float64) for n in self.n_sigs.tolist())

    def above(self, ts: float) -> EfficiencyCurve:
        """P(TS > ts) as a function of the injected signal."""
        ts = float(numbers("ts", ts))
        if ts not in self._curves:
            passed = [int(np.count_nonzero(values > ts)) for values in self._ts]
            self._curves[ts] = fit_efficiency(self.n_sigs, passed, [len(values) for values in self._ts])
        return self._curves[ts]

    @cached_property
    def _curves(self) -> dict[float, EfficiencyCurve]:
        return {}

    def upper_limit(self, ts: float, level: float = 0.9) -> float:
        """Neyman's upper limit on the mean number of signal events.

        Parameters
        ----------
        ts : float
            Observed.
        level : float
            Confidence, 0 … 1.

        Returns
        -------
        float
            0 where even background lies above `ts` that often: an observation this low excludes everything, which is
            why `nusky.sensitivity.upper_limit` does not go below the median. NaN where the trials do not reach it.
        """
        return self.above(ts).solve(_level(level))

    @cached_property
    def _n(self) -> F64:
        return np.linspace(0.0, float(self.n_sigs[-1]), _POINTS)

    @cached_property
    def edges(self) -> F64:
        """(C − 1,) upper ends of the cells of TS, all but the last: a cell is (lower, upper]."""
        pooled = np.concatenate(self._ts)
        values = np.unique(pooled)
        if len(values) > _CELLS:
            values = np.unique(np.quantile(pooled, np.linspace(0, 1, _CELLS + 1)[:-1], method="lower"))
        else:
            values = values[:-1]
        return values

    @cached_property
    def _probability(self) -> F64:
        """(C, N) probability of each cell at each n."""
        above = np.array([self.above(float(edge))(self._n) for edge in self.edges])
        above = np.minimum.accumulate(np.concatenate([np.ones((1, len(self._n))), above]), axis=0)
        return np.asarray(-np.diff(np.concatenate([above, np.zeros((1, len(self._n)))]), axis=0))

    @cached_property
    def _before(self) -> F64:
        """(C, N) probability of the cells that are taken before each cell."""
        p = self._probability
        ratio = p / np.maximum(p.max(axis=1, keepdims=True), 1e-300)
        order = np.argsort(-ratio, axis=0, kind="stable")
        taken = np.cumsum(np.take_along_axis(p, order, axis=0), axis=0) - np.take_along_axis(p, order, axis=0)
        before = np.empty_like(p)
        np.put_along_axis(before, order, taken, axis=0)
        return before

    def interval(self, ts: float, level: float = 0.9) -> tuple[float, float]:
        """Feldman and Cousins' interval of the mean number of signal events.

        Parameters
        ----------
        ts : float
            Observed.
        level : float

        Returns
        -------
        low, high : float
            `high` is infinite where the interval goes on beyond the largest n_sig of the trials.
        """
        cell = int(np.searchsorted(self.edges, float(numbers("ts", ts))))
        inside = np.flatnonzero(self._before[cell] < _level(level))
        if not len(inside):
            at = int(np.argmax(self._probability[cell]))
            return float(self._n[at]), float(self._n[at])
        first, last = int(inside[0]), int(inside[-1])
        low = 0.0 if first == 0 else self._crossing(cell, first - 1, first, level)
        return low, np.inf if last == len(self._n) - 1 else self._crossing(cell, last, last + 1, level)

    def _crossing(self, cell: int, a: int, b: int, level: float) -> float:
        """n between two points at which the probability taken before a cell passes the level."""
        here, there = self._before[cell, a], self._before[cell, b]
        part = np.clip((level - here) / (there - here), 0, 1) if here != there else 0.5
        return float(self._n[a] + part * (self._n[b] - self._n[a]))

    def expected(
        self,
        level: float = 0.9,
        *,
        method: Literal["neyman", "feldman-cousins"] = "neyman",
        quantiles: Sequence[float] = _QUANTILES,
    ) -> dict[float, float]:
        """Quantiles of the upper limits that background alone gives: what is expected, and its band.

        Returns
        -------
        dict
            {quantile: limit}; by default the median with the central 68 and 95 %.
        """
        if method not in ("neyman", "feldman-cousins"):
            raise ValueError(f"method={method!r} is not known; use 'neyman' or 'feldman-cousins'")
        ts = np.quantile(self._ts[0], quantiles, method="higher")
        # limits grow with TS, so their quantiles are those of TS
        limit = self.upper_limit if method == "neyman" else lambda t, cl: self.interval(t, cl)[1]
        return {float(q): float(limit(float(t), level)) for q, t in zip(quantiles, ts, strict=True)}

    def plot(self, ax: Axes, level: float = 0.9, observed: float | None = None) -> None:
        """Draw both limits against TS, and the expected band of Neyman's."""
        from nusky.plotting import OBSERVED, soft_colors

        ts = np.concatenate([self.edges, [float(max(values.max() for values in self._ts))]])
        both = np.array([self.interval(float(t), level) for t in ts])
        both = np.where(np.isfinite(both), both, self._n[-1])
        ax.fill_between(
            ts, both[:, 0], both[:, 1], step="pre", color=soft_colors[0], alpha=0.3, lw=0, label="Feldman–Cousins"
        )
        upper = np.array([self.upper_limit(float(t), level) for t in ts])
        ax.plot(ts, upper, color=".15", label="Neyman, upper limit")
        band = self.expected(level)
        ax.axhspan(band[0.16], band[0.84], color=".5", alpha=0.25, lw=0, label="expected, 68 %")
        ax.axhline(band[0.5], color=".3", lw=0.8, ls=":")
        if observed is not None:
            ax.axvline(observed, color=OBSERVED, label="observed")
        ax.set(xlabel="TS", ylabel=f"signal events, {100 * level:g} %", ylim=(0, self._n[-1]))
        known = ts[upper < self._n[-1]]  # beyond, the limits are those of the largest injected signal
        if len(known) > 1:
            ax.set_xlim(0, max(float(known.max()), 1.2 * (observed or 0.0)))
        ax.legend()


def confidence_belt(
    runner: Any,
    n_sigs: ArrayLike,
    n_trials: int = 500,
    *,
    seed: int,
    trials: Mapping[float, Any] | None = None,
    **kw: Any,
) -> ConfidenceBelt:
    """Make the trials of a belt.

    Parameters
    ----------
    runner : Runner
    n_sigs : (P,) ≥ 0
        Injected signals; 0 is added.
    n_trials : int
        At each.
    seed : int
    trials : mapping, optional
        {n_sig: trials} made before, not made again.
    **kw
        For `get_many_fits`: ``mp_cpus``, ``executor``, ``logging``.

    Returns
    -------
    ConfidenceBelt

    Examples
    --------
    >>> belt = confidence_belt(tr, np.arange(0, 31, 3), seed=1)                      # doctest: +SKIP
    >>> belt.interval(fit.ts), belt.upper_limit(fit.ts), belt.expected()             # doctest: +SKIP
    """
    wanted = np.unique(np.concatenate([[0.0], np.atleast_1d(numbers("n_sigs", n_sigs))]))
    if not (np.isfinite(wanted).all() and wanted[0] == 0):
        raise ValueError(f"n_sigs must be finite and >= 0, got {n_sigs!r}")
    made: dict[float, Any] = {float(n): rows for n, rows in (trials or {}).items()}
    for i, n_sig in enumerate(wanted.tolist()):
        if n_sig not in made:
            # each signal has trials of its own numbers: no scramble is used twice
            how = {"poisson": n_sig > 0, "seed": seed, "first_trial": i * n_trials}
            made[n_sig] = runner.get_many_fits(n_trials, n_sig, **how, **kw)
    return ConfidenceBelt(made)


def _level(level: float) -> float:
    if check_fraction("level", level) == 1:
        raise ValueError("level=1 is everything there is; give a confidence below 1, such as 0.9")
    return level
