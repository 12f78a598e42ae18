"""Searches run where a user has NumPy raise for every floating-point event: what underflows to 0 is 0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import nusky as cy
from small_analysis import small_analysis

healpy = pytest.importorskip("healpy")


def narrow() -> np.ndarray:
    x = np.array(healpy.pix2vec(16, np.arange(3072)))
    with np.errstate(under="ignore"):
        return np.exp((healpy.ang2vec(40.0, 10.0, lonlat=True) @ x - 1) / 0.05**2)  # down to 1e-347, which is 0


@pytest.fixture(autouse=True)
def raising() -> Iterator[None]:
    with np.errstate(all="raise"):
        yield


@pytest.fixture(scope="module")
def ana() -> Any:
    return small_analysis("one", n_data=200, n_sim=2000)


def test_maps() -> None:
    sky = cy.read_sky_map(narrow())
    assert sky.probability.min() < 1e-300
    assert sky.regrade(8).probability.sum() == pytest.approx(1.0)
    assert cy.read_sky_map(narrow(), frame="G").peak != sky.peak
    assert cy.read_sky_map(np.linspace(0.0, 4000.0, 3072), kind="2dlnl").peak == 0
    assert cy.priors.gaussian(1.0, 0.2, fwhm=0.01).map.sum() == pytest.approx(1.0)


def test_a_prior_and_its_trials(ana: Any) -> None:
    runner = cy.get_spatial_prior_trial_runner(ana=ana, llh_priors=narrow(), mp_cpus=1)
    assert runner.get_one_fit(5, seed=1).ts >= 0
    assert runner.to_E2dNdE(5, E0=1, unit=1e3, gamma=2) > 0


def test_a_source_and_its_trials(ana: Any) -> None:
    flux = cy.hyp.PowerLawFlux(2.0, energy_cutoff=1e3)
    runner = cy.get_trial_runner(src=cy.sources(1.0, 0.3), ana=ana, flux=flux, mp_cpus=1)
    runner.get_one_fit(5, seed=1)
    background = cy.dists.Chi2TSD(np.random.default_rng(1).chisquare(1, 200))
    assert background.p_value(1400.0).p < 1e-200
    assert background.isf_error(1e-7) > 0
