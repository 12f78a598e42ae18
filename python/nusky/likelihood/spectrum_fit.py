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


def best_ns(terms: F64, limit: float) -> tuple[float, float, Status]:
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
    if not len(terms) or not terms.sum() > 0:
        return 0.0, 0.0, Status.NO_EXCESS
    lowest = float(terms.min())
    low, high = 0.0, min(limit, -1.0 / lowest if lowest < 0 else np.inf)
    n, status = 0.0, Status.NOT_CONVERGED
    for _ in range(_STEPS):
        slopes = terms / (1.0 + n * terms)
        slope = float(slopes.sum())
        slopes *= slopes
        step = slope / float(slopes.sum())
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
    return 2.0 * float(np.log1p(n * terms).sum()), n, status
