"""The search for n_sig: a coarse scan, then batches where they help most, until the error is small enough."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, TypedDict

import numpy as np

from nusky.sensitivity.efficiency import EfficiencyCurve, Method, fit_efficiency
from nusky.sensitivity.pool import TrialPool
from nusky.sensitivity.result import NSigResult
from nusky.sensitivity.table import NSigTable
from nusky.units import counted

__all__ = ["FluxAt", "NSigOptions", "NSigSearch", "QuoteOptions", "more_background", "search_n_sig"]


class NSigOptions(TypedDict, total=False):
    """Keywords of `nusky.sensitivity.find_n_sig`, which says what they mean."""

    n_sig_step: float
    first_batch_size: int
    batch_size: int
    max_batch_size: int
    n_batches: int
    tol: float
    method: Method
    max_n_sig: float
    trials: Mapping[float, Any] | None
    store: Any
    seed: Any
    poisson: bool
    logging: bool
    mp_cpus: int | None
    executor: Any
    spool: Any
    flux: Any
    gamma: float | None
    E0: Any
    unit: Any
    n_bootstrap: int | None


class QuoteOptions(NSigOptions, total=False):
    """Keywords of `sensitivity`, `discovery_potential` and `upper_limit`: `n_bg_trials`, and those of `find_n_sig`."""

    n_bg_trials: int


# How often the first step of the coarse scan is halved where it passes already
_HALVINGS = 4

# A signal that passes less often than this part of the wanted fraction is weaker than the one that is looked for
_WEAK = 0.6


@dataclass(frozen=True)
class NSigSearch:
    """Checked settings of one search."""

    n_sig_step: float = 5.0
    first_batch_size: int = 50
    batch_size: int = 500
    max_batch_size: int = 20_000
    n_batches: int = 6
    tol: float = 0.05
    method: Method = "auto"
    max_n_sig: float = 5_000.0

    def __post_init__(self) -> None:
        for name, least in (("first_batch_size", 1), ("batch_size", 1), ("max_batch_size", 0), ("n_batches", 3)):
            value = getattr(self, name)
            if isinstance(value, (float, np.floating)) and value >= least and math.isfinite(value):
                value = math.ceil(value)  # ``batch_size=n / 3``: a fraction of a trial is one more
                object.__setattr__(self, name, value)
            if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
                raise ValueError(f"{name} = {value!r} must be an integer >= {least}")
        if self.method not in ("auto", "chi2cdf", "erf", "spline"):
            raise ValueError(f"method = {self.method!r} is none of auto, chi2cdf, erf, spline")
        for name in ("n_sig_step", "tol", "max_n_sig"):
            value = getattr(self, name)
            if not isinstance(value, Real) or not 0 < float(value) < math.inf:
                raise ValueError(f"{name} = {value!r} must be a positive number")


@dataclass(frozen=True)
class FluxAt:
    """Which flux a number of events is turned into."""

    flux: Any = None
    gamma: float | None = None
    E0: Any = 1.0
    unit: Any = 1e3

    def __post_init__(self) -> None:
        E0, unit = counted(self.E0, self.unit)
        object.__setattr__(self, "E0", E0)
        object.__setattr__(self, "unit", unit)

    def of(self, pool: TrialPool, n_sig: float) -> dict[str, Any]:
        """Fields of `NSigResult`."""
        runner: Any = pool.runner
        outside = tuple(getattr(runner, "prior_outside", ()))
        out: dict[str, Any] = {"E0": self.E0, "unit": self.unit, "sources": pool.sources, "prior_outside": outside}
        flux = self.flux
        if flux is None and self.gamma is None:
            flux = getattr(getattr(runner, "injection", None), "flux", None)
        if not hasattr(runner, "to_E2dNdE") or (flux is None and self.gamma is None):
            return out
        how: dict[str, Any] = {"E0": self.E0, "unit": self.unit}
        how["gamma" if flux is None else "flux"] = self.gamma if flux is None else flux
        out["E2dNdE"] = float(runner.to_E2dNdE(n_sig, **how))
        out["spectrum"] = {"type": "PowerLawFlux", "gamma": self.gamma} if flux is None else flux.to_json()
        if getattr(runner, "on_time", None) is not None:
            out["fluence"] = float(runner.to_fluence(n_sig, **how))
        return out


def search_n_sig(
    pool: TrialPool,
    ts: float,
    beta: float,
    search: NSigSearch,
    table: NSigTable,
    conversion: FluxAt,
    **about: Any,
) -> NSigResult:
    """Search with a pool of trials.

    Parameters
    ----------
    pool : TrialPool
    ts, beta : float
        Threshold and fraction, checked.
    search : NSigSearch
    table : NSigTable
    conversion : FluxAt
    **about
        Further fields of the result: kind, ts_error, extrapolated.
    """

    def fitted() -> EfficiencyCurve:
        return fit_efficiency(*pool.passed(ts), method=search.method)

    if search.max_batch_size == 0:
        if len(pool.n_sigs) < 2:
            raise ValueError(
                f"max_batch_size=0 makes no trials, and those given are at n_sig = {list(pool.n_sigs)}: "
                "give trials at two or more injected signals"
            )
        curve = fitted()
        n_sig, error = _crossing(curve, beta)
        if not math.isfinite(n_sig):
            raise _unreachable(pool, ts, beta, "give trials at larger n_sig")
    else:
        curve, n_sig, error = _run(pool, ts, beta, search, table, fitted)
    of_curve, of_threshold = error, 0.0
    ts_error = about.get("ts_error", 0.0)
    if ts_error > 0 and n_sig > 0:
        # TS is never below 0: a threshold there would let the trials that found nothing pass
        low, high = (
            fit_efficiency(*pool.passed(at), method=curve.method).solve(beta)
            for at in (max(0.0, ts - ts_error), ts + ts_error)
        )
        if math.isfinite(low) and math.isfinite(high):
            of_threshold = abs(high - low) / (2 * n_sig)
            error = math.hypot(error, of_threshold)
    why = "" if error <= search.tol or n_sig == 0 else _why(of_curve, of_threshold, search)
    return NSigResult(
        n_sig, error, float(ts), float(beta), curve, pool.trials, pool.seed, pool.poisson,
        n_sig_error_of_ts=of_threshold, converged=not why, why=why, config=pool.runner.config(), **about,
        **conversion.of(pool, n_sig),
    )  # fmt: skip


def more_background(found: NSigResult, n_bg: int, search: NSigSearch) -> int:
    """Background trials to add, so that the error of the threshold lets the search converge; 0: that is not why.

    Parameters
    ----------
    found : NSigResult
    n_bg : int
        Background trials there are.
    search : NSigSearch
        At most ``max_batch_size`` trials are made at one injected signal, also at 0.
    """
    of_threshold = found.n_sig_error_of_ts
    if found.converged or of_threshold <= 0.5 * search.tol:
        return 0
    # binomial errors fall with the root of the number; the error of a fitted tail falls more slowly
    wanted = n_bg * max(2.0, (of_threshold / (0.7 * search.tol)) ** 2)
    return max(0, min(math.ceil(wanted), search.max_batch_size) - n_bg)


def _why(of_curve: float, of_threshold: float, search: NSigSearch) -> str:
    """Why the error is larger than was asked for, and what makes it smaller."""
    if of_curve <= search.tol:
        return (
            f"the threshold's error dominates ({of_threshold:.1%} of n_sig): more background trials are needed than "
            f"max_batch_size={search.max_batch_size}"
        )
    if search.max_batch_size == 0:
        return "max_batch_size=0 makes no trials: allow some, or give more"
    return f"at most max_batch_size={search.max_batch_size} trials at one injected signal were made: raise it"


def _run(
    pool: TrialPool, ts: float, beta: float, search: NSigSearch, table: NSigTable, fitted: Callable[[], EfficiencyCurve]
) -> tuple[EfficiencyCurve, float, float]:
    near = _coarse_scan(pool, ts, beta, search, table)
    table.batches(search.batch_size)
    grid: list[float] = []
    while True:
        if not grid or not 0.25 * grid[-1] <= near <= 0.75 * grid[-1]:
            grid = _grid(near, pool, search)
            table.header(grid)
        made = 0
        for n_sig in _telling(grid, pool, ts, search):
            more = min(search.batch_size, search.max_batch_size - pool.count(n_sig))
            if more > 0:
                pool.add(n_sig, more, table.working(more))
                made += more
        curve = fitted()
        n_sig, error = _crossing(curve, beta)
        passed = {n: k / total for n, k, total in zip(*map(np.ndarray.tolist, pool.passed(ts)), strict=True)}
        fractions = [passed.get(n, math.nan) for n in grid]
        table.row(max(pool.count(n) for n in grid), fractions, n_sig, error, curve.method)
        if n_sig == 0 or error <= search.tol or made == 0:
            if not math.isfinite(n_sig):
                raise _unreachable(pool, ts, beta, "raise max_batch_size")
            return curve, n_sig, error
        near = n_sig if math.isfinite(n_sig) else 2 * grid[-1]


def _crossing(curve: EfficiencyCurve, beta: float) -> tuple[float, float]:
    """n_sig and its relative error."""
    n_sig = curve.solve(beta)
    if n_sig == 0:
        return 0.0, 0.0
    return n_sig, curve.solve_error(beta) / n_sig if math.isfinite(n_sig) else math.inf


def _coarse_scan(pool: TrialPool, ts: float, beta: float, search: NSigSearch, table: NSigTable) -> float:
    """Neighbourhood of the crossing: the first injected signal of a growing series that passes."""
    n, k, total = pool.passed(ts)
    enough = (n > 0) & (total >= search.first_batch_size) & (k > beta * total)
    if enough.any() and len(n) > 1:
        found = fit_efficiency(n, k, total, search.method).solve(beta)
        if math.isfinite(found) and found > 0:
            return found
    table.scan(beta, search.first_batch_size, ts)
    step = float(search.n_sig_step if pool.poisson else math.ceil(search.n_sig_step))
    n_sig = step
    # Where trials that are there already, for a lower threshold say, pass too rarely, none need be made again
    weak = float(n[(total >= search.first_batch_size) & (k <= _WEAK * beta * total)].max(initial=0.0))
    while True:
        missing = search.first_batch_size - pool.count(n_sig)
        if n_sig > weak:
            if missing > 0:
                pool.add(n_sig, missing, table.working(missing))
            fraction = float(np.mean(pool.ts(n_sig) > ts))
            table.scanned(n_sig, fraction)
            if fraction > beta:
                return _crossed(pool, ts, beta, search, table, n_sig, n_sig == step)
        # five even steps, then ever longer ones: a far threshold costs the logarithm of its distance
        if n_sig >= 5 * search.n_sig_step:
            step *= 1.5
        n_sig += step if pool.poisson else math.ceil(step)
        if n_sig > search.max_n_sig:
            raise _unreachable(pool, ts, beta, f"raise max_n_sig, now {search.max_n_sig:g}")


def _crossed(
    pool: TrialPool, ts: float, beta: float, search: NSigSearch, table: NSigTable, n_sig: float, first: bool
) -> float:
    """The crossing below a signal that passes, from all points of the coarse scan.

    Where the `first` step passes already, it is halved until it does not: a grid up to twice a signal that is far too
    large would have most of its trials where they tell nothing.
    """
    none = pool.ts(0.0)
    for _ in range(_HALVINGS if first and not (len(none) and np.mean(none > ts) > beta) else 0):
        half = 0.5 * n_sig if pool.poisson else float(math.floor(0.5 * n_sig))
        if half == 0:
            break
        missing = search.first_batch_size - pool.count(half)
        if missing > 0:
            pool.add(half, missing, table.working(missing))
        fraction = float(np.mean(pool.ts(half) > ts))
        table.scanned(half, fraction)
        if fraction <= beta:
            break
        n_sig = half
    found = fit_efficiency(*pool.passed(ts), search.method).solve(beta)
    return float(np.clip(found, 0.5 * n_sig, n_sig)) if math.isfinite(found) else n_sig


def _grid(near: float, pool: TrialPool, search: NSigSearch) -> list[float]:
    """Evenly spaced signals from 0 to twice the crossing; the spacing has two digits, so that runs share points."""
    spacing = 2 * near / (search.n_batches - 1)
    digit = 10 ** (math.floor(math.log10(spacing)) - 1)
    spacing = max(round(spacing / digit), 1) * digit if pool.poisson else float(max(math.ceil(spacing), 1))
    return [round(i * spacing, 10) for i in range(search.n_batches)]


def _telling(grid: list[float], pool: TrialPool, ts: float, search: NSigSearch) -> list[float]:
    """Points at which further trials help to find the crossing."""
    telling = []
    for n_sig in grid:
        seen = pool.ts(n_sig)
        fraction = float(np.mean(seen > ts)) if len(seen) else 0.5
        if len(seen) < search.batch_size or (n_sig > 0 and 0.01 < fraction < 0.995):
            telling.append(n_sig)
    return telling or grid[1:]


def _unreachable(pool: TrialPool, ts: float, beta: float, advice: str) -> ValueError:
    n, k, total = pool.passed(ts)
    best = int(np.argmax(k / total))
    return ValueError(
        f"the threshold TS > {ts:.3f} was passed by at most {k[best] / total[best]:.1%} of trials (at n_sig = "
        f"{n[best]:g}, {total[best]} trials), not by beta = {beta:.0%}: {advice}, or ask for a lower threshold"
    )
