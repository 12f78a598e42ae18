"""`AreaTable`: effective area in cells, and how a spectrum is folded with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nusky.typing import F64, I64

__all__ = ["AreaTable", "energy_points"]

# Pieces of a spectrum are this wide in ln E; two Gauss–Legendre points each give a power law to 1e-9.
_PIECE = 0.01 * float(np.log(10.0))


def energy_points(edges: F64) -> tuple[I64, F64, F64]:
    """Energies at which a spectrum is asked for, so that Σ weight · φ(energy) over a bin is ∫ φ dE over it.

    Parameters
    ----------
    edges : (M + 1,) GeV, increasing

    Returns
    -------
    bin : (P,) int
    energy, weight : (P,) GeV

    Examples
    --------
    >>> bin, energy, weight = energy_points(np.array([1e3, 1e4, 1e6]))
    >>> np.bincount(bin, weight * energy**-2.0).round(12).tolist()       # 1/1000 − 1/10000, 1/10000 − 1/1000000
    [0.0009, 9.9e-05]
    """
    log_edges = np.log(edges)
    pieces = np.maximum(1, np.ceil(np.diff(log_edges) / _PIECE - 1e-9)).astype(np.int64)
    of = np.repeat(np.arange(len(pieces)), pieces)
    number = np.arange(len(of)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    half = 0.5 * (np.diff(log_edges) / pieces)[of]
    point, weight = np.polynomial.legendre.leggauss(2)
    log_energy = (log_edges[of] + half * (2 * number + 1))[:, None] + half[:, None] * point
    energy = np.exp(log_energy)
    return np.repeat(of, 2), energy.ravel(), (half[:, None] * weight * energy).ravel()


@dataclass(frozen=True, eq=False)
class AreaTable:
    """Effective area in cells of energy and sin δ, constant inside a cell.

    Parameters
    ----------
    energy_edges : (M+1,) GeV, increasing
    sindec_edges : (L+1,) increasing, within −1 … 1
    area : (M, L) cm², finite, ≥ 0

    Raises
    ------
    ValueError
        Shapes that do not fit, edges that do not increase, areas negative, not finite or all zero.

    Examples
    --------
    >>> import numpy as np
    >>> from nusky.response import AreaTable
    >>> table = AreaTable(np.array([1e3, 1e4]), np.array([-1.0, 1.0]), np.array([[2.0]]))
    >>> round(table.integral(2.0) / (4 * np.pi), 6)   # 2 cm² · (1e-3 − 1e-4) GeV⁻¹
    0.0018
    """

    energy_edges: F64
    sindec_edges: F64
    area: F64

    def __post_init__(self) -> None:
        for name in ("energy_edges", "sindec_edges"):
            edges = getattr(self, name)
            if edges.ndim != 1 or len(edges) < 2 or not np.all(np.diff(edges) > 0):
                raise ValueError(f"{name} must be at least two increasing edges, got {edges!r}")
        if not self.energy_edges[0] > 0:
            raise ValueError(f"energy_edges start at {self.energy_edges[0]!r} GeV; energies are positive")
        if self.sindec_edges[0] < -1 or self.sindec_edges[-1] > 1:
            raise ValueError(f"sindec_edges run {self.sindec_edges[0]} to {self.sindec_edges[-1]}; sin δ is in [-1, 1]")
        shape = (len(self.energy_edges) - 1, len(self.sindec_edges) - 1)
        if self.area.shape != shape:
            raise ValueError(f"area has shape {self.area.shape}, the edges ask for {shape}")
        if not np.all(np.isfinite(self.area)) or self.area.min() < 0 or self.area.max() <= 0:
            raise ValueError("area must be finite, nowhere negative and somewhere positive")

    def integral(self, gamma: float, sindec_min: float = -1.0, sindec_max: float = 1.0) -> float:
        """∫∫ A(E, δ) (E/GeV)^−γ dE dΩ over a declination band, exactly, in GeV cm² sr."""
        lo, hi = self.energy_edges[:-1], self.energy_edges[1:]
        if abs(gamma - 1.0) < 1e-12:
            per_energy = np.log(hi / lo)
        else:
            per_energy = (hi ** (1.0 - gamma) - lo ** (1.0 - gamma)) / (1.0 - gamma)
        overlap = np.minimum(self.sindec_edges[1:], sindec_max) - np.maximum(self.sindec_edges[:-1], sindec_min)
        return float(2.0 * np.pi * per_energy @ self.area @ np.maximum(overlap, 0.0))
