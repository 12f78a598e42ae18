"""Signal on known background: what passes a threshold is what passes it in the whole search of the same events."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.pixels import Refinement
from nusky.runners import KnownBackground, KnownBackgroundRunner
from nusky.runners.known_background import Band

N = 30


@pytest.fixture(scope="module")
def ana() -> Any:
    return cy.get_analysis(cy.selections.demo)


@pytest.fixture(scope="module", params=[None, Refinement(nside=128)], ids=["pixels", "refined"])
def sptr(request: pytest.FixtureRequest, ana: Any) -> Any:
    sky = cy.priors.gaussian(2.0, 0.3, fwhm=0.6)
    return cy.get_spatial_prior_trial_runner(
        ana=ana, llh_priors=cy.SpatialPrior(sky.probability, policy=cy.PriorPolicy(regrade=64)), min_dec=-1.4,
        max_dec=1.4, mp_cpus=1, refine=request.param,
    )  # fmt: skip


@pytest.fixture(scope="module")
def background(sptr: Any) -> Any:
    return sptr.get_many_fits(N, seed=4)["ts"]


@pytest.mark.parametrize("n_sig", [2.0, 12.0])
def test_each_trial_passes_where_the_whole_search_of_its_events_does(sptr: Any, background: Any, n_sig: float) -> None:
    above = float(np.median(background))
    quick = KnownBackgroundRunner.like(sptr, KnownBackground.of(background, 4), above)
    found = quick.get_many_fits(N, n_sig=n_sig, poisson=True, seed=8)["ts"]
    whole = np.array([
        sptr.get_one_fit_from_trial(quick.draw_trial(8, j, n_sig, True)).ts for j in range(N)
    ])  # fmt: skip
    assert np.all(found <= whole + 0.05)
    clear = np.abs(whole - above) > 0.05  # the injected events count in N, which moves all TS a little
    np.testing.assert_array_equal((found > above)[clear], (whole > above)[clear])
    assert np.mean(found > above) > 0.4


def test_without_a_threshold_the_ts_is_that_of_the_whole_search(sptr: Any, background: Any) -> None:
    quick = KnownBackgroundRunner.like(sptr, KnownBackground.of(background, 4), np.inf)
    found = quick.get_many_fits(N, n_sig=6, poisson=True, seed=8)["ts"]
    whole = [sptr.get_one_fit_from_trial(quick.draw_trial(8, j, 6, True)).ts for j in range(N)]
    if sptr.refine is None:
        np.testing.assert_allclose(found, whole, atol=0.05)
    else:  # the whole search refines one of the two spots, and not always the one that ends higher
        assert np.all(found >= np.array(whole) - 0.05)
        assert np.mean(np.abs(found - whole) < 0.05) >= 0.9


def test_signal_is_new_in_each_trial_and_background_comes_again(sptr: Any, background: Any) -> None:
    quick = KnownBackgroundRunner.like(sptr, KnownBackground.of(background[:3], 4), 1.0)
    first, later = quick.draw_trial(8, 1, 5, False), quick.draw_trial(8, 4, 5, False)
    np.testing.assert_array_equal(first.background[0].ra, later.background[0].ra)
    np.testing.assert_array_equal(first.background[0].ra, sptr.draw_trial(4, 1, 0, False).background[0].ra)
    assert first.ra[0] != later.ra[0]


@pytest.mark.parametrize("radius", [0.05, 1.0, 3.1])
def test_events_near_a_cap_are_those_whose_reach_meets_it(radius: float) -> None:
    rng = np.random.default_rng(5)
    n = 2000
    ra, dec = rng.uniform(0, 2 * np.pi, n), np.arcsin(rng.uniform(-1, 1, n))
    reach = np.minimum(10 ** rng.uniform(-3, 1, n), np.pi)
    chosen = rng.random(n) < 0.7
    band = Band.of(dec, reach, chosen)
    for ra_0, dec_0 in ((1.0, 0.2), (6.2, -1.5), (0.01, 1.57)):
        cos = np.sin(dec) * np.sin(dec_0) + np.cos(dec) * np.cos(dec_0) * np.cos(ra - ra_0)
        apart = np.arccos(np.clip(cos, -1, 1))
        clear = np.abs(apart - radius - reach) > 1e-6
        found = np.isin(np.arange(n), band.near(ra, ra_0, dec_0, radius))
        np.testing.assert_array_equal(found[clear], (chosen & (apart <= radius + reach))[clear])


def test_other_background_is_another_configuration(sptr: Any, background: Any) -> None:
    known = KnownBackground.of(background, 4)
    one, two = (KnownBackgroundRunner.like(sptr, k, 1.0) for k in (known, replace(known, ts=known.ts + 1)))
    assert len({sptr.config_hash, one.config_hash, two.config_hash}) == 3


def test_a_time_window_is_refused(ana: Any, sptr: Any) -> None:
    windowed = cy.get_spatial_prior_trial_runner(
        ana=ana, llh_priors=sptr.priors[0], src_kw={"mjd": ana[0].mjd_min + 10, "t_100": 1.0}, min_dec=-1.4, max_dec=1.4
    )
    assert not KnownBackgroundRunner.can(windowed)
    with pytest.raises(ValueError, match="whole livetime"):
        KnownBackgroundRunner.like(windowed, KnownBackground.of(np.ones(3), 4), 1.0)
