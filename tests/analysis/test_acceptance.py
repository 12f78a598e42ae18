from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import trapezoid

from nusky import hyp
from nusky.analysis.acceptance import Acceptance
from nusky.events import Events
from nusky.response import AreaTable

NODES = np.linspace(1, 4, 49)


def simulation(n: int = 200_000, seed: int = 0) -> Events:
    """A_eff = 10^(2 + s) E^0.8 cm2 on 1e2 .. 1e6 GeV, drawn uniformly in ln E and sin dec."""
    rng = np.random.default_rng(seed)
    log_e = rng.uniform(np.log(1e2), np.log(1e6), n)
    s = rng.uniform(-1, 1, n)
    e = np.exp(log_e)
    # int A dE dOmega: density of the draw is n / (4 pi ln(1e4)) per d ln E dOmega.
    weight = 10 ** (2 + s) * e**0.8 * e * 4 * np.pi * np.log(1e4) / n
    return Events({"true_dec": np.arcsin(s), "true_energy": e, "oneweight": weight})


def exact(dec: np.ndarray, gamma: float, days: float) -> np.ndarray:
    power = 1.8 - gamma
    per_energy = np.log(1e4) if power == 0 else (1e6**power - 1e2**power) / power
    return days * 86400 * 10 ** (2 + np.sin(dec)) * per_energy


@pytest.mark.parametrize("gamma", [1.0, 2.0, 2.7, 4.0])
def test_it_is_livetime_times_the_integral_of_area_times_flux(gamma):
    acceptance = Acceptance.from_sim(simulation(), 300.0, gamma_nodes=NODES)
    dec = np.radians(np.linspace(-90, 90, 61))
    ratio = acceptance(dec, gamma) / exact(dec, gamma, 300.0)
    # 4000 independent draws to a node: 1/sqrt(n_eff) is 2 to 6 % for these spectra.
    assert np.abs(ratio - 1).mean() < 0.06
    assert abs(ratio.mean() - 1) < 0.02


def test_the_sum_over_the_sky_is_the_sum_of_weights():
    sim = simulation(20_000)
    acceptance = Acceptance.from_sim(sim, 1.0, gamma_nodes=NODES)
    # The triangles add up to 1 everywhere: the trapezium rule over the nodes gives the plain sum back.
    for g, gamma in ((0, 1.0), (16, 2.0), (48, 4.0)):
        at_nodes = np.exp(acceptance.log_acceptance[:, g])
        total = 2 * np.pi * trapezoid(at_nodes, acceptance.sindec_nodes)
        assert total == pytest.approx(86400 * (sim.oneweight * sim.true_energy**-gamma).sum(), rel=1e-3)


def test_it_is_linear_in_the_log_between_nodes_and_smooth_in_gamma():
    acceptance = Acceptance.from_sim(simulation(), 1.0, gamma_nodes=NODES)
    nodes = acceptance.sindec_nodes
    middle = np.arcsin(0.5 * (nodes[1:] + nodes[:-1]))
    log_a = acceptance.log_acceptance[:, 16]
    np.testing.assert_allclose(np.log(acceptance(middle, 2.0)), 0.5 * (log_a[1:] + log_a[:-1]), rtol=1e-12)
    between = acceptance(0.1, 2.03)
    exactly = acceptance.for_flux(hyp.PowerLawFlux(2.03))(0.1)
    assert between == pytest.approx(exactly, rel=1e-5)


@pytest.mark.parametrize(
    "flux",
    [
        hyp.PowerLawFlux(2.0, norm=1e-9, energy_range=(1e3, 1e5)),
        hyp.PowerLawFlux(2.0, energy_cutoff=1e4),
        hyp.BrokenPowerLawFlux(2.0, 3.0, 1e4),
        hyp.PowerLawFlux(5.0),
    ],
)
def test_any_flux_gives_the_weighted_sum_of_the_simulation(flux):
    sim = simulation()
    acceptance = Acceptance.from_sim(sim, 2.0, gamma_nodes=NODES).for_flux(flux)
    near = np.abs(np.sin(sim.true_dec)) < 0.02
    share = 1 - np.abs(np.sin(sim.true_dec[near])) / 0.02
    direct = 2 * 86400 * (share * sim.oneweight[near] * flux(sim.true_energy[near])).sum() / (2 * np.pi * 0.02)
    assert acceptance(0.0) == pytest.approx(direct, rel=5e-3)


def test_a_declination_that_sees_nothing_has_a_vanishing_acceptance():
    sim = simulation(20_000)
    north = sim[sim.true_dec > 0.3]
    acceptance = Acceptance.from_sim(north, 1.0, gamma_nodes=NODES)
    assert np.all(np.isfinite(acceptance.log_acceptance))
    assert acceptance(-1.0, 2.0) < 1e-60 * acceptance(1.0, 2.0)


@pytest.mark.parametrize(
    "flux", [hyp.PowerLawFlux(1.0), hyp.PowerLawFlux(3.6), hyp.PowerLawFlux(2.0, energy_cutoff=3e3)], ids=repr
)
def test_of_a_table_of_areas_it_is_the_integral_in_the_cell_of_the_declination(flux):
    rng = np.random.default_rng(1)
    energy, sindec = np.geomspace(1e2, 1e6, 9), np.array([-1.0, -0.3, 0.2, 0.4, 1.0])
    table = AreaTable(energy, sindec, rng.uniform(1.0, 9.0, (8, 4)) * 10.0 ** rng.integers(0, 4, 4))
    acceptance = Acceptance.from_area(table, 3.0).for_flux(flux)
    for j in range(4):
        expected = 0.0
        for i in range(8):
            log_energy = np.linspace(*np.log(energy[i : i + 2]), 4001)
            spectrum = flux(np.exp(log_energy)) * np.exp(log_energy)
            expected += 3 * 86400 * table.area[i, j] * trapezoid(spectrum, log_energy)
        middle = 0.5 * (sindec[j] + sindec[j + 1])
        assert acceptance(np.arcsin(middle)) == pytest.approx(expected, rel=1e-5)
    # ln A is a straight line between the middles of cells, however far apart their areas are, and level to the poles
    a, b, half = (acceptance(np.arcsin(s)) for s in (-0.05, 0.3, 0.125))
    assert half == pytest.approx(np.sqrt(a * b))
    assert acceptance(-np.pi / 2) == acceptance(np.arcsin(-0.65))
    assert acceptance(np.pi / 2) == acceptance(np.arcsin(0.7))


def test_shapes_and_scalars():
    acceptance = Acceptance.from_sim(simulation(5000), 1.0)
    assert isinstance(acceptance(0.1, 2.0), float)
    assert acceptance(np.zeros((3, 1)), np.array([2.0, 2.5])).shape == (3, 2)
    assert isinstance(acceptance.for_flux(hyp.PowerLawFlux(2))(0.1), float)
    assert len(acceptance.sindec_nodes) == 50


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: a(0.1, 4.5), "gamma=.*4.5"),
        (lambda a: a(45.0, 2.0), "dec=.*45.0"),
        (lambda a: a.for_flux(hyp.PowerLawFlux(2))(np.nan), "dec=.*nan"),
        (lambda a: a.for_flux(hyp.PowerLawFlux(2, energy_range=(1e8, 1e9))), "miss the simulated"),
        (lambda a: Acceptance.from_sim(simulation(100), -1.0), "livetime"),
        (lambda a: Acceptance.from_sim(simulation(100).with_columns(oneweight=np.zeros(100)), 1.0), "oneweight"),
        (lambda a: Acceptance(np.array([-1.0, 1.0]), np.array([1e3]), np.array([[1.0]])), "exposure"),
    ],
)
def test_nonsense_is_refused(call, message):
    acceptance = Acceptance.from_sim(simulation(1000), 1.0)
    with pytest.raises(ValueError, match=message):
        call(acceptance)


@pytest.fixture(scope="module")
def first_year(shared_data):
    from nusky.releases import read_ic86_first_year

    folder = shared_data / "icecube_ic86_2011"
    season = read_ic86_first_year(folder)
    return Acceptance.from_sim(season.sim, season.livetime), season.livetime, folder / "TabulatedAeff.txt"


@pytest.mark.parametrize(("gamma", "tolerance"), [(1.0, 0.005), (2.0, 0.005), (3.0, 0.01), (4.0, 0.03)])
def test_on_the_first_year_it_is_the_table_of_effective_areas_integrated_directly(first_year, gamma, tolerance):
    acceptance, days, areas = first_year
    low, high, zenith_low, zenith_high, area = np.loadtxt(areas, unpack=True)
    per_energy = np.log(high / low) if gamma == 1 else (high ** (1 - gamma) - low ** (1 - gamma)) / (1 - gamma)
    # At the Pole sin dec = -cos zenith. The table scatters by 2 to 6 % from one cell to the next, so it is averaged
    # over the same triangle as the simulation.
    edges = np.unique(-np.concatenate([zenith_low, zenith_high]))
    table = np.zeros(len(edges) - 1)
    np.add.at(
        table, np.searchsorted(edges, -0.5 * (zenith_low + zenith_high)) - 1, days * 86400 * 1e4 * area * per_energy
    )
    fine = np.linspace(-1, 1, 20_001)
    value = table[np.clip(np.searchsorted(edges, fine) - 1, 0, len(table) - 1)]
    nodes = acceptance.sindec_nodes
    triangle = np.clip(1 - np.abs(fine - nodes[:, None]) / (nodes[1] - nodes[0]), 0, 1)
    direct = triangle @ value / triangle.sum(axis=1)
    np.testing.assert_allclose(acceptance(np.arcsin(nodes), gamma), direct, rtol=tolerance)


def test_on_the_first_year_twenty_events_are_the_tutorials_flux(first_year):
    healpy = pytest.importorskip("healpy")
    histlite = pytest.importorskip("histlite")
    acceptance, _, _ = first_year
    prior = histlite.heal.hist(128, [0], [np.pi]).smoothing(np.radians(10)).normalize()
    weight = healpy.ud_grade(np.maximum(1e-4, prior.map), 64)
    dec = np.pi / 2 - healpy.pix2ang(64, np.arange(len(weight)))[0]
    weight[np.abs(dec) > np.radians(85)] = 0
    mean = (weight * acceptance(dec, 2.0)).sum() / weight.sum()
    flux = hyp.PowerLawFlux(2).to_E2dNdE(20, mean, E0=100, unit=1e3)
    assert flux == pytest.approx(1.0685320290882531e-11, rel=0.03)
