"""A pixel's result depends on its nside, the events and the options alone: not on what else is asked."""

from __future__ import annotations

from typing import Any

import healpy
import numpy as np
import pytest

import nusky as cy
from nusky.pixels.pixel_set import PixelSet
from seasons import one_season, two_seasons

NSIDE = 32
NPIX = 12 * NSIDE**2
RNG = np.random.default_rng(4)
COLUMNS = ("ts", "ns", "gamma")


def selections() -> dict[str, Any]:
    """Keywords of `get_sky_scan_trial_runner` that leave some pixels."""
    return {
        "few": {"pixels": np.sort(RNG.choice(NPIX, 30, replace=False))},
        "tenth": {"pixels": np.sort(RNG.choice(NPIX, NPIX // 10, replace=False))},
        "half": {"pixels": np.sort(RNG.choice(NPIX, NPIX // 2, replace=False))},
        "one": {"pixels": np.array([777])},
        "band": {"min_dec": 0.1, "max_dec": 0.3},
        "cap": {"min_dec": 1.2},
        "cone": {"center": (1.0, 0.2), "radius": 0.2},
    }


def runner_of(analysis: Any, selection: dict[str, Any]) -> Any:
    whole = cy.get_sky_scan_trial_runner(ana=analysis, nside=NSIDE, src=cy.sources(1.0, 0.2))
    if "pixels" in selection:
        from dataclasses import replace

        return replace(whole, pixels=PixelSet(NSIDE, selection["pixels"]))
    if "center" in selection:
        from dataclasses import replace

        from nusky.sphere.rotation import separation

        every = whole.pixels
        near = separation(every.ra, every.dec, *selection["center"]) < selection["radius"]
        return replace(whole, pixels=PixelSet(NSIDE, every.pixels[near]))
    return cy.get_sky_scan_trial_runner(ana=analysis, nside=NSIDE, src=cy.sources(1.0, 0.2), **selection)


@pytest.mark.parametrize("name", list(selections()))
@pytest.mark.parametrize("make", [one_season, two_seasons])
def test_a_selection_gives_the_bits_of_the_whole_sky(make: Any, name: str) -> None:
    analysis = make()
    whole = cy.get_sky_scan_trial_runner(ana=analysis, nside=NSIDE, src=cy.sources(1.0, 0.2))
    some = runner_of(analysis, selections()[name])
    for seed, n_sig in ((1, 0), (2, 12)):
        expected = whole.get_one_scan(n_sig, seed=seed)
        found = some.get_one_scan(n_sig, seed=seed)
        at = some.pixels.pixels
        for column in COLUMNS:
            np.testing.assert_array_equal(getattr(found, column)[at], getattr(expected, column)[at], err_msg=column)
        fit = some.get_one_fit(n_sig, seed=seed)
        assert fit.ts == expected.ts[at].max()


@pytest.mark.parametrize("containment", [None, 0.5, 0.9])
def test_a_prior_with_zeros_gives_the_bits_of_the_whole_sky(containment: float | None) -> None:
    analysis = one_season()
    prior = np.zeros(NPIX)
    prior[RNG.choice(NPIX, 200, replace=False)] = RNG.random(200)
    prior[4000:4100] = 1.0
    whole = cy.get_sky_scan_trial_runner(ana=analysis, nside=NSIDE)
    sptr = cy.get_spatial_prior_trial_runner(llh_priors=prior, ana=analysis, containment=containment)
    for j in range(4):
        trial = sptr.draw_trial(7, j, 5 * (j % 2), False)
        scan = whole.get_one_scan_from_trial(trial)
        fit = sptr.get_one_fit_from_trial(trial)
        best = scan.ts + sptr.llh_prior_term[0]
        best[np.setdiff1d(np.arange(NPIX), sptr.pixels.pixels)] = -np.inf
        assert fit.ts_raw == best.max()
        assert fit.ns == scan.ns[fit.pixel]


@pytest.mark.parametrize("containment", [None, 0.7])
def test_a_refined_pixel_has_the_bits_of_a_whole_sky_that_fine(containment: float | None) -> None:
    analysis = two_seasons()
    x = np.array(healpy.pix2vec(NSIDE, np.arange(NPIX)))
    prior = np.where(x[0] > 0.8, 1.0 + RNG.random(NPIX), 0.0)
    sptr = cy.get_spatial_prior_trial_runner(
        llh_priors=prior, ana=analysis, refine=128, containment=containment, inj_conf={"in_pixel": True}
    )
    seen = set()
    for j in range(3):
        trial = sptr.draw_trial(8, j, 12, False)
        fit = sptr.get_one_fit_from_trial(trial)
        seen.add(fit.nside)
        scan = cy.get_sky_scan_trial_runner(ana=analysis, nside=fit.nside).get_one_scan_from_trial(trial)
        coarse = healpy.ang2pix(NSIDE, *healpy.pix2ang(fit.nside, fit.pixel))
        assert fit.ts_raw == scan.ts[fit.pixel] + sptr.llh_prior_term[0][coarse]
        assert (fit.ns, fit.gamma) == (scan.ns[fit.pixel], scan.gamma[fit.pixel])
    assert 128 in seen


def test_one_seed_is_one_background_for_every_runner() -> None:
    analysis = two_seasons()
    runners = (
        cy.get_trial_runner(ana=analysis, src=cy.sources(1.0, 0.2)),
        cy.get_trial_runner(ana=analysis, src=cy.sources(3.0, -0.7)),
        cy.get_sky_scan_trial_runner(ana=analysis, nside=8),
        cy.get_spatial_prior_trial_runner(llh_priors=np.ones(768), ana=analysis),
    )
    trials = [runner.get_one_trial(seed=11) for runner in runners]
    for trial in trials[1:]:
        for ours, theirs in zip(trial.background, trials[0].background, strict=True):
            np.testing.assert_array_equal(ours.ra, theirs.ra)
