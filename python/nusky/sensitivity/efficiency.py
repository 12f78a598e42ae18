"""The fraction of signal trials above a threshold as a smooth function of the injected signal, and where it crosses β.

Three descriptions, each fitted by binomial maximum likelihood to all trials there are:

``chi2cdf``   e(n) = e₀ + (1 − e₀) F(n / s; k), F the cumulative χ² of k degrees of freedom
``erf``       the same with a Gaussian cumulative, cut at n = 0 so that e(0) = e₀
``spline``    monotone cubic through the fractions after isotonic regression; no shape is assumed

``auto`` takes the first whose deviance is credible.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from nusky.checks import check_fraction
from nusky.dists.pvalue import binomial_error
from nusky.typing import F64, I64
from nusky.units import numbers

__all__ = ["EfficiencyCurve", "Method", "fit_efficiency"]

Method = Literal["auto", "chi2cdf", "erf", "spline"]

_CREDIBLE = 1e-3  # probability of a worse deviance below which a parametric shape is given up
_N_BOOTSTRAP = 200


@dataclass(frozen=True)
class EfficiencyCurve:
    """Fraction of trials with TS > threshold against injected signal.

    Attributes
    ----------
    method : "chi2cdf", "erf" or "spline"
    params : (3,) or (P,) float64
        e₀, k, s; or e₀, mean, width; or the isotonic fractions at `n_sigs`.
    n_sigs : (P,) float64, ascending
        Injected signals.
    n_passed, n_trials : (P,) int64
    goodness : float
        Probability of a worse deviance (NaN for the spline).
    """

    method: Literal["chi2cdf", "erf", "spline"]
    params: F64
    n_sigs: F64
    n_passed: I64
    n_trials: I64
    goodness: float

    @property
    def fractions(self) -> F64:
        """(P,) fraction of trials that passed."""
        return np.asarray(self.n_passed / self.n_trials)

    @property
    def errors(self) -> F64:
        """(P,) binomial standard deviations of `fractions`."""
        return binomial_error(self.n_passed, self.n_trials)

    def __call__(self, n_sig: ArrayLike) -> F64:
        """Efficiency at an injected signal."""
        return _evaluate(self.method, self.params, self.n_sigs, numbers("n_sig", n_sig))

    def solve(self, beta: float) -> float:
        """Injected signal at which the efficiency is `beta`; 0 if it is reached without signal, NaN if never."""
        return _solve(self.method, self.params, self.n_sigs, check_fraction("beta", beta))

    def solve_error(self, beta: float) -> float:
        """Standard deviation of `solve(beta)` from the binomial errors; infinite where it is unknown.

        For the parametric shapes by linear propagation of the Fisher information, for the spline by parametric
        bootstrap with a fixed seed.
        """
        at = self.solve(beta)
        if not math.isfinite(at):
            return math.inf
        if self.method == "spline":
            rng = np.random.default_rng(0)
            found = []
            for _ in range(_N_BOOTSTRAP):
                k = rng.binomial(self.n_trials, np.clip(self.params, 0, 1))
                found.append(_solve("spline", _isotonic(k, self.n_trials), self.n_sigs, beta))
            spread = np.array(found)
            return float(np.std(spread)) if np.isfinite(spread).all() else math.inf
        gradient = _gradient(self.method, self.params, self.n_sigs)
        e = np.clip(self(self.n_sigs), 1e-9, 1 - 1e-9)
        weight = self.n_trials / (e * (1 - e))
        # points at which the curve is flat at 0 or 1 carry no information; their weight must not become infinite
        information = (gradient * weight * ((e > 1e-8) & (e < 1 - 1e-8))) @ gradient.T
        if not np.isfinite(information).all():  # a step that a handful of trials do not determine
            return math.inf
        covariance = np.linalg.pinv(information, hermitian=True)
        h = max(at * 1e-4, 1e-6)
        slope = float((self(at + h) - self(max(at - h, 0.0))) / (h + min(at, h)))
        here = _gradient(self.method, self.params, np.array([at]))[:, 0]
        variance = float(here @ covariance @ here)
        return math.sqrt(variance) / slope if slope > 0 and variance > 0 else math.inf


def fit_efficiency(
    n_sigs: ArrayLike, n_passed: ArrayLike, n_trials: ArrayLike, method: Method = "auto"
) -> EfficiencyCurve:
    """Fit the efficiency to the trials at several injected signals.

    Parameters
    ----------
    n_sigs : (P,) array_like, P >= 2
        Different, >= 0.
    n_passed, n_trials : (P,) array_like of int
        Trials above the threshold, and all of them (> 0).
    method : "auto", "chi2cdf", "erf" or "spline"

    Returns
    -------
    EfficiencyCurve

    Raises
    ------
    ValueError
        If there are fewer than two points, a point has no trials, or the method is unknown.

    Examples
    --------
    >>> curve = fit_efficiency([0, 2, 4, 6, 8], [100, 400, 700, 900, 970], [1000] * 5)
    >>> curve.method, round(curve.solve(0.9))
    ('chi2cdf', 6)
    """
    if method not in ("auto", "chi2cdf", "erf", "spline"):
        raise ValueError(f"method = {method!r} is none of auto, chi2cdf, erf, spline")
    n = numbers("n_sigs", n_sigs)
    order = np.argsort(n)
    n = n[order]
    k = np.asarray(n_passed, dtype=np.int64)[order]
    total = np.asarray(n_trials, dtype=np.int64)[order]
    if not np.isfinite(n).all():
        raise ValueError(f"n_sigs = {n.tolist()}: injected signals must be finite")
    if len(n) < 2 or len(np.unique(n)) < len(n) or n[0] < 0:
        raise ValueError(f"n_sigs = {n.tolist()}: give trials at two or more different injected signals >= 0")
    if np.any(total < 1) or np.any(k > total) or np.any(k < 0):
        raise ValueError(
            f"n_passed = {k.tolist()}, n_trials = {total.tolist()}: 0 <= n_passed <= n_trials, n_trials > 0"
        )
    for shape in ("chi2cdf", "erf"):
        if method not in ("auto", shape):
            continue
        params, deviance = _fit_shape(shape, n, k, total)
        goodness = _deviance_probability(deviance, k, total)
        if method == shape or goodness > _CREDIBLE:
            return EfficiencyCurve(shape, params, n, k, total, goodness)
    return EfficiencyCurve("spline", _isotonic(k, total), n, k, total, math.nan)


def _evaluate(method: str, params: F64, n_sigs: F64, n: F64) -> F64:
    from scipy.special import gammainc, ndtr

    n = np.maximum(n, 0.0)
    if method == "chi2cdf":
        e0, k, s = params
        return np.asarray(e0 + (1 - e0) * gammainc(k / 2, n / (2 * s)))
    if method == "erf":
        e0, mean, width = params
        at_0 = ndtr(-mean / width)
        return np.asarray(e0 + (1 - e0) * (ndtr((n - mean) / width) - at_0) / (1 - at_0))
    from scipy.interpolate import PchipInterpolator

    return np.asarray(np.clip(PchipInterpolator(n_sigs, params)(np.minimum(n, n_sigs[-1])), 0, 1))


def _solve(method: str, params: F64, n_sigs: F64, beta: float) -> float:
    if method == "spline":
        # a table instead of root finding: a bootstrap solves hundreds of these
        table = np.linspace(0.0, float(n_sigs[-1]), 4001)
        e = _evaluate(method, params, n_sigs, table)
        i = int(np.argmax(e >= beta))
        if e[i] < beta:
            return math.nan
        return float(table[0] if i == 0 else np.interp(beta, e[i - 1 : i + 1], table[i - 1 : i + 1]))

    def excess(n: float) -> float:
        return float(_evaluate(method, params, n_sigs, np.asarray(n))) - beta

    if excess(0.0) >= 0:
        return 0.0
    high = float(n_sigs[-1])
    # the shapes reach 1, if sometimes far outside of the points; solve_error says how certain that is
    while excess(high) < 0 and high < 1e3 * n_sigs[-1]:
        high *= 2
    if excess(high) < 0:
        return math.nan
    from scipy.optimize import brentq

    return float(brentq(excess, 0.0, high, xtol=1e-10 * high, rtol=1e-10))


def _fit_shape(shape: str, n: F64, k: I64, total: I64) -> tuple[F64, float]:
    from scipy.optimize import minimize
    from scipy.special import expit, logit, xlogy

    fraction = k / total
    smallest = 1 / (total.sum() + 2)
    e0 = float(np.clip(fraction[0], smallest, 1 - smallest)) if n[0] == 0 else smallest
    half = (1 + e0) / 2
    above = np.flatnonzero(fraction >= half)
    middle = float(n[above[0]]) if len(above) and n[above[0]] > 0 else float(n[-1])

    def unpack(x: F64) -> F64:
        # e₀ is only free where trials without signal (or many points) determine it
        free = n[0] == 0 or len(n) > 4
        return np.array([expit(x[0]) if free else 0.0, math.exp(min(x[1], 50)), math.exp(min(x[2], 50))])

    def nll(x: F64) -> float:
        e = np.clip(_evaluate(shape, unpack(x), n, n), 1e-12, 1 - 1e-12)
        return -float(np.sum(xlogy(k, e) + xlogy(total - k, 1 - e)))

    best: Any = None
    # the width relative to the middle is what differs between analyses: try a few, keep the deepest minimum
    for relative in (0.3, 0.6, 1.0):
        if shape == "chi2cdf":
            ndof = 2 / relative**2
            start = [logit(e0), math.log(ndof), math.log(middle / ndof)]
        else:
            start = [logit(e0), math.log(middle), math.log(relative * middle)]
        fit = minimize(
            nll, np.array(start), method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9, "maxiter": 3000}
        )
        if best is None or fit.fun < best.fun:
            best = fit
    saturated = -float(np.sum(xlogy(k, fraction) + xlogy(total - k, 1 - fraction)))
    return unpack(best.x), 2 * (float(best.fun) - saturated)


def _deviance_probability(deviance: float, k: I64, total: I64) -> float:
    from scipy.special import chdtrc

    # a point at 0 % or 100 % fits any curve that is flat there and is no degree of freedom
    telling = int(np.sum((k > 0) & (k < total)))
    return float(chdtrc(max(telling - 3, 1), max(deviance, 0.0)))


def _gradient(method: str, params: F64, n: F64) -> F64:
    """(3, N) derivatives of the efficiency with respect to the parameters."""
    rows = []
    for i, p in enumerate(params):
        h = max(abs(p) * 1e-5, 1e-9)
        step = np.zeros(3)
        step[i] = h
        rows.append((_evaluate(method, params + step, n, n) - _evaluate(method, params - step, n, n)) / (2 * h))
    return np.array(rows)


def _isotonic(k: I64, total: I64) -> F64:
    """Weighted least-squares fractions that never fall with n_sig (pool adjacent violators)."""
    pools: list[list[float]] = []  # passed, trials, number of points
    for passed, trials in zip(k.tolist(), total.tolist(), strict=True):
        pools.append([float(passed), float(trials), 1.0])
        while len(pools) > 1 and pools[-2][0] * pools[-1][1] >= pools[-1][0] * pools[-2][1]:
            last = pools.pop()
            pools[-1] = [a + b for a, b in zip(pools[-1], last, strict=True)]
    return np.concatenate([np.full(int(points), passed / trials) for passed, trials, points in pools])
