"""Models as histlite histograms, to be plotted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nusky.typing import F64

__all__ = ["density_histogram", "histogram"]


def histogram(values: F64, bins: Sequence[F64]) -> Any:
    """``histlite.Hist`` of some values.

    Parameters
    ----------
    values : (B₁, …)
    bins : edges of each axis

    Raises
    ------
    ImportError
        Without histlite, with what to do.

    Examples
    --------
    >>> histogram(np.array([2.0, 1.0]), [np.array([0.0, 1.0, 2.0])]).values
    array([2., 1.])
    """
    try:
        import histlite
    except ImportError:
        raise ImportError("the histogram of a model is one of histlite: pip install histlite") from None
    return histlite.Hist(list(bins), values)


def density_histogram(counts: F64, bins: Sequence[F64]) -> Any:
    """Counts normalised along the last axis: densities, 0 in rows without any.

    Examples
    --------
    >>> density_histogram(np.array([2.0, 2.0]), [np.array([0.0, 1.0, 3.0])]).values
    array([0.5 , 0.25])
    """
    total = counts.sum(axis=-1, keepdims=True)
    return histogram(counts / np.where(total > 0, total, 1.0) / np.diff(bins[-1]), bins)
