"""`Status`: what became of the fit of one direction."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Status"]


class Status(IntEnum):
    """What became of the fit of one direction.

    Examples
    --------
    >>> Status(1).name
    'NO_EXCESS'
    """

    NOT_SCANNED = -1
    """Left out; ts and ns are 0, gamma is NaN."""
    OK = 0
    NO_EXCESS = 1
    """The maximum is at n_s = 0; gamma is undefined there (NaN)."""
    NO_EVENTS = 2
    """No event within the cut of the direction; ts and ns are 0, gamma is NaN."""
    AT_NS_LIMIT = 3
    """n_s stopped at its bound, n_k < N_k."""
    NOT_CONVERGED = 4
    """The best value found is returned, the gradient did not vanish."""
