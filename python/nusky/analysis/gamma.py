"""The γ nodes of an analysis, and what a fit does with γ."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from nusky.sphere import at_limits
from nusky.typing import F64

__all__ = ["GAMMA_NODES", "GammaMode", "check_gamma", "check_gamma_nodes"]


#: What happens to γ in a fit: it is fitted, it is fixed, or there is no energy term.
GammaMode = Literal["fit", "fixed", "flux", "off"]

#: γ = 1 … 4 in steps of 1/16, as csky has them.
GAMMA_NODES: F64 = np.linspace(1.0, 4.0, 49)
GAMMA_NODES.setflags(write=False)


def check_gamma_nodes(nodes: Any, least: int = 2) -> F64:
    """γ nodes as a read-only array after checking them.

    Parameters
    ----------
    nodes : (G,) finite, strictly increasing
    least : int
        Smallest G.

    Examples
    --------
    >>> from nusky.analysis.gamma import check_gamma_nodes
    >>> check_gamma_nodes([2.0, 3.0])
    array([2., 3.])
    """
    array = np.array(nodes, dtype=np.float64)
    if array.ndim != 1 or len(array) < least or not np.all(np.isfinite(array)) or not np.all(np.diff(array) > 0):
        raise ValueError(f"gammas must be at least two finite, strictly increasing numbers, got {nodes!r}")
    array.setflags(write=False)
    return array


def check_gamma(gamma: Any, nodes: F64) -> float | None:
    """Give a fixed γ as float after checking that it lies within the nodes.

    Parameters
    ----------
    gamma : float or None
    nodes : (G,) increasing

    Raises
    ------
    ValueError, TypeError
        Outside the nodes, not a number, or without nodes at all.

    Examples
    --------
    >>> check_gamma(2, np.array([1.0, 4.0]))
    2.0
    """
    if gamma is None:
        return None
    try:
        value = float(gamma)
    except (TypeError, ValueError):
        raise TypeError(f"gamma must be a number or None (None: fitted), got {gamma!r}") from None
    if len(nodes) == 0:
        raise ValueError(f"gamma={value} has no meaning without an energy term (gamma_nodes is empty)")
    value = float(at_limits(value, float(nodes[0]), float(nodes[-1])))
    if not nodes[0] <= value <= nodes[-1]:
        raise ValueError(f"gamma={value} is outside the nodes {nodes[0]:g} … {nodes[-1]:g}")
    return value
