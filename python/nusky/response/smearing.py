"""`SmearingResponse`: the rows of a smearing matrix."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nusky.typing import F64, I64

__all__ = ["SmearingCells", "SmearingResponse"]

_SQRT2 = 2.0**0.5


@dataclass(frozen=True, eq=False)
class SmearingResponse:
    """Response from a smearing matrix of a track release.

    Each row is one filled cell: for neutrinos with log10 E_ν and δ_ν in given ranges, the fraction of events with
    reconstructed log10 E, ψ (PSF) and σ (AngErr) in given ranges; uniform inside a cell.

    Parameters
    ----------
    log10_true_energy, sindec, log10energy, psi, sigma : (R, 2)
        Lower and upper edges of every row; sin δ_ν, angles in rad.
    fraction : (R,)
        Fractional counts, ≥ 0; normalised here for every (E_ν, δ_ν).

    Raises
    ------
    ValueError
        A range is reversed, a fraction negative or not finite, or there is no filled row.
    """

    log10_true_energy: F64
    sindec: F64
    log10energy: F64
    psi: F64
    sigma: F64
    fraction: F64

    def __post_init__(self) -> None:
        for name in ("log10_true_energy", "sindec", "log10energy", "psi", "sigma"):
            edges = getattr(self, name)
            if edges.shape != (len(self.fraction), 2) or not np.all(np.isfinite(edges)):
                raise ValueError(f"smearing matrix: {name} must be finite of shape ({len(self.fraction)}, 2)")
            if np.any(edges[:, 1] < edges[:, 0]):
                row = int(np.argmax(edges[:, 1] < edges[:, 0]))
                raise ValueError(f"smearing matrix: row {row} (counted from 0) has {name} reversed: {edges[row]}")
        if not np.all(np.isfinite(self.fraction)) or np.any(self.fraction < 0) or not np.any(self.fraction > 0):
            raise ValueError("smearing matrix: fractional counts must be finite, nowhere negative, somewhere positive")

    def draw(self, true_energy: F64, true_sindec: F64, rng: np.random.Generator) -> tuple[F64, F64, F64]:
        cells = self.cells
        # A cumulative sum over all rows with every cell scaled to 1: a draw in cell c is c + U.
        weight = self.fraction[cells.rows] / cells.total[cells.cell_of_row]
        cumulative = np.cumsum(weight)
        cumulative -= (cumulative[cells.starts[:-1]] - weight[cells.starts[:-1]])[cells.cell_of_row]
        cell = cells.at(np.log10(true_energy), true_sindec)
        # Multiples of √2 in the order of the neutrinos of a cell, from a random start: its rows get their share of
        # them nearly exactly, and so does every stretch of energies. Independent draws would scatter by √n.
        order = np.argsort(cell, kind="stable")
        ordered = cell[order]
        number = np.arange(len(cell)) - np.searchsorted(ordered, ordered)
        uniform = np.empty(len(cell))
        uniform[order] = np.mod(rng.random(len(cells.total))[ordered] + _SQRT2 * number, 1.0)
        position = np.searchsorted(cells.cell_of_row + cumulative, cell + uniform, side="right")
        row = cells.rows[np.clip(position, cells.starts[cell], cells.starts[cell + 1] - 1)]
        out = []
        for edges, u in zip((self.log10energy, self.psi, self.sigma), rng.random((3, len(cell))), strict=True):
            out.append(edges[row, 0] + u * (edges[row, 1] - edges[row, 0]))
        return out[0], out[1], out[2]

    @cached_property
    def cells(self) -> SmearingCells:
        """The (E_ν, δ_ν) cells that hold anything."""
        rows = np.flatnonzero(self.fraction > 0)
        at_sindec = np.unique(self.sindec[rows, 0], return_inverse=True)[1]
        low_energy, at_energy = np.unique(self.log10_true_energy[rows, 0], return_inverse=True)
        number = at_sindec * len(low_energy) + at_energy
        order = np.argsort(number, kind="stable")
        rows, number = rows[order], number[order]
        new = np.diff(number, prepend=-1) > 0
        first = np.flatnonzero(new)
        return SmearingCells(
            rows,
            np.cumsum(new) - 1,
            np.append(first, len(rows)),
            np.add.reduceat(self.fraction[rows], first),
            self.sindec[rows[first]],
            self.log10_true_energy[rows[first]],
        )


@dataclass(frozen=True, eq=False)
class SmearingCells:
    """The C filled cells of a smearing matrix, by sin δ_ν, then by log10 E_ν.

    Parameters
    ----------
    rows : (R,) int
        Filled rows, cell by cell.
    cell_of_row : (R,) int
    starts : (C + 1,) int
        Where the rows of each cell begin.
    total : (C,)
        Sum of the fractions.
    sindec, log10_true_energy : (C, 2)
        Edges.
    """

    rows: I64
    cell_of_row: I64
    starts: I64
    total: F64
    sindec: F64
    log10_true_energy: F64

    @cached_property
    def borders(self) -> tuple[F64, tuple[tuple[I64, F64], ...]]:
        """Borders between bands of sin δ_ν; for each band its cells and the borders in log10 E_ν between them.

        Neighbours meet at their common edge, or in the middle of the gap between them.
        """
        low, first, band = np.unique(self.sindec[:, 0], return_index=True, return_inverse=True)
        bands = []
        for b in range(len(low)):
            cells = np.flatnonzero(band == b)
            edges = self.log10_true_energy[cells]
            bands.append((cells, 0.5 * (edges[:-1, 1] + edges[1:, 0])))
        return 0.5 * (self.sindec[first[:-1], 1] + low[1:]), tuple(bands)

    def at(self, log10_true_energy: F64, sindec: F64) -> I64:
        """(N,) cell of each neutrino: the band of sin δ it lies in or is nearest to, in it the same for the energy."""
        between, bands = self.borders
        band = np.searchsorted(between, sindec, side="right")
        out = np.empty(len(sindec), dtype=np.int64)
        for b, (cells, energies) in enumerate(bands):
            here = band == b
            out[here] = cells[np.searchsorted(energies, log10_true_energy[here], side="right")]
        return out
