"""How the errors σ of background events are spread, from sparse counts in (sin δ, log10 E, σ)."""

from __future__ import annotations

import numpy as np

from nusky.typing import F64

__all__ = ["log_background_sigmas"]

# Neighbourhoods from which a cell's prior comes, near to far: rows of sin δ, bins of energy, bins of σ to either side.
_NEIGHBOURS = ((0, 0, 0), (1, 1, 0), (2, 2, 1), (4, 3, 1), (9, 6, 2), (1000, 1000, 3))
# Expected events beside which the wider neighbourhood has an equal say.
_PRIOR_COUNTS = 20.0
# Share of the overall spread in the shape that is corrected: so that no σ of an event is impossible in it.
_OVERALL = 0.02


def log_background_sigmas(counts: F64, reference: F64) -> F64:
    """ln P_B(σ | sin δ, log10 E) in bins of σ.

    Most energies of a signal are such that a cell has few background events, or none. What is estimated is therefore
    not P_B itself but its ratio ρ to a shape that has the right trend with energy and declination, the signal's: in a
    neighbourhood, ρ is the number of events in a bin of σ over the number expected from the shape. Near cells are
    trusted as far as they have events, and take the word of a wider neighbourhood beside their own, as if that were 20
    events: ρ_j = (N_j + 20 ρ_{j+1}) / (E_j + 20).

    Parameters
    ----------
    counts : (R, M, S) events
    reference : (R, M, S), each row along σ sums to 1

    Returns
    -------
    (R, M, S), finite; exp of it sums to 1 along σ

    Examples
    --------
    >>> shape = np.full((1, 1, 2), 0.5)
    >>> many = np.array([[[3000.0, 1000.0]]])
    >>> np.exp(log_background_sigmas(many, shape)).round(3).tolist()
    [[[0.75, 0.25]]]
    """
    overall = counts.sum(axis=(0, 1)) + 0.5
    shape = (1.0 - _OVERALL) * reference + _OVERALL * overall / overall.sum()
    expected = counts.sum(axis=2, keepdims=True) * shape
    ratio = np.ones_like(shape)
    for reach in reversed(_NEIGHBOURS):
        found, asked = _around(counts, reach), _around(expected, reach) + _PRIOR_COUNTS
        # An absence of events says that there is less than about one, however often it is said.
        ratio = np.maximum(found + _PRIOR_COUNTS * ratio, 0.5) / asked
    density = shape * ratio
    return np.asarray(np.log(density / density.sum(axis=2, keepdims=True)))


def _around(values: F64, reach: tuple[int, ...]) -> F64:
    """Sums over boxes of so many cells to either side."""
    for axis, steps in enumerate(reach):
        if steps:
            n = values.shape[axis]
            total = np.concatenate([np.zeros_like(values.take([0], axis)), np.cumsum(values, axis)], axis)
            at = np.arange(n)
            values = total.take(np.minimum(at + steps + 1, n), axis) - total.take(np.maximum(at - steps, 0), axis)
    return values
