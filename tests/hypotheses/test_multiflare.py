"""Several flares of one source: disjoint, each the best of what is left, and like any other runner."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nusky as cy
from flare_oracle import Direction, brute_force
from nusky.executors import read_spec, write_spec
from transient_season import FIRST, timed_analysis

SRC = cy.sources(1.0, 0.1)
GAMMA = np.array([2.0])


@cache
def analysis() -> Any:
    return timed_analysis(FIRST, FIRST + 120, n_data=2000)


def runner(**settings: Any) -> Any:
    return cy.get_multiflare_trial_runner(settings, src=SRC, ana=analysis(), gamma=2.0)


def flared(tr: Any, *flares: tuple[float, float, int], seed: int) -> Any:
    """A trial with several flares: (start, days, events)."""
    trial, *others = [
        replace(tr, signal_window=cy.transients.SignalWindow(cy.TimeWindow(start, days))).get_one_trial(
            n, seed=seed + i
        )
        for i, (start, days, n) in enumerate(flares)
    ]
    injected = list(trial.injected)
    for other in others:
        for k, more in enumerate(other.injected):
            if more is not None:
                injected[k] = more if injected[k] is None else cy.Events.concatenate([injected[k], more])
    return replace(trial, injected=tuple(injected))


def greedy(d: Direction, options: dict[str, float], least: float) -> list[float]:
    """TS of the flares, found by brute force among the seeds of each gap."""
    found: list[float] = []

    def search(after: float, before: float) -> None:
        best = brute_force(d, options, GAMMA, seeds_within=(after, before))
        if best["ts"] < least or best["ts"] <= 0:
            return
        found.append(best["ts"])
        search(after, best["start"])
        search(best["stop"], before)

    search(-np.inf, np.inf)
    return sorted(found, reverse=True)


@pytest.mark.parametrize("seed", [1, 5])
def test_each_flare_is_the_best_of_what_is_left(seed: int) -> None:
    tr = runner(dt_max=5.0)  # with no limit one long window has more than the flares in it
    trial = flared(tr, (FIRST + 30.2, 0.5, 5), (FIRST + 60.1, 1.5, 6), (FIRST + 140.3, 0.3, 5), seed=seed)
    fit = tr.get_one_fit_from_trial(trial)
    listed = fit.flare["flares"]
    model = tr.model
    options = {"dt_min": model.flare.dt_min, "dt_max": 5.0, "threshold": model.threshold}
    options["penalty_days"] = model.longest
    d = Direction.of(tr.get_one_llh_from_trial(trial).window(FIRST + 50.0, 200.0))
    assert len(listed) >= 3
    assert [one["ts"] for one in listed] == pytest.approx(greedy(d, options, 2.0), abs=2e-5)
    assert fit.ts == pytest.approx(sum(one["ts"] for one in listed))
    assert fit.ns == pytest.approx(sum(one["ns"] for one in listed))
    assert (fit.t0, fit.dt) == (listed[0]["t0"], listed[0]["dt"])
    spans = sorted((one["start"], one["stop"]) for one in listed)
    assert all(stop < start for (_, stop), (start, _) in pairwise(spans))


def test_one_flare_is_that_of_the_flare_runner() -> None:
    tr = runner()
    single = cy.get_trial_runner(src=SRC, ana=analysis(), time="utf", box=True, gamma=2.0)
    trial = flared(tr, (FIRST + 30.2, 1.5, 5), seed=3)
    strict = replace(tr, least_ts=single.get_one_fit_from_trial(trial).ts - 1e-9)
    assert strict.get_one_fit_from_trial(trial).ts == single.get_one_fit_from_trial(trial).ts
    assert replace(tr, least_ts=1e4).get_one_fit_from_trial(trial).ts == 0.0


def test_trials_specs_and_stores_take_it(tmp_path: Path) -> None:
    tr = runner()
    many = tr.get_many_fits(20, 3, seed=4, mp_cpus=1)
    fit = tr.get_one_fit(3, seed=4)
    assert np.array_equal([many[name][0] for name in fit.columns], np.asarray(fit), equal_nan=True)
    again = read_spec(write_spec(tr, tmp_path)[0])
    assert again.config() == tr.config()
    assert again.config() != replace(tr, least_ts=3.0).config()
    assert again.get_many_fits(20, 3, seed=4, mp_cpus=1).ts.tolist() == many.ts.tolist()
    store = cy.store.TrialStore(tmp_path / "store", tr.config())
    store.append(many, seed=4, start=0, n_sig=3)
    assert store.read(n_sig=3)["ts"].tolist() == many.ts.tolist()
    fit.save(tmp_path / "fit.json")
    assert cy.Fit.read(tmp_path / "fit.json").flare == fit.flare


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"box": False}, "boxes with free start"),
        ({"time": None, "box": None}, "flares have time='utf'"),
        ({"ts_min": -1}, "ts_min=-1 must be 0 or more"),
        ({"muonflag": True}, "select the events beforehand"),
        ({"threshold": 10.0, "seeder": cy.seeding.UTFSeeder()}, "threshold and seeder say the same"),
    ],
)
def test_what_is_not_understood_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        cy.get_multiflare_trial_runner(src=SRC, ana=analysis(), **settings)
