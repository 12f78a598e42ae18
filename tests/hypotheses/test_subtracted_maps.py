"""Signal subtraction in every pixel is that of a source there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nusky as cy
from seasons import two_seasons
from transient_season import timed_analysis

GRID = cy.trial.SkyScanner.get_healpix_grid(4)
SRC = cy.sources(GRID[0][82], GRID[1][82])  # the middle of a pixel


def scan_runner(**settings: Any) -> Any:
    limits = {"nside": 4, "min_dec": -0.2, "max_dec": 0.5}
    return cy.get_sky_scan_trial_runner(**{"ana": two_seasons(), "sigsub": True, "src": SRC, **limits, **settings})


@pytest.mark.parametrize(
    "settings",
    [
        {"gamma": 2.5},
        {"energy": False, "update_bg": True},
        {"flux": cy.hyp.PowerLawFlux(2.7), "energy": "customflux", "src_kw": {"extension": 0.03}},
        {
            "gamma": 2.0,
            "randomize": ["ra", cy.inj.DecRandomizer],
            "dec_rand_kwargs": {"randomization_width": 0.05},
            "update_bg": True,
        },
    ],
    ids=["fixed", "off", "flux", "declinations"],
)
def test_a_pixel_has_the_fit_of_a_source_there(settings: dict[str, Any]) -> None:
    sstr = scan_runner(**settings)
    trial = sstr.get_one_trial(15, seed=3)
    scan = sstr.get_one_scan_from_trial(trial)
    of_source = {key: value for key, value in settings.items() if key != "src_kw"}
    for row in (0, 17, int(np.argmax(scan.ts[sstr.pixels.pixels]))):
        pixel = sstr.pixels.pixels[row]
        src = cy.sources(sstr.scan_ra[row], sstr.scan_dec[row], **settings.get("src_kw", {}))
        tr = cy.get_trial_runner(ana=two_seasons(), src=src, sigsub=True, **of_source)
        one = tr.get_one_fit_from_trial(trial)
        assert scan.ts[pixel] == pytest.approx(one.ts, abs=1e-6)
        assert scan[2][pixel] == pytest.approx(one.ns, rel=1e-5, abs=1e-6)
    assert scan.ts.max() > 10
    best = sstr.get_one_fit_from_trial(trial)
    assert best.ts == scan.ts.max()
    assert best.pixel == int(scan.ts.argmax())


def test_free_spectrum_is_that_of_a_source() -> None:
    sstr = scan_runner(cone=(GRID[0][82], GRID[1][82], 0.4))
    trial = sstr.get_one_trial(15, seed=3)
    best = sstr.get_one_fit_from_trial(trial)
    tr = cy.get_trial_runner(ana=two_seasons(), src=cy.sources(best.ra, best.dec), sigsub=True)
    one = tr.get_one_fit_from_trial(trial)
    assert (best.ts, best.ns, best.gamma) == pytest.approx((one.ts, one.ns, one.gamma), rel=1e-4)
    L = sstr.get_one_llh_from_trial(trial)
    assert -2 * L.get_minus_llh_ratio(best.ns, best.gamma) == pytest.approx(best.ts, abs=1e-3)
    assert scan_runner(cone=(GRID[0][82], GRID[1][82], 0.4), sigsub=False).get_one_fit_from_trial(trial).ts != best.ts


def test_a_prior_is_added() -> None:
    prior = np.exp(-0.5 * ((GRID[1] - 0.1) / 0.2) ** 2)
    sptr = cy.get_spatial_prior_trial_runner(
        ana=two_seasons(), llh_priors=prior, sigsub=True, gamma=2.5, min_dec=-0.3, max_dec=0.5
    )
    trial = sptr.get_one_trial(15, seed=2)
    fit, scan = sptr.get_one_fit_from_trial(trial), sptr.get_one_scan_from_trial(trial)
    total = scan.ts + sptr.llh_prior_term[0]
    assert fit.ts == pytest.approx(total[sptr.pixels.pixels].max())
    assert sptr.config()["sigsub"] is True


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="flares are fitted without signal subtraction"):
        cy.get_sky_scan_trial_runner(ana=timed_analysis(), nside=4, sigsub=True, time="utf", box=True)
    with pytest.raises(ValueError, match="refine: with sigsub=True"):
        scan_runner(refine=True)
    with pytest.raises(ValueError, match="in a time window the background comes from outside it"):
        scan_runner(ana=timed_analysis(), src=None, src_kw={"mjd": 56_010.0, "t_100": 1.0})
    with pytest.raises(NotImplementedError, match="sigsub=True"):
        scan_runner(gamma=2.0).get_localization(None)
