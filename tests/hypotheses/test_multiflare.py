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


NSIDE = 4
GRID = np.stack(cy.trial.SkyScanner.get_healpix_grid(NSIDE))


def test_a_pixel_of_a_scan_is_the_position_by_itself(tmp_path: Path) -> None:
    src = cy.sources(*GRID[:, 80])
    settings = {"threshold": 20.0, "max_dt": 5.0, "gamma": 2.0, "ana": analysis()}
    scanner = cy.get_sky_scan_trial_runner(nside=NSIDE, multiflare=True, src=src, min_dec=-0.6, max_dec=0.9, **settings)
    alone = cy.get_multiflare_trial_runner(src=src, **settings)
    trial = flared(alone, (FIRST + 30.2, 0.5, 6), (FIRST + 60.1, 1.5, 7), seed=2)
    scan = scanner.get_one_scan_from_trial(trial)
    assert scan.columns == ("mlog10p", "ts", "ns", "t0", "dt", "n_flares", "uptime")
    for pixel in (80, 70, 100):
        one = replace(alone, src=cy.sources(*GRID[:, pixel])).get_one_fit_from_trial(trial)
        there = [scan[name][pixel] for name in ("ts", "ns", "t0", "dt")]
        assert there == pytest.approx(np.asarray(one).tolist(), rel=1e-5, abs=1e-6, nan_ok=True)
        assert scan["n_flares"][pixel] == len(one.flare["flares"])
        assert scan["uptime"][pixel] == pytest.approx(sum(flare["uptime"] for flare in one.flare["flares"]))
    assert scan["n_flares"][80] >= 2
    assert scan.ts.argmax() == 80
    assert not scan["uptime"][~scan.scanned].any()
    assert scanner.get_one_fit_from_trial(trial).ts == scan.ts.max()
    assert scanner.get_many_fits(2, 6, seed=1).ts[0] == scanner.get_one_fit(6, seed=1).ts
    one_flare = cy.get_sky_scan_trial_runner(
        nside=NSIDE, time="utf", box=True, dt_max=5.0, seeder=cy.seeding.UTFSeeder(20.0), gamma=2.0, ana=analysis()
    )
    assert scan.ts[80] > one_flare.get_one_scan_from_trial(trial).ts[80] + 2
    scan.save(tmp_path / "scan.fits")
    assert cy.SkyScan.read(tmp_path / "scan.fits")["n_flares"].tolist() == scan["n_flares"].tolist()
    again = read_spec(write_spec(scanner, tmp_path)[0])
    assert again.config() == scanner.config()
    with pytest.raises(ValueError, match="max_dt is that of several flares: add multiflare=True"):
        cy.get_sky_scan_trial_runner(nside=NSIDE, ana=analysis(), max_dt=5.0)
    with pytest.raises(TypeError, match="threshold and seeder say the same"):
        cy.get_sky_scan_trial_runner(
            nside=NSIDE, ana=analysis(), multiflare=True, threshold=2, seeder=cy.seeding.UTFSeeder()
        )


def test_signal_comes_at_the_times_that_are_given(tmp_path: Path) -> None:
    tr = runner()
    times = FIRST + np.array([30.25, 30.5, 30.75, 30.95])  # the last one while the detector is off
    trial = tr.get_one_trial(injflares=[[times, 0], [[FIRST + 150.5], 0]], poisson=True, deltaT=3.0, seed=4)
    assert np.sort(np.concatenate([part["mjd"] for part in trial.injected])).tolist() == [*times[:3], FIRST + 150.5]
    season_of_last = trial.injected[1]["mjd"]
    assert season_of_last.tolist() == [FIRST + 150.5]
    again = tr.get_one_trial(injflares=[[times, 0], [[FIRST + 150.5], 0]], seed=4)
    assert again.injected[0]["ra"].tolist() == trial.injected[0]["ra"].tolist()
    near = cy.coord.delta_angle(np.pi / 2 - 0.1, 1.0, np.pi / 2 - trial.injected[0]["dec"], trial.injected[0]["ra"])
    assert np.all(near < 10 * trial.injected[0]["sigma"] + 0.05)
    kept = tr.get_one_trial(injflares=[[times, 0]], seed=4, replace_evts=True, save_evts=tmp_path / "events.npy")
    assert kept.n_events == tuple(len(season.data) for season in analysis())
    assert np.load(tmp_path / "events.npy")["season"].tolist() == [0, 0, 0]
    assert tr.get_one_fit_from_trial(kept).ts > 0
    assert tr.get_one_trial(injflares=[], seed=4).n_injected == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"injflares": [[[10.0, 20.0], 0]]}, r"no season took data at any of the 2 times, MJD 10\.0"),
        ({"injflares": [[[FIRST], 1]]}, "of source 1, and there are 1"),
        ({"injflares": [[FIRST, 0.5]]}, "must be an integer"),
        ({"injflares": [[[FIRST]]]}, r"injflares\[0\] must be \[times in MJD"),
        ({"injflares": [[[np.nan], 0]]}, "finite MJD"),
        ({"injflares": "flare"}, "must be a list"),
        ({"injflares": [], "n_sig": 3}, "leave n_sig=3 out"),
        ({"injflares": [], "TRUTH": True}, "leave injflares out"),
        ({"deltaT": 2.0}, r"deltaT= needs the times"),
        ({"save_evts": "x.npy"}, "nothing was injected"),
    ],
)
def test_given_times_that_cannot_be_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        runner().get_one_trial(seed=1, **given)


def test_each_of_several_sources_is_fitted_by_itself() -> None:
    src = cy.sources([1.0, 3.0], [0.1, -0.2], name=[50579430, 8])
    settings: dict[str, Any] = {"ana": analysis(), "gamma": 2.0, "max_dt": 5.0}
    both = cy.get_multiflare_trial_runner(src=src, **settings)
    times = FIRST + 30.0 + np.linspace(0.1, 0.8, 6)
    trial = both.get_one_trial(injflares=[[times, 1]], seed=4, replace_evts=True)
    near = cy.coord.delta_angle(np.pi / 2 + 0.2, 3.0, np.pi / 2 - trial.injected[0]["dec"], trial.injected[0]["ra"])
    assert np.all(near < 10 * trial.injected[0]["sigma"] + 0.05)
    found = both.get_one_fit_from_trial(trial, flat=False, _fmin_method="minuit")
    assert list(found) == ["50579430", "8"]
    assert found[8][0] > found[50579430][0]
    for name, one in zip(found, src, strict=True):
        alone = cy.get_multiflare_trial_runner(src=one, **settings)
        assert alone.get_one_fit_from_trial(trial).ts == found[name][0]
    assert both.get_one_fit(seed=3, flat=False)[8][0] == both.runners[1].get_one_fit(seed=3).ts
    with pytest.raises(ValueError, match="of source 2, and there are 2"):
        both.get_one_trial(injflares=[[times, 2]])
    with pytest.raises((ValueError, TypeError), match="nothing was injected"):
        both.get_one_trial(save_evts="x.npy")
    best = both.get_one_fit_from_trial(trial)
    assert (best.ts, best.ra) == (found[8][0], 3.0)
    assert both.get_many_fits(2, 5, seed=3).ts[0] == both.get_one_fit(5, seed=3).ts
    with pytest.raises(ValueError, match="decorrelate=True is not there"):
        both.get_one_fit(seed=1, flat=False, decorrelate=True)
    with pytest.raises(ValueError, match="two sources have the name 'a'"):
        cy.get_multiflare_trial_runner(src=cy.sources([1.0, 2.0], 0.1, name=["a", "a"]), **settings)


def test_csky_s_table_of_flares() -> None:
    tr = cy.get_multiflare_trial_runner(src=cy.sources(1.0, 0.1, name=7), ana=analysis(), gamma=2.0, max_dt=5.0)
    trial = flared(tr, (FIRST + 30.2, 0.5, 6), (FIRST + 60.1, 1.5, 7), seed=2)
    fit = tr.get_one_fit_from_trial(trial)
    found = tr.get_one_fit_from_trial(trial, flat=False, TRUTH=True, decorrelate=True, _fmin_epsilon=1e-3)
    flares = found[7][-1]
    assert list(found) == ["7"]
    assert (found[7][0], found["7"][1]) == (fit.ts, fit.ns)
    assert flares.mjd_start.tolist() == [one["start"] for one in fit.flare["flares"]]
    assert np.all(flares.mjd_end > flares.mjd_start)
    assert flares.ts.sum() == pytest.approx(fit.ts)
    assert np.isnan(flares.gamma).all()
    assert len(tr.get_one_fit(seed=9, flat=False)["7"][-1]) == len(tr.get_one_fit(seed=9).flare["flares"])
    with pytest.raises(KeyError, match="8 is not among the sources '7'"):
        found[8]


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
