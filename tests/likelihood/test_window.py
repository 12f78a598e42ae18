"""The extended likelihood of a window against the oracle, and which events it takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nusky as cy
import oracle
from nusky.events import Events
from nusky.trial.status import Status
from nusky.trial.trial import Trial
from transient_season import FIRST, timed_analysis

TWO = timed_analysis(FIRST, FIRST + 100)
RA, DEC = 2.0, 0.3


def runner(mjd: float, t_100: float, sigma_t: float = 0.0, ana: Any = TWO, **options: Any) -> cy.TrialRunner:
    src = cy.sources(RA, DEC, mjd=mjd, t_100=t_100, sigma_t=sigma_t)
    return cy.get_trial_runner(src=src, ana=ana, **options)


def oracle_fit(tr: cy.TrialRunner, trial: Trial, **options: Any) -> oracle.OracleFit:
    """From the definitions: N_b from rate × uptime, T_S and T_B from the profile on a fine grid of times."""
    on_time = tr.on_time
    window = on_time.window
    nodes, log_acceptance = tr.analysis.acceptance_table()
    seasons, log_a = [], []
    for k, ensembles in enumerate(trial.evss):
        season = tr.analysis[k]
        start, stop = np.array(season.grl.start), np.array(season.grl.stop)
        grid = np.linspace(window.start, window.stop, 400_001)
        up = ((grid[:, None] >= start) & (grid[:, None] <= stop)).any(axis=1)
        step = grid[1] - grid[0]
        uptime, signal = up.sum() * step, (window.profile(grid) * up).sum() * step
        if not uptime:
            continue
        inside = window.inside(season.data.mjd)
        livetime = (stop - start).sum()
        n_background = (~inside).sum() / (livetime - uptime) * uptime
        events = {name: np.concatenate([ev[name] for ev in ensembles]) for name in ensembles[0].columns}
        t_s, t_b = window.profile(events["mjd"]) / signal, 1 / uptime
        seasons.append(
            oracle.Season(
                ra=events["ra"],
                dec=events["dec"],
                sigma=events["sigma"],
                background=season.background(events["sindec"]),
                log_energy_ratio=season.energy.log_ratio(events["sindec"], events["log10energy"]).astype(np.float32),
                n_events=n_background,
                factor=t_s / t_b,
            )
        )
        log_a.append(log_acceptance[k] + np.log(signal / livetime))
    return oracle.fit(
        seasons,
        RA,
        DEC,
        gamma_nodes=np.array(tr.analysis.gamma_nodes),
        sindec_nodes=nodes,
        log_acceptance=np.array(log_a),
        extended=True,
        **options,
    )


@pytest.mark.parametrize("sigma_t", [0.0, 0.3])
@pytest.mark.parametrize(("mjd", "t_100"), [(FIRST + 99.3, 1.1), (FIRST + 20.3, 0.2), (FIRST + 8.0, 30.0)])
@pytest.mark.parametrize("n_sig", [0, 3])
def test_fits_agree_with_the_oracle(sigma_t, mjd, t_100, n_sig):
    tr = runner(mjd, t_100, sigma_t)
    found = []
    for seed in range(3):
        trial = tr.get_one_trial(n_sig, seed=seed)
        expected = oracle_fit(tr, trial)
        fit = tr.get_one_fit_from_trial(trial)
        assert fit.ts == pytest.approx(expected.ts, abs=1e-3)
        if expected.ts > 0.1:
            assert fit.ns == pytest.approx(expected.ns, rel=0.01)
        found.append(fit.ts)
    assert (n_sig == 0) or np.mean(found) > 1


def test_fixed_gamma_and_no_energy_term_agree_with_the_oracle():
    tr = runner(FIRST + 99.3, 1.1, 0.1, gamma=2.5)
    trial = tr.get_one_trial(3, seed=1)
    assert tr.get_one_fit_from_trial(trial).ts == pytest.approx(oracle_fit(tr, trial, gamma=2.5).ts, abs=1e-3)
    off = runner(FIRST + 20.3, 0.2, energy=False)
    fit = off.get_one_fit(3, seed=1)
    assert len(fit) == 2
    assert fit.ns == pytest.approx(3, abs=0.5)


def test_n_s_can_exceed_the_expected_background():
    fit = runner(FIRST + 20.3, 1e-3).get_one_fit(8, seed=2)
    assert fit.ns == pytest.approx(8, abs=0.6)
    assert fit.status is Status.OK


def test_an_empty_window_is_an_ordinary_result():
    tr = runner(FIRST + 20.3, 1e-6)
    trial = tr.get_one_trial(seed=1)
    assert trial.n_events == (0, 0)
    fit = tr.get_one_fit_from_trial(trial)
    assert (fit.ts, fit.ns, fit.status) == (0.0, 0.0, Status.NO_EVENTS)
    assert np.isnan(fit.gamma)


def whole_season(with_times: bool = True) -> Trial:
    return cy.get_trial_runner(src=cy.sources(RA, DEC), ana=TWO).get_one_trial(seed=1)


def test_of_a_whole_seasons_trial_the_events_in_the_window_are_fitted():
    tr = runner(FIRST + 20.3, 0.5, 0.1)
    whole = whole_season()
    rows = tr.on_time.seasons[0].on
    cut = [[ev[rows].with_columns(mjd=TWO[0].data.mjd[rows])] for ev in (whole.evss[0][0],)]
    nothing = Events({name: np.empty(0) for name in ("ra", "dec", "sigma", "log10energy", "mjd")})
    expected = tr.get_one_fit_from_trial(([*cut, [nothing]], [0, 0]))
    assert tr.get_one_fit_from_trial(whole).ts == expected.ts


def test_events_outside_the_window_or_in_a_gap_do_not_count():
    tr = runner(FIRST + 20.3, 1.0)
    mjd = FIRST + np.array([20.2, 20.4, 20.95, 21.1, 21.4])
    n = len(mjd)
    ev = Events(
        {"ra": np.full(n, RA), "dec": np.full(n, DEC), "sigma": np.full(n, 0.01), "energy": np.full(n, 1e4), "mjd": mjd}
    )
    nothing = ev[:0]
    all_of_them = tr.get_one_fit_from_trial(([[ev], [nothing]], [0, 0]))
    the_two = tr.get_one_fit_from_trial(([[ev[[1, 3]]], [nothing]], [0, 0]))
    assert all_of_them.ts == the_two.ts > 0
    assert the_two.ns == pytest.approx(2, abs=0.1)


def test_events_without_times_are_refused():
    steady = cy.get_trial_runner(src=cy.sources(RA, DEC), ana=TWO).get_one_trial(3, seed=1)
    with pytest.raises(ValueError, match=r"injected events of season timed. have no times \(mjd\)"):
        runner(FIRST + 99.5, 1.0).get_one_fit_from_trial(steady)


def test_a_trial_of_another_window_is_refused():
    trial = runner(FIRST + 20.3, 0.5).get_one_trial(seed=1)
    with pytest.raises(ValueError, match="this runner fits TimeWindow"):
        runner(FIRST + 20.3, 0.6).get_one_fit_from_trial(trial)
    with pytest.raises(ValueError, match="fit it with a runner for this window"):
        cy.get_trial_runner(src=cy.sources(RA, DEC), ana=TWO).get_one_fit_from_trial(trial)
    assert runner(FIRST + 20.3, 0.5, scramble="time").get_one_fit_from_trial(trial).ts >= 0
