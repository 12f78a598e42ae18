"""How far from a source an event can be and still contribute: one rule for every choice of events or pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nusky.likelihood.model import LikelihoodOptions
    from nusky.typing import F64

__all__ = ["MARGIN", "event_reach", "widened"]

# An event just outside a distance computed here could be just inside the core's cut, because the core rounds
# differently (and in float32 in places). Relative, and in rad; larger than needed, and nearly free.
MARGIN = 1e-5


def event_reach(sigma: F64, options: LikelihoodOptions) -> F64:
    """Distance from each event beyond which S = 0: the cut times σ, with the source's extension added in quadrature.

    Parameters
    ----------
    sigma : (N,) rad
    options : LikelihoodOptions

    Returns
    -------
    (N,) rad
        Can exceed π: such an event reaches the whole sky.

    Examples
    --------
    >>> from nusky.likelihood.model import LikelihoodOptions
    >>> event_reach(np.array([0.03]), LikelihoodOptions(cut_n_sigma=5.0, extension=0.04)).round(6)
    array([0.25])
    """
    return np.asarray(options.cut_n_sigma * np.hypot(sigma, options.extension))


def widened(angle: F64) -> F64:
    """An angle (rad) plus the margin for rounding.

    Examples
    --------
    >>> bool(widened(np.array([1.0]))[0] > 1.0)
    True
    """
    return angle * (1 + MARGIN) + MARGIN
