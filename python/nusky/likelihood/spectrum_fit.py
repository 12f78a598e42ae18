"""The best n_s of a likelihood whose spectrum is fixed: a concave function, also where terms are negative."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nusky.trial import Status

if TYPE_CHECKING:
    from nusky.typing import F64

__all__ = ["best_ns"]

_STEPS = 200
_PRECISION = 1e-10
# Terms with n |z| below this enter by their moments, so many of them: what is left out of ln Λ is below 3e-13 a term
_SMALL, _MOMENTS = 0.05, 8


class _Sums:
    """Derivatives of ln Λ for 0 ≤ n ≤ `reach`: the few large terms one by one, the others by their moments."""

    def __init__(self, terms: F64, reach: float, counts: F64 | None) -> None:
        small = np.abs(terms) * reach <= _SMALL
        self.reach, self.large = reach, terms[~small]
        self.counts = None if counts is None else counts[~small]
        rest, power = terms[small], np.ones(int(small.sum())) if counts is None else counts[small]
        self.moments = []
        for _ in range(_MOMENTS):
            power = power * rest
            self.moments.append(float(power.sum()))

    def slope(self, n: float) -> tuple[float, float]:
        """First derivative, and minus the second."""
        slopes = self.large / (1.0 + n * self.large)
        if self.counts is None:
            first, second = float(slopes.sum()), float((slopes * slopes).sum())
        else:
            first, second = float(slopes @ self.counts), float((slopes * slopes) @ self.counts)
        for k, moment in enumerate(self.moments):
            first += (-n) ** k * moment
            second += k * (-n) ** (k - 1) * moment if k else 0.0
        return first, second if second > 0 else np.inf

    def value(self, n: float) -> float:
        """ln Λ."""
        rest = sum(-((-n) ** (k + 1)) * moment / (k + 1) for k, moment in enumerate(self.moments))
        logs = np.log1p(n * self.large)
        return float(logs.sum() if self.counts is None else logs @ self.counts) + rest


def best_ns(terms: F64, limit: float, counts: F64 | None = None) -> tuple[float, float, Status]:
    """Maximum over 0 ≤ n < `limit` of ln Λ(n) = Σ_i ln(1 + n z_i).

    Each term is concave in n, whatever the sign of z_i, and so is the sum: where its derivative vanishes is the only
    maximum. Newton's method between a point below and one above it; the step is shortened where it would leave the
    range in which all terms are finite.

    Parameters
    ----------
    terms : (N,)
        z_i = (f_k/N_k) (W_i − 1), or with the signal's own background W_i − W̃_i; finite.
    limit : float
        Bound of n.
    counts : (N,), optional
        How often each term comes; once.

    Returns
    -------
    ts : float
        2 ln Λ at the maximum.
    ns : float
    status : Status

    Examples
    --------
    >>> import numpy as np
    >>> ts, ns, status = best_ns(np.array([0.3, -0.1, -0.1]), 100.0)      # 0.3 / (1 + 0.3 n) = 0.2 / (1 − 0.1 n)
    >>> round(ns, 6), status.name
    (1.111111, 'OK')
    """
    if not len(terms) or not (terms.sum() if counts is None else terms @ counts) > 0:
        return 0.0, 0.0, Status.NO_EXCESS
    lowest = float(terms.min())
    low, high = 0.0, min(limit, -1.0 / lowest if lowest < 0 else np.inf)
    n, status = 0.0, Status.NOT_CONVERGED
    n_terms = len(terms) if counts is None else counts.sum()
    sums = _Sums(terms, min(high, 1e-3 * n_terms), counts)
    for _ in range(_STEPS):
        if n > sums.reach:
            sums = _Sums(terms, min(high, 4.0 * n), counts)
        slope, bend = sums.slope(n)
        step = slope / bend
        low, high = (n, high) if slope > 0 else (low, n)
        found = n + step
        if abs(step) <= _PRECISION * max(found, _PRECISION):
            status = Status.OK
            break
        if not low < found < high:
            found = 0.5 * (low + high)
        if limit - found <= _PRECISION * limit:
            n, status = found, Status.AT_NS_LIMIT
            break
        n = found
    if n > sums.reach:
        sums = _Sums(terms, n, counts)
    return 2.0 * sums.value(n), n, status
