"""p-values counted from background trials, and their distance from 1/2 in Gaussian sigmas.

A p-value is never a bare number here: it carries how many trials stand behind it, its binomial error, and whether it
was counted or extrapolated with a fitted tail.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.units import numbers

__all__ = ["PValue", "binomial_error", "binomial_interval", "counted_p", "nsigma_to_p", "p_to_nsigma"]

Method = Literal["trials", "chi2 fit", "histogram"]


@dataclass(frozen=True)
class PValue:
    """One p-value with what is needed to judge it.

    Attributes
    ----------
    p : float, 0 < p <= 1
    error : float
        One standard deviation of `p`: binomial where counted; where extrapolated, propagated from the fit together with
        `error_systematic`.
    n_trials : int
        Background trials behind the number.
    n_above : int
        Trials with TS at or above the observed one.
    method : "trials", "histogram" or "chi2 fit"
    extrapolated : bool
        True if the number rests on a fitted tail beyond the counted trials.
    error_systematic : float
        The part of `error` that comes from the choice of the tail's threshold and form.
    beyond : float
        By how much the observed TS lies above the largest of the trials; 0 if it does not.

    Examples
    --------
    >>> p = counted_p(n_above=2, n_trials=999)
    >>> p.p, round(p.nsigma, 2), p.extrapolated
    (0.003, 2.75, False)
    """

    p: float
    error: float
    n_trials: int
    n_above: int
    method: Method
    extrapolated: bool
    error_systematic: float = 0.0
    beyond: float = 0.0

    @property
    def mlog10p(self) -> float:
        """−log10 p."""
        return -math.log10(self.p) if self.p > 0 else math.inf

    @property
    def nsigma(self) -> float:
        """One-sided Gaussian significance: p = 2.36e-3 is 2.83 sigma."""
        return float(p_to_nsigma(self.p))

    def __float__(self) -> float:
        return self.p

    def __str__(self) -> str:
        how = "extrapolated with the chi2 fit to" if self.extrapolated else f"{self.n_above} at or above of"
        sigma = f"{self.nsigma:.2f} sigma"
        if math.isinf(self.nsigma):  # p = 1, or smaller than a double can be
            sigma = "no excess" if self.p >= 1 else "more than 38 sigma"
        far = f", {self.beyond:.3g} beyond the largest TS of them" if self.extrapolated and self.beyond > 0 else ""
        return f"p = {self.p:.3g} +/- {self.error:.2g} ({sigma}; {how} {self.n_trials} trials{far})"


def counted_p(n_above: int, n_trials: int, *, method: Method = "trials") -> PValue:
    """p = (1 + #{TS_bg >= TS}) / (1 + n), with its binomial error.

    The observation itself is counted as one of the n + 1 equally likely outcomes of the background hypothesis, so the
    p-value is never zero and is valid, P(p <= alpha) <= alpha, for every number of trials (Davison & Hinkley 1997,
    section 4.2).

    Parameters
    ----------
    n_above : int
        Trials with TS greater than or equal to the observed one, 0 … n_trials.
    n_trials : int, >= 1
    method : str
        Where the count comes from.

    Raises
    ------
    ValueError
        If there is no trial, or `n_above` is not within 0 … n_trials.
    """
    if n_trials < 1:
        raise ValueError(f"n_trials = {n_trials}: a p-value needs at least one background trial")
    if not 0 <= n_above <= n_trials:
        raise ValueError(f"n_above = {n_above} is not within 0 … n_trials = {n_trials}")
    p = (1 + n_above) / (1 + n_trials)
    return PValue(p, math.sqrt(p * (1 - p) / (1 + n_trials)), n_trials, n_above, method, False)


def binomial_error(k: ArrayLike, n: ArrayLike) -> NDArray[np.float64]:
    """Standard deviation of the fraction k / n, never 0 for want of trials.

    sqrt(f (1 − f) / n) with f = k / n; where k is 0 or n that would claim perfect knowledge, so Laplace's
    f = (k + 1) / (n + 2) takes its place there.

    Parameters
    ----------
    k, n : array_like of int
        Successes and trials; broadcast together.

    Examples
    --------
    >>> float(binomial_error(50, 100)), round(float(binomial_error(0, 100)), 4)
    (0.05, 0.0099)
    """
    k, n = numbers("k", k), numbers("n", n)
    f = np.where((k == 0) | (k == n), (k + 1) / (n + 2), k / np.where(n > 0, n, 1))
    return np.asarray(np.sqrt(f * (1 - f) / np.where(n > 0, n, 1)))


def binomial_interval(
    k: ArrayLike, n: ArrayLike, *, cl: float = 0.6827
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Clopper–Pearson central interval of a binomial fraction: coverage at least `cl` for every k and n.

    Parameters
    ----------
    k, n : array_like of int
    cl : float, 0 < cl < 1

    Returns
    -------
    low, high : ndarray
    """
    from scipy.special import betaincinv

    if not 0 < cl < 1:
        raise ValueError(f"cl = {cl}: give a confidence level between 0 and 1")
    k, n = numbers("k", k), numbers("n", n)
    half = (1 - cl) / 2
    low = np.where(k > 0, betaincinv(np.maximum(k, 1), n - k + 1, half), 0.0)
    high = np.where(k < n, betaincinv(k + 1, np.maximum(n - k, 1), 1 - half), 1.0)
    return np.asarray(low), np.asarray(high)


def nsigma_to_p(nsigma: ArrayLike) -> NDArray[np.float64]:
    """One-sided Gaussian tail probability of `nsigma`.

    Examples
    --------
    >>> f"{float(nsigma_to_p(5)):.3g}"
    '2.87e-07'
    """
    from scipy.special import ndtr

    return np.asarray(ndtr(-numbers("nsigma", nsigma)))


def p_to_nsigma(p: ArrayLike) -> NDArray[np.float64]:
    """Inverse of `nsigma_to_p`: +inf at p = 0, −inf at p = 1.

    Examples
    --------
    >>> round(float(p_to_nsigma(2.36e-3)), 2)
    2.83
    """
    from scipy.special import ndtri

    return np.asarray(-ndtri(numbers("p", p)))
