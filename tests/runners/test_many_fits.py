"""The calls for many trials, and for one, that every runner has."""

from __future__ import annotations

import pytest

from nusky import conf, sources
from seasons import one_season


def test_the_real_sky_as_a_table_of_one_row(caplog: pytest.LogCaptureFixture) -> None:
    tr = conf.get_trial_runner(ana=one_season(), src=sources(1.0, 0.1))
    with caplog.at_level("WARNING", "nusky"):
        trials = tr.get_many_fits(1, n_sig=0, poisson=False, seed=3, TRUTH=True)
    assert trials.ts.tolist() == [tr.get_one_fit(TRUTH=True).ts]
    assert trials.seed is None


def test_injected_events_take_the_place_of_others() -> None:
    tr = conf.get_trial_runner(ana=one_season(), src=sources(1.0, 0.1))
    trial = tr.get_one_trial(20, seed=1, replace_evts=True)
    assert trial.n_events == tr.get_one_trial(seed=1).n_events
    assert trial.n_injected == 20
    assert tr.get_one_trial(20, seed=1, replace_evts=True).evss[0][0]["ra"].tolist() == trial.evss[0][0]["ra"].tolist()
    assert tr.get_one_fit_from_trial(trial).ts > 20
    assert tr.get_one_trial(seed=1, replace_evts=True).n_events == trial.n_events


def test_what_is_held_in_a_fit() -> None:
    tr = conf.get_trial_runner(ana=one_season(), src=sources(1.0, 0.1), fitter_args={"gamma": 2.5})
    assert (tr.fitter_args, tr.param_names, tr.ana) == ({"gamma": 2.5}, ("ns",), tr.analysis)
    assert tr.get_one_llh(5, seed=1).fit(**tr.fitter_args).ts == tr.get_one_fit(5, seed=1).ts
