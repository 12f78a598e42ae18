"""Values at the end of their range: what float32 rounds beyond a limit is that limit, everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from nusky.typing import F64

__all__ = ["at_limits"]


# A value that was turned from degrees in float32 is off by a few
_SPACINGS = 8


def at_limits(values: Any, low: float, high: float) -> F64:
    """Values with those just beyond a limit moved onto it; those further out are left for the caller to refuse.

    float32 rounds π/2 up to 1.5707964 and 2π to 6.2831855, and 1 + 1e-7 is its next number after 1. "Just beyond" is
    up to 8 spacings of float32 at the larger of the two limits: 1e-6 at π/2.

    Parameters
    ----------
    values : array_like
    low, high : float
        Either may be infinite.

    Returns
    -------
    float64 array (a copy where something moved)

    Examples
    --------
    >>> at_limits(np.float32([1.0, np.pi / 2]), -np.pi / 2, np.pi / 2).max() == np.pi / 2
    np.True_
    >>> at_limits([1.6], -1.5, 1.5).tolist()
    [1.6]
    """
    out = np.asarray(values, dtype=np.float64)
    scale = max(abs(limit) for limit in (low, high) if np.isfinite(limit))
    slack = _SPACINGS * float(np.spacing(np.float32(scale)))
    for limit, beyond in ((low, out < low), (high, out > high)):
        move = beyond & (np.abs(out - limit) <= slack)
        if np.any(move):
            out = np.where(move, limit, out)
    return out
