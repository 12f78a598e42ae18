"""`binomial_test`: whether several sources of a list are hotter than chance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nusky.typing import F64, I64
from nusky.units import numbers

__all__ = ["BinomialTest", "binomial_test"]


class BinomialTest(NamedTuple):
    """The smallest binomial probability over all thresholds.

    Attributes
    ----------
    p : (…) array
        min_k P(k); not corrected for the choice of k.
    k : (…) array
        How many sources have it.
    """

    p: F64
    k: I64


def binomial_test(p: ArrayLike, largest: float = 1.0) -> BinomialTest:
    """The number k of sources whose local p are least likely together.

    P(k) = Σ_{m ≥ k} C(J, m) p_k^m (1 − p_k)^{J − m}, with p_k the k-th smallest of J local p: the probability that k or
    more of J sources have a p of p_k or less. The minimum over k is a test statistic, whose own p comes from background
    trials.

    Parameters
    ----------
    p : (…, J) array_like
        Local p-values, 0 < p ≤ 1.
    largest : float
        Only p_k up to this.

    Returns
    -------
    BinomialTest
        Of shape (…); p = 1 and k = 0 where no p_k is small enough.

    Raises
    ------
    ValueError
        For values that are no p.

    Examples
    --------
    >>> test = binomial_test([0.001, 0.9, 0.002, 0.8, 0.7])
    >>> int(test.k), round(float(test.p), 7)
    (2, 3.98e-05)
    """
    from scipy.special import betainc

    ordered = np.sort(numbers("p", p), axis=-1)
    if not ordered.size or not np.all((ordered > 0) & (ordered <= 1)):
        raise ValueError("p must be local p-values above 0 and up to 1, one for each source")
    n = ordered.shape[-1]
    k = np.arange(1, n + 1)
    chance = np.where(ordered <= largest, betainc(k, n - k + 1, ordered), 1.0)
    best = chance.argmin(axis=-1)
    least = np.take_along_axis(chance, best[..., None], axis=-1)[..., 0]
    return BinomialTest(least, np.where(least < 1.0, best + 1, 0))
