"""`TabulatedResponse`: effective area times smearing matrix, as published, for any spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nusky.hyp import Flux
from nusky.response.area import AreaTable, energy_points
from nusky.response.cells import bin_of, overlap, spread
from nusky.response.smearing import SmearingResponse
from nusky.typing import F64, I64

__all__ = ["SIGMA_EDGES", "TabulatedResponse"]

#: σ edges, rad: 0.2° … 20°, 40 bins of 0.115 in ln σ; the outermost are open.
SIGMA_EDGES: F64 = np.radians(np.geomspace(0.2, 20.0, 41))
SIGMA_EDGES.setflags(write=False)

# Edges of two tables that differ by less are the same edge, rounded twice.
_SAME_EDGE = 1e-7


@dataclass(frozen=True, eq=False)
class TabulatedResponse:
    """What neutrinos of (E_ν, δ) look like in log10 E and σ: A(E_ν, δ) · M(log10 E, σ | E_ν, δ), summed over ψ.

    Both tables are taken as they are published: constant inside their cells. In the cells that the edges of both make
    together nothing changes, so every integral over energy and declination is a sum, and exact.

    Parameters
    ----------
    energy_edges : (K + 1,) GeV
    sindec_edges : (L + 1,)
        Edges of both tables together.
    area : (K, L) cm²
    cell : (K, L) int
        Which of the C cells of the smearing matrix is in force.
    row_cell : (Q,) int
        The cell of each row: a bin of log10 E within a cell of the matrix.
    row_log10energy : (Q, 2)
        Its edges.
    row_fraction : (Q,)
        Its share of the cell; those of a cell sum to 1.
    row_sigma : (Q, S)
        Shares of the bins of σ within the row; each row sums to 1.
    sigma_edges : (S + 1,) rad
        The outermost bins are open.

    Examples
    --------
    >>> from nusky.hyp import PowerLawFlux
    >>> from nusky.response import AreaTable, SmearingResponse, TabulatedResponse
    >>> area = AreaTable(np.array([1e2, 1e4]), np.array([-1.0, 1.0]), np.array([[1.0]]))
    >>> two = np.array([[2.0, 3.0], [3.0, 4.0]])
    >>> small = np.full((2, 2), 0.01)
    >>> smearing = SmearingResponse(two, np.tile([-1.0, 1.0], (2, 1)), two, small, small, np.ones(2))
    >>> response = TabulatedResponse.of(area, smearing)
    >>> p = response.energies(np.array([-1.0, 1.0]), np.array([2.0, 3.0, 4.0]), [PowerLawFlux(2.0)])
    >>> p.shape, p.ravel().round(4).tolist()        # (1/100 − 1/1000) : (1/1000 − 1/10000)
    ((1, 1, 2), [0.9091, 0.0909])
    """

    energy_edges: F64
    sindec_edges: F64
    area: F64
    cell: I64
    row_cell: I64
    row_log10energy: F64
    row_fraction: F64
    row_sigma: F64
    sigma_edges: F64

    @classmethod
    def of(
        cls, area: AreaTable, smearing: SmearingResponse, *, sigma_edges: F64 = SIGMA_EDGES, min_sigma: float = 0.0
    ) -> TabulatedResponse:
        """From the two published tables.

        Where the smearing matrix has no filled cell for a neutrino that the area accepts, the nearest filled cell in
        energy of its band of declination is taken, and of the nearest band where one holds none.

        Parameters
        ----------
        area : AreaTable
        smearing : SmearingResponse
        sigma_edges : (S + 1,) rad, increasing
        min_sigma : float
            Floor of σ, rad.
        """
        cells = smearing.cells
        between, bands = cells.borders
        log_edges = np.log10(area.energy_edges)
        inner = np.concatenate([log_edges, *(energies for _, energies in bands)])
        log_edges = _merged(inner[(inner >= log_edges[0]) & (inner <= log_edges[-1])])
        sindec = np.concatenate([area.sindec_edges, between])
        sindec = _merged(sindec[(sindec >= area.sindec_edges[0]) & (sindec <= area.sindec_edges[-1])])
        log_middle, s_middle = 0.5 * (log_edges[1:] + log_edges[:-1]), 0.5 * (sindec[1:] + sindec[:-1])
        k = bin_of(np.log10(area.energy_edges), log_middle)
        grid = np.meshgrid(log_middle, s_middle, indexing="ij")
        cell = cells.at(grid[0].ravel(), grid[1].ravel()).reshape(grid[0].shape)
        # Rows of the matrix of one cell and one bin of log10 E become one. In the files they follow each other; where
        # they do not, runs of the same are found and joined.
        bins = smearing.log10energy[cells.rows]
        new = np.concatenate([[True], np.diff(cells.cell_of_row) > 0])
        new[1:] |= np.any(bins[1:] != bins[:-1], axis=1)
        runs = np.column_stack([cells.cell_of_row[new], bins[new]])
        of_bin, run_bin = np.unique(runs, axis=0, return_inverse=True)
        bin_row = run_bin.ravel()[np.cumsum(new) - 1]
        fraction = smearing.fraction[cells.rows] / cells.total[cells.cell_of_row]
        row_fraction = np.asarray(np.bincount(bin_row, fraction), dtype=np.float64)
        shares = spread(smearing.sigma[cells.rows], fraction, bin_row, len(of_bin), sigma_edges)
        at_floor = int(bin_of(sigma_edges, np.array([min_sigma]))[0])
        shares[:, at_floor] += shares[:, :at_floor].sum(axis=1)
        shares[:, :at_floor] = 0.0
        return cls(
            10.0**log_edges,
            sindec,
            area.area[np.ix_(k, bin_of(area.sindec_edges, s_middle))],
            cell,
            of_bin[:, 0].astype(np.int64),
            np.ascontiguousarray(of_bin[:, 1:]),
            row_fraction,
            shares / row_fraction[:, None],
            np.array(sigma_edges),
        )

    @property
    def n_cells(self) -> int:
        """C, filled cells of the smearing matrix."""
        return int(self.row_cell[-1]) + 1

    @cached_property
    def _points(self) -> tuple[I64, F64, F64]:
        return energy_points(self.energy_edges)

    def fluences(self, flux: Flux) -> F64:
        """(K,) ∫ φ dE over the energies of each cell."""
        of, energy, weight = self._points
        return np.asarray(np.bincount(of, weight * flux(energy), len(self.area)), dtype=np.float64)

    def cell_weights(self, sindec_edges: F64, fluxes: Sequence[Flux]) -> F64:
        """Shares of the smearing cells in the events of a source somewhere in a row of sin δ.

        A source at δ has the events Σ_k Φ_k A(k, δ) of the cells k of energy, normalised; the row is the mean over
        sin δ of that, so that a declination with a large area does not speak for its neighbours.

        Parameters
        ----------
        sindec_edges : (R + 1,)
        fluxes : F spectra

        Returns
        -------
        (F, R, C); a row in which nothing is accepted holds zeros
        """
        low, high = sindec_edges[:-1, None], sindec_edges[1:, None]
        common = np.clip(np.minimum(high, self.sindec_edges[1:]) - np.maximum(low, self.sindec_edges[:-1]), 0.0, None)
        out = np.zeros((len(fluxes), len(low), self.n_cells))
        flat = self.cell + self.n_cells * np.arange(self.cell.shape[1])
        for f, flux in enumerate(fluxes):
            events = self.fluences(flux)[:, None] * self.area
            total = events.sum(axis=0)
            accepted = total > 0
            share = np.divide(events, total, out=np.zeros_like(events), where=accepted)
            of_column = np.bincount(flat.ravel(), share.ravel(), flat.shape[1] * self.n_cells)
            length = common * accepted
            norm = length.sum(axis=1, keepdims=True)
            mean = np.divide(length, norm, out=np.zeros_like(length), where=norm > 0)
            out[f] = mean @ of_column.reshape(-1, self.n_cells)
        return out

    def energies(self, sindec_edges: F64, log10energy_edges: F64, fluxes: Sequence[Flux]) -> F64:
        """P(log10 E | sin δ) of signal: shares of the bins of log10 E, the outermost of which are open.

        Parameters
        ----------
        sindec_edges : (R + 1,)
        log10energy_edges : (M + 1,)
        fluxes : F spectra

        Returns
        -------
        (F, R, M); every row sums to 1, or to 0 where nothing is accepted
        """
        share = self.row_fraction[:, None] * overlap(self.row_log10energy, log10energy_edges)
        of_cell = np.zeros((self.n_cells, share.shape[1]))
        np.add.at(of_cell, self.row_cell, share)
        return self.cell_weights(sindec_edges, fluxes) @ of_cell

    def energies_and_sigmas(self, sindec_edges: F64, log10energy_edges: F64, fluxes: Sequence[Flux]) -> F64:
        """P(log10 E, σ | sin δ) of signal: as `energies`, with the bins of σ as last axis.

        Returns
        -------
        (F, R, M, S)
        """
        share = self.row_fraction[:, None] * overlap(self.row_log10energy, log10energy_edges)
        n_energy, n_sigma = share.shape[1], self.row_sigma.shape[1]
        of_cell = np.zeros((self.n_cells, n_energy, n_sigma))
        starts = np.searchsorted(self.row_cell, np.arange(self.n_cells + 1))
        for c in range(self.n_cells):
            rows = slice(starts[c], starts[c + 1])
            of_cell[c] = share[rows].T @ self.row_sigma[rows]
        weights = self.cell_weights(sindec_edges, fluxes)
        return (weights @ of_cell.reshape(self.n_cells, -1)).reshape(*weights.shape[:2], n_energy, n_sigma)


def _merged(edges: F64) -> F64:
    """Sorted edges, of which those that are the same but for rounding are one."""
    edges = np.unique(edges)
    return np.asarray(edges[np.concatenate([[True], np.diff(edges) > _SAME_EDGE])])
