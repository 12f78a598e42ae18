from __future__ import annotations

import numpy as np
import pytest

from response_tables import physics_smearing, small_smearing


def test_a_neutrino_without_a_cell_of_its_own_takes_the_nearest_filled_one() -> None:
    cells = small_smearing().cells
    # South: filled 2 … 3 and 3.5 … 5, so the gap is halved; north: 2 … 3 and 3 … 3.5, which holds all above
    log_energy = np.array([1.0, 2.9, 3.24, 3.26, 9.0, 2.9, 3.1, 9.0])
    sindec = np.array([-0.5] * 5 + [0.5] * 3)
    expected = np.array([2.0, 2.0, 2.0, 3.5, 3.5, 2.0, 3.0, 3.0])
    at = cells.at(log_energy, sindec)
    np.testing.assert_array_equal(cells.log10_true_energy[at, 0], expected)
    np.testing.assert_array_equal(cells.sindec[at, 0], np.where(sindec < 0, -1.0, 0.0))


def test_rows_of_a_cell_sum_to_its_total() -> None:
    smearing = small_smearing()
    cells = smearing.cells
    sums = [smearing.fraction[cells.rows[a:b]].sum() for a, b in zip(cells.starts[:-1], cells.starts[1:], strict=True)]
    np.testing.assert_allclose(cells.total, sums)
    assert len(cells.total) == 4


def test_energies_of_drawn_neutrinos_are_shared_more_evenly_than_by_chance() -> None:
    smearing = physics_smearing(10)
    n = 20_000
    log10energy, psi, sigma = smearing.draw(np.full(n, 10**4.2), np.zeros(n), np.random.default_rng(1))
    cell = np.flatnonzero((smearing.log10_true_energy[:, 0] == 4.0) & (smearing.fraction > 0))
    edges, at = np.unique(smearing.log10energy[cell, 0], return_inverse=True)
    expected = n * np.bincount(at, smearing.fraction[cell])
    found, _ = np.histogram(log10energy, np.append(edges, 20.0))
    # Chance would give 1 on average, with an error of 0.45
    assert np.mean((found - expected) ** 2 / expected) < 0.02
    # The three observables stay together: σ grows with ψ
    assert np.corrcoef(psi, sigma)[0, 1] == pytest.approx(
        _correlation(smearing, cell), abs=4 / np.sqrt(n)
    )  # fmt: skip


def _correlation(smearing, cell: np.ndarray) -> float:
    """Of ψ and σ in a cell, exactly: uniform inside every row."""
    weight = smearing.fraction[cell] / smearing.fraction[cell].sum()
    x, y = (edges[cell].mean(axis=1) for edges in (smearing.psi, smearing.sigma))
    widths = [np.diff(edges[cell])[:, 0] ** 2 / 12 for edges in (smearing.psi, smearing.sigma)]
    x, y = x - weight @ x, y - weight @ y
    return float(weight @ (x * y) / np.sqrt((weight @ (x**2 + widths[0])) * (weight @ (y**2 + widths[1]))))
