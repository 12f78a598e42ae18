"""csky's MultiTrialRunner: the hypotheses see the same trials, each fitted as by its own runner."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nusky as cy
from seasons import one_season, two_seasons
from transient_season import FIRST, timed_analysis

SRC = cy.sources([1.0, 2.0, 4.0], [0.1, -0.4, 0.9])


def runners(**options: Any) -> list[Any]:
    return [cy.get_trial_runner(ana=two_seasons(), src=one, **options) for one in SRC]


def multi(**options: Any) -> cy.trial.MultiTrialRunner:
    trs = [*runners(), cy.get_trial_runner(ana=two_seasons(), src=SRC, gamma=2.0)]
    return cy.trial.MultiTrialRunner(two_seasons(), trs[3], trs, **options)


def test_columns_are_those_of_csky_and_values_those_of_each_runner() -> None:
    tr = multi()
    trials = tr.get_many_fits(15, seed=2)
    every = {f"{name}_{i:04d}" for name in ("mlog10p", "ts", "ns", "gamma") for i in range(4)}
    assert set(trials.keys()) == every - {"gamma_0003"}
    for i, one in enumerate(tr.trs):
        assert trials[f"ts_{i:04d}"].tolist() == one.get_many_fits(15, seed=2).ts.tolist()
        assert trials[f"mlog10p_{i:04d}"].tolist() == trials[f"ts_{i:04d}"].tolist()
    assert tr.hottest(trials).tolist() == np.argmax([trials[f"ts_{i:04d}"] for i in range(4)], axis=0).tolist()


def test_signal_of_one_runner_is_fitted_by_all() -> None:
    tr = multi()
    trials = tr.get_many_fits(6, 20, seed=3)
    made = tr.tr_inj.get_one_trial(20, seed=3)
    row = tr.get_one_fit(20, seed=3)
    for i, one in enumerate(tr.trs):
        assert trials[f"ts_{i:04d}"][0] == one.get_one_fit_from_trial(made).ts == row[f"ts_{i:04d}"]
    assert trials["ts_0003"].mean() > 1


def test_p_comes_from_the_background_of_each() -> None:
    bgs = [cy.dists.TSD(np.linspace(0, 4, n)) for n in (11, 21, 31, 41)]
    trials = multi(bgs=bgs).get_many_fits(10, seed=1)
    for i, bg in enumerate(bgs):
        assert np.allclose(10 ** -trials[f"mlog10p_{i:04d}"], bg.p_values(trials[f"ts_{i:04d}"]))


def test_what_does_not_fit_together_is_refused() -> None:
    trs = runners()
    with pytest.raises(ValueError, match="trs is empty"):
        cy.trial.MultiTrialRunner(two_seasons(), trs[0], [])
    with pytest.raises(ValueError, match="another analysis"):
        cy.trial.MultiTrialRunner(one_season(), trs[0], trs)
    with pytest.raises(ValueError, match="1 background distributions for 3"):
        cy.trial.MultiTrialRunner(two_seasons(), trs[0], trs, bgs=[cy.dists.TSD([1.0])])
    with pytest.raises(TypeError, match=r"bgs\[0\] must be a distribution"):
        cy.trial.MultiTrialRunner(two_seasons(), trs[0], trs[:1], bgs=[[1.0]])
    with pytest.raises(TypeError, match=r"trs\[0\] must be a trial runner"):
        cy.trial.MultiTrialRunner(two_seasons(), trs[0], ["x"])


def test_flares_and_light_curves_are_fitted_as_such_in_a_trial_as_in_many() -> None:
    ana = timed_analysis(FIRST, FIRST + 120, n_data=1500)
    curve = (FIRST + np.arange(0.0, 231.0, 11.0), 1.0 + np.sin(np.arange(20.0) ** 2))
    options: list[dict[str, Any]] = [{"time": "utf", "box": True}, {"time": "lc", "lcs": curve}, {}]
    trs = [cy.get_trial_runner(one, ana=ana, src=SRC[0], gamma=2.0) for one in options]
    tr = cy.trial.MultiTrialRunner(ana, trs[0], trs)
    for n_sig in (0, 5):
        many, one, made = (
            tr.get_many_fits(1, n_sig, seed=4),
            tr.get_one_fit(n_sig, seed=4),
            trs[0].get_one_trial(n_sig, seed=4),
        )
        for i, runner in enumerate(trs):
            for name, value in zip(runner.columns, runner.get_one_fit_from_trial(made), strict=True):
                assert np.array_equal([many[f"{name}_{i:04d}"][0], one[f"{name}_{i:04d}"]], [value] * 2, equal_nan=True)
    assert {"t0_0000", "dt_0000", "thresh_0001", "lag_0001"} <= set(tr.columns)
