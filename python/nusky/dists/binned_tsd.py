"""TS distribution kept as a histogram: constant size for any number of trials, and batches can be added up."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.dists.description import config_of
from nusky.dists.histogram import histogram
from nusky.dists.pvalue import PValue, binomial_error, counted_p, nsigma_to_p, p_to_nsigma
from nusky.dists.tsd import about_file, finite, ts_values
from nusky.files.npz import write_npz
from nusky.sphere import at_limits
from nusky.typing import F64
from nusky.units import numbers

__all__ = ["BinnedTSD"]


class BinnedTSD:
    """TS distribution of which only a histogram is kept: for 10⁷ and more trials.

    Counts are exact at the bin edges. Between them `sf` takes the value of the edge below, which is conservative: a
    p-value is never smaller than the one of the trials themselves.

    Parameters
    ----------
    values, n_zero
        As for `TSD`.
    bins : (B + 1,) array_like, optional
        Ascending edges, the first one 0. Default 0 … 100 in steps of 0.02. TS above the last edge counts as overflow.

    Raises
    ------
    ValueError
        As for `TSD`, for edges that do not ascend from 0, or for a look-up beyond the last edge while trials lie there.

    Examples
    --------
    >>> a, b = BinnedTSD([0.5, 2.0], n_zero=8), BinnedTSD([4.0], n_zero=9)
    >>> BinnedTSD.merged([a, b])
    BinnedTSD(20 trials, eta=0.150, median=0.000)
    >>> float(BinnedTSD.merged([a, b]).sf(2.0))
    0.1
    """

    def __init__(self, values: Any, n_zero: int = 0, *, bins: ArrayLike | None = None) -> None:
        ts = ts_values(values)
        self.config = config_of(values)
        edges = np.arange(5001) / 50 if bins is None else np.asarray(bins, dtype=np.float64)
        if edges.ndim != 1 or len(edges) < 2 or edges[0] != 0 or not np.all(np.diff(edges) > 0):
            raise ValueError(
                f"bins must be ascending edges that begin with 0, got shape {edges.shape} from {edges.flat[:1]}"
            )
        if n_zero != int(n_zero) or n_zero < 0:
            raise ValueError(f"n_zero = {n_zero}: give the number of further trials with TS = 0, an integer >= 0")
        positive = ts[ts > 0]
        # bin i counts edges[i] <= TS < edges[i + 1], so that sf at an edge includes the edge itself, as a p-value does
        at = np.searchsorted(edges, positive, side="right") - 1
        counts = np.bincount(at, minlength=len(edges)).astype(np.int64)
        self._set(counts, edges, int(n_zero) + len(ts) - len(positive))

    def _set(self, counts: NDArray[np.int64], edges: F64, n_zero: int) -> None:
        self._counts = counts  # the last one is the overflow
        self._edges = edges
        self._n_zero = n_zero
        if self.n_total == 0:
            raise ValueError("values is empty and n_zero is 0: a distribution needs at least one trial")
        self._at_or_above = np.cumsum(counts[::-1])[::-1]  # trials with TS >= edge and TS > 0

    @classmethod
    def from_counts(cls, counts: ArrayLike, edges: ArrayLike, *, n_zero: int, n_overflow: int = 0) -> BinnedTSD:
        """From a histogram of the trials with TS > 0 (bins closed below), the number at 0 and beyond the last edge."""
        counts = np.asarray(counts)
        if (
            counts.ndim != 1
            or len(counts) != len(np.asarray(edges)) - 1
            or np.any(counts < 0)
            or n_zero < 0
            or n_overflow < 0
        ):
            raise ValueError(
                f"counts of shape {counts.shape} must be >= 0 and one fewer than the edges, shape {np.shape(edges)}"
            )
        made = cls([], 1, bins=edges)
        made._set(np.append(counts, n_overflow).astype(np.int64), made._edges, int(n_zero))
        return made

    @classmethod
    def merged(cls, parts: Iterable[BinnedTSD]) -> BinnedTSD:
        """Sum of distributions with the same edges."""
        parts = list(parts)
        if not parts:
            raise ValueError("parts is empty: give at least one BinnedTSD")
        for i, part in enumerate(parts[1:], 1):
            if not np.array_equal(part._edges, parts[0]._edges):
                raise ValueError(f"parts[{i}] has other bin edges than parts[0]: make all with the same bins=")
            if part.config != parts[0].config:
                differ = sorted(
                    key
                    for key in part.config.keys() | parts[0].config.keys()
                    if part.config.get(key) != parts[0].config.get(key)
                )
                raise ValueError(
                    f"parts[{i}] was made with another configuration than parts[0] ({', '.join(differ)}): such trials "
                    "are not of one distribution"
                )
        made = cls([], 1, bins=parts[0]._edges)
        made.config = dict(parts[0].config)
        made._set(np.sum([p._counts for p in parts], axis=0), parts[0]._edges, sum(p._n_zero for p in parts))
        return made

    @property
    def n_total(self) -> int:
        """Number of trials, zeros included."""
        return int(self._counts.sum()) + self._n_zero

    @property
    def n_zero(self) -> int:
        """Trials with TS <= 0."""
        return self._n_zero

    @property
    def eta(self) -> float:
        """Fraction of trials with TS > 0."""
        return 1 - self._n_zero / self.n_total

    def n_above(self, x: ArrayLike) -> NDArray[np.int64]:
        """Trials with TS >= the bin edge at or below x (all trials for x <= 0)."""
        x = finite(x)
        if self._counts[-1] and np.any(x > self._edges[-1]):
            raise ValueError(
                f"x = {float(np.max(x)):g} lies beyond the last bin edge {self._edges[-1]:g}, where "
                f"{self._counts[-1]} trials are only counted: make the distribution with bins= that reach further"
            )
        at = np.clip(np.searchsorted(self._edges, x, side="right") - 1, 0, len(self._edges) - 1)
        return np.where(x <= 0, self.n_total, self._at_or_above[at])

    def sf(self, x: ArrayLike, fit: bool | None = None) -> F64:
        """Fraction of trials with TS >= x, to the bin edge below; `fit` is accepted for symmetry, there is no fit."""
        self._refuse(fit)
        return np.asarray(self.n_above(x) / self.n_total)

    def cdf(self, x: ArrayLike, fit: bool | None = None) -> F64:
        """1 − sf."""
        return np.asarray(1 - self.sf(x, fit))

    def sf_error(self, x: ArrayLike, fit: bool | None = None) -> F64:
        """Binomial standard deviation of `sf`."""
        self._refuse(fit)
        return binomial_error(self.n_above(x), self.n_total)

    def p_values(self, x: ArrayLike, fit: bool | None = None) -> F64:
        """(1 + k) / (1 + n)."""
        self._refuse(fit)
        return np.asarray((1 + self.n_above(x)) / (1 + self.n_total))

    def p_value(self, x: float, fit: bool | None = None) -> PValue:
        """The p-value of one TS with its error."""
        self._refuse(fit)
        return counted_p(int(self.n_above(x)), self.n_total, method="histogram")

    def sf_nsigma(self, x: ArrayLike, fit: bool | None = None) -> F64:
        """`p_values` in one-sided Gaussian sigmas."""
        return p_to_nsigma(self.p_values(x, fit))

    def isf(self, p: ArrayLike, fit: bool | None = None) -> F64:
        """Lowest bin edge that a trial exceeds with probability at most p (conservative by at most a bin).

        Raises
        ------
        ValueError
            If p is outside (0, 1], below 1 / n_total, or the edge would be in the overflow.
        """
        self._refuse(fit)
        p = at_limits(numbers("p", p), 0.0, 1.0)
        if not np.all((p > 0) & (p <= 1)):
            raise ValueError(f"p = {p[~((p > 0) & (p <= 1))].flat[0]} is not within 0 < p <= 1")
        allowed = p * self.n_total * (1 + 1e-12)
        if np.any(allowed < 1):
            raise ValueError(
                f"p = {float(np.min(p)):.3g} is below 1 / n_total = {1 / self.n_total:.3g}: "
                "make more trials, or use Chi2TSD"
            )
        return self._lowest_edge(allowed)

    def isf_nsigma(self, nsigma: ArrayLike, fit: bool | None = None) -> F64:
        """`isf` of the one-sided Gaussian tail probability of `nsigma`."""
        return self.isf(nsigma_to_p(nsigma), fit)

    def median(self, fit: bool | None = False) -> float:
        """Median TS, to the bin edge above."""
        self._refuse(fit)
        return float(self._lowest_edge(np.asarray(0.5 * self.n_total)))

    def get_hist(self) -> Any:
        """histlite histogram of the trials with TS > 0 and, in the first bin, those at 0; without the overflow."""
        values = self._counts[:-1].astype(np.float64)
        values[0] += self._n_zero
        return histogram(values, self._edges)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the distribution to an npz file, complete or not at all; `dists.read_tsd` reads it back.

        Parameters
        ----------
        path : path-like
            Taken as it is; ".npz" is not added.
        """
        arrays = {"n_zero": np.array(self.n_zero), "counts": self._counts, "edges": self._edges}
        write_npz(path, arrays, about_file(type(self).__name__, self.config))

    @property
    def description(self) -> str:
        """Table of what the distribution is and its thresholds."""
        rows = [f"BinnedTSD from {self.n_total} trials:", f"  eta    = {self.eta:.4f}", "Thresholds:       trials"]
        for label, p in [("median", 0.5)] + [(f"{n} sigma", float(nsigma_to_p(n))) for n in (1, 2, 3, 4, 5)]:
            known = p * self.n_total >= 1 and p * self.n_total >= self._counts[-1]  # not in the overflow
            rows.append(f"  {label:8s}      " + (f"{float(self.isf(p)):9.3f}" if known else "        -"))
        return "\n".join(rows)

    def __len__(self) -> int:
        return self.n_total

    def __repr__(self) -> str:
        return f"BinnedTSD({self.n_total} trials, eta={self.eta:.3f}, median={self.median():.3f})"

    def _lowest_edge(self, allowed: F64) -> F64:
        """Lowest edge with at most `allowed` trials above it."""
        # at TS = 0 itself the zeros do not exceed: the count at edge 0 is already that of TS > 0
        at = np.searchsorted(-self._at_or_above, -allowed, side="left")
        if np.any(at >= len(self._edges)):
            raise ValueError(
                f"the threshold lies in the overflow beyond the last bin edge {self._edges[-1]:g}: use wider bins="
            )
        return np.asarray(self._edges[at])

    @staticmethod
    def _refuse(fit: bool | None) -> None:
        if fit:
            raise ValueError("fit=True: a BinnedTSD has no fitted tail; keep the trials and use Chi2TSD")
