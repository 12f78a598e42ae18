"""The best n_s of a likelihood whose spectrum is fixed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nusky import _core
from nusky.trial import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nusky.typing import F64

__all__ = ["MeanTerms", "best_ns", "best_ns_of_ratio", "log_sums", "ns_nodes"]

_STEPS = 200
_PRECISION = 1e-10
# Terms with n |z| below this enter by their moments, so many of them: what is left out of ln Λ is below 3e-13 a term
_SMALL = 0.05


class _Sums:
    """Derivatives of ln Λ for 0 ≤ n ≤ `reach`: the few large terms one by one, the others by their moments."""

    def __init__(self, terms: F64, reach: float, counts: F64 | None = None) -> None:
        self.reach = reach
        moments, self.large, self.counts = _core.power_sums(terms, counts, _SMALL / reach)
        self.moments = moments.tolist()

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
        return first, second

    def value(self, n: float) -> float:
        """ln Λ."""
        rest = float(sum(-((-n) ** (k + 1)) * moment / (k + 1) for k, moment in enumerate(self.moments)))
        logs = np.log1p(n * self.large)
        return float(logs.sum() if self.counts is None else logs @ self.counts) + rest


class _Difference(NamedTuple):
    """Sums of some terms, less those of others."""

    terms: _Sums
    less: _Sums

    def slope(self, n: float) -> tuple[float, float]:
        """First derivative, and minus the second."""
        (first, second), (less, bend) = self.terms.slope(n), self.less.slope(n)
        return first - less, second - bend

    def value(self, n: float) -> float:
        """ln Λ."""
        return self.terms.value(n) - self.less.value(n)


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
    terms = np.ascontiguousarray(terms, dtype=np.float64)
    counts = None if counts is None else np.ascontiguousarray(counts, dtype=np.float64)
    lowest = float(terms.min())
    low, high = 0.0, min(limit, -1.0 / lowest if lowest < 0 else np.inf)
    n, status = 0.0, Status.NOT_CONVERGED
    n_terms = len(terms) if counts is None else counts.sum()
    sums = _Sums(terms, min(high, 1e-3 * n_terms), counts)
    for _ in range(_STEPS):
        if n > sums.reach:
            sums = _Sums(terms, min(high, 4.0 * n), counts)
        slope, bend = sums.slope(n)
        step = slope / bend if bend > 0 else 0.0
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


# Neighbouring values of n between which a likelihood that is not concave is taken to have one maximum
_RATIO = 3.0


def ns_nodes(limit: float) -> F64:
    """Values of n, each three times the one before, from 0.02 or less up to close to `limit`.

    Examples
    --------
    >>> ns_nodes(1000.0).round(2).tolist()
    [0.02, 0.05, 0.15, 0.46, 1.37, 4.12, 12.35, 37.04, 111.11, 333.33, 750.0, 999.0]
    """
    n = int(np.ceil(np.log(limit / 0.02) / np.log(_RATIO)))
    return np.array([limit * _RATIO**-k for k in range(n, 0, -1)] + [0.75 * limit, 0.999 * limit])


def log_sums(terms: F64, nodes: F64) -> F64:
    """Σ_i ln(1 + n z_i) at each n; many factors are multiplied before a logarithm is taken.

    Examples
    --------
    >>> log_sums(np.array([0.5, 1.0]), np.array([0.0, 2.0])).round(6).tolist()      # ln 1, ln (2 · 3)
    [0.0, 1.791759]
    """
    return _core.log_sums(np.ascontiguousarray(terms), np.ascontiguousarray(nodes))


@dataclass(frozen=True, eq=False)
class MeanTerms:
    """What signal subtraction takes from the likelihood of a fixed spectrum; the same for many trials.

    Attributes
    ----------
    terms : (N,)
        (f_k/N_k) (W̃ − V).
    limit : float
        Where one of the factors may vanish: n_s is below it.
    nodes, at_nodes : (J,)
        Some values of n_s, and Σ ln(1 + n_s terms) there.
    total : float
        Sum of the terms.
    """

    terms: F64
    limit: float
    nodes: F64
    at_nodes: F64
    total: float
    _sums: dict[float, _Sums] = field(default_factory=dict, repr=False)

    @staticmethod
    def of(groups: Sequence[tuple[F64 | None, F64]], factors: F64) -> MeanTerms:
        """Of W̃ and V of some groups of events, each with its f_k/N_k."""
        every = [(f, mean, taken) for (mean, taken), f in zip(groups, factors, strict=True) if mean is not None]
        terms = np.concatenate([f * (mean - taken) for f, mean, taken in every])
        limit = min(1.0 / (f * max(1.0, taken.max(initial=0.0))) for f, _, taken in every)
        return MeanTerms.below(terms, float(limit))

    @staticmethod
    def below(terms: F64, limit: float) -> MeanTerms:
        """Of the terms themselves."""
        nodes = ns_nodes(limit)
        return MeanTerms(np.ascontiguousarray(terms), limit, nodes, log_sums(terms, nodes), float(terms.sum()))

    def sums(self, reach: float) -> _Sums:
        """Of n up to `reach`; there are as many as there are nodes."""
        found = self._sums.get(reach)
        if found is None:
            found = self._sums[reach] = _Sums(self.terms, reach)
        return found


def best_ns_of_ratio(terms: F64, means: MeanTerms) -> tuple[float, float, Status]:
    """Maximum over 0 ≤ n < `means.limit` of ln Λ(n) = Σ_i ln(1 + n z_i) − Σ_i ln(1 + n z̃_i).

    The function may have several maxima: it is looked at on the nodes, and each maximum there is followed by Newton's
    method between its neighbours.

    Parameters
    ----------
    terms : (N,)
        z_i > −1/`means.limit`.
    means : MeanTerms
        z̃_i, their limit and nodes.

    Returns
    -------
    ts : float
        2 ln Λ at the maximum.
    ns : float
    status : Status

    Examples
    --------
    >>> ts, ns, status = best_ns_of_ratio(np.array([0.3, -0.01]), MeanTerms.below(np.array([0.05, 0.02]), 100.0))
    >>> round(ts, 3), round(ns, 2), status.name
    (1.441, 14.45, 'OK')
    """
    terms = np.ascontiguousarray(terms, dtype=np.float64)
    limit = means.limit
    at = np.r_[0.0, log_sums(terms, means.nodes) - means.at_nodes]
    where = np.r_[0.0, means.nodes]
    padded = np.r_[-np.inf, at, -np.inf]
    peaks = np.flatnonzero((at >= padded[:-2]) & (at >= padded[2:]))
    best = (0.0, 0.0, Status.NO_EXCESS)
    for peak in peaks.tolist():
        if peak == 0 and not terms.sum() > means.total:
            continue
        low, high = where[max(peak - 1, 0)], float(where[peak + 1] if peak + 1 < len(where) else limit)
        sums = _Difference(_Sums(terms, high), means.sums(high))
        n, status = _climb(sums, float(low), high, float(where[peak]))
        if limit - n <= 1e-6 * limit:
            status = Status.AT_NS_LIMIT
        ts = 2.0 * sums.value(n)
        if ts > best[0]:
            best = (ts, n, status)
    return best


def _climb(sums: _Difference, low: float, high: float, n: float) -> tuple[float, Status]:
    """n of the maximum between two values, from a value above both."""
    for _ in range(_STEPS):
        slope, bend = sums.slope(n)
        low, high = (n, high) if slope > 0 else (low, n)
        found = n + slope / bend if bend > 0 else n
        if not low < found < high:
            found = 0.5 * (low + high)
        if abs(found - n) <= _PRECISION * max(found, _PRECISION):
            return found, Status.OK
        n = found
    return n, Status.NOT_CONVERGED
