from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator
from scipy.special import ndtr

import release_physics as physics
from nusky.data.dataset import Dataset
from nusky.hyp import PowerLawFlux
from nusky.response import SigmaRatio, centres
from response_tables import physics_season

SINDEC = 0.3


@pytest.fixture(scope="module")
def season() -> Dataset:
    return physics_season(60_000, bins=16, sindec=SINDEC)


@pytest.fixture(scope="module")
def term(season: Dataset) -> SigmaRatio:
    assert season.response is not None
    return SigmaRatio.of(
        season.response,
        season.data,
        sindec_bins=season.sindec_bins,
        log10energy_bins=season.log10energy_bins,
        fluxes=[PowerLawFlux(2.0), PowerLawFlux(3.0)],
    )


def shares(median: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Of the bins of σ, of a logarithmic normal distribution."""
    z = (np.log(np.degrees(edges)) - np.log(median)[..., None]) / physics.SIGMA_WIDTH
    below = ndtr(z)
    below[..., 0], below[..., -1] = 0.0, 1.0
    return np.diff(below, axis=-1)


def test_background_is_that_which_events_were_drawn_from(season: Dataset, term: SigmaRatio) -> None:
    s, e = centres(term.sindec_bins), centres(term.log10energy_bins)
    truth = shares(physics.BACKGROUND_SIGMA * physics.median_sigma(e, s[:, None]), term.sigma_edges)
    counts = np.histogramdd(
        np.stack([season.data.sindec, season.data.log10energy, season.data.sigma], axis=1),
        [term.sindec_bins, term.log10energy_bins, np.r_[0, term.sigma_edges[1:-1], 4.0]],
    )[0]
    n = counts.sum(axis=2)
    apart = 0.5 * np.abs(np.exp(term.log_background) - truth).sum(axis=2)
    sparse, full = (n >= 1) & (n < 30), n > 1000
    assert sparse.sum() > 100
    assert np.median(apart[sparse]) < 0.1
    assert np.median(apart[full]) < 0.05
    own = 0.5 * np.abs(counts / np.maximum(n, 1)[..., None] - truth).sum(axis=2)
    assert np.median(own[sparse]) > 0.5  # what the counts of the cell alone would give


def test_the_term_is_the_ratio_of_the_two_densities(season: Dataset, term: SigmaRatio) -> None:
    # Both are normal in ln σ, the background's around an error 1.3 times as large
    data = season.data[(season.data.sindec > 0.2) & (season.data.sindec < 0.5) & (season.data.sigma < np.radians(15.0))]
    data = data[data.log10energy > 2.5]
    found = term.log_ratio(data.sindec, data.log10energy, data.sigma)[:, 0]
    median = physics.median_sigma(data.log10energy, np.full(len(data), SINDEC))
    z = np.log(np.degrees(data.sigma) / median) / physics.SIGMA_WIDTH
    step = np.log(physics.BACKGROUND_SIGMA) / physics.SIGMA_WIDTH
    truth = -0.5 * z**2 + 0.5 * (z - step) ** 2
    inside = (data.sigma > np.radians(0.22)) & (np.abs(z) < 2.5)
    apart = (found - truth)[inside]
    assert inside.sum() > 5000
    # Bins of 0.1 in ln σ and 0.2 in log10 E wash out a little; matrices hold 16 bins a side
    assert np.abs(np.median(apart)) < 0.05
    assert np.sqrt(np.mean(apart**2)) < 0.2
    assert np.std(truth[inside]) > 0.5


def test_signal_is_favoured_on_average_and_background_is_not(season: Dataset, term: SigmaRatio) -> None:
    sim = season.sim[np.sin(season.sim.true_dec) > 0.2]
    weight = sim.oneweight * sim.true_energy**-2.0
    signal = term.log_ratio(np.sin(sim.true_dec), sim.log10energy, sim.sigma)[:, 0]
    data = season.data[season.data.sindec > 0.2]
    background = term.log_ratio(data.sindec, data.log10energy, data.sigma)[:, 0]
    assert np.average(signal, weights=weight) > 0.1
    assert background.mean() < -0.05
    # ⟨P_S/P_B⟩ over background is 1
    assert np.mean(np.exp(background)) == pytest.approx(1.0, abs=0.05)


def test_values_between_the_cells_are_linear_in_each_axis(term: SigmaRatio) -> None:
    axes = (centres(term.sindec_bins), centres(term.log10energy_bins), centres(np.log(term.sigma_edges)))
    rng = np.random.default_rng(3)
    points = np.stack([rng.uniform(-1, 1, 700), rng.uniform(0.5, 10, 700), rng.uniform(-8, 1, 700)], axis=1)
    inside = np.stack([np.clip(x, a[0], a[-1]) for x, a in zip(points.T, axes, strict=True)], axis=1)
    found = term.log_ratio(points[:, 0], points[:, 1], np.exp(points[:, 2]))
    np.testing.assert_allclose(found, RegularGridInterpolator(axes, term.table)(inside), atol=1e-5)


def test_another_spectrum_keeps_the_background(season: Dataset, term: SigmaRatio) -> None:
    assert season.response is not None
    again = term.of_fluxes(season.response, [PowerLawFlux(3.0), PowerLawFlux(2.0)])
    np.testing.assert_array_equal(again.table, term.table[..., ::-1])
    np.testing.assert_array_equal(again.log_background, term.log_background)
    with pytest.raises(ValueError, match=r"gives no event: its energies miss"):
        term.of_fluxes(season.response, [PowerLawFlux(2.0, energy_range=(1e10, 1e11))])


def test_no_error_excludes_signal(season: Dataset, term: SigmaRatio) -> None:
    ratio = term.log_ratio(np.full(3, 0.4), np.full(3, 6.5), np.radians([0.01, 15.0, 170.0]))
    assert np.all(ratio >= np.log(0.01) - 1e-6)
    lone = dataclasses.replace(season, data=season.data[:1])
    few = SigmaRatio.of(
        season.response,
        lone.data,
        sindec_bins=season.sindec_bins,
        log10energy_bins=season.log10energy_bins,
        fluxes=[PowerLawFlux(2.0)],
    )
    # One event says next to nothing: where signal is likely, background is the same
    energies = np.linspace(3.0, 6.0, 7)
    median = np.radians(physics.median_sigma(energies, np.full(7, SINDEC)))
    assert np.abs(few.log_ratio(np.full(7, 0.4), energies, median)).max() < 0.1
