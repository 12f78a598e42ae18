"""`HermiteAxis`: the one interpolation rule of the models, a local cubic through unevenly spaced nodes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from nusky.typing import F64, I64

__all__ = ["HermiteAxis"]


@dataclass(frozen=True, eq=False)
class HermiteAxis:
    """Cubic Hermite interpolation; the slope at a node is that of the parabola through it and both neighbours.

    At an end the parabola is the one through the three nodes there; two nodes give a line, one node a constant. The
    curve goes through the nodes, has a continuous slope, is exact for parabolas, and a value depends on at most four
    nodes, so that a bad cell stays local (an interpolating spline would let it ring along the whole axis).
    Coordinates outside the nodes are moved to the nearest end.

    Parameters
    ----------
    nodes : (G,) increasing, G ≥ 1

    Raises
    ------
    ValueError

    Examples
    --------
    >>> import numpy as np
    >>> from nusky.analysis.interpolation import HermiteAxis
    >>> axis = HermiteAxis(np.array([0.0, 1.0, 3.0]))
    >>> axis.interpolate(np.array([0.0, 1.0, 9.0]), np.array([2.0]))     # x² is reproduced
    array([4.])
    """

    nodes: F64
    _matrix: F64 = field(init=False, repr=False)
    _first: I64 = field(init=False, repr=False)

    def __post_init__(self) -> None:
        nodes = np.array(self.nodes, dtype=np.float64)
        if nodes.ndim != 1 or nodes.size == 0 or not np.all(np.isfinite(nodes)) or not np.all(np.diff(nodes) > 0):
            raise ValueError(f"nodes must be one or more finite, strictly increasing numbers, got {nodes!r}")
        nodes.setflags(write=False)
        g = nodes.size
        object.__setattr__(self, "nodes", nodes)
        slopes = _slope_weights(nodes)
        # weights(t) = (1, t, t², t³) @ matrix[segment]: the four weights belong to nodes first … first + 3.
        segments = max(g - 1, 1)
        first = np.clip(np.arange(segments) - 1, 0, max(g - 4, 0))
        matrix = np.zeros((segments, 4, 4))
        if g == 1:
            matrix[0, 0, 0] = 1.0
        for s in range(g - 1):
            h = nodes[s + 1] - nodes[s]
            power = np.zeros((4, g))
            power[0, s] = 1.0
            power[1] = h * slopes[s]
            power[2] = -h * (2 * slopes[s] + slopes[s + 1])
            power[2, s] -= 3.0
            power[2, s + 1] += 3.0
            power[3] = h * (slopes[s] + slopes[s + 1])
            power[3, s] += 2.0
            power[3, s + 1] -= 2.0
            used = power[:, first[s] : first[s] + 4]
            matrix[s, :, : used.shape[1]] = used
        object.__setattr__(self, "_matrix", matrix)
        object.__setattr__(self, "_first", first)

    def __len__(self) -> int:
        return self.nodes.size

    def weights(self, x: F64) -> tuple[I64, F64]:
        """Nodes and weights that give the interpolant at x: Σ_j weight[:, j] · value[index[:, j]].

        Parameters
        ----------
        x : (N,)

        Returns
        -------
        index : (N, 4) int
            Nodes; where the axis has fewer than four, the surplus has weight 0.
        weight : (N, 4)
        """
        nodes = self.nodes
        if nodes.size == 1:
            segment = np.zeros(x.shape, dtype=np.int64)
            t = np.zeros(x.shape)
        else:
            segment = np.clip(nodes.searchsorted(x, side="right") - 1, 0, nodes.size - 2)
            low = nodes[segment]
            t = np.clip((x - low) / (nodes[segment + 1] - low), 0.0, 1.0)
        m = self._matrix[segment]
        t = t[:, None]
        weight = m[:, 0] + t * (m[:, 1] + t * (m[:, 2] + t * m[:, 3]))
        index = np.minimum(self._first[segment][:, None] + np.arange(4), nodes.size - 1)
        return index, weight

    def interpolate(self, values: ArrayLike, x: F64) -> F64:
        """Interpolate along the last axis.

        Parameters
        ----------
        values : (…, G)
        x : (N,)

        Returns
        -------
        (…, N)
        """
        v = np.asarray(values, dtype=np.float64)
        if v.shape[-1] != len(self):
            raise ValueError(f"values have {v.shape[-1]} entries along the last axis for {len(self)} nodes")
        index, weight = self.weights(np.asarray(x, dtype=np.float64))
        return np.asarray((v[..., index] * weight).sum(axis=-1))


def _slope_weights(nodes: F64) -> F64:
    """(G, G): row g gives the slope at node g as a combination of the values."""
    g = nodes.size
    weights = np.zeros((g, g))
    if g == 2:
        weights[:, 1] = 1.0 / (nodes[1] - nodes[0])
        weights[:, 0] = -weights[:, 1]
    elif g > 2:
        for at in range(g):
            a, b, c = range(min(max(at - 1, 0), g - 3), min(max(at - 1, 0), g - 3) + 3)
            x, xa, xb, xc = nodes[at], nodes[a], nodes[b], nodes[c]
            weights[at, a] = (2 * x - xb - xc) / ((xa - xb) * (xa - xc))
            weights[at, b] = (2 * x - xa - xc) / ((xb - xa) * (xb - xc))
            weights[at, c] = (2 * x - xa - xb) / ((xc - xa) * (xc - xb))
    return weights
