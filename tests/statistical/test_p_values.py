"""p-values of background trials are uniform as far as they can be: P(p <= α) = α for α below η, and never above α."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import template_oracle
from nusky import conf
from nusky.dists import TSD, Chi2TSD
from nusky.source.positions import sources
from seasons import one_season
from small_analysis import small_analysis

pytestmark = pytest.mark.slow

ALPHAS = np.array([0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9])


def assert_uniform(p: np.ndarray, eta: float, n_background: int) -> None:
    """Both the tested trials and the background distribution fluctuate."""
    for alpha in ALPHAS:
        spread = np.sqrt(alpha * (1 - alpha) * (1 / len(p) + 1 / n_background)) + 1 / n_background
        below = np.mean(p <= alpha)
        assert below <= alpha + 4 * spread, f"P(p <= {alpha}) = {below}"
        if alpha < eta - 0.03:
            assert below >= alpha - 4 * spread, f"P(p <= {alpha}) = {below}"


@pytest.mark.parametrize("dec", [-0.5, 0.1, 0.9])
def test_of_a_point_source_at_any_declination(season: Any, size: int, dec: float) -> None:
    tr = conf.get_trial_runner(src=sources(1.0, dec), ana=season)
    background = TSD(tr.get_many_fits(1500 * size, seed=11))
    independent = tr.get_many_fits(1000 * size, seed=12)
    assert_uniform(background.p_values(independent.ts), background.eta, background.n_total)


def test_with_the_fitted_tail_too(season: Any, size: int) -> None:
    tr = conf.get_trial_runner(src=sources(1.0, 0.1), ana=season)
    background = Chi2TSD(tr.get_many_fits(1500 * size, seed=11))
    independent = tr.get_many_fits(1000 * size, seed=13)
    assert_uniform(background.p_values(independent.ts, fit=True), background.eta, background.n_total)


@pytest.mark.parametrize("sharpness", [2.0, 50.0])
def test_of_the_hottest_spot_with_a_prior_trial_corrected(size: int, sharpness: float) -> None:
    import healpy

    x, y, _ = healpy.pix2vec(16, np.arange(3072))
    prior = np.exp(sharpness * (0.6 * x + 0.8 * y - 1))
    sptr = conf.get_spatial_prior_trial_runner(llh_priors=prior, ana=small_analysis("one"))
    background = TSD(sptr.get_many_fits(300 * size, seed=1))
    independent = sptr.get_many_fits(200 * size, seed=2)
    assert_uniform(background.p_values(independent.ts), background.eta, background.n_total)


@pytest.mark.parametrize("src", [sources(1.0, 0.1, extension=0.1), sources([1.0, 2.0, 3.0], [0.1, 0.5, -0.4])])
def test_with_signal_subtraction(src: Any, size: int) -> None:
    tr = conf.get_trial_runner(ana=one_season(), src=src, sigsub=True)
    background = TSD(tr.get_many_fits(300 * size, seed=1))
    independent = tr.get_many_fits(200 * size, seed=2)
    assert_uniform(background.p_values(independent.ts), background.eta, background.n_total)


@pytest.mark.parametrize("sigsub", [False, True])
def test_of_a_template(sigsub: bool, size: int) -> None:
    template = template_oracle.blob(16, 2.0, 0.2, 0.15)
    tr = conf.get_trial_runner(ana=one_season(), template=template, gamma=2.0, sigsub=sigsub)
    background = TSD(tr.get_many_fits(600 * size, seed=1))
    independent = tr.get_many_fits(400 * size, seed=2)
    assert_uniform(background.p_values(independent.ts), background.eta, background.n_total)


def test_of_a_template_with_a_spectrum_in_each_pixel(size: int) -> None:
    given = template_oracle.mild_spectra()
    tr = conf.get_trial_runner(ana=one_season(), template=given.flux, bins_energy=given.energy_bins, sigsub=True)
    background = TSD(tr.get_many_fits(400 * size, seed=1))
    independent = tr.get_many_fits(300 * size, seed=2)
    assert background.eta > 0.3
    assert_uniform(background.p_values(independent.ts), background.eta, background.n_total)
