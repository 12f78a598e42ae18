"""A one-dimensional histogram as TS distributions give it: counts, edges, errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nusky.typing import F64

__all__ = ["Histogram"]


@dataclass(frozen=True)
class Histogram:
    """Counts per bin.

    Attributes
    ----------
    values : (B,) float64
    edges : (B + 1,) float64
        Ascending; the last bin includes its upper edge.

    Examples
    --------
    >>> h = Histogram.of([0.0, 0.5, 2.0], bins=[0, 1, 2])
    >>> h.values.tolist(), h.centers.tolist(), float(h.density().values[0])
    ([2.0, 1.0], [0.5, 1.5], 0.6666666666666666)
    """

    values: F64
    edges: F64
    scale: float = 1.0

    @classmethod
    def of(cls, x: ArrayLike, bins: int | ArrayLike, range: tuple[float, float] | None = None) -> Histogram:
        """Count `x` into `bins` (a number of bins over `range`, or their edges)."""
        values, edges = np.histogram(np.asarray(x, dtype=np.float64), bins=bins, range=range)
        return cls(values.astype(np.float64), edges.astype(np.float64))

    @property
    def bins(self) -> tuple[F64]:
        """The edges as a 1-tuple, as histlite has them."""
        return (self.edges,)

    @property
    def centers(self) -> F64:
        """(B,) bin centres."""
        return np.asarray((self.edges[1:] + self.edges[:-1]) / 2)

    @property
    def errors(self) -> F64:
        """(B,) sqrt(counts), scaled like `values`."""
        return np.asarray(np.sqrt(self.values * self.scale))

    def integrate(self) -> float:
        """Sum of values times widths."""
        return float(np.sum(self.values * np.diff(self.edges)))

    def density(self) -> Histogram:
        """The same with values per unit of x and integral 1; the bins must have one width."""
        widths = np.diff(self.edges)
        if not np.allclose(widths, widths[0]):
            raise ValueError(
                "edges are not evenly spaced: a density's errors would differ by bin; divide by the widths yourself"
            )
        scale = 1 / (float(self.values.sum()) * float(widths[0]))
        return Histogram(self.values * scale, self.edges, self.scale * scale)
