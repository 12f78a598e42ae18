from __future__ import annotations

import numpy as np
import pytest

from nusky.analysis.energy import EnergyRatio
from nusky.analysis.gamma import GAMMA_NODES
from nusky.events import Events

SINDEC = np.array([-1.0, 0.0, 1.0])
ENERGY = np.array([2.0, 3.0, 4.0, 5.0, 6.0])
NODES = np.array([1.0, 2.0, 2.5, 3.0])


def events(cells: dict[tuple[int, int], int]) -> Events:
    """Events at the centres of the given (row, column) cells."""
    rows = np.array([rc for rc, n in cells.items() for _ in range(n)]).reshape(-1, 2)
    return Events({"sindec": rows[:, 0] - 0.5, "log10energy": rows[:, 1] + 2.5})


def simulation(cells: dict[tuple[int, int], int]) -> Events:
    ev = events(cells)
    return ev.with_columns(
        true_dec=np.arcsin(ev.sindec), true_energy=10**ev.log10energy, oneweight=np.full(len(ev), 2.0)
    )


def build(data: Events, sim: Events, **kw) -> EnergyRatio:
    kw = {"gamma_nodes": NODES, "smooth": False, **kw}
    return EnergyRatio.from_events(data, sim, sindec_bins=SINDEC, log10energy_bins=ENERGY, **kw)


FULL = {(r, c): 10 * (r + 1) + c for r in range(2) for c in range(4)}


def test_a_cell_holds_the_ratio_of_the_two_row_normalised_histograms():
    data = events(FULL)
    sim = simulation({(r, c): 5 + c for r in range(2) for c in range(4)})
    ratio = build(data, sim)
    for g, gamma in enumerate(NODES):
        weight = (5 + np.arange(4)) * 10.0 ** (-gamma * (np.arange(4) + 2.5))
        for row in range(2):
            counts = 10 * (row + 1) + np.arange(4)
            expected = np.log(weight / weight.sum()) - np.log(counts / counts.sum())
            found = ratio.log_ratio(np.full(4, row - 0.5), np.arange(4) + 2.5)[:, g]
            np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_mean_ratio_over_the_background_is_one_where_the_background_covers_the_signal():
    data, sim = events(FULL), simulation(FULL)
    mean = np.exp(build(data, sim).log_ratio(data.sindec, data.log10energy)).mean(axis=0)
    np.testing.assert_allclose(mean, 1.0, rtol=1e-12)


def hole(**kw) -> tuple[EnergyRatio, np.ndarray]:
    """Row 0: columns 0 and 1 have both, column 2 only signal, column 3 nothing. Row 1 is full."""
    cells = {(1, c): 10 for c in range(4)}
    ratio = build(events({(0, 0): 30, (0, 1): 10, **cells}), simulation({(0, c): 4 for c in range(3)} | cells), **kw)
    return ratio, ratio.log_ratio(np.full(4, -0.5), np.arange(4) + 2.5)


def test_nearest_takes_the_nearest_filled_cells_ratio():
    _, found = hole(empty="nearest")
    np.testing.assert_allclose(found[2], found[1])
    assert not np.allclose(found[0], found[1])


def test_continued_keeps_the_signals_own_dependence_on_gamma_and_the_neighbours_ratio_at_the_reference():
    _, found = hole(empty="continued")
    np.testing.assert_allclose(found[2, 2], found[1, 2])  # gamma = 2.5
    # One decade of energy: ln R differs by (2.5 - gamma) ln 10.
    np.testing.assert_allclose(found[2] - found[1], (2.5 - NODES) * np.log(10), atol=1e-12)


def test_percentile99_takes_the_99th_percentile_of_the_ratios_above_one():
    ratio, found = hole(empty="percentile99")
    assert ratio.neutral is not None
    for g in range(len(NODES)):
        known = np.exp(np.concatenate([found[:2, g], ratio.log_ratio(np.full(4, 0.5), np.arange(4) + 2.5)[:, g]]))
        assert found[2, g] == pytest.approx(np.log(np.percentile(known[known > 1], 99)))


@pytest.mark.parametrize("empty", ["continued", "nearest", "percentile99"])
def test_a_cell_with_neither_is_neutral_and_does_not_pull_its_neighbours(empty):
    ratio, found = hole(empty=empty)
    np.testing.assert_array_equal(found[3], 0.0)
    assert ratio.neutral is not None
    assert ratio.neutral[0].tolist() == [False, False, False, True]
    # Just below the neutral cell the ratio is still the last known cell's, up to an eighth of the last step.
    edge = ratio.log_ratio(np.array([-0.5]), np.array([4.9999]))[0]
    assert np.all(np.abs(edge - found[2]) <= np.abs(found[2] - found[1]) / 8 + 1e-9)
    assert (ratio.n_filled, ratio.n_replaced) == (6, 1)


def test_a_cell_with_background_and_no_signal_takes_the_nearest_cell_with_both():
    cells = {(1, c): 10 for c in range(4)}
    ratio = build(events({(0, 0): 5, (0, 1): 5, (0, 2): 1, **cells}), simulation({(0, 0): 4, (0, 1): 4} | cells))
    found = ratio.log_ratio(np.full(3, -0.5), np.array([2.5, 3.5, 4.5]))
    np.testing.assert_allclose(found[2], found[1])


def test_a_row_without_common_cells_is_neutral():
    ratio = build(events({(1, c): 10 for c in range(4)}), simulation(FULL))
    np.testing.assert_array_equal(ratio.log_ratio(np.full(3, -0.7), np.array([2.1, 3.0, 5.9])), 0.0)


def test_between_the_centres_it_is_smooth_and_outside_it_stays_at_the_edge():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(2, 4, 4))
    ratio = EnergyRatio(NODES, SINDEC, ENERGY, table)
    e = np.linspace(1.0, 7.0, 6001)
    found = ratio.log_ratio(np.full(len(e), -0.2), e)
    slope = np.diff(found, axis=0) / (e[1] - e[0])
    inside = (e[1:] > 2.51) & (e[1:] < 5.49)
    # A jump in the slope would show as a step much larger than the curvature times the spacing.
    assert np.abs(np.diff(slope[inside], axis=0)).max() < 0.02
    np.testing.assert_allclose(found[0], found[np.searchsorted(e, 2.5)], atol=1e-9)
    np.testing.assert_allclose(found[-1], found[np.searchsorted(e, 5.5)], atol=1e-9)
    np.testing.assert_allclose(ratio.log_ratio(np.array([-1.0]), np.array([3.5])), table[:1, 1])


def test_one_event_is_evaluated_as_in_a_crowd():
    rng = np.random.default_rng(0)
    ratio = EnergyRatio(NODES, SINDEC, ENERGY, rng.normal(size=(2, 4, 4)))
    s, e = rng.uniform(-1, 1, 1000), rng.uniform(1, 7, 1000)
    crowd = ratio.log_ratio(s, e)
    alone = np.concatenate([ratio.log_ratio(s[i : i + 1], e[i : i + 1]) for i in range(0, 1000, 50)])
    np.testing.assert_allclose(alone, crowd[::50], rtol=1e-13, atol=1e-13)
    assert ratio.log_ratio([], []).shape == (0, 4)


def test_a_power_law_model_is_recovered():
    # Signal and background both power laws in energy at every declination: ln R is a straight line in log10 E.
    rng = np.random.default_rng(5)
    n = 400_000
    bins = np.linspace(2, 5, 13)

    def draw(index: float) -> np.ndarray:  # dN/dlog10E ~ 10^(-index x) on 2 .. 5
        u = rng.random(n)
        return 2 - np.log10(1 - u * (1 - 10 ** (-3 * index))) / index

    data = Events({"sindec": rng.uniform(-1, 1, n), "log10energy": draw(1.2)})
    x = rng.uniform(2, 5, n)
    true_dec = np.arcsin(rng.uniform(-1, 1, n))
    sim = Events({"true_dec": true_dec, "log10energy": x, "true_energy": 10**x, "oneweight": 10**x})
    ratio = EnergyRatio.from_events(
        data, sim, sindec_bins=np.linspace(-1, 1, 5), log10energy_bins=bins, gamma_nodes=NODES
    )
    at = np.linspace(2.2, 4.4, 23)
    found = ratio.log_ratio(np.full(23, 0.3), at)
    for g, gamma in enumerate(NODES):
        slope = np.polyfit(at, found[:, g], 1)[0]
        assert slope == pytest.approx((1.2 - (gamma - 1)) * np.log(10), abs=0.05)


def test_signal_is_sorted_by_its_true_declination():
    sim = simulation(FULL)
    moved = sim.with_columns(sindec=-sim.sindec)
    np.testing.assert_array_equal(build(events(FULL), moved).table, build(events(FULL), sim).table)


def test_the_default_nodes_are_cskys():
    assert len(GAMMA_NODES) == 49
    np.testing.assert_array_equal(np.diff(GAMMA_NODES), 1 / 16)


@pytest.mark.parametrize(
    ("kw", "message"),
    [
        ({"empty": "zero"}, "empty='zero'"),
        ({"gamma_nodes": [2.0]}, "gammas"),
        ({"gamma_nodes": [3.0, 2.0]}, "gammas"),
    ],
)
def test_unusable_options_are_refused(kw, message):
    with pytest.raises(ValueError, match=message):
        build(events(FULL), simulation(FULL), **kw)


def test_data_and_simulation_that_never_meet_are_refused():
    with pytest.raises(ValueError, match="both data and weighted simulation"):
        build(events({(0, 0): 5}), simulation({(1, 3): 5}))
    with pytest.raises(ValueError, match=r"\(N,\) alike"):
        build(events(FULL), simulation(FULL)).log_ratio(np.zeros(3), np.zeros(2))


@pytest.fixture(scope="module")
def first_year(shared_data):
    from nusky.releases import read_ic86_first_year

    season = read_ic86_first_year(shared_data / "icecube_ic86_2011")
    ratio = EnergyRatio.from_events(
        season.data, season.sim, sindec_bins=season.sindec_bins, log10energy_bins=season.log10energy_bins
    )
    return season, ratio


@pytest.mark.parametrize("sindec", [-0.7, -0.5, 0.01, 0.3, 0.8])
@pytest.mark.parametrize("gamma", [1.5, 2.0, 2.5, 3.0])
def test_on_the_first_year_the_mean_ratio_of_simulated_signal_peaks_at_its_own_gamma(first_year, sindec, gamma):
    # ln R differs from the signal's own log likelihood only by terms without gamma: its mean must peak at the truth.
    season, ratio = first_year
    sim = season.sim
    band = np.flatnonzero(np.abs(np.sin(sim.true_dec) - sindec) < 0.02)
    weight = sim.oneweight[band] * sim.true_energy[band] ** -gamma
    mean = weight @ ratio.log_ratio(sim.sindec[band], sim.log10energy[band]) / weight.sum()
    assert ratio.gamma_nodes[mean.argmax()] == pytest.approx(gamma, abs=0.125)


def test_on_the_first_year_the_season_is_evaluated_at_finite_moderate_values(first_year):
    season, ratio = first_year
    found = ratio.log_ratio(season.data.sindec, season.data.log10energy)
    assert np.all(np.isfinite(found))
    assert -25 < found.min() < found.max() < 10
    # Signal mass without background events is missing from the mean; interpolation may add a few per cent.
    mean = np.exp(found).mean(axis=0)
    assert np.all(mean < 1.02)
    assert mean[GAMMA_NODES.searchsorted(2.5)] > 0.85
