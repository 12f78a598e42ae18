"""Sensitivity, discovery potential, upper limit: the signal for which a fraction β of trials passes a threshold.

TS > threshold is strict everywhere: with half of the background at TS = 0 the median is 0, and a trial at 0 has found
nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from nusky.dists.chi2_tsd import Chi2TSD
from nusky.dists.tsd import MIN_TAIL, TSD, ts_values
from nusky.executors.pool import n_workers
from nusky.sensitivity.efficiency import Method
from nusky.sensitivity.pool import TrialPool
from nusky.sensitivity.result import NSigResult
from nusky.sensitivity.search import FluxAt, NSigSearch, QuoteOptions, more_background, search_n_sig
from nusky.sensitivity.table import NSigTable
from nusky.store.trials import TrialStore
from nusky.threads import resolve_threads
from nusky.units import in_unit

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nusky.executors.protocols import FitsTrials

__all__ = ["discovery_potential", "find_n_sig", "sensitivity", "upper_limit"]


def find_n_sig(
    runner: FitsTrials,
    ts: float,
    beta: float,
    *,
    n_sig_step: float = 5.0,
    first_batch_size: int = 50,
    batch_size: int = 500,
    max_batch_size: int = 20_000,
    n_batches: int = 6,
    tol: float = 0.05,
    method: Method = "auto",
    max_n_sig: float = 5_000.0,
    trials: Mapping[float, Any] | None = None,
    store: Any = None,
    seed: Any = None,
    poisson: bool = True,
    logging: bool = False,
    mp_cpus: int | None = None,
    executor: Any = None,
    spool: Any = None,
    flux: Any = None,
    gamma: float | None = None,
    E0: Any = 1.0,
    unit: Any = 1e3,
    n_bootstrap: int | None = None,
) -> NSigResult:
    """Signal events for which a fraction `beta` of trials has TS strictly above `ts`.

    A coarse scan finds the neighbourhood, upwards in growing steps or down from the first one; then batches of trials
    at `n_batches` injected signals between 0 and twice the crossing are added until the relative error is `tol`. Every
    trial ever made enters the fit. New trials have indices that none of the others has, so that no scramble is used
    twice.

    Parameters
    ----------
    runner : FitsTrials
        Any trial runner.
    ts : float
        Threshold.
    beta : float
        Fraction, 0 < beta < 1.
    n_sig_step : float
        First step of the coarse scan; the steps grow.
    first_batch_size : int
        Trials at each of its points.
    batch_size : int
        Trials a batch adds at an injected signal.
    max_batch_size : int
        Most trials at one injected signal. 0: make none, use `trials` and `store` only.
    n_batches : int
        Injected signals, >= 3.
    tol : float
        Relative error at which to stop.
    method : "auto", "chi2cdf", "erf" or "spline"
        Shape of the efficiency, see `nusky.sensitivity.efficiency`.
    max_n_sig : float
        Where the coarse scan gives up.
    trials : mapping, optional
        {n_sig: trials} made before.
    store : TrialStore or path-like, optional
        Use what it has, add what is made.
    seed : int, Generator or None
    poisson : bool
        Draw the number of injected events (its mean is n_sig); without it every injected signal is whole.
    logging : bool
        Print csky's table.
    mp_cpus : int, optional
        Threads; with an executor, threads of a worker.
    executor, spool
        See `nusky.executors.batches.run_batches`.
    flux : Flux, optional
        Spectrum for E2dNdE; default what the runner injects.
    gamma : float, optional
        A power law instead.
    E0 : float or Quantity
    unit : float, str or unit
        Where E2dNdE is given: E0 in units of `unit` GeV; ``unit="TeV"`` is 1e3.
    n_bootstrap : int, optional
        Accepted as csky has it: the error follows from the binomial errors of the trials, without a bootstrap.

    Returns
    -------
    NSigResult

    Raises
    ------
    ValueError
        If `beta` is outside (0, 1), `ts` is not finite, the threshold is out of reach (the largest fraction found is
        named), or, with ``max_batch_size=0``, the given trials are not enough.
    InterruptedSearch, LostSearch
        On Ctrl-C, and if the workers of an executor fail for good: all trials so far are in its ``trials``.

    Examples
    --------
    >>> bg = tr.get_many_fits(10_000, seed=1)                                      # doctest: +SKIP
    >>> found = find_n_sig(tr, np.median(bg.ts), 0.9, trials={0: bg}, seed=2)      # doctest: +SKIP
    >>> found.n_sig, found.n_sig_error, found.E2dNdE                               # doctest: +SKIP
    """
    search = NSigSearch(n_sig_step, first_batch_size, batch_size, max_batch_size, n_batches, tol, method, max_n_sig)
    ts = in_unit("ts", ts, "")
    ts = float(ts) if getattr(ts, "shape", None) == () else ts  # what isf_nsigma of one number gives
    _check(ts, beta)
    pool = _pool(runner, trials, store, seed, poisson, mp_cpus, executor, spool)
    table = NSigTable(logging)
    table.start(_cores(mp_cpus, executor))
    found = search_n_sig(pool, ts, beta, search, table, FluxAt(flux, gamma, E0, unit))
    table.end()
    return found


def sensitivity(
    runner: FitsTrials, bg: Any = None, *, beta: float = 0.9, **options: Unpack[QuoteOptions]
) -> NSigResult:
    """Signal (and flux) for which a fraction `beta` of trials has TS above the background median.

    Parameters
    ----------
    runner : FitsTrials
        For a point source or a spatial prior.
    bg : TSD, TS values or None
        Background, at least 10 trials; None takes what `trials` or `store` have at n_sig = 0, or makes `n_bg_trials`.
        Where the threshold's error keeps the search from its `tol`, further ones are made, up to `max_batch_size`.
    beta : float
        0.9 is the convention.
    n_bg_trials : int
        Default 5000.
    **options
        As for `find_n_sig`.

    Returns
    -------
    NSigResult
        Its error includes that of the median.

    Examples
    --------
    >>> sens = sensitivity(sptr, seed=1, logging=True)                     # doctest: +SKIP
    >>> f"{sens.E2dNdE:.2e} TeV/cm2/s"                                     # doctest: +SKIP
    """
    return _quote(runner, bg, beta, "sensitivity", dict(options))


def discovery_potential(
    runner: FitsTrials, bg: Any = None, *, n_sigma: float = 5.0, beta: float = 0.5, **options: Any
) -> NSigResult:
    """Signal (and flux) for which a fraction `beta` of trials exceeds `n_sigma` (one-sided).

    Parameters
    ----------
    runner, bg, **options
        As for `sensitivity`. Where the background trials do not reach `n_sigma`, a χ² fitted to them does;
        ``result.extrapolated`` says so, and its error enters.
    n_sigma : float
        3 or 5, by convention.
    beta : float
        0.5 by convention.

    Examples
    --------
    >>> discovery_potential(tr, bg, n_sigma=3, seed=2)                     # doctest: +SKIP
    """
    if not (isinstance(n_sigma, Real) and math.isfinite(n_sigma) and n_sigma > 0):
        raise ValueError(f"n_sigma = {n_sigma!r} must be a positive number")
    return _quote(runner, bg, beta, "discovery potential", {**options, "n_sigma": float(n_sigma)})


def upper_limit(
    runner: FitsTrials, ts_obs: Any, bg: Any = None, *, beta: float = 0.9, **options: Unpack[QuoteOptions]
) -> NSigResult:
    """Upper limit at confidence level `beta` for an observed TS.

    The flux for which a fraction `beta` of trials has TS > max(TS_obs, background median): never below the sensitivity,
    so that a background fluctuation downwards does not exclude what the search cannot see; coverage is then at least
    `beta`.

    Parameters
    ----------
    runner, bg, **options
        As for `sensitivity`.
    ts_obs : float or Fit
        Observed TS.
    beta : float
        0.9 gives the 90 % limit.

    Raises
    ------
    ValueError
        If `ts_obs` is the fit of another search than that of `runner` (their configurations differ), or no TS.

    Examples
    --------
    >>> upper_limit(sptr, sptr.get_one_fit(TRUTH=True), bg, seed=3)        # doctest: +SKIP
    """
    ours, theirs = getattr(runner, "config_hash", ""), getattr(ts_obs, "config_hash", "")
    if ours and theirs and ours != theirs:
        raise ValueError(
            f"ts_obs is a fit made with the configuration {theirs}, the runner has {ours}: its TS is that of another "
            "search; fit with this runner, or give ts_obs=fit.ts if only what is injected differs"
        )
    try:
        observed = float(in_unit("ts_obs", getattr(ts_obs, "ts", ts_obs), ""))
    except (TypeError, ValueError):
        raise TypeError(f"ts_obs = {ts_obs!r} is neither a TS nor a Fit") from None
    if not (math.isfinite(observed) and observed >= 0):
        raise ValueError(f"ts_obs = {observed} must be finite and >= 0")
    return _quote(runner, bg, beta, "upper limit", {**options, "ts_obs": observed})


def _quote(runner: FitsTrials, bg: Any, beta: float, kind: str, options: dict[str, Any]) -> NSigResult:
    """The three published numbers: they differ in the threshold only."""
    n_sigma, ts_obs = options.pop("n_sigma", None), options.pop("ts_obs", None)
    n_bg_trials = options.pop("n_bg_trials", 5_000)
    names = ("trials", "store", "seed", "poisson", "mp_cpus", "executor", "spool")
    sources = {name: options.pop(name, True if name == "poisson" else None) for name in names}
    conversion = FluxAt(**{name: options.pop(name, default) for name, default in vars(FluxAt()).items()})
    logging = options.pop("logging", False)
    if unknown := options.keys() - vars(NSigSearch()).keys():
        known = [*names, *vars(FluxAt()), "n_bg_trials", "logging", *vars(NSigSearch())]
        raise TypeError(f"{kind}: there is no option {min(unknown)!r}; there are {', '.join(known)}")
    search = NSigSearch(**options)
    _check(0.0, beta)
    if isinstance(n_bg_trials, bool) or not isinstance(n_bg_trials, Integral) or n_bg_trials < 1:
        raise ValueError(f"n_bg_trials = {n_bg_trials!r} must be a positive integer")
    given = dict(sources.pop("trials") or {})
    if bg is not None:
        if len(ts_values(bg)) < MIN_TAIL:
            raise ValueError(
                f"bg holds {len(ts_values(bg))} trials: a threshold needs at least {MIN_TAIL}, better thousands; "
                "give more, or None to have n_bg_trials made"
            )
        given[0.0] = bg
    pool = _pool(runner, given, **sources)
    table = NSigTable(logging)
    table.start(_cores(sources["mp_cpus"], sources["executor"]))
    if pool.count(0.0) == 0:
        if search.max_batch_size == 0:
            raise ValueError("there are no background trials, and max_batch_size=0 forbids making any: give bg=")
        _add_background(pool, int(n_bg_trials), table)
    while True:
        ts, about = _threshold(pool, bg, n_sigma, ts_obs)
        found = search_n_sig(pool, ts, beta, search, table, conversion, kind=kind, **about)
        more = more_background(found, pool.count(0.0), search)
        if not more:
            table.end()
            return found
        _add_background(pool, more, table)


def _add_background(pool: TrialPool, n_trials: int, table: NSigTable) -> None:
    table.background(n_trials)
    pool.add(0.0, n_trials, table.working(n_trials))


def _threshold(pool: TrialPool, bg: Any, n_sigma: float | None, ts_obs: float | None) -> tuple[float, dict[str, Any]]:
    """TS that a trial must exceed, its error, and whether it lies beyond the background trials."""
    if n_sigma is None:
        counted = TSD(pool.ts(0.0))
        ts, error = counted.median(), counted.isf_error(0.5)
        if ts_obs is not None and ts_obs > ts:
            ts, error = ts_obs, 0.0
        return ts, {"ts_error": error, "extrapolated": False}
    fit: Mapping[str, Any] = bg.fit_options if isinstance(bg, Chi2TSD) else {}
    background = Chi2TSD(pool.ts(0.0), **fit)
    p = 0.5 * math.erfc(n_sigma / math.sqrt(2))
    beyond = p * background.n_total < MIN_TAIL
    ts = float(background.isf_nsigma(n_sigma))
    far = float(background.beyond(ts)) if beyond else 0.0
    return ts, {"ts_error": background.isf_error(p), "extrapolated": beyond, "ts_beyond": far}


def _check(ts: float, beta: float) -> None:
    if not (isinstance(beta, Real) and 0 < beta < 1):
        raise ValueError(
            f"beta = {beta!r} must lie between 0 and 1: 0.9 for a sensitivity, 0.5 for a discovery potential"
        )
    if not (isinstance(ts, Real) and math.isfinite(ts)):
        raise ValueError(f"ts = {ts!r}: the threshold must be a finite number")


def _pool(
    runner: FitsTrials,
    trials: Any,
    store: Any,
    seed: Any,
    poisson: bool,
    mp_cpus: int | None,
    executor: Any,
    spool: Any,
) -> TrialPool:
    if store is not None and not hasattr(store, "read_by_n_sig"):
        store = TrialStore(store, runner.config())
    n_threads = mp_cpus if executor is not None or mp_cpus is not None else getattr(runner, "mp_cpus", None)
    run = {"executor": executor, "spool": spool, "n_threads": n_threads}
    return TrialPool(runner, trials=trials, store=store, seed=seed, poisson=poisson, **run)


def _cores(mp_cpus: int | None, executor: Any) -> int:
    if executor is None:
        return resolve_threads(mp_cpus)
    return max(n_workers(executor), 1) * int(mp_cpus or 1)
