"""Flares and light curves of a list: each source as by its own runner, on one trial, injected at its own times."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.catalogs import InterruptedListFits, timed_list
from nusky.executors import InterruptedBatch, read_spec, write_spec
from transient_season import FIRST, timed_analysis

SRC = cy.sources([1.0, 3.0, 5.0], [0.1, -0.2, 0.5], extension=[0.0, 0.01, 0.0], weight=[1.0, 2.0, 1.0])
EDGES = FIRST + np.arange(0.0, 231.0, 11.0)
CURVES = [(EDGES, 1.0 + np.sin(np.arange(20.0) ** power)) for power in (1, 2, 3)]
CASES: dict[str, dict[str, Any]] = {
    "box": {"time": "utf", "box": True, "sig": "tw", "sig_kw": {"t0": FIRST + 40.0, "dt": 5.0}},
    "gauss": {"time": "utf", "box": False, "dt_min": 0.05, "gamma": 2.0},
    "lc": {"time": "lc", "lcs": CURVES, "range_lag": (-5.0, 5.0), "sig": "lc", "threshs": [0.5, 1.0, 1.5]},
    "several": {"several": True, "max_dt": 20.0, "gamma": 2.0},
}


@cache
def analysis() -> Any:
    return timed_analysis(FIRST, FIRST + 120, n_data=800)


def runner(case: str, **more: Any) -> Any:
    settings = {**CASES[case], **more, "ana": analysis(), "src": SRC}
    several = settings.pop("several", False)
    return (cy.get_multiflare_trial_runner if several else cy.get_source_list_trial_runner)(**settings)


def alone(case: str, j: int) -> Any:
    settings = {**CASES[case], "ana": analysis(), "src": SRC[j]}
    for name in ("lcs", "threshs"):
        if name in settings:
            settings[name] = settings[name][j]
    several = settings.pop("several", False)
    return (cy.get_multiflare_trial_runner if several else cy.get_trial_runner)(**settings)


@pytest.mark.parametrize("case", CASES)
def test_every_source_is_fitted_as_its_own_runner_does_to_the_bit(case: str, tmp_path: Path) -> None:
    tr = runner(case)
    names = [name for name in tr.columns if name not in ("mlog10p", "ra", "dec")]
    none, some = tr.fit_sources(6, seed=3), tr.fit_sources(3, 12, seed=4, first_trial=2, mp_cpus=2)
    for j in range(3):
        own = alone(case, j)
        background = own.get_many_fits(6, seed=3)
        for i in range(3):
            fit = own.get_one_fit_from_trial(tr.draw_trial(4, 2 + i, 12, False))
            assert np.array_equal([getattr(some, n)[i, j] for n in names], list(fit), equal_nan=True)
        for name in names:
            assert np.array_equal(getattr(none, name)[:, j], background[name], equal_nan=True)
    assert some.ts.max() > 10
    again = read_spec(write_spec(tr, tmp_path)[0])
    assert again.config() == tr.config()
    rows = again.get_many_fits(3, 12, seed=4, first_trial=2)
    assert rows.ts.tolist() == some.ts.max(axis=1).tolist()
    fit = tr.get_one_fit_from_trial(tr.draw_trial(4, 2, 12, False))
    assert np.array_equal([rows[name][0] for name in tr.columns], list(fit), equal_nan=True)
    best = int(some.ts[0].argmax())
    assert [fit.ra, fit.dec] == [SRC.ra[best], SRC.dec[best]]
    assert fit.flare == alone(case, best).get_one_fit_from_trial(tr.draw_trial(4, 2, 12, False)).flare


def test_signal_of_each_source_comes_at_its_own_times() -> None:
    tr = runner("lc")
    injected = tr.get_one_trial(3000, seed=1).injected
    events = cy.Events.concatenate([part for part in injected if part is not None])
    near = [np.abs(events["dec"] - dec) < 0.12 for dec in SRC.dec]
    acceptance = []
    for j, mine in enumerate(near):
        own = alone("lc", j)
        acceptance.append(SRC.weight[j] * own.get_acc_total())
        window = own.signal_window.window
        assert np.all(window.profile(events["mjd"][mine]) > 0)
    shares = np.array(acceptance) / sum(acceptance)
    counts = np.array([mine.sum() for mine in near])
    assert np.allclose(counts / 3000, shares, atol=4 * np.sqrt(0.25 / 3000))
    # n_s events are worth the flux of all together, in the curves' own times
    assert tr.get_acc_total() == pytest.approx(sum(acceptance) / SRC.weight.sum())
    assert tr.to_fluence(10) == pytest.approx(tr.to_E2dNdE(10) * tr.timing.days * 86_400)
    days = [alone("lc", j).timing.days for j in range(3)]
    assert tr.timing.days == pytest.approx(np.average(days, weights=SRC.weight))


def test_local_p_the_table_and_limits_have_the_parameters_of_time() -> None:
    tr = runner("box", gamma=2.0).with_background(60, seed=1)
    trial = tr.get_one_trial(20, seed=5)
    result = tr.test(trial)
    table = result.table()
    assert table["t0"].tolist() == [tr.runners[j].get_one_fit_from_trial(trial).t0 for j in range(3)]
    assert abs(table["t0"][result.best] - FIRST - 40.0) < 3.0
    assert result.p_best.p < 0.1
    found = tr.find_n_sig(5.0, 0.5, seed=1, tol=0.5, batch_size=20, first_batch_size=10, max_batch_size=40)
    assert 1 < found.n_sig < 40


def test_the_background_of_a_trial_is_its_own_where_that_is_asked_for() -> None:
    for settings in ({}, {"time": "utf", "box": True}):
        plain, own = (
            cy.get_source_list_trial_runner(ana=analysis(), src=SRC, gamma=2.0, update_bg=on, **settings)
            for on in (False, True)
        )
        trial = own.get_one_trial(60, seed=2)
        fits = own.fit_sources(1, 60, seed=2)
        alone = [cy.get_trial_runner(ana=analysis(), src=one, gamma=2.0, update_bg=True, **settings) for one in SRC]
        assert fits.ts[0].tolist() == [one.get_one_fit_from_trial(trial).ts for one in alone]
        assert fits.ts.max() < plain.fit_sources(1, 60, seed=2).ts.max()
        assert own.with_background(20, seed=1).test(trial).ts.tolist() == fits.ts[0].tolist()


def test_ctrl_c_keeps_the_trials_that_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    tr = runner("several")
    whole = tr.fit_sources(12, seed=1)
    monkeypatch.setattr(timed_list, "_TOGETHER", 4)
    real, calls = timed_list.fit_batch, []

    def interrupted(fit_some: Any, numbers: Any, *others: Any) -> Any:
        calls.append(len(numbers))
        rows = real(fit_some, numbers, *others)
        if len(calls) == 2:  # the third trial of four was not finished
            done = np.array([True, True, False, True])
            raise InterruptedBatch(rows[done], numbers[done], len(numbers))
        return rows

    monkeypatch.setattr(timed_list, "fit_batch", interrupted)
    with pytest.raises(InterruptedListFits, match="after 6 of 12 trials") as stopped:
        tr.fit_sources(12, seed=1)
    assert stopped.value.partial.ts.tolist() == whole.ts[:6].tolist()
    box = runner("box")

    def nothing_done(self: Any, numbers: Any, *_: Any) -> Any:
        raise InterruptedBatch(whole.ts[:0], numbers[:0], len(numbers))

    monkeypatch.setattr(type(box.runners[1]), "_fit_numbers", nothing_done)
    with pytest.raises(InterruptedBatch) as nothing:
        box.get_many_fits(3, seed=1)
    assert len(nothing.value.partial) == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lcs": CURVES[:2]}, "lcs holds 2 light curves for 3 sources"),
        ({"time": None, "lcs": None, "sig": None, "threshs": None}, "range_lag is that of a light curve"),
        ({"sigsub": True}, "without signal subtraction: leave sigsub out"),
        ({"inj_conf": {"src": SRC[0]}}, "signal of a list comes from its own sources"),
        ({"threshs": [0.5, 1.0]}, "threshs must be one number"),
        ({"threshs": [0.5, 1.0, 50.0]}, "thresh"),
    ],
)
def test_what_is_not_understood_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        runner("lc", **settings)


def test_windows_that_do_not_fit_the_list_are_refused() -> None:
    kw = {"t0": [FIRST + 40.0, FIRST + 60.0, 10.0], "dt": 5.0}
    with pytest.raises(ValueError, match="source 2: no season took data while the signal is to come"):
        runner("box", sig_kw=kw)
    with pytest.raises(ValueError, match="signal in a window needs time='utf'"):
        cy.get_source_list_trial_runner(ana=analysis(), src=SRC, sig="tw", sig_kw={"t0": FIRST + 40.0, "dt": 5.0})
    made = runner("lc")
    options = {name: getattr(made, name) for name in ("analysis", "src", "likelihood")}
    window = (cy.transients.SignalWindow(),)
    for more, message in (
        ({"curves": made.curves[:2]}, "2 light curves for 3 sources"),
        ({"curves": made.curves, "least_ts": 2.0}, "several flares have no light curve"),
        ({"signal_windows": 2 * window}, "2 windows of signal for 3 sources"),
    ):
        with pytest.raises(ValueError, match=message):
            cy.catalogs.TimedSourceListTrialRunner(**options, **more)
