"""Bias and p-values of the search for flares."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats

import nusky as cy
from transient_season import FIRST, timed_analysis

pytestmark = pytest.mark.slow
T0, DT = FIRST + 40.0, 8.0
EDGES = FIRST + np.arange(-10.0, 241.0, 5.0)
CURVE = (EDGES, 0.2 + np.random.default_rng(5).exponential(0.5, len(EDGES) - 1))


@cache
def runner(**settings: Any) -> Any:
    kw = {"t0": T0, "dt": DT, "box": True}
    ana = timed_analysis(FIRST, FIRST + 120, n_data=8_000 if settings.get("time") == "lc" else 20_000)
    src = cy.sources(0.0, 0.3)
    given = {"time": "utf", "box": True, "sig": "tw", "sig_kw": kw, **settings}
    if given.pop("several", False):
        return cy.get_multiflare_trial_runner(given, ana=ana, src=src)
    if given["time"] == "lc":
        given |= {"box": None, "sig": "lc", "sig_kw": None, "lcs": CURVE, "range_lag": (-5.0, 5.0)}
        given["inj_conf"] = {"lcs": CURVE, "threshs": 1.2, "lags": 2.0}
    return cy.get_trial_runner(given, ana=ana, src=src)


def test_events_start_and_length_are_found() -> None:
    trials = runner().get_many_fits(300, 15, seed=5, mp_cpus=1)
    ns = trials.ns
    # Windows start and end at events: what fluctuates up in one is fitted
    assert np.mean(ns) == pytest.approx(15, abs=1.0 + 3 * np.std(ns) / np.sqrt(len(ns)))
    assert np.median(trials["t0"]) == pytest.approx(T0, abs=0.3)
    # 15 events of a box lie over 14/16 of its length
    assert np.median(trials["dt"]) == pytest.approx(DT * 14 / 16, abs=0.7)
    assert np.median(trials.gamma) == pytest.approx(2.0, abs=0.15)


def test_middle_and_width_of_a_gaussian_are_found() -> None:
    kw = {"t0": T0, "dt": 3.0, "box": False}
    ana = timed_analysis(FIRST, FIRST + 120, n_data=20_000)
    tr = cy.get_trial_runner(ana=ana, src=cy.sources(0.0, 0.3), time="utf", box=False, dt_min=0.05, sig="tw", sig_kw=kw)
    trials = tr.get_many_fits(150, 15, seed=5, mp_cpus=1)
    ns = trials.ns
    assert np.mean(ns) == pytest.approx(15, abs=1.0 + 3 * np.std(ns) / np.sqrt(len(ns)))
    assert np.median(trials["t0"]) == pytest.approx(T0, abs=0.3)
    # of n events around their own mean: σ² (n − 1)/n
    assert np.median(trials["dt"]) == pytest.approx(3.0 * np.sqrt(14 / 15), abs=0.25)
    assert np.median(trials.gamma) == pytest.approx(2.0, abs=0.15)


def test_threshold_and_lag_of_a_light_curve_are_found() -> None:
    trials = runner(time="lc").get_many_fits(100, 25, seed=5, mp_cpus=1)
    ns = trials.ns
    # over all of the livetime the season's models differ from its events: the steady fit finds 20
    assert np.mean(ns) == pytest.approx(25, abs=1.5 + 3 * np.std(ns) / np.sqrt(len(ns)))
    assert np.median(trials["lag"]) == pytest.approx(2.0, abs=0.3)
    assert np.median(trials["thresh"]) == pytest.approx(1.2, abs=0.15)
    assert np.median(trials.gamma) == pytest.approx(2.0, abs=0.15)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"prior": None, "gamma": 2.0},
        {"box": False, "dt_min": 0.05},
        {"several": True},
        {"time": "lc"},
    ],
    ids=["free", "no penalty", "gaussian", "several", "light curve"],
)
def test_p_values_of_background_are_uniform(settings: dict[str, Any]) -> None:
    tr = runner(**settings)
    n, n_new = (1500, 500) if set(settings) <= {"prior", "gamma"} else (400, 200)
    bg = cy.dists.TSD(tr.get_many_fits(n, seed=1, mp_cpus=1))
    new = tr.get_many_fits(n_new, seed=2, mp_cpus=1).ts
    p = bg.p_values(new[new > 0])
    assert stats.ks_2samp(bg.values[bg.values > 0], new[new > 0]).pvalue > 1e-3
    assert 0.35 < np.mean(p / bg.eta) < 0.65
    assert np.mean(new > 0) == pytest.approx(bg.eta, abs=4 * np.sqrt(0.25 / n_new + 0.25 / n))


def test_a_short_flare_needs_fewer_events_than_a_steady_source() -> None:
    tr = runner()
    steady = cy.get_trial_runner(ana=tr.analysis, src=tr.src)
    flare_bg, steady_bg = tr.get_many_fits(500, seed=1, mp_cpus=1).ts, steady.get_many_fits(500, seed=1, mp_cpus=1).ts
    found, found_steady = (
        np.mean([one.get_many_fits(100, n, seed=3, mp_cpus=1).ts > np.quantile(none, 0.99) for n in (3, 4, 5)])
        for one, none in ((tr, flare_bg), (steady, steady_bg))
    )
    assert found > found_steady + 0.03
