"""Models as histlite histograms, to be plotted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.typing import F64

if TYPE_CHECKING:
    from nusky.analysis.energy import EnergyRatio

__all__ = ["ByGamma", "RatioAt", "density_histogram", "histogram"]


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


class ByGamma(list[Any]):
    """One entry for each γ node, by its number or by the node itself.

    Examples
    --------
    >>> one = ByGamma(np.array([1.0, 2.5]), ["hard", "soft"])
    >>> one[0], one[2.5], list(one)
    ('hard', 'soft', ['hard', 'soft'])
    """

    def __init__(self, gammas: F64, entries: Sequence[Any]) -> None:
        super().__init__(entries)
        self._at = dict(zip(gammas.tolist(), range(len(entries)), strict=True))

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, (float, np.floating)):
            if float(key) not in self._at:
                near = min(self._at, key=lambda gamma: abs(gamma - key))
                raise KeyError(f"γ = {key:g} is no node; the nearest is {near:g}")
            return super().__getitem__(self._at[float(key)])
        return super().__getitem__(key)


@dataclass(frozen=True)
class RatioAt:
    """ln R at one node, as a function of sin δ and log10 E.

    Examples
    --------
    >>> ana[0].energy_pdf_ratio_model.ss_hl[2.0].eval(bins=100)            # doctest: +SKIP
    """

    ratio: EnergyRatio
    node: int

    def __call__(self, sindec: ArrayLike, log10energy: ArrayLike) -> F64:
        s, e = np.broadcast_arrays(np.asarray(sindec, dtype=np.float64), np.asarray(log10energy, dtype=np.float64))
        return self.ratio.log_ratio(s.ravel(), e.ravel())[:, self.node].reshape(s.shape)

    def eval(self, bins: int = 100) -> Any:
        """histlite histogram of R on so many bins of both axes (needs histlite)."""
        ends = [(edges[0], edges[-1]) for edges in (self.ratio.sindec_bins, self.ratio.log10energy_bins)]
        edges = [np.linspace(low, high, bins + 1) for low, high in ends]
        s, e = (0.5 * (axis[1:] + axis[:-1]) for axis in edges)
        return histogram(np.exp(self(s[:, None], e)), edges)
