"""Runners of flares: columns, windows of the signal, the same bits everywhere."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.executors import read_spec, write_spec
from transient_season import FIRST, timed_analysis

SRC = cy.sources(1.0, 0.1)
SIGNAL = {"sig": "tw", "sig_kw": {"t0": FIRST + 30.0, "dt": 3.0, "box": True}}


@cache
def analysis() -> Any:
    return timed_analysis(FIRST, FIRST + 120, n_data=3000)


def runner(**settings: Any) -> Any:
    return cy.get_trial_runner({**SIGNAL, **settings}, src=SRC, ana=analysis(), time="utf", box=True)


def test_a_trial_is_the_same_alone_and_in_a_batch() -> None:
    tr = runner()
    many = tr.get_many_fits(3, 5, seed=4, mp_cpus=2)
    assert list(many.keys()) == ["ts", "ns", "gamma", "t0", "dt"]
    fit = tr.get_one_fit(5, seed=4)
    assert np.asarray(fit).tolist() == [many[name][0] for name in ("ts", "ns", "gamma", "t0", "dt")]
    later = tr.get_many_fits(1, 5, seed=4, first_trial=2, mp_cpus=1)
    assert later.ts[0] == many.ts[2]


def test_executors_and_stores_take_it_like_any_other(tmp_path: Path) -> None:
    tr = runner()
    here = tr.get_many_fits(40, 5, seed=4, mp_cpus=1)
    with ThreadPoolExecutor(2) as pool:
        there = tr.get_many_fits(40, 5, seed=4, executor=pool)
    assert there.ts.tolist() == here.ts.tolist()
    again = read_spec(write_spec(tr, tmp_path)[0])
    assert again.config() == tr.config()
    store = cy.store.TrialStore(tmp_path / "store", tr.config())
    store.append(here, seed=4, start=0, n_sig=5)
    assert store.read(n_sig=5)["t0"].tolist() == here["t0"].tolist()


def test_signal_comes_in_its_window_and_counts_are_of_it() -> None:
    tr, whole = runner(), cy.get_trial_runner(src=SRC, ana=analysis())
    times = np.concatenate([e["mjd"] for e in tr.get_one_trial(200, seed=1).injected if e is not None])
    assert times.min() >= FIRST + 28.5
    assert times.max() <= FIRST + 31.5
    assert np.all(times % 1 <= 0.9 + 1e-6)  # when the detector was up
    # 2.7 days of uptime of 90, in one season of two
    part = tr.get_acc_total(gamma=2) / analysis()[0].acceptance(0.1, 2.0)
    assert part == pytest.approx(2.7 / 90, rel=1e-6)
    assert tr.to_E2dNdE(5, gamma=2) > 50 * whole.to_E2dNdE(5, gamma=2)
    assert tr.to_fluence(5, gamma=2) == pytest.approx(tr.to_E2dNdE(5, gamma=2) * 2.7 * 86400, rel=1e-6)


def test_a_steady_search_takes_signal_in_a_window_too() -> None:
    tr = cy.get_trial_runner(SIGNAL, src=SRC, ana=analysis())
    trial = tr.get_one_trial(20, seed=1)
    assert trial.injected[1] is None
    assert np.ptp(trial.injected[0]["mjd"]) < 3.0
    assert tr.get_one_fit(20, seed=1).columns == ("ts", "ns", "gamma")


def test_a_gaussian_in_time_is_injected() -> None:
    tr = runner(sig_kw={"t0": FIRST + 50.0, "dt": 2.0, "box": False})
    times = tr.get_one_trial(500, seed=1).injected[0]["mjd"]
    assert np.mean(times) == pytest.approx(FIRST + 50.0, abs=0.4)
    assert np.std(times) == pytest.approx(2.0, abs=0.25)


def test_a_held_start_is_held() -> None:
    t0 = FIRST + 28.6
    tr = runner(box_mode="post", fitter_args={"t0": t0})
    fit = tr.get_one_fit(8, seed=1)
    assert fit.t0 == fit.flare["start"] == t0
    before = runner(box_mode="pre", fitter_args={"t0": FIRST + 31.6}).get_one_fit(8, seed=1)
    assert before.t0 == before.flare["stop"] == FIRST + 31.6
    assert runner().get_one_fit(8, seed=1).ts >= max(fit.ts, before.ts) - 4.0


def test_an_extended_source_is_fitted_one_by_one_with_the_same_numbers() -> None:
    src = cy.sources(1.0, 0.1, extension=0.02)
    tr = cy.get_trial_runner(SIGNAL, src=src, ana=analysis(), time="utf", box=True)
    many, fit = tr.get_many_fits(2, 5, seed=4, mp_cpus=1), tr.get_one_fit(5, seed=4)
    assert [many[name][0] for name in fit.columns] == list(fit)


def test_windows_outside_the_data_are_refused() -> None:
    with pytest.raises(ValueError, match="no season took data while the signal is to come"):
        runner(sig_kw={"t0": 50_000.0, "dt": 2.0})
    with pytest.raises(ValueError, match="a flare has no given window"):
        runner().__class__(
            analysis=analysis(), src=SRC, transient=cy.transients.TransientOptions(cy.TimeWindow(FIRST, 1.0))
        )


def test_a_fit_comes_back_from_its_file(tmp_path: Path) -> None:
    for n_sig, seed in ((8, 1), (0, 3)):
        fit = runner().get_one_fit(n_sig, seed=seed)
        fit.save(tmp_path / "fit.json")
        back = cy.Fit.read(tmp_path / "fit.json")
        assert np.array_equal(np.asarray(back), np.asarray(fit), equal_nan=True)
        assert back.flare == fit.flare
