from __future__ import annotations

import numpy as np
import pytest

from nusky.hyp import BinnedFlux, PowerLawFlux
from nusky.response import SimulatedSignal, TabulatedResponse, simulate_from_tables
from response_tables import loop_energies, physics_area, physics_smearing, small_area, small_smearing

S_EDGES = np.array([-1.0, -0.4, 0.1, 0.2, 1.0])
E_EDGES = np.array([1.5, 2.0, 2.2, 2.9, 3.3, 4.5, 5.0])

FLUXES = [
    PowerLawFlux(1.0),
    PowerLawFlux(2.7),
    PowerLawFlux(4.0),
    PowerLawFlux(2.0, energy_cutoff=10**3.4),
    BinnedFlux(np.array([1e2, 1e3, 1e4]), np.array([1e-9, 3e-14])),
]


@pytest.fixture(scope="module")
def response() -> TabulatedResponse:
    return TabulatedResponse.of(small_area(), small_smearing())


@pytest.mark.parametrize("flux", FLUXES, ids=lambda flux: type(flux).__name__)
def test_energies_are_those_of_plain_loops_over_neutrinos(response: TabulatedResponse, flux) -> None:
    found = response.energies(S_EDGES, E_EDGES, [flux])[0]
    expected = loop_energies(small_area(), small_smearing(), S_EDGES, E_EDGES, flux)
    # The loops take the spectrum at the middle of steps of 0.025
    np.testing.assert_allclose(found, expected, rtol=3e-3, atol=1e-5)
    assert np.count_nonzero(expected) > 12


def test_every_row_sums_to_one_and_one_without_area_to_nothing(response: TabulatedResponse) -> None:
    found = response.energies(S_EDGES, E_EDGES, FLUXES)
    np.testing.assert_allclose(found.sum(axis=2), np.tile([1.0, 0.0, 1.0, 1.0], (len(FLUXES), 1)), rtol=1e-12)
    assert np.all(found[:, 1] == 0)


def test_a_declination_with_a_large_area_does_not_speak_for_its_neighbour(response: TabulatedResponse) -> None:
    # 0.1 … 0.6 has up to a thousand times the area of 0.6 … 1, and a row that holds both is the mean of both
    both, one, other = (
        response.energies(np.array(edges), E_EDGES, [PowerLawFlux(2.0)])[0, 0]
        for edges in ([0.2, 1.0], [0.2, 0.6], [0.6, 1.0])
    )
    np.testing.assert_allclose(both, 0.5 * (one + other), rtol=1e-12)
    assert np.abs(one - other).sum() > 0.3


def test_sigmas_sum_to_the_energies_and_follow_the_rows(response: TabulatedResponse) -> None:
    joint = response.energies_and_sigmas(S_EDGES, E_EDGES, FLUXES[:2])
    np.testing.assert_allclose(joint.sum(axis=3), response.energies(S_EDGES, E_EDGES, FLUXES[:2]), rtol=1e-12)


def test_sigmas_of_a_bin_of_energy_are_those_of_its_rows_of_the_matrix(response: TabulatedResponse) -> None:
    smearing = small_smearing()
    cells = smearing.cells
    for q in range(len(response.row_cell)):
        c = response.row_cell[q]
        expected = np.zeros(response.row_sigma.shape[1])
        total = 0.0
        for row in cells.rows[cells.starts[c] : cells.starts[c + 1]]:
            total += smearing.fraction[row]
            if np.array_equal(smearing.log10energy[row], response.row_log10energy[q]):
                draws = smearing.sigma[row, 0] + (np.arange(20_000) + 0.5) / 20_000 * np.diff(smearing.sigma[row])
                found, _ = np.histogram(draws, np.r_[0.0, response.sigma_edges[1:-1], 10.0])
                expected += smearing.fraction[row] * found / 20_000
        np.testing.assert_allclose(response.row_fraction[q], expected.sum() / total, rtol=1e-9)
        np.testing.assert_allclose(response.row_sigma[q], expected / expected.sum(), atol=2e-4)


def test_the_floor_of_sigma_gathers_what_lies_below() -> None:
    floor = float(np.radians(1.0))
    raised = TabulatedResponse.of(small_area(), small_smearing(), min_sigma=floor)
    edges = raised.sigma_edges
    bin_of_floor = np.searchsorted(edges, floor, side="right") - 1
    assert np.all(raised.row_sigma[:, :bin_of_floor] == 0)
    free = TabulatedResponse.of(small_area(), small_smearing())
    np.testing.assert_allclose(
        raised.row_sigma[:, bin_of_floor + 1 :], free.row_sigma[:, bin_of_floor + 1 :], atol=1e-12
    )
    np.testing.assert_allclose(raised.row_sigma.sum(axis=1), 1.0)


def test_simulated_sets_scatter_around_the_tables() -> None:
    area, smearing = physics_area(), physics_smearing()
    response = TabulatedResponse.of(area, smearing)
    sim = simulate_from_tables(area, smearing, n_events=200_000)
    e_edges = np.linspace(1, 9, 41)
    signal = SimulatedSignal(sim, area.sindec_edges, e_edges)
    for flux in (PowerLawFlux(2.0), PowerLawFlux(3.0), PowerLawFlux(2.0, energy_cutoff=1e4)):
        exact = response.energies(area.sindec_edges, e_edges, [flux])[0]
        drawn = signal.histogram(flux)
        apart = 0.5 * np.abs(drawn / drawn.sum(axis=1, keepdims=True) - exact).sum(axis=1)
        assert np.median(apart) < 0.04  # of independent draws: twice as much
        assert apart.max() < 0.1
