"""Background from weighted simulation: its rates, in every kind of runner, in a batch as alone; what cannot be."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import nusky as cy
from nusky.executors import read_spec, write_spec
from simulated_season import NAMES, simulated_analysis

SRC = cy.sources(1.0, 0.3)
TWO = cy.sources([1.0, 4.0], [0.3, -0.5])
MC: dict[str, Any] = {"bg_weight_names": list(NAMES)}


@cache
def analysis() -> Any:
    return simulated_analysis(800, 8_000)


def runners() -> dict[str, Any]:
    given: dict[str, Any] = {"ana": analysis(), "gamma": 2.0, "inj_conf": MC}
    disk = np.zeros(12 * 8 * 8)
    disk[300:340] = 1.0
    return {
        "point": cy.get_trial_runner(src=SRC, **given),
        "stack": cy.get_trial_runner(src=TWO, **given),
        "sigsub": cy.get_trial_runner(src=TWO, sigsub=True, update_bg=True, **given),
        "template": cy.get_trial_runner(template=disk, **given),
        "list": cy.get_source_list_trial_runner(src=TWO, **given),
        "scan": cy.get_sky_scan_trial_runner(nside=4, src=SRC, **given),
        "prior": cy.get_spatial_prior_trial_runner(llh_priors=disk, **given),
    }


@pytest.mark.parametrize("kind", runners())
def test_many_trials_are_those_that_are_made_one_by_one(kind: str, tmp_path: Path) -> None:
    tr = runners()[kind]
    for n_sig in (0, 6):
        many, two = tr.get_many_fits(3, n_sig, seed=2, mp_cpus=1), tr.get_many_fits(3, n_sig, seed=2, mp_cpus=2)
        assert many.tobytes() == two.tobytes()
        fit = replace(tr).get_one_fit(n_sig, seed=2)  # which has not worked out what the whole simulation has
        assert [many[name][0] for name in tr.columns if name != "gamma"] == pytest.approx(list(fit), rel=1e-12)
    assert len({tr.draw_trial(2, j, 0, False).n_events for j in range(5)}) > 1
    again = read_spec(write_spec(tr, tmp_path)[0])
    assert again.config() == tr.config()
    assert again.config() != replace(tr, simulated=None).config()


def test_what_is_made_of_drawn_events_is_fitted_as_it_is() -> None:
    tr = runners()["point"]
    tr.get_many_fits(1, seed=1)
    trial = tr.get_one_trial(5, seed=3)
    (events,) = trial.background
    half = replace(trial, background=(events[: len(events) // 2],))
    assert tr.get_one_fit_from_trial(half).ts == replace(tr).get_one_fit_from_trial(half).ts
    trial.evss[0][0]["energy"] = events["energy"] * 10
    assert tr.get_one_fit_from_trial(trial).ts == replace(tr).get_one_fit_from_trial(trial).ts
    elsewhere = cy.get_trial_runner(src=SRC, ana=simulated_analysis(800, 9_000), gamma=2.0)
    elsewhere.get_many_fits(1, seed=1)
    foreign = replace(trial, background=(events,))
    plain = replace(trial, background=(cy.Events({name: events[name] for name in events.columns}),))
    assert elsewhere.get_one_fit_from_trial(foreign).ts == elsewhere.get_one_fit_from_trial(plain).ts


def test_events_come_as_often_as_their_weights_say() -> None:
    tr = runners()["point"]
    season, sim = analysis()[0], analysis()[0].sim
    rates = sum(sim[name] for name in NAMES)
    trials = [tr.draw_trial(5, j, 0, False).background[0] for j in range(30)]
    counts = np.array([len(events) for events in trials])
    expected = 800.0
    assert rates.sum() * season.livetime * 86_400 == pytest.approx(expected)
    assert counts.mean() == pytest.approx(expected, abs=4 * np.sqrt(expected / 30))
    assert 0.4 < counts.var() / expected < 2.0
    drawn = cy.Events.concatenate(trials)
    for name in ("sindec", "log10energy"):
        order = np.argsort(sim[name])
        at = np.searchsorted(sim[name][order], np.quantile(drawn[name], np.linspace(0.1, 0.9, 9)), side="right")
        assert np.cumsum(rates[order])[at - 1] / rates.sum() == pytest.approx(np.linspace(0.1, 0.9, 9), abs=0.02)
    assert stats.kstest(drawn["ra"] / (2 * np.pi), "uniform").pvalue > 1e-3
    assert np.array_equal(drawn["sigma"], sim["sigma"][drawn["idx"]])
    bg = tr.bg_injs[0]
    assert bg.data is sim
    assert bg.probs == pytest.approx(rates / rates.sum())
    assert len(bg.inject(seed=1)) == tr.get_one_trial(seed=1).n_events[0]


def test_declinations_move_by_each_events_own_error() -> None:
    tr = cy.get_trial_runner(src=SRC, ana=analysis(), inj_conf={**MC, "randomize": ["ra", "dec"]})
    moved, still = (one.draw_trial(3, 0, 0, False).background[0] for one in (tr, replace(tr, declinations=None)))
    assert moved["ra"].tolist() == still["ra"].tolist()
    pull = (moved["dec"] - still["dec"]) / still["sigma"]
    assert np.std(pull[np.abs(still["dec"]) < 1.3]) == pytest.approx(1.0, abs=0.08)
    assert moved["sindec"] == pytest.approx(np.sin(moved["dec"]))
    data = cy.get_trial_runner(src=SRC, ana=analysis(), randomize=["ra", "dec"])
    dec = data.draw_trial(3, 0, 0, False).background[0].events()["dec"]
    season = analysis()[0].data
    assert np.std(((dec - season["dec"]) / season["sigma"])[np.abs(season["dec"]) < 1.3]) == pytest.approx(1, abs=0.08)
    assert tr.config()["declinations"]["method"] == "gaussian_sigma"


def test_the_real_sky_is_that_of_the_data() -> None:
    tr = runners()["point"]
    assert tr.get_one_fit(TRUTH=True).ts == replace(tr, simulated=None).get_one_fit(TRUTH=True).ts


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bg_weight_names": ["honda"]}, "has no column 'honda'.*keep it when the season is read"),
        ({"bg_weight_names": ["oneweight"]}, "they are rates in Hz"),
        ({"bg_weight_names": "conv"}, "give a list of names"),
        ({"bg_weight_names": []}, "one name or more"),
        ({"bg_weight_names": ["conv", "conv"]}, "each once"),
        ({"bg_weight_names": ["conv", "below"]}, "rates are 0 or more"),
        (
            {**MC, "src": cy.sources(1.0, 0.3, mjd=56_010.0, t_100=1.0), "use_grl": False},
            "has no times: in a time window",
        ),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        cy.get_trial_runner({"src": SRC, "ana": analysis(), **settings})


def test_flares_need_times() -> None:
    given: dict[str, Any] = {"ana": analysis(), "time": "utf", "box": True, "use_grl": False, **MC}
    for make, where in (
        (cy.get_trial_runner, {"src": SRC}),
        (cy.get_source_list_trial_runner, {"src": TWO}),
        (cy.get_sky_scan_trial_runner, {"nside": 2}),
    ):
        with pytest.raises(ValueError, match="simulated background has no times"):
            make(**given, **where)
