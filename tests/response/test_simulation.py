from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import integrate, stats

from nusky.events import Events
from nusky.response import (
    AreaTable,
    SmearingResponse,
    StandInResponse,
    draw_separation,
    simulate_from_tables,
)
from nusky.sphere.rotation import separation


@pytest.fixture(scope="module")
def table() -> AreaTable:
    """Steep in energy, uneven in declination, with an empty corner: the features of a real table."""
    energy = np.geomspace(1e2, 1e9, 36)
    sindec = np.sin(np.radians([-90, -60, -40, -20, -5, 0, 10, 25, 50, 90]))
    log_centre = np.log10(np.sqrt(energy[1:] * energy[:-1]))
    area = 10 ** (
        3 + 1.5 * (log_centre - 3)[:, None] - 0.2 * (log_centre - 3)[:, None] ** 2 + 0.3 * np.arange(9)[None, :]
    )
    area[:5, :3] = 0.0
    return AreaTable(energy, sindec, area)


@pytest.fixture(scope="module")
def season() -> Events:
    rng = np.random.default_rng(3)
    n = 20_000
    log10energy = rng.uniform(2, 6, n)
    sindec = rng.uniform(-1, 1, n)
    # σ encodes where it came from, so that a draw from the wrong place shows.
    sigma = np.radians(0.3 + 0.2 * log10energy + 1.0 * (sindec > 0))
    return Events({"sindec": sindec, "log10energy": log10energy, "sigma": sigma})


@pytest.fixture(scope="module")
def sim(table: AreaTable, season: Events) -> Events:
    return simulate_from_tables(table, StandInResponse(season), n_events=200_000)


@pytest.mark.parametrize("gamma", [1.0, 1.5, 2.0, 3.5])
def test_area_integral_agrees_with_numerical_quadrature(table: AreaTable, gamma: float) -> None:
    expected = 0.0
    lo, hi = -0.3, 0.6
    for i in range(len(table.energy_edges) - 1):
        flux, _ = integrate.quad(
            lambda u: np.exp(u * (1 - gamma)), *np.log(table.energy_edges[i : i + 2]), epsabs=0, epsrel=1e-10
        )
        for j in range(len(table.sindec_edges) - 1):
            width = min(hi, table.sindec_edges[j + 1]) - max(lo, table.sindec_edges[j])
            expected += table.area[i, j] * flux * 2 * np.pi * max(width, 0.0)
    assert table.integral(gamma, lo, hi) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("gamma", [1.5, 2.0, 2.5, 3.0, 3.5])
def test_weights_reproduce_the_area_integral_to_a_permille_in_bands(
    table: AreaTable, sim: Events, gamma: float
) -> None:
    weight = sim.oneweight * sim.true_energy**-gamma
    bands = table.sindec_edges
    found, _ = np.histogram(np.sin(sim.true_dec), bands, weights=weight)
    expected = [table.integral(gamma, lo, hi) for lo, hi in itertools.pairwise(bands)]
    np.testing.assert_allclose(found, expected, rtol=1e-3)
    assert weight.sum() == pytest.approx(table.integral(gamma), rel=1e-4)


@pytest.mark.parametrize("gamma", [1.5, 2.5, 3.5])
def test_bands_that_cut_cells_keep_their_spectrum(table: AreaTable, sim: Events, gamma: float) -> None:
    weight = sim.oneweight * sim.true_energy**-gamma
    bands = np.linspace(-1, 1, 21)
    found, _ = np.histogram(np.sin(sim.true_dec), bands, weights=weight)
    expected = [table.integral(gamma, lo, hi) for lo, hi in itertools.pairwise(bands)]
    np.testing.assert_allclose(found, expected, rtol=5e-3)


def test_weights_reproduce_a_flux_that_is_no_power_law(table: AreaTable, sim: Events) -> None:
    def flux(energy: np.ndarray) -> np.ndarray:
        return energy**-2.0 * np.exp(-energy / 1e5)

    fine = np.linspace(np.log(1e2), np.log(1e9), 70_001)
    centre = np.exp(0.5 * (fine[1:] + fine[:-1]))
    cell = np.searchsorted(table.energy_edges, centre) - 1
    per_energy = flux(centre) * centre * np.diff(fine)
    expected = 2 * np.pi * (per_energy @ (table.area @ np.diff(table.sindec_edges))[cell])
    assert (sim.oneweight * flux(sim.true_energy)).sum() == pytest.approx(expected, rel=1e-3)


def test_no_event_is_simulated_where_the_area_is_zero(table: AreaTable, sim: Events) -> None:
    i = np.searchsorted(table.energy_edges, sim.true_energy, side="right") - 1
    j = np.searchsorted(table.sindec_edges, np.sin(sim.true_dec), side="right") - 1
    i, j = np.clip(i, 0, table.area.shape[0] - 1), np.clip(j, 0, table.area.shape[1] - 1)
    # A direction within rounding of an edge may land in the neighbouring cell.
    assert np.mean(table.area[i, j] == 0) < 1e-4
    assert sim.oneweight.min() > 0


def test_same_seed_gives_the_same_events_and_another_seed_others(table: AreaTable, season: Events) -> None:
    first, again, other = (
        simulate_from_tables(table, StandInResponse(season), n_events=3000, seed=seed) for seed in (5, 5, 6)
    )
    for name in first.columns:
        np.testing.assert_array_equal(first[name], again[name])
    assert not np.array_equal(first.ra, other.ra)


def test_the_stand_in_energy_is_the_stated_line_with_the_stated_spread(sim: Events) -> None:
    residual = sim.log10energy - (0.85 * np.log10(sim.true_energy) + 0.35)
    assert residual.mean() == pytest.approx(0.0, abs=5 * 0.35 / np.sqrt(len(sim)))
    assert residual.std() == pytest.approx(0.35, rel=5 / np.sqrt(2 * len(sim)))
    assert abs(np.corrcoef(residual, np.log10(sim.true_energy))[0, 1]) < 0.01


def test_sigma_comes_from_the_seasons_events_near_in_declination_and_energy(sim: Events, season: Events) -> None:
    assert np.all(np.isin(sim.sigma, season.sigma))
    inside = (sim.log10energy > 2.2) & (sim.log10energy < 5.8) & (np.abs(np.sin(sim.true_dec)) > 0.2)
    expected = np.radians(0.3 + 0.2 * sim.log10energy + 1.0 * (sim.true_dec > 0))[inside]
    # Within 0.3 in log10 E; the band that holds the equator has a few events from the other hemisphere.
    assert np.quantile(np.degrees(np.abs(sim.sigma[inside] - expected)), 0.98) < 0.2 * 0.3


def test_offsets_follow_sigma_as_the_spatial_term_says(sim: Events) -> None:
    psi = separation(sim.ra, sim.dec, sim.true_ra, sim.true_dec)
    # ψ²/2σ² is exponential for a two-dimensional Gaussian.
    assert stats.kstest(0.5 * (psi / sim.sigma) ** 2, "expon").pvalue > 1e-3


def test_wide_errors_follow_von_mises_fisher() -> None:
    for sigma in np.radians([10.0, 60.0, 170.0]):
        psi = draw_separation(np.full(20_000, sigma), np.random.default_rng(2))
        kappa = 1 / sigma**2
        # cos ψ has density ∝ exp(κ cos ψ) on [−1, 1].
        expected = stats.kstest(np.cos(psi), lambda c, k=kappa: np.expm1(k * (c + 1)) / np.expm1(2 * k))
        assert expected.pvalue > 1e-3
        assert np.all((psi >= 0) & (psi <= np.pi))


def test_the_two_spatial_terms_meet_at_seven_degrees() -> None:
    below, above = (
        draw_separation(np.full(50_000, np.radians(s)), np.random.default_rng(4)) / np.radians(s)
        for s in (6.999, 7.001)
    )
    np.testing.assert_allclose(np.quantile(below, [0.1, 0.5, 0.9]), np.quantile(above, [0.1, 0.5, 0.9]), rtol=0.01)


def test_positions_around_the_truth_have_no_preferred_angle(sim: Events) -> None:
    mid = np.abs(sim.true_dec) < 0.5
    east = (np.mod(sim.ra - sim.true_ra + np.pi, 2 * np.pi) - np.pi)[mid]
    north = (sim.dec - sim.true_dec)[mid]
    n = np.count_nonzero(mid)
    for values in (east, north):
        assert abs(np.count_nonzero(values > 0) / n - 0.5) < 4 * 0.5 / np.sqrt(n)


def smearing_rows() -> SmearingResponse:
    """Two energies and two declination bands; the fractions of one cell do not sum to 1 and one row is empty."""
    log_true, sindec, log_energy, psi, sigma, fraction = [], [], [], [], [], []
    for band in ((-1.0, 0.0), (0.0, 1.0)):
        for true in ((2.0, 3.0), (3.0, 4.0)):
            for cell, share in ((0, 0.25), (1, 0.5), (2, 0.0)):
                log_true.append(true)
                sindec.append(band)
                log_energy.append((true[0] + cell, true[0] + cell + 1))
                psi.append((0.01 * cell, 0.01 * (cell + 1)))
                sigma.append((0.1 + 0.1 * cell + (band[0] == 0), 0.2 + 0.1 * cell + (band[0] == 0)))
                fraction.append(share)
    arrays = [np.array(values, dtype=float) for values in (log_true, sindec, log_energy, psi, sigma, fraction)]
    return SmearingResponse(*arrays)


def test_smearing_draws_cells_in_their_fractions_and_uniformly_inside() -> None:
    n = 40_000
    true_energy = np.full(n, 10**3.5)
    log10energy, psi, sigma = smearing_rows().draw(true_energy, np.full(n, 0.5), np.random.default_rng(1))
    upper = psi > 0.01
    assert np.mean(upper) == pytest.approx(2 / 3, abs=4 * 0.5 / np.sqrt(n))
    # The three observables of one row belong together.
    np.testing.assert_array_equal(upper, log10energy > 4.0)
    np.testing.assert_array_equal(upper, sigma > 1.2)
    assert log10energy.min() >= 3.0
    assert log10energy.max() <= 5.0
    assert sigma.max() <= 1.3
    assert stats.kstest(psi[upper], "uniform", args=(0.01, 0.01)).pvalue > 1e-3


def test_smearing_takes_the_band_of_the_declination_and_the_nearest_energy() -> None:
    response = smearing_rows()
    rng = np.random.default_rng(1)
    energies = 10 ** np.array([0.5, 2.5, 3.5, 8.0])
    log10energy, _, sigma = response.draw(energies, np.array([-0.9, -0.1, -0.5, -0.001]), rng)
    assert np.all(sigma < 0.3)
    assert np.all((log10energy[:2] >= 2) & (log10energy[:2] <= 4))
    assert np.all((log10energy[2:] >= 3) & (log10energy[2:] <= 5))
    assert np.all(response.draw(energies, np.full(4, 0.2), rng)[2] > 1.0)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("fraction", np.full(12, -1.0), "nowhere negative"),
        ("fraction", np.zeros(12), "somewhere positive"),
        ("psi", np.tile([0.2, 0.1], (12, 1)), "row 0 .* has psi reversed"),
        ("sigma", np.full((12, 2), np.nan), "sigma must be finite"),
        ("sindec", np.zeros((3, 2)), "sindec must be finite of shape"),
    ],
)
def test_impossible_smearing_is_refused(name: str, value: np.ndarray, message: str) -> None:
    good = smearing_rows()
    fields = {k: getattr(good, k) for k in ("log10_true_energy", "sindec", "log10energy", "psi", "sigma", "fraction")}
    with pytest.raises(ValueError, match=message):
        SmearingResponse(**{**fields, name: value})


@pytest.mark.parametrize(
    ("energy", "sindec", "area", "message"),
    [
        ([1e2, 1e2], [-1, 1], [[1.0]], "energy_edges must be"),
        ([0.0, 1e2], [-1, 1], [[1.0]], "energies are positive"),
        ([1e2, 1e3], [-90, 90], [[1.0]], "sin δ is in"),
        ([1e2, 1e3], [-1, 1], [[1.0, 2.0]], "area has shape"),
        ([1e2, 1e3], [-1, 1], [[-1.0]], "nowhere negative"),
        ([1e2, 1e3], [-1, 1], [[0.0]], "somewhere positive"),
        ([1e2, 1e3], [-1, 1], [[np.nan]], "finite"),
    ],
)
def test_impossible_areas_are_refused(energy: list, sindec: list, area: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AreaTable(np.array(energy, dtype=float), np.array(sindec, dtype=float), np.array(area))


def test_a_season_of_one_event_still_gives_a_simulation(table: AreaTable) -> None:
    lone = Events({"sindec": [0.2], "log10energy": [3.0], "sigma": [0.01]})
    sim = simulate_from_tables(table, StandInResponse(lone), n_events=1)
    assert np.all(sim.sigma == 0.01)
    assert len(sim) >= 8
    with pytest.raises(ValueError, match="n_events=0"):
        simulate_from_tables(table, StandInResponse(lone), n_events=0)


def test_sigma_has_the_asked_floor(table: AreaTable, season: Events) -> None:
    sim = simulate_from_tables(table, StandInResponse(season), n_events=2000, min_sigma=0.03)
    assert sim.sigma.min() == 0.03
