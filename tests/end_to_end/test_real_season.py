"""The tutorial's search on the public first-year IC86 season."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import nusky as cy
from nusky.analysis.analysis import Analysis
from nusky.cli.demo import tutorial_prior
from nusky.runners.spatial_prior import SpatialPriorTrialRunner
from nusky.sphere.rotation import separation
from places import SHARED

LIMIT = np.radians(85)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ana")


@pytest.fixture(scope="module")
def release() -> Path:

    path = SHARED / "data" / "icecube_ic86_2011"
    if not path.is_dir():
        pytest.skip(f"no public data at {path}; set NUSKY_SHARED to the folder that holds data/")
    return path


@pytest.fixture(scope="module")
def ana(release: Path, folder: Path) -> Analysis:
    return cy.get_analysis(cy.selections.PublicRelease(release), dir=folder, logging=False)


def runner(ana: Analysis) -> SpatialPriorTrialRunner:
    return cy.get_spatial_prior_trial_runner(ana=ana, llh_priors=tutorial_prior(64), min_dec=-LIMIT, max_dec=LIMIT)


def test_twenty_events_are_the_flux_that_the_published_effective_area_gives(ana: Analysis) -> None:
    flux = runner(ana).to_E2dNdE(20, E0=100, unit=1e3, gamma=2)
    assert flux == pytest.approx(1.07e-11, rel=0.03)


def test_injected_sources_are_found_in_place(ana: Analysis) -> None:
    sptr = runner(ana)
    assert len(sptr.pixels) == 48984
    for seed in (1, 2):
        trial = sptr.get_one_trial(20, seed=seed)
        fit = sptr.get_one_fit_from_trial(trial)
        assert fit.ts > 25
        assert separation(trial.ra[0], trial.dec[0], fit.ra, fit.dec) < np.radians(2.0)
        assert 12 < fit.ns < 30
        assert 1.5 < fit.gamma < 2.7


def test_the_cached_analysis_gives_the_same_fit_to_the_last_bit(ana: Analysis, release: Path, folder: Path) -> None:
    cached = cy.get_analysis(cy.selections.PublicRelease(release), dir=folder, logging=False)
    assert cached is not ana
    a, b = runner(ana).get_one_fit(20, seed=1), runner(cached).get_one_fit(20, seed=1)
    assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    assert a.config_hash == b.config_hash
