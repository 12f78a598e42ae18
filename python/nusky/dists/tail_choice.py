"""Where the fitted tail of a TS distribution begins, and how much its form matters: chosen and judged by the trials.

A χ² with fitted degrees of freedom describes the far tail of TS; fitted to all trials with TS > 0 it follows their
bulk instead. The lowest threshold is taken above which the fit describes the trials (`goodness`). What other thresholds
and other forms, all of them in agreement with the trials, say differently is the systematic error (`spread`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from nusky.dists.chi2 import Chi2Tail, fit_chi2_tail
from nusky.typing import F64

_Form: TypeAlias = Mapping[str, "float | None"]

__all__ = ["alternative_tails", "choose_tail", "goodness", "spread"]

# Thresholds that are tried, as fractions of all trials above them, besides the one asked for first
_FRACTIONS = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
# Trials above a threshold, at least: fewer tell forms of a tail not apart
_LEAST = 200
# χ² with fitted degrees of freedom, scaled χ²₁, exponential
_FORMS: tuple[_Form, ...] = ({"scale": 1.0, "ndof": None}, {"scale": None, "ndof": 1.0}, {"scale": None, "ndof": 2.0})
# Chance of a worse agreement below which a tail is given up, as the one to use and as an alternative to it
_GOOD, _CREDIBLE = 0.1, 0.05
# Statistical error of ln sf below which tails weigh the same
_CERTAIN = 0.3
# Trials expected in the last of the intervals that are compared
_LAST = 10.0


def choose_tail(
    values: F64, n_total: int, *, loc: float = 0.0, scale: float | None = 1.0, ndof: float | None = None
) -> Chi2Tail | None:
    """Tail from the lowest threshold above which it describes the trials; None where nothing can be fitted.

    A scaled χ²₁ is taken where a χ² with fitted degrees of freedom does not describe them; if `scale` or `ndof` is held
    at something else than the default, that form alone is fitted.

    Parameters
    ----------
    values : (n,) float64, ascending
        TS values; those at 0 may be missing.
    n_total : int
    loc, scale, ndof
        As for `nusky.dists.chi2.fit_chi2_tail`.

    Examples
    --------
    >>> ts = np.sort(np.random.default_rng(1).chisquare(1.0, 5000))
    >>> choose_tail(ts, 10_000).threshold
    0.0
    """
    free = scale == 1.0 and ndof is None
    forms: tuple[_Form, ...] = _FORMS[:2] if free else ({"scale": scale, "ndof": ndof},)
    last = None
    for threshold in _thresholds(values, n_total, max(0.0, loc)):
        tails = _fitted(values, n_total, threshold, loc, forms)
        for tail in tails:
            if goodness(tail, values) > _GOOD:
                return tail
        last = tails[0] if tails else last
    return last


def alternative_tails(values: F64, n_total: int, chosen: Chi2Tail) -> tuple[Chi2Tail, ...]:
    """Tails of other thresholds and forms (χ² with fitted degrees of freedom, scaled χ²₁, exponential) that agree
    with the trials; where none does, all of them.

    Parameters
    ----------
    values, n_total
        As for `choose_tail`.
    chosen : Chi2Tail
    """
    found = []
    for threshold in dict.fromkeys([*_thresholds(values, n_total, max(0.0, chosen.loc)), chosen.threshold]):
        found += _fitted(values, n_total, threshold, chosen.loc, _FORMS)
    others = [tail for tail in found if (tail.threshold, tail.ndof) != (chosen.threshold, chosen.ndof)]
    return tuple([tail for tail in others if goodness(tail, values) > _CREDIBLE] or others)


def spread(chosen: Chi2Tail, others: Sequence[Chi2Tail], x: ArrayLike) -> F64:
    """Relative systematic error of ``chosen.sf(x)``: how far the others are from it, each as heavy as it is certain.

    The root of the mean square of ln(sf / sf_chosen), weighted with 1 / (0.3² + the squared statistical error): a form
    that many trials determine well is not the more right for it.

    Parameters
    ----------
    chosen : Chi2Tail
    others : sequence of Chi2Tail
        One that begins above an x says nothing there.
    x : array_like
    """
    x = np.asarray(x, dtype=np.float64)
    weight, square = np.zeros(x.shape), np.zeros(x.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.log(chosen.sf(x))
        for tail in others:
            sf = tail.sf(x)
            away, error = np.log(sf) - own, tail.sf_error(x) / sf
            here = np.where(np.isfinite(away) & np.isfinite(error), 1.0 / (_CERTAIN**2 + error**2), 0.0)
            weight += here
            square += here * np.where(here > 0, away, 0.0) ** 2
        return np.where(weight > 0, np.sqrt(square / np.where(weight > 0, weight, 1.0)), 0.0)


def goodness(tail: Chi2Tail, values: F64) -> float:
    """Probability of a worse agreement of the trials above the threshold with the tail, about.

    The interval above the threshold is halved by the tail's own quantiles, down to the last 10 trials, so that the far
    tail has as much to say as the bulk. The smaller one of two probabilities counts, doubled: Pearson's χ² of the
    counts between these points, and the largest deviation of the counts above them, which are three independent ones,
    about.

    Parameters
    ----------
    tail : Chi2Tail
    values : (n,) float64, ascending

    Examples
    --------
    >>> ts = np.sort(np.random.default_rng(1).chisquare(3.0, 2000))
    >>> good, bad = (fit_chi2_tail(ts, 2000, ndof=ndof) for ndof in (None, 2.0))
    >>> goodness(good, ts) > 0.05, goodness(bad, ts) < 1e-9
    (True, True)
    """
    from scipy.special import chdtrc, erfc

    n = tail.n_above
    halvings = int(np.floor(np.log2(max(n / _LAST, 1.0))))
    free = int(np.count_nonzero(np.diag(tail.covariance)))
    if halvings - free < 1:
        return 1.0
    edges = tail.isf(tail.eta * 0.5 ** np.arange(1, halvings + 1))
    above = np.r_[n, len(values) - np.searchsorted(values, edges, side="right"), 0]
    share = np.r_[1.0, 0.5 ** np.arange(1, halvings + 1), 0.0]
    expected = -np.diff(n * share)
    chi2 = float(np.sum((-np.diff(above) - expected) ** 2 / expected))
    cumulative = (above - n * share)[1:-1] / np.sqrt(n * (share * (1 - share))[1:-1])
    largest = float(np.abs(cumulative).max())
    return min(1.0, 2 * min(float(chdtrc(halvings - free, chi2)), 3 * float(erfc(largest / np.sqrt(2)))))


def _fitted(values: F64, n_total: int, threshold: float, loc: float, forms: Sequence[_Form]) -> list[Chi2Tail]:
    """The forms that can be fitted above a threshold; degrees of freedom that run to 0 are none."""
    tails = (fit_chi2_tail(values, n_total, threshold=threshold, loc=loc, **form) for form in forms)
    return [tail for tail in tails if tail is not None and np.isfinite(tail.covariance).all()]


def _thresholds(values: F64, n_total: int, lowest: float) -> Iterator[float]:
    """Ascending thresholds with enough trials above them; the lowest always."""
    yield lowest
    for fraction in _FRACTIONS:
        k = int(fraction * n_total)
        if k < _LEAST or k > len(values):
            continue
        threshold = float(values[len(values) - k])
        if threshold > lowest:
            yield threshold
