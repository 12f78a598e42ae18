"""The tail of a TS distribution as a scaled χ²: fitted by maximum likelihood to the trials above a threshold.

With γ free Wilks' theorem does not hold (γ is undefined at n_s = 0), so the number of degrees of freedom is fitted
(1.1–1.8 is usual). Half a χ²₁ is expected only for fixed γ and many events (statistics.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nusky.typing import F64

__all__ = ["Chi2Tail", "check_held", "fit_chi2_tail"]

# Logarithm of a parameter below which its best value is 0
_AT_ZERO = math.log(1e-3)


@dataclass(frozen=True)
class Chi2Tail:
    """P(TS >= x) = eta · S(x) / S(threshold) for x >= threshold, S the survival function of loc + scale · χ²_ndof.

    Attributes
    ----------
    ndof, loc, scale : float
    threshold : float
        Only trials above it were fitted; the tail says nothing below it.
    eta : float
        Fraction of the trials above `threshold`.
    n_above, n_total : int
    covariance : (2, 2) ndarray
        Of (ndof, scale); rows and columns of a parameter held fixed are 0, those of one that ran to 0 are NaN.
    """

    ndof: float
    loc: float
    scale: float
    threshold: float
    eta: float
    n_above: int
    n_total: int
    covariance: F64

    @property
    def ndof_error(self) -> float:
        """Standard deviation of `ndof` (0 if it was held fixed)."""
        return math.sqrt(self.covariance[0, 0])

    @property
    def scale_error(self) -> float:
        """Standard deviation of `scale` (0 if it was held fixed)."""
        return math.sqrt(self.covariance[1, 1])

    def sf(self, x: ArrayLike) -> F64:
        """P(TS >= x); NaN below the threshold."""
        x = np.asarray(x, dtype=np.float64)
        return np.where(x >= self.threshold, self.eta * self._conditional_sf(x, self.ndof, self.scale), np.nan)

    @np.errstate(under="ignore")
    def sf_error(self, x: ArrayLike) -> F64:
        """Standard deviation of `sf`: the binomial error of eta and the covariance of the fitted parameters."""
        x = np.asarray(x, dtype=np.float64)
        sf = self.sf(x)
        h_ndof, h_scale = 1e-4 * self.ndof, 1e-4 * self.scale
        gradient = np.stack(
            [
                self._conditional_sf(x, self.ndof + h_ndof, self.scale)
                - self._conditional_sf(x, self.ndof - h_ndof, self.scale),
                self._conditional_sf(x, self.ndof, self.scale + h_scale)
                - self._conditional_sf(x, self.ndof, self.scale - h_scale),
            ]
        ) / np.reshape([2 * h_ndof, 2 * h_scale], (2,) + (1,) * x.ndim)
        from_fit = np.einsum("i...,ij,j...->...", gradient, self.covariance, gradient) * self.eta**2
        from_eta = sf**2 * (1 - self.eta) / max(self.n_above, 1)
        return np.asarray(np.sqrt(from_fit + from_eta))

    def isf(self, p: ArrayLike) -> F64:
        """TS that is reached with probability p; NaN for p above eta, where the tail says nothing."""
        from scipy.special import chdtri

        p = np.asarray(p, dtype=np.float64)
        at_threshold = self._sf0(self.threshold, self.ndof, self.scale)
        inside = (p > 0) & (p <= self.eta)
        y = chdtri(self.ndof, np.where(inside, p / self.eta, 1.0) * at_threshold)
        return np.where(inside, self.loc + self.scale * y, np.where(p == 0, np.inf, np.nan))

    def pdf(self, x: ArrayLike) -> F64:
        """Density of all trials at x (integrates to eta above the threshold); NaN below the threshold."""
        from scipy.special import gammaln, xlogy

        x = np.asarray(x, dtype=np.float64)
        y = np.maximum((x - self.loc) / self.scale, 0.0)
        half = self.ndof / 2
        with np.errstate(divide="ignore"):  # the density of ndof < 2 diverges at loc
            log_pdf = xlogy(half - 1, y) - y / 2 - half * math.log(2) - gammaln(half) - math.log(self.scale)
        density = self.eta * np.exp(log_pdf) / self._sf0(self.threshold, self.ndof, self.scale)
        return np.where(x >= self.threshold, density, np.nan)

    def _sf0(self, x: ArrayLike, ndof: float, scale: float) -> F64:
        from scipy.special import chdtrc

        return np.asarray(chdtrc(ndof, np.maximum((np.asarray(x) - self.loc) / scale, 0.0)))

    def _conditional_sf(self, x: F64, ndof: float, scale: float) -> F64:
        return self._sf0(x, ndof, scale) / self._sf0(self.threshold, ndof, scale)


def fit_chi2_tail(
    values: F64,
    n_total: int,
    *,
    threshold: float = 0.0,
    loc: float = 0.0,
    scale: float | None = 1.0,
    ndof: float | None = None,
) -> Chi2Tail | None:
    """Maximum-likelihood χ² of the trials above `threshold`.

    Parameters
    ----------
    values : (n,) float64
        TS values; those at or below `threshold` are ignored here.
    n_total : int
        All trials, including zeros that are not in `values`.
    threshold : float
        Fit only trials with TS > threshold (the likelihood is that of the truncated χ²).
    loc : float
        Origin of the χ², <= threshold.
    scale, ndof : float or None
        A number holds the parameter there, None fits it.

    Returns
    -------
    Chi2Tail or None
        None where no trial is above the threshold, or two parameters would be fitted to one single value.

    Raises
    ------
    ValueError
        If `loc` is above `threshold`, or a held parameter is not positive.
    """
    check_held(threshold, loc, scale, ndof)
    x = values[values > threshold]
    n_free = (scale is None) + (ndof is None)
    if len(x) == 0 or (n_free == 2 and x.min() == x.max()):
        return None
    # the untruncated likelihood knows the data only through two means: 10⁸ trials cost no more than 10²
    mean, mean_log = float(np.mean(x - loc)), float(np.mean(np.log(x - loc)))
    start = np.log([ndof or max(mean / (scale or 1.0), 1e-2), scale or 1.0])
    free = [i for i, held in enumerate((ndof, scale)) if held is None]

    def nll(log_free: F64) -> float:
        both = start.copy()
        both[free] = log_free
        return _mean_nll(both, mean, mean_log, threshold - loc)

    best = start.copy()
    covariance = np.zeros((2, 2))
    if free:
        from scipy.optimize import minimize

        fit = minimize(nll, start[free], method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-13, "maxiter": 4000})
        best[free] = fit.x
        if np.all(fit.x > _AT_ZERO):
            jacobian = np.diag(np.exp(best[free]))
            covariance[np.ix_(free, free)] = jacobian @ _inverse_hessian(nll, fit.x, len(x)) @ jacobian
        else:  # no curvature there: a logarithm that runs to −∞ leaves its last step, not an error
            covariance[np.ix_(free, free)] = np.nan
    return Chi2Tail(
        ndof=float(np.exp(best[0])), loc=float(loc), scale=float(np.exp(best[1])), threshold=float(threshold),
        eta=len(x) / n_total, n_above=len(x), n_total=n_total, covariance=covariance,
    )  # fmt: skip


def check_held(threshold: float | None, loc: float, scale: float | None, ndof: float | None) -> None:
    """Raise ValueError for parameters that `fit_chi2_tail` cannot hold; a threshold of None is one yet to be chosen."""
    if threshold is not None and loc > threshold:
        raise ValueError(
            f"loc = {loc} lies above threshold = {threshold}: a χ² has no density below its loc; raise threshold"
        )
    for name, held in (("scale", scale), ("ndof", ndof)):
        if held is not None and not (held > 0 and math.isfinite(held)):
            raise ValueError(f"{name} = {held}: hold it at a positive number, or give None to fit it")


def _mean_nll(log_params: F64, mean: float, mean_log: float, cut: float) -> float:
    from scipy.special import chdtrc, gammaln

    with np.errstate(all="ignore"):
        ndof, scale = np.exp(np.clip(log_params, -30, 30))
        half = ndof / 2
        nll = half * math.log(2 * scale) + gammaln(half) - (half - 1) * mean_log + mean / (2 * scale)
        if cut > 0:
            nll += np.log(chdtrc(ndof, cut / scale))
    return float(nll) if np.isfinite(nll) else 1e300


def _inverse_hessian(nll: Callable[[F64], float], at: F64, n: int, step: float = 1e-3) -> F64:
    """Covariance of the logarithms of the parameters from central second differences of n · nll."""
    d = len(at)
    shift = np.eye(d) * step
    h = np.empty((d, d))
    for i in range(d):
        for j in range(d):
            corners = [nll(at + a * shift[i] + b * shift[j]) * a * b for a in (-1, 1) for b in (-1, 1)]
            h[i, j] = sum(corners) / (4 * step**2)
    try:
        inverse = np.asarray(np.linalg.inv(h * n), dtype=np.float64)
    except np.linalg.LinAlgError:
        return np.full((d, d), np.nan)
    return inverse if bool(np.all(np.diag(inverse) > 0)) else np.full((d, d), np.nan)
