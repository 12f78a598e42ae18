"""`TSD`: distribution of the test statistic from trials as they are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.arrays import Arrays
from nusky.dists.chi2 import Chi2Tail
from nusky.dists.description import config_of, describe, signal_of
from nusky.dists.histogram import histogram
from nusky.dists.pvalue import PValue, binomial_error, counted_p, nsigma_to_p, p_to_nsigma
from nusky.files.npz import write_npz
from nusky.missing import is_unseen, without_missing
from nusky.notebook import html_table
from nusky.sphere import at_limits
from nusky.typing import F64
from nusky.units import in_unit, numbers
from nusky.version import code_version

__all__ = ["FORMAT", "MIN_TAIL", "TSD", "about_file", "finite", "ts_values"]

#: Format of the files of all distributions.
FORMAT = "nusky-tsd-1"


MIN_TAIL = 10
"""Trials at or above a point from which the counted fraction is preferred to the fitted tail: its error is <= 32 %."""


class TSD:
    """Distribution of TS from background (or signal) trials.

    Parameters
    ----------
    values : (n,) array_like, structured array with a field ``ts``, or any object with ``.ts``
        Finite TS values.
    n_zero : int
        Further trials with TS = 0 that are not in `values`.

    Attributes
    ----------
    n_sig : float or None
        Events injected into the trials, where they say so.
    config : dict
        What decided the numbers of the trials (`TrialSet.config`): prior policies, pixels, window, γ and more. Empty
        where `values` were bare numbers.

    Raises
    ------
    ValueError
        If there is no trial at all, a value is NaN or infinite, or `n_zero` is negative.

    Examples
    --------
    >>> bg = TSD([0.5, 2.0, 4.0], n_zero=7)
    >>> bg
    TSD(10 trials, eta=0.300, median=0.000)
    >>> float(bg.sf(2.0)), bg.p_value(2.0).p
    (0.2, 0.2727272727272727)
    """

    _fits_tail: ClassVar[bool] = False
    n_sig: float | None = None

    def __init__(self, values: Any, n_zero: int = 0) -> None:
        ts = ts_values(values)
        self.config, self.n_sig = config_of(values), signal_of(values)
        if np.asarray(n_zero).dtype.kind not in "iuf" or not (0 <= n_zero < np.inf and n_zero == int(n_zero)):
            raise ValueError(f"n_zero = {n_zero}: give the number of further trials with TS = 0, an integer >= 0")
        named = values.trials if isinstance(values, TSD) else values
        columns = getattr(getattr(named, "dtype", None), "names", None)
        self._table = (named if isinstance(named, Arrays) else Arrays(named)) if columns else None
        self._table_zeros = int(n_zero)  # such trials have no row
        nonzero = np.sort(ts[ts != 0])
        self._nonzero = nonzero
        self._nonzero.setflags(write=False)
        self._n_zero = int(n_zero) + len(ts) - len(nonzero)
        self._n_negative = int(np.searchsorted(nonzero, 0.0))
        if self.n_total == 0:
            raise ValueError("values is empty and n_zero is 0: a distribution needs at least one trial")

    @property
    def n_total(self) -> int:
        """Number of trials, zeros included."""
        return len(self._nonzero) + self._n_zero

    @property
    def n_zero(self) -> int:
        """Trials with TS exactly 0."""
        return self._n_zero

    @property
    def trials(self) -> Any:
        """The trials as they were given, a table with its columns (`Arrays`); from plain TS values, `values`."""
        return self.values if self._table is None or self._table_zeros else self._table

    @property
    def values(self) -> F64:
        """(n_total,) all TS values, ascending."""
        k = self._n_negative
        return np.concatenate([self._nonzero[:k], np.zeros(self._n_zero), self._nonzero[k:]])

    @property
    def eta(self) -> float:
        """Fraction of trials with TS > 0."""
        return (len(self._nonzero) - self._n_negative) / self.n_total

    @property
    def tail(self) -> Chi2Tail | None:
        """The fitted tail; None where there is none (always, for a plain `TSD`)."""
        return None

    def n_above(self, x: ArrayLike, *, strict: bool = False) -> NDArray[np.int64]:
        """Trials with TS >= x, or TS > x if `strict`."""
        x = finite(x)
        below = np.searchsorted(self._nonzero, x, side="right" if strict else "left")
        zeros = np.where((x < 0) | ((x == 0) & (not strict)), self._n_zero, 0)
        return np.asarray(len(self._nonzero) - below + zeros, dtype=np.int64)

    def sf(self, x: ArrayLike, fit: bool | None = None) -> F64:
        """Fraction of trials with TS >= x (survival function; includes the point itself, as a p-value does).

        Parameters
        ----------
        x : array_like
        fit : bool, optional
            See `nusky.dists`.
        """
        x = finite(x)
        k = self.n_above(x)
        return self._blend(x, k, k / self.n_total, fit)

    def cdf(self, x: ArrayLike, fit: bool | None = None) -> F64:
        """1 − sf: fraction of trials with TS < x."""
        return np.asarray(1 - self.sf(x, fit))

    def sf_error(self, x: ArrayLike, fit: bool | None = None) -> F64:
        """Standard deviation of `sf`: binomial where counted; of the fitted tail, statistical and systematic."""
        x = finite(x)
        k = self.n_above(x)
        counted = binomial_error(k, self.n_total)
        from_fit = self._from_fit(x, k, fit)
        if self.tail is None or not np.any(from_fit):
            return counted
        return np.where(from_fit, np.hypot(self.tail.sf_error(x), self.sf_systematic(x)), counted)

    def sf_systematic(self, x: ArrayLike) -> F64:
        """Systematic error of a fitted tail; there is none here."""
        return np.zeros(finite(x).shape)

    def sf_nsigma(self, x: ArrayLike, fit: bool | None = None) -> F64:
        """`p_values` in one-sided Gaussian sigmas."""
        return p_to_nsigma(self.p_values(x, fit))

    def p_values(self, x: ArrayLike, fit: bool | None = None) -> F64:
        """(1 + #{TS >= x}) / (1 + n) where counted, the fitted tail beyond; never 0."""
        x = finite(x)
        k = self.n_above(x)
        return self._blend(x, k, (1 + k) / (1 + self.n_total), fit)

    def p_value(self, x: float, fit: bool | None = None) -> PValue:
        """The p-value of one observed TS with its error and where it comes from.

        Examples
        --------
        >>> print(TSD([1.0, 2.0], n_zero=98).p_value(5.0))
        p = 0.0099 +/- 0.0099 (2.33 sigma; 0 at or above of 100 trials)
        """
        k = int(self.n_above(x))
        if not bool(self._from_fit(finite(x), np.asarray(k), fit)):
            return counted_p(k, self.n_total)
        p, error, systematic = (float(f) for f in (self.sf(x, fit), self.sf_error(x, fit), self.sf_systematic(x)))
        return PValue(p, error, self.n_total, k, "chi2 fit", k < MIN_TAIL, systematic, float(self.beyond(x)))

    def beyond(self, x: ArrayLike) -> F64:
        """By how much TS values lie above the largest of the trials; 0 where they do not.

        Examples
        --------
        >>> TSD([1.0, 4.0]).beyond([3.0, 6.5]).tolist()
        [0.0, 2.5]
        """
        return np.maximum(finite(x) - float(self._order_statistic(np.asarray(self.n_total - 1))), 0.0)

    def is_extrapolated(self, x: ArrayLike, fit: bool | None = None) -> NDArray[np.bool_]:
        """True where `sf(x, fit)` is the fitted tail with fewer than `MIN_TAIL` trials behind it."""
        x = finite(x)
        k = self.n_above(x)
        return np.asarray(self._from_fit(x, k, fit) & (k < MIN_TAIL))

    def isf(self, p: ArrayLike, fit: bool | None = None) -> F64:
        """Threshold that a trial exceeds (TS strictly above it) with probability at most p.

        Counted: the smallest TS of the trials with #{TS > t} <= p n.

        Raises
        ------
        ValueError
            If p is outside (0, 1], or so small that the trials do not reach it and there is no fitted tail.
        """
        p = at_limits(numbers("p", p), 0.0, 1.0)
        if not np.all((p > 0) & (p <= 1)):
            raise ValueError(f"p = {p[~((p > 0) & (p <= 1))].flat[0]} is not within 0 < p <= 1")
        n = self.n_total
        allowed = np.floor(p * n * (1 + 1e-12)).astype(np.int64)
        counted = self._order_statistic(np.clip(n - 1 - allowed, 0, n - 1))
        if fit is True or (fit is None and self.tail is not None):
            tail = self._require_tail()
            use = (p <= tail.eta) & ((fit is True) | (allowed < MIN_TAIL))
            return np.where(use, tail.isf(np.where(use, p, tail.eta)), counted)
        if np.any(allowed < 1):
            smallest = float(np.min(p))
            if self._fits_tail:
                instead = "; a fitted tail would reach it, but there are too few trials with TS > 0 to fit one"
            else:
                instead = ", or use Chi2TSD to extrapolate"
            raise ValueError(
                f"p = {smallest:.3g} is below 1 / n_total = {1 / n:.3g}: these {n} trials cannot give that threshold; "
                f"make at least {int(np.ceil(MIN_TAIL / smallest))} trials{instead}"
            )
        return np.asarray(counted)

    def isf_nsigma(self, nsigma: ArrayLike, fit: bool | None = None) -> F64:
        """`isf` of the one-sided Gaussian tail probability of `nsigma`."""
        p = nsigma_to_p(nsigma)
        if not np.all(p > 0):
            raise ValueError(f"nsigma = {nsigma!r}: give numbers up to 37, whose tail probability is above 0")
        return self.isf(p, fit)

    def isf_error(self, p: float, fit: bool | None = None) -> float:
        """Standard deviation of `isf(p)`: half the distance between the thresholds of sf ± its error."""
        x, p = float(self.isf(p, fit)), float(p)
        if bool(self._from_fit(np.asarray(x), self.n_above(x, strict=True), fit)):
            relative = float(self.sf_error(x, fit)) / p
            tail = self._require_tail()
            return float(np.diff(tail.isf(np.minimum(p * np.exp([relative, -relative]), tail.eta)))[0] / 2)
        n = self.n_total
        spread = np.sqrt(n * p * (1 - p))
        at = np.clip(np.rint(n - 1 - n * p + np.array([-spread, spread])), 0, n - 1).astype(np.int64)
        return float(np.diff(self._order_statistic(at))[0] / 2)

    def median(self, fit: bool | None = False) -> float:
        """Median TS of the trials; with `fit=True` of the fitted tail, if that holds at least half of them."""
        if fit and (tail := self._require_tail()).eta >= 0.5:
            return float(tail.isf(0.5))
        n = self.n_total
        return float(np.mean(self._order_statistic(np.array([(n - 1) // 2, n // 2]))))

    def get_hist(self, bins: int | ArrayLike = 50, range: tuple[float, float] | None = None) -> Any:
        """histlite histogram of all trials, zeros included (needs histlite).

        Parameters
        ----------
        bins : int or (B + 1,) array
            Number of bins over `range`, or their edges.
        range : (low, high), optional
            Default: that of the trials.
        """
        return histogram(*np.histogram(self.values, bins=bins, range=range))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the distribution to an npz file, complete or not at all; `dists.read_tsd` reads it back.

        Parameters
        ----------
        path : path-like
            Taken as it is; ".npz" is not added.
        """
        write_npz(path, {"n_zero": np.array(self.n_zero), "values": self._nonzero}, self._about())

    def _about(self) -> dict[str, Any]:
        """What a file says beside the arrays; values JSON can hold."""
        return about_file(type(self).__name__, self.config)

    @property
    def description(self) -> str:
        """Table of what the distribution is and its thresholds from trials and from the fit."""
        return describe(self)

    def __len__(self) -> int:
        return self.n_total

    def _rows(self) -> list[tuple[str, Any]]:
        tail = None if self.tail is None else f"χ² of {self.tail.ndof:.2f} degrees of freedom"
        return [
            ("trials", self.n_total),
            ("part with TS > 0", self.eta),
            ("median", self.median()),
            ("fitted tail", tail),
        ]

    def _repr_html_(self) -> str:
        return html_table(type(self).__name__, self._rows())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.n_total} trials, eta={self.eta:.3f}, median={self.median():.3f})"

    def _order_statistic(self, i: NDArray[np.int64]) -> F64:
        """Value at ascending rank i (0 … n_total − 1) without unrolling the zeros."""
        zeros_end = self._n_negative + self._n_zero
        at = np.where(i < self._n_negative, i, np.maximum(i - self._n_zero, 0))
        if len(self._nonzero) == 0:
            return np.zeros(np.shape(i))
        is_zero = (i >= self._n_negative) & (i < zeros_end)
        return np.where(is_zero, 0.0, self._nonzero[np.minimum(at, len(self._nonzero) - 1)])

    def _require_tail(self) -> Chi2Tail:
        if self.tail is None:
            raise ValueError(
                f"{self!r} has no fitted tail ("
                + ("too few trials lie above its threshold" if self._fits_tail else "use Chi2TSD")
                + "): ask with fit=False, or give more trials"
            )
        return self.tail

    def _from_fit(self, x: F64, k: NDArray[np.int64], fit: bool | None) -> NDArray[np.bool_]:
        if fit is False or (fit is None and self.tail is None):
            return np.zeros(np.shape(x), dtype=bool)
        tail = self._require_tail()
        # below its threshold the tail says nothing: the trials are asked even with fit=True (TS = 0 has p = 1 that way)
        beyond = x > tail.threshold
        return np.asarray(beyond if fit else beyond & (k < MIN_TAIL))

    def _blend(self, x: F64, k: NDArray[np.int64], counted: F64, fit: bool | None) -> F64:
        use = self._from_fit(x, k, fit)
        if self.tail is None or not np.any(use):
            return np.asarray(counted)
        return np.where(use, self.tail.sf(np.where(use, x, self.tail.threshold)), counted)


def about_file(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """What the file of a distribution says beside its arrays.

    Parameters
    ----------
    kind : str
        Name of the class.
    config : mapping
        Everything that decided the trials.
    """
    return {"format": FORMAT, "kind": kind, "version": code_version(), "config": config}


def ts_values(values: Any) -> F64:
    """(n,) finite TS values of an array, a structured array or table with ``ts``, or another distribution.

    Raises
    ------
    TypeError
        If there is nothing like TS in it.
    ValueError
        If a value is NaN or infinite (the first one is named), or the array is not one-dimensional.
    """
    if isinstance(values, TSD):
        return values.values
    if isinstance(values, np.ndarray) and values.dtype.names:
        if "ts" not in values.dtype.names:
            raise TypeError(f"values has the fields {', '.join(values.dtype.names)}: none is called ts")
        values = values["ts"]
    elif isinstance(values, Mapping):
        if "ts" not in values:
            raise TypeError(f"values has the keys {', '.join(map(str, values))}: none is called ts")
        values = values["ts"]
    elif not isinstance(values, np.ndarray) and (hasattr(values, "ts") or "ts" in getattr(values, "colnames", ())):
        values = values["ts"] if hasattr(values, "colnames") else values.ts
    if not isinstance(values, str):  # of which is said below what is asked
        values = in_unit("values", values, "")
    try:
        ts, missing = without_missing(values, "values")
    except (TypeError, ValueError):
        raise TypeError(
            f"values is a {type(values).__name__}: give the TS of each trial, an array, something with ts, or a TSD"
        ) from None
    if ts.ndim != 1:
        raise ValueError(f"values has shape {ts.shape}: give one TS per trial, shape (n,)")
    bad = ~np.isfinite(ts)
    if bad.any():
        i = int(np.argmax(bad))
        why = "" if set(missing) <= {"nan"} else f" ({', '.join(f'{n} {reason}' for reason, n in missing.items())})"
        raise ValueError(
            f"values[{i}] = {ts[i]}{why}, and {int(bad.sum())} of {len(ts)} TS values are not finite: "
            "remove or refit these trials"
        )
    return ts


def finite(x: ArrayLike, name: str = "x") -> F64:
    """`x` as a float64 array without NaN."""
    x = numbers(name, x)
    x = np.where(is_unseen(x), np.nan, x) if x.size and np.nanmin(x, initial=0.0) < -1e30 else x
    if np.isnan(x).any():
        raise ValueError(f"{name} holds NaN at {int(np.argmax(np.isnan(x)))}: a TS must be a number")
    return x
