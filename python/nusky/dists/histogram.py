"""Counts as a histlite histogram, which csky's users plot and integrate."""

from __future__ import annotations

from typing import Any

import numpy as np

from nusky.typing import F64

__all__ = ["histogram"]


def histogram(counts: Any, edges: F64) -> Any:
    """``histlite.Hist`` of some counts: ``.values``, ``.bins[0]``, ``.centers[0]``, ``.integrate().values``.

    Parameters
    ----------
    counts : (B,)
    edges : (B + 1,) ascending

    Raises
    ------
    ImportError
        Without histlite, with what to do.

    Examples
    --------
    >>> histogram([2, 1], np.array([0.0, 1.0, 2.0])).values
    array([2., 1.])
    """
    try:
        import histlite
    except ImportError:
        raise ImportError(
            "get_hist gives a histlite histogram: pip install histlite, or use numpy.histogram(tsd.values)"
        ) from None
    values = np.asarray(counts, dtype=np.float64)
    return histlite.Hist(edges, values, np.sqrt(values))
