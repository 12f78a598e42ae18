"""A flare in every pixel: each is that of the position by itself; priors add their term."""

from __future__ import annotations

from functools import cache
from typing import Any

import healpy as hp
import numpy as np
import pytest

import nusky as cy
from transient_season import FIRST, timed_analysis

NSIDE = 4
GRID = np.stack(cy.trial.SkyScanner.get_healpix_grid(NSIDE))
SRC = cy.sources(*GRID[:, 80])
CONF = {"time": "utf", "box": True, "sig": "tw", "sig_kw": {"t0": FIRST + 30.0, "dt": 3.0, "box": True}}


@cache
def analysis() -> Any:
    return timed_analysis(FIRST, FIRST + 120, n_data=3000)


def test_a_pixel_is_the_position_by_itself() -> None:
    scanner = cy.get_sky_scan_trial_runner(CONF, ana=analysis(), nside=NSIDE, src=SRC)
    trial = scanner.get_one_trial(6, seed=1)
    scan = scanner.get_one_scan_from_trial(trial)
    assert scan.columns == ("mlog10p", "ts", "ns", "gamma", "t0", "dt")
    for pixel in (80, 3, 150):
        alone = cy.get_trial_runner(CONF, ana=analysis(), src=cy.sources(*GRID[:, pixel])).get_one_fit_from_trial(trial)
        there = [scan[name][pixel] for name in ("ts", "ns", "gamma", "t0", "dt")]
        assert there == pytest.approx(np.asarray(alone).tolist(), rel=1e-5, abs=1e-6, nan_ok=True)
    assert scan.ts.argmax() == 80
    fit = scanner.get_one_fit_from_trial(trial)
    assert fit.columns == ("mlog10p", "ts", "ns", "gamma", "t0", "dt", "ra", "dec")
    assert (fit.pixel, fit.ts, fit.t0) == (80, scan.ts[80], scan["t0"][80])
    many = scanner.get_many_fits(2, 6, seed=1, mp_cpus=1)
    assert (many.ts[0], many["t0"][0]) == (fit.ts, fit.t0)


def test_a_prior_adds_its_term() -> None:
    prior = np.exp(
        -0.5 * (hp.rotator.angdist([np.pi / 2 - GRID[1, 80], GRID[0, 80]], [np.pi / 2 - GRID[1], GRID[0]]) / 0.4) ** 2
    )
    sptr = cy.get_spatial_prior_trial_runner(CONF, ana=analysis(), llh_priors=prior)
    trial = sptr.get_one_trial(6, seed=2)
    fit, scan = sptr.get_one_fit_from_trial(trial), sptr.get_one_scan_from_trial(trial)
    total = scan.ts + sptr.llh_prior_term[0]
    assert fit.pixel == total.argmax()
    assert fit.ts_raw == pytest.approx(total.max())
    assert fit.dt == scan["dt"][fit.pixel]


def test_the_hottest_pixels_are_those_of_the_whole_scan() -> None:
    angle = hp.rotator.angdist([np.pi / 2 - GRID[1, 80], GRID[0, 80]], [np.pi / 2 - GRID[1], GRID[0]])
    near = np.exp(-0.5 * (angle / 0.4) ** 2)
    priors = [np.ones_like(near), near, 1.1 - near, np.where(angle < 0.5, 1.0, 0.0)]
    sptr = cy.get_spatial_prior_trial_runner(CONF, ana=analysis(), llh_priors=priors, prior_zero="exclude")
    for n_sig, seed in ((0, 1), (0, 2), (6, 3), (12, 4)):
        trial = sptr.get_one_trial(n_sig, seed=seed)
        fit, scan = sptr.get_one_fit_from_trial(trial, mp_cpus=2), sptr.get_one_scan_from_trial(trial)
        for j, one in enumerate(fit.per_prior):
            total = scan.ts + sptr.llh_prior_term[j]
            assert one["pixel"] == total.argmax()
            assert one["ts_raw"] == total.max()
            assert (one["ns"], one["gamma"]) == (scan.ns[one["pixel"]], scan.gamma[one["pixel"]])


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"refine": True}, "not looked at again"), ({"time": None, "box": None}, "sig='tw' needs time='utf' here")],
)
def test_what_maps_of_flares_cannot_do_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cy.get_sky_scan_trial_runner({**CONF, **settings}, ana=analysis(), nside=NSIDE, src=SRC)


def test_regions_are_refused() -> None:
    scanner = cy.get_sky_scan_trial_runner(CONF, ana=analysis(), nside=NSIDE, src=SRC)
    with pytest.raises(NotImplementedError, match="transient runner"):
        scanner.get_localization(scanner.get_one_trial(seed=1))
