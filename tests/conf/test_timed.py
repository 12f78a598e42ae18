"""Sources with a time term of their own: update_bg acts on flares and light curves, in a batch as alone."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

import nusky as cy
from transient_season import FIRST, timed_analysis

SRC = cy.sources(1.0, 0.1)
CURVE = (FIRST + np.arange(0.0, 231.0, 11.0), 1.0 + np.sin(np.arange(20.0) ** 2))
CASES: dict[str, dict[str, Any]] = {
    "box": {"time": "utf", "box": True},
    "gauss": {"time": "utf", "box": False, "dt_min": 0.05},
    "lc": {"time": "lc", "lcs": CURVE, "range_lag": (-5.0, 5.0)},
}


@cache
def analysis() -> Any:
    return timed_analysis(FIRST, FIRST + 120, n_data=1500)


@pytest.mark.parametrize("case", CASES)
def test_the_background_is_that_of_the_trial(case: str) -> None:
    tr = cy.get_trial_runner(CASES[case], src=SRC, ana=analysis(), update_bg=True)
    own = cy.get_trial_runner(CASES[case], src=SRC, ana=analysis())
    trial = tr.get_one_trial(40, seed=3)
    fit, other = tr.get_one_fit_from_trial(trial), own.get_one_fit_from_trial(trial)
    assert 0 < fit.ts < other.ts  # the signal is in the background's density
    many = tr.get_many_fits(2, 40, seed=3, mp_cpus=1)
    assert [many[name][0] for name in fit.columns] == list(fit)


def test_of_several_flares_and_in_maps() -> None:
    flare = {"time": "utf", "box": True}
    several = [cy.get_multiflare_trial_runner(src=SRC, ana=analysis(), update_bg=on) for on in (False, True)]
    trial = several[0].get_one_trial(40, seed=3)
    assert several[1].get_one_fit_from_trial(trial).ts < several[0].get_one_fit_from_trial(trial).ts
    pixel = {"nside": 8, "cone": (1.0, 0.1, 0.15)}
    maps = [cy.get_sky_scan_trial_runner(flare, ana=analysis(), update_bg=on, **pixel) for on in (False, True)]
    scans = [tr.get_one_scan_from_trial(trial) for tr in maps]
    assert scans[1].ts.max() < scans[0].ts.max()
    assert maps[1].get_one_fit_from_trial(trial).ts == scans[1].ts.max()


def test_signal_subtraction_is_refused() -> None:
    with pytest.raises(ValueError, match="without signal subtraction: leave sigsub out"):
        cy.get_trial_runner(CASES["box"], src=SRC, ana=analysis(), sigsub=True, gamma=2.0)


def test_a_light_curve_in_cskys_lists() -> None:
    one = cy.get_trial_runner(CASES["lc"], src=SRC, ana=analysis(), sig="lc", threshs=[0.5], lags=np.ones(1))
    same = cy.get_trial_runner(
        {**CASES["lc"], "lcs": [CURVE]}, {"threshs": 0.5, "lags": 1.0}, src=SRC, ana=analysis(), sig="lc"
    )
    assert one.get_one_fit(5, seed=1).ts == same.get_one_fit(5, seed=1).ts
    with pytest.raises(ValueError, match="lcs holds 2 light curves"):
        cy.get_trial_runner({**CASES["lc"], "lcs": [CURVE, CURVE]}, src=SRC, ana=analysis())
    with pytest.raises(ValueError, match="'threshs' is that of signal which follows a light curve: add sig='lc'"):
        cy.get_trial_runner(CASES["lc"], src=SRC, ana=analysis(), threshs=0.5)


def test_the_extended_likelihood_of_a_light_curve_is_that_of_its_reading() -> None:
    tr = cy.get_trial_runner(CASES["lc"], src=SRC, ana=analysis(), sig="lc", extended=True)
    trial = tr.get_one_trial(20, seed=2)
    fit, reading = tr.get_one_fit_from_trial(trial), tr.get_one_llh_from_trial(trial)
    near = [fit.ns * x for x in (0.98, 1.0, 1.02)]
    ts = reading.scan_ts(near, [fit.gamma], thresh=fit.thresh, lag=fit.lag)[0].ravel()
    assert ts[1] == pytest.approx(fit.ts, abs=1e-3)
    assert ts[1] > max(ts[0], ts[2])
    plain = cy.get_trial_runner(CASES["lc"], src=SRC, ana=analysis(), sig="lc")
    assert plain.config_hash != tr.config_hash
    assert plain.get_one_fit_from_trial(trial).ts == pytest.approx(fit.ts, rel=0.05)
