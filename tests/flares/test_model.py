"""The best flare is that of a slow search through all windows, and not below expectation–maximisation."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

import nusky as cy
from flare_oracle import Direction, best_gaussian, brute_force, expectation_maximisation
from nusky.flares import FlareModel, FlareReading
from nusky.transients import FlareOptions
from transient_season import FIRST, timed_analysis

SRC = cy.sources(1.0, 0.1)
GAMMAS = np.linspace(1, 4, 13)


@cache
def runner(n_data: int = 3000, **settings: Any) -> Any:
    ana = timed_analysis(FIRST, FIRST + 120, n_data=n_data)
    return cy.get_trial_runner(src=SRC, ana=ana, time="utf", **{"box": True, **settings})


def held(tr: Any, t0: float) -> Any:
    return replace(tr, flare=replace(tr.flare, t0=t0))


def core_options(model: FlareModel) -> dict[str, float]:
    flare = model.flare
    return {
        "dt_min": flare.dt_min,
        "dt_max": np.inf if flare.dt_max is None else flare.dt_max,
        "threshold": model.threshold,
        "penalty_days": model.longest if flare.penalty else 0.0,
    }


def direction(tr: Any, trial: Any) -> Direction:
    reading = tr.get_one_llh_from_trial(trial)
    return Direction.of(reading.window(FIRST + 50.0, 200.0))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"dt_max": 3.0, "dt_min": 0.1},
        {"gamma": 2.0},
        {"energy": False},
        {"prior": None, "dt_min": 0.5},
    ],
    ids=["free", "dt", "fixed", "off", "no penalty"],
)
def test_the_maximum_is_that_of_all_windows(settings: dict[str, Any]) -> None:
    tr = runner(**settings)
    gammas = {"fit": GAMMAS, "fixed": np.array([2.0]), "off": np.array([2.0])}[tr.likelihood.mode]
    flared = replace(tr, signal_window=cy.transients.SignalWindow(cy.TimeWindow(FIRST + 30.2, 1.5)))
    for seed in range(3):
        trial = flared.get_one_trial([0, 4, 2][seed], seed=seed)
        fit, slow = tr.get_one_fit_from_trial(trial), brute_force(direction(tr, trial), core_options(tr.model), gammas)
        assert fit.ts == pytest.approx(slow["ts"], abs=2e-5)
        if slow["ts"] > 0:
            assert (fit.flare["start"], fit.flare["stop"]) == pytest.approx((slow["start"], slow["stop"]), abs=1e-9)
            assert fit.ns == pytest.approx(slow["ns"], rel=1e-4)


@pytest.mark.parametrize("settings", [{}, {"dt_max": 3.0, "dt_min": 0.1}, {"gamma": 2.0}, {"prior": None}])
@pytest.mark.parametrize("middle", [30.9, 5.0, 70.0], ids=["near", "far", "in a gap"])
def test_the_maximum_around_a_held_middle_is_that_of_all_windows_there(settings: dict[str, Any], middle: float) -> None:
    tr = held(runner(**settings), FIRST + middle)
    gammas = np.array([2.0]) if tr.likelihood.mode == "fixed" else GAMMAS
    flared = replace(tr, signal_window=cy.transients.SignalWindow(cy.TimeWindow(FIRST + 30.2, 1.5)))
    for seed in range(2):
        trial = flared.get_one_trial([0, 4][seed], seed=seed)
        fit = tr.get_one_fit_from_trial(trial)
        slow = brute_force(direction(tr, trial), core_options(tr.model), gammas, middle=FIRST + middle)
        assert fit.ts == pytest.approx(slow["ts"], abs=2e-5)
        if slow["ts"] > 0:
            assert (fit.flare["start"], fit.flare["stop"]) == pytest.approx((slow["start"], slow["stop"]), abs=1e-7)
            assert fit.t0 == pytest.approx(FIRST + middle, abs=1e-9)


def test_a_gaussian_around_a_held_middle_has_the_best_width() -> None:
    free, trial = gaussian(1, 6)
    tr = held(free, FIRST + 31.0)
    fit, reading = tr.get_one_fit_from_trial(trial), tr.get_one_llh_from_trial(trial)
    assert fit.t0 == pytest.approx(FIRST + 31.0, abs=1e-9)
    assert 10 < fit.ts < free.get_one_fit_from_trial(trial).ts
    ns, gammas = np.linspace(0.5, 12, 24), np.linspace(1, 4, 13)
    grid = [reading.scan_ts(ns, gammas, t0=FIRST + 31.0, dt=dt)[0].max() for dt in np.geomspace(0.05, 60, 40)]
    assert 0 <= fit.ts - max(grid) < 0.3


def test_not_below_expectation_maximisation() -> None:
    tr = runner()
    flared = replace(tr, signal_window=cy.transients.SignalWindow(cy.TimeWindow(FIRST + 30.2, 3.0)))
    flares = 0
    for seed in range(6):
        trial = flared.get_one_trial(5 * (seed % 2), seed=seed)
        found = expectation_maximisation(direction(tr, trial), core_options(tr.model), GAMMAS)
        fit = tr.get_one_fit_from_trial(trial)
        assert fit.ts >= found - 1e-6
        flares += found > 10
    assert flares > 0


def test_a_window_over_all_is_the_steady_likelihood() -> None:
    tr = runner()
    trial = tr.get_one_trial(6, seed=5)
    steady = cy.get_trial_runner(src=SRC, ana=tr.analysis).get_one_llh_from_trial(trial)
    reading = tr.get_one_llh_from_trial(trial)
    ts, _ = reading.scan_ts(np.array([0.0, 3.0, 9.0]), [1.5, 2.5], t0=FIRST + 110.0, dt=240.0)
    assert ts == pytest.approx(steady.scan_ts(np.array([0.0, 3.0, 9.0]), [1.5, 2.5])[0], abs=1e-9)


def test_the_reading_has_the_value_of_the_fit() -> None:
    tr = runner()
    flared = replace(tr, signal_window=cy.transients.SignalWindow(cy.TimeWindow(FIRST + 30.2, 1.5)))
    trial = flared.get_one_trial(4, seed=1)
    fit, reading = tr.get_one_fit_from_trial(trial), tr.get_one_llh_from_trial(trial)
    ts, _ = reading.scan_ts(fit.ns, [fit.gamma], t0=fit.t0, dt=fit.dt)
    assert ts.item() == pytest.approx(fit.ts, abs=1e-4)
    carrying = reading.carrying(fit)
    inside = (carrying["mjd"] >= fit.flare["start"]) & (carrying["mjd"] <= fit.flare["stop"])
    assert inside[0]
    assert np.all((carrying["time"] > 0) == inside)
    assert carrying["injected"][:2].all()
    with pytest.raises(TypeError, match="give the window"):
        reading.scan_ts(1.0, [2.0])
    with pytest.raises(ValueError, match="no season took data in"):
        reading.window(FIRST - 50.0, 1.0)


GAUSS = {"box": False, "dt_min": 0.05}


def gaussian(seed: int, n_sig: float, **settings: Any) -> tuple[Any, Any]:
    tr = runner(**{**GAUSS, **settings})
    window = cy.TimeWindow(FIRST + 30.2 - 5e-7, 1e-6, 0.8)
    return tr, replace(tr, signal_window=cy.transients.SignalWindow(window)).get_one_trial(n_sig, seed=seed)


@pytest.mark.parametrize("settings", [{}, {"gamma": 2.0}, {"energy": False}, {"prior": None}])
def test_a_gaussian_is_at_a_maximum_of_the_likelihood(settings: dict[str, Any]) -> None:
    tr, trial = gaussian(1, 6, **settings)
    fit, reading = tr.get_one_fit_from_trial(trial), tr.get_one_llh_from_trial(trial)
    free = tr.likelihood.mode == "fit"

    def ts(ns: float, gamma: float, t0: float, dt: float) -> float:
        found: float = reading.scan_ts(ns, [gamma] if free else None, t0=t0, dt=dt)[0].item()
        return found

    assert fit.ts > 10
    assert ts(fit.ns, fit.gamma, fit.t0, fit.dt) == pytest.approx(fit.ts, abs=1e-4)
    for dn, dg, dt0, ds in np.eye(4) * [0.05, 0.05, 0.05, 0.05]:
        for sign in (-1, 1):
            moved = ts(
                fit.ns + sign * dn,
                fit.gamma + sign * dg,
                fit.t0 + sign * dt0 * fit.dt,
                max(0.05, fit.dt * (1 + sign * ds)),
            )
            assert moved <= fit.ts + 1e-6
    inside = reading.carrying(fit)
    assert (np.abs(inside["mjd"][:2] - fit.t0) < 4 * fit.dt).all()
    assert fit.flare["stop"] - fit.flare["start"] == pytest.approx(12 * fit.dt)


@pytest.mark.slow
@pytest.mark.parametrize(("n_sig", "settings"), [(0, {"prior": None}), (3, {})])
def test_no_gaussian_of_a_dense_grid_is_better(n_sig: float, settings: dict[str, Any]) -> None:
    for seed in range(3):
        tr, trial = gaussian(seed, n_sig, **settings)
        slow = best_gaussian(direction(tr, trial), core_options(tr.model), GAMMAS)
        assert tr.get_one_fit_from_trial(trial).ts >= slow["ts"] - 1e-3


def test_events_without_times_are_refused() -> None:
    tr = runner()
    trial = cy.get_trial_runner(src=SRC, ana=tr.analysis).get_one_trial(3, seed=1)
    with pytest.raises(ValueError, match="the injected events of season timed0 have no times"):
        tr.get_one_fit_from_trial(trial)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"t0": 50_000.0, "box_mode": "post"}, "t0=50000.000000 is outside the data, MJD 56000"),
        ({"dt_min": 1000.0}, "dt_min=1000 days is longer than all uptime, 180 days"),
    ],
)
def test_windows_that_cannot_be(options: dict[str, Any], message: str) -> None:
    tr = runner()
    with pytest.raises(ValueError, match=message):
        FlareModel(tr.analysis, tr.likelihood, flare=FlareOptions(**options))


def test_a_longest_flare_beyond_the_data_is_asked_about() -> None:
    tr = runner()
    with pytest.warns(UserWarning, match=r"dt_max=86400 days is longer than the data, .*If seconds are meant"):
        FlareModel(tr.analysis, tr.likelihood, flare=FlareOptions(dt_max=86400))
    # does not ask: a year of half a year's data is no mistake for seconds
    FlareModel(tr.analysis, tr.likelihood, flare=FlareOptions(dt_max=365))


def test_coarse_times_are_refused() -> None:
    tr = runner()
    ana = tr.analysis
    rounded = replace(ana[0], data=ana[0].data.with_columns(mjd=np.floor(ana[0].data["mjd"])))
    with pytest.raises(ValueError, match="give dt_min=10 or more"):
        FlareModel(type(ana)([rounded]), tr.likelihood, flare=FlareOptions())


def test_the_reading_is_one_of_flares() -> None:
    assert isinstance(runner().get_one_llh(seed=1), FlareReading)


@pytest.mark.parametrize("settings", [{}, {"gamma": 2.0}, {"energy": False, "prior": None}])
def test_the_extended_likelihood_is_that_of_the_reading(settings: dict[str, Any]) -> None:
    tr = runner(**settings, extended=True)
    flared = replace(tr, signal_window=cy.transients.SignalWindow(cy.TimeWindow(FIRST + 30.2, 1.5)))
    trial = flared.get_one_trial(4, seed=1)
    fit, reading = tr.get_one_fit_from_trial(trial), tr.get_one_llh_from_trial(trial)
    gamma = [fit.gamma] if tr.likelihood.mode == "fit" else None
    near = fit.ns * np.array([0.98, 1.0, 1.02])
    ts = reading.scan_ts(near, gamma, t0=fit.t0, dt=fit.dt)[0].ravel()
    assert ts[1] == pytest.approx(fit.ts, abs=1e-4)
    assert ts[1] > max(ts[0], ts[2])
    # −n + Σ ln(1 + n x) by hand
    inside = reading.carrying(fit)
    season = inside["season"].astype(int)
    x = inside["ratio"] / np.array(trial.n_events)[season]
    share = reading.window(fit.t0, fit.dt).shares(fit.gamma if gamma else None)[season]
    by_hand = 2 * (np.log1p(fit.ns * share * x).sum() - fit.ns) + reading.window(fit.t0, fit.dt).penalty
    assert by_hand == pytest.approx(fit.ts, abs=1e-4)
    plain = runner(**settings).get_one_fit_from_trial(trial)
    assert fit.ts != plain.ts
    assert fit.ts == pytest.approx(plain.ts, rel=0.02)
    assert tr.config_hash != runner(**settings).config_hash


def test_an_extended_gaussian_is_at_a_maximum() -> None:
    tr, trial = gaussian(1, 6, extended=True)
    fit, reading = tr.get_one_fit_from_trial(trial), tr.get_one_llh_from_trial(trial)

    def ts(ns: float, gamma: float, t0: float, dt: float) -> float:
        return float(reading.scan_ts(ns, [gamma], t0=t0, dt=dt)[0].item())

    assert ts(fit.ns, fit.gamma, fit.t0, fit.dt) == pytest.approx(fit.ts, abs=1e-4)
    for dn, dg, dt0, ds in np.eye(4) * 0.05:
        for sign in (-1, 1):
            moved = ts(
                fit.ns + sign * dn, fit.gamma + sign * dg, fit.t0 + sign * dt0 * fit.dt, fit.dt * (1 + sign * ds)
            )
            assert moved <= fit.ts + 1e-6
