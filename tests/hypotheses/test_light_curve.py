"""A source that follows a light curve: the fit is that of the slow likelihood, signal follows it, gaps are refused."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.executors import read_spec, write_spec
from nusky.transients import CurveWindow, LightCurve
from transient_season import FIRST, timed_analysis

SRC = cy.sources(1.0, 0.1)
EDGES = FIRST + np.arange(0.0, 231.0, 7.0)
FLUX = np.random.default_rng(3).exponential(1.0, len(EDGES) - 1)
SIGNAL = {"sig": "lc", "inj_conf": {"lcs": (EDGES, FLUX), "threshs": 1.0, "lags": 2.0}}


@cache
def analysis() -> Any:
    return timed_analysis(FIRST, FIRST + 120, n_data=3000)


def runner(**settings: Any) -> Any:
    given = {"lcs": (EDGES, FLUX), "range_lag": (-7.0, 7.0), **SIGNAL, **settings}
    return cy.get_trial_runner(src=SRC, ana=analysis(), time="lc", **given)


@pytest.mark.parametrize("settings", [{}, {"gamma": 2.0}, {"energy": False}, {"fitter_args": {"lag": 2.0}}])
@pytest.mark.parametrize("n_sig", [0, 10])
def test_no_place_of_a_grid_is_better(settings: dict[str, Any], n_sig: int) -> None:
    tr = runner(**settings)
    for seed in (1, 11):
        trial = tr.get_one_trial(n_sig, seed=seed)
        fit, reading = tr.get_one_fit_from_trial(trial), tr.get_one_llh_from_trial(trial)
        assert fit.columns[-2:] == ("thresh", "lag")
        gammas = np.array([1.5, 2.0, 2.5, 3.0]) if tr.likelihood.mode == "fit" else None
        best = 0.0
        for thresh in np.linspace(0, tr.curve.range_thresh[1], 8):
            for lag in np.linspace(*tr.curve.range_lag, 15):
                best = max(best, reading.scan_ts(np.linspace(0, 20, 15), gammas, thresh=thresh, lag=lag)[0].max())
        assert fit.ts >= best - 1e-6
        assert n_sig == 0 or best > 10
        if fit.ts > 0:
            gamma = None if gammas is None else [fit.gamma]
            assert reading.scan_ts(fit.ns, gamma, thresh=fit.thresh, lag=fit.lag)[0].item() == pytest.approx(
                fit.ts, abs=1e-4
            )


def test_signal_follows_the_curve() -> None:
    tr = runner()
    times = np.concatenate([e["mjd"] for e in tr.get_one_trial(3000, seed=1).injected if e is not None])
    window = LightCurve.of((EDGES, FLUX)).window(1.0, 2.0)
    assert (window.profile(times) > 0).all()
    assert np.all(times % 1 <= 0.9 + 1e-6)  # when the detector was up
    counts = np.histogram(times, EDGES + 2.0)[0]
    up = np.array(
        [
            sum(
                np.clip(run_stop, a, b) - np.clip(run_start, a, b)
                for starts, stops in tr.model.runs
                for run_start, run_stop in zip(starts, stops, strict=True)
            )
            for a, b in zip(EDGES[:-1] + 2, EDGES[1:] + 2, strict=True)
        ]
    )
    share = up * window.heights
    expected = 3000 * share / share.sum()
    assert np.sum((counts - expected)[expected > 0] ** 2 / expected[expected > 0]) < 2.0 * np.sum(expected > 0)
    # to_E2dNdE is the flux at the top of the curve, to_fluence its integral
    assert tr.to_fluence(5, gamma=2) == pytest.approx(tr.to_E2dNdE(5, gamma=2) * tr.timing.days * 86400, rel=1e-6)


def test_a_flat_curve_is_the_steady_search() -> None:
    flat = ([FIRST - 10.0, FIRST + 100.0, FIRST + 300.0], [2.0, 2.0])
    tr, steady = runner(lcs=flat, range_lag=None, sig=None, inj_conf=None), cy.get_trial_runner(src=SRC, ana=analysis())
    for seed in range(4):
        trial = tr.get_one_trial(4, seed=seed)
        fit = tr.get_one_fit_from_trial(trial)
        assert fit.ts == pytest.approx(steady.get_one_fit_from_trial(trial).ts, abs=1e-4)
        assert (fit.thresh, fit.lag) == (0.0, 0.0) or fit.ts == 0


def test_trials_specs_stores_and_files_take_it(tmp_path: Path) -> None:
    tr = runner()
    many, fit = tr.get_many_fits(20, 5, seed=4, mp_cpus=2), tr.get_one_fit(5, seed=4)
    assert list(many.keys()) == ["ts", "ns", "gamma", "thresh", "lag"]
    assert np.asarray(fit).tolist() == [many[name][0] for name in fit.columns]
    again = read_spec(write_spec(tr, tmp_path)[0])
    assert again.config() == tr.config()
    assert again.config() != replace(tr, curve=LightCurve.of((EDGES, FLUX + 1), range_lag=(-7, 7))).config()
    store = cy.store.TrialStore(tmp_path / "store", tr.config())
    store.append(many, seed=4, start=0, n_sig=5)
    assert store.read(n_sig=5)["lag"].tolist() == many["lag"].tolist()
    fit.save(tmp_path / "fit.json")
    assert cy.Fit.read(tmp_path / "fit.json").lag == fit.lag
    carrying = tr.get_one_llh(5, seed=4).carrying(fit)
    assert (carrying["time"][:2] > 0).all()


def with_gap() -> np.ndarray[Any, Any]:
    flux = FLUX.copy()
    flux[3] = np.nan
    return flux


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lcs": None}, "time='lc' needs a light curve"),
        ({"lcs": (EDGES, with_gap())}, "has a gap: bin 3 .* give a flux for every bin"),
        ({"lcs": (EDGES[::-1], FLUX)}, "edges must ascend"),
        ({"lcs": (EDGES, -FLUX)}, "negative value .* set upper limits to 0"),
        ({"lcs": (EDGES, 0 * FLUX)}, "0 everywhere"),
        ({"lcs": (EDGES, FLUX[1:])}, "one edge more than values"),
        ({"lcs": (EDGES - 5000, FLUX), "sig": None, "inj_conf": None}, "must overlap with the data"),
        (
            {"lcs": ([FIRST + 0.91, FIRST + 0.99], [1.0]), "range_lag": None, "sig": None, "inj_conf": None},
            "no data while",
        ),
        ({"range_thresh": (0.0, 99.0)}, "must lie between 0 and the largest value"),
        ({"range_lag": (3.0, 1.0)}, "the lower one first"),
        ({"n_seeds_lag": 1}, "whole number from 2"),
        ({"inj_conf": {"threshs": 99.0}}, "not below the largest value"),
        ({"time": "utf", "box": True}, "that of a light curve: add time='lc'"),
        ({"kind": "blocks"}, "kind"),
    ],
)
def test_curves_that_cannot_be_are_refused(settings: dict[str, Any], message: str) -> None:
    given = {"time": "lc", "lcs": (EDGES, FLUX), "range_lag": (-7.0, 7.0), **SIGNAL, **settings}
    with pytest.raises((ValueError, TypeError), match=message):
        _ = cy.get_trial_runner(src=SRC, ana=analysis(), **given).model


def test_a_histogram_is_read() -> None:
    class Hist:
        bins = (EDGES,)
        values = FLUX

    assert LightCurve.of([Hist()]) == LightCurve.of((EDGES, FLUX))
    assert isinstance(LightCurve.of(Hist()).window(0.0, 0.0), CurveWindow)
    with pytest.raises(ValueError, match="make one for each"):
        LightCurve.of([Hist(), Hist()])


def test_maps_and_stacks_have_none() -> None:
    with pytest.raises(ValueError, match="those of one source"):
        cy.get_sky_scan_trial_runner(time="lc", ana=analysis(), nside=4)
    with pytest.raises(ValueError, match="those of one source"):
        cy.get_trial_runner(src=cy.sources([1.0, 2.0], 0.1), ana=analysis(), time="lc", lcs=(EDGES, FLUX))
