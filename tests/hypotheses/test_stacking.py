"""Stacks: fits against the oracle, the same bits everywhere, injection in proportion to flux and acceptance, fluxes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import nusky as cy
from nusky.executors import read_spec, write_spec
from nusky.executors.on_threads import InterruptedBatch
from nusky.hypotheses import StackingTrialRunner
from nusky.likelihood.reading import space_density
from nusky.runners import TrialRunner
from nusky.source import TimeWindow
from nusky.sphere import separation
from nusky.store import TrialStore
from seasons import one_season, two_seasons
from stack_oracle import fit_stack
from transient_season import timed_analysis


def stack_of(n: int, seed: int = 1, extended: bool = True) -> cy.Sources:
    rng = np.random.default_rng(seed)
    wide = np.where(rng.random(n) < 0.4, np.radians(rng.uniform(0.1, 4.0, n)), 0.0) if extended else None
    dec = np.arcsin(rng.uniform(-1, 1, n))
    if n > 4:
        dec[:2], dec[2:4] = [np.pi / 2, -np.pi / 2], dec[4] + np.array([0.001, 0.01])
    return cy.sources(rng.uniform(0, 2 * np.pi, n), dec, weight=10 ** rng.uniform(-1, 1, n), extension=wide)


def runner(src: cy.Sources, analysis: Any = None, **options: Any) -> StackingTrialRunner:
    made = cy.get_trial_runner(ana=analysis or two_seasons(), src=src, **options)
    assert isinstance(made, StackingTrialRunner)
    return made


@pytest.mark.parametrize(("n", "analysis"), [(2, one_season), (12, two_seasons), (60, one_season)])
def test_a_fit_is_the_maximum_that_the_oracle_finds(n: int, analysis: Any) -> None:
    src = stack_of(n)
    tr = runner(src, analysis())
    found = 0
    for seed, n_sig in ((1, 0), (2, 20), (3, 60)):
        trial = tr.get_one_trial(n_sig, seed=seed)
        fit, slow = tr.get_one_fit_from_trial(trial), fit_stack(analysis(), trial, src)
        assert fit.ts == pytest.approx(slow.ts, abs=1e-3)
        if slow.ts > 0.1:
            found += 1
            assert fit.ns == pytest.approx(slow.ns, rel=0.02)
            assert fit.gamma == pytest.approx(slow.gamma, abs=0.03)
    assert found > 0


def test_with_gamma_fixed_it_is_the_oracle_s_maximum_too() -> None:
    src = stack_of(8)
    tr = runner(src, gamma=2.3)
    trial = tr.get_one_trial(25, seed=5)
    slow = fit_stack(two_seasons(), trial, src, gamma=2.3)
    assert slow.ts > 1
    assert tr.get_one_fit_from_trial(trial).ts == pytest.approx(slow.ts, abs=1e-3)
    off = runner(src, energy=False).get_one_fit_from_trial(trial)
    assert 0 <= off.ts < tr.get_one_fit_from_trial(trial).ts


@pytest.mark.parametrize("options", [{}, {"gamma": 2.3}, {"energy": False}, {"cut_n_sigma": 3.0}])
def test_the_core_and_numpy_evaluate_the_same_stack(options: dict[str, Any]) -> None:
    tr = runner(stack_of(30), **options)
    for seed in range(4):
        trial = tr.get_one_trial(8 * seed, seed=seed)
        slow = tr._best(tr.values.index(trial, 1), 1)[0]
        fast = tr.get_one_fit_from_trial(trial)
        assert fast.ts == pytest.approx(slow["ts"], rel=1e-4, abs=1e-4)
        assert fast.ns == pytest.approx(slow["ns"], rel=1e-2, abs=1e-2)
        assert fast.status == slow["status"]


def test_a_stack_of_one_is_the_point_source() -> None:
    src = cy.sources(1.0, 0.2, extension=0.01)
    stack = StackingTrialRunner(analysis=two_seasons(), src=src)
    point = cy.get_trial_runner(ana=two_seasons(), src=src)
    assert isinstance(point, TrialRunner)
    a, b = stack.get_many_fits(30, seed=3), point.get_many_fits(30, seed=3)
    assert np.allclose(a.ts, b.ts, rtol=1e-4, atol=1e-4)
    assert a.ts.max() > 0
    assert stack.to_E2dNdE(7) == pytest.approx(point.to_E2dNdE(7))


def test_the_same_seed_is_the_same_trial_everywhere() -> None:
    tr = runner(stack_of(25))
    for n_sig in (0, 9):
        many = tr.get_many_fits(40, n_sig, seed=3)
        fit = tr.get_one_fit(n_sig, seed=3)
        again = tr.get_one_fit_from_trial(tr.get_one_trial(n_sig, seed=3))
        assert repr(list(fit)) == repr(list(again)) == repr(list(many[0].tolist()))
        assert many.as_array.tobytes() == tr.get_many_fits(40, n_sig, seed=3, mp_cpus=2).as_array.tobytes()
        rest = tr.get_many_fits(7, n_sig, seed=3, first_trial=33)
        assert rest.as_array.tobytes() == many.as_array[33:].tobytes()
    assert tr.get_many_fits(20, 6.5, poisson=True, seed=1).ns.mean() > 0


def test_events_come_from_sources_in_proportion_to_flux_and_acceptance() -> None:
    src = cy.sources([1.0, 3.0, 5.0], [0.0, 0.9, -0.8], weight=[1.0, 2.0, 3.0])
    tr = runner(src)
    accepted = np.array([tr.signal_injector.acceptance(d).sum() for d in src.dec])
    expected = src.weight * accepted / (src.weight * accepted).sum()
    ra = np.concatenate(
        [part["ra"] for seed in range(30) for part in tr.get_one_trial(100, seed=seed).injected if part is not None]
    )
    at = np.argmin(np.abs(np.angle(np.exp(1j * (ra[:, None] - src.ra)))), axis=1)
    counts = np.bincount(at, minlength=3) / len(ra)
    assert len(ra) == 3000
    assert np.all(np.abs(counts - expected) < 5 * np.sqrt(expected / 3000) + 0.01)


def test_fluxes_are_those_of_all_sources_and_of_each() -> None:
    src = cy.sources([1.0, 3.0], [0.0, 0.9], weight=[1.0, 3.0])
    tr = runner(src)
    total = tr.to_E2dNdE(10.0, unit=1e3)
    each = tr.per_source(total)
    assert each.sum() == pytest.approx(total)
    assert each[1] == pytest.approx(3 * each[0])
    points = [cy.get_trial_runner(ana=two_seasons(), src=one) for one in src]
    assert sum(p.to_ns(f, unit=1e3) for p, f in zip(points, each, strict=True)) == pytest.approx(10.0)


def test_a_window_that_all_share_is_searched() -> None:
    at = {"ra": [1.0, 2.0, 4.0], "dec": [0.1, -0.3, 0.7]}
    tr = runner(cy.sources(**at, mjd=56020.0, t_100=5.0), timed_analysis())
    fits = tr.get_many_fits(20, 5, seed=1)
    assert fits.ns.mean() == pytest.approx(5, abs=1.5)
    assert tr.get_one_fit(5, seed=1).window["t_100"] == 5.0


def bursts(n: int = 15, seed: int = 3) -> cy.Sources:
    """Sources at places and times of their own in two seasons; the first two at one place."""
    rng = np.random.default_rng(seed)
    ra, dec = rng.uniform(0, 2 * np.pi, n), np.arcsin(rng.uniform(-0.5, 1.0, n))
    ra[1], dec[1] = ra[0], dec[0]
    start, length = np.floor(rng.uniform(56001, 56195, n)) + 0.3, 10 ** rng.uniform(-1, 0.8, n)
    wide, tail = np.where(np.arange(n) % 4, 0.0, 0.03), np.where(np.arange(n) % 3, 0.0, 0.2)
    return cy.sources(ra, dec, weight=rng.uniform(1, 5, n), extension=wide, mjd=start, t_100=length, sigma_t=tail)


def two_years() -> Any:
    return timed_analysis(56_000.0, 56_100.0)


def log_likelihood(analysis: Any, src: cy.Sources, trial: Any, ns: float, g: int) -> float:
    """ln Λ at a γ node, from every pair of event and source, with uptimes on a grid."""
    grid = np.arange(56_000, 56_200, 1e-3) + 5e-4
    up = (grid % 1) < 0.9
    windows = [TimeWindow(*one) for one in zip(src.mjd, src.t_100, src.sigma_t, strict=True)]
    gamma, total = float(analysis.gamma_nodes[g]), -ns
    season_of = grid >= 56_100.0
    heights = [w.profile(grid) * up * 1e-3 for w in windows]
    days = np.array([[height[season_of == k].sum() for height in heights] for k in (0, 1)])
    accepted = np.array([season.acceptance(src.dec, gamma) for season in analysis]) * src.weight * days / 90.0
    on_time = np.any([w.inside(grid) for w in windows], axis=0)
    for k, season in enumerate(analysis):
        times = season.data["mjd"]
        off = ~np.any([w.inside(times) for w in windows], axis=0)
        rate = off.sum() / (90.0 - (on_time & up)[season_of == k].sum() * 1e-3)
        for part in trial.evss[k]:
            w = np.zeros(len(part))
            for j, window in enumerate(windows):
                if days[k, j] == 0:
                    continue
                sigma = np.hypot(part["sigma"], src.extension[j])
                away = np.asarray(separation(part["ra"], part["dec"], src.ra[j], src.dec[j]))
                s = np.where(away <= 5 * sigma, space_density(away, sigma), 0.0)
                w += accepted[k, j] / accepted.sum() * s * window.profile(part["mjd"]) / days[k, j]
            r = np.exp(season.energy.log_ratio(part["sindec"], part["log10energy"])[:, g])
            total += np.log1p(ns * w * r / (rate * season.background(part["sindec"]))).sum()
    return float(total)


def test_with_windows_of_their_own_a_fit_is_the_maximum_of_the_extended_likelihood() -> None:
    src, analysis, g = bursts(), two_years(), 5
    tr = runner(src, analysis, gamma=float(analysis.gamma_nodes[g]))
    trial = tr.get_one_trial(8, seed=2)
    best = minimize_scalar(
        lambda n: -log_likelihood(analysis, src, trial, n, g), bounds=(1, 30), method="bounded", options={"xatol": 0.02}
    )
    fit = tr.get_one_fit_from_trial(trial)
    assert fit.ts > 1
    assert fit.ts == pytest.approx(-2 * best.fun, rel=5e-3)
    assert fit.ns == pytest.approx(best.x, rel=1e-2)
    assert runner(src, analysis).get_one_fit_from_trial(trial).ts >= fit.ts - 1e-3


def test_windows_that_are_almost_one_are_that_one() -> None:
    at = {"ra": [1.0, 2.0, 4.0], "dec": [0.1, -0.3, 0.7], "weight": [1, 2, 3], "t_100": 5.0}
    one = runner(cy.sources(**at, mjd=56020.0), timed_analysis())
    own = runner(cy.sources(**at, mjd=[56020.0, 56020.0, 56020.0 + 1e-9]), timed_analysis())
    assert own.get_many_fits(5, 6, seed=3).ts == pytest.approx(one.get_many_fits(5, 6, seed=3).ts, rel=1e-4)
    assert own.to_fluence(4) == pytest.approx(one.to_fluence(4), rel=1e-6)
    assert own.config_hash != one.config_hash


def test_bursts_share_signal_by_flux_and_acceptance_in_their_windows() -> None:
    src, analysis = bursts(), two_years()
    tr = runner(src, analysis)
    parts = tr.get_one_trial(4000, seed=1).injected
    share = tr.stack_injector.shares
    days = tr.on_time.signal_days
    accepted = np.array([season.acceptance(src.dec, 2.0) for season in analysis]) * src.weight * days / 90.0
    assert share == pytest.approx(accepted.sum(axis=0) / accepted.sum(), rel=1e-2)
    n = 0
    for k, events in enumerate(parts):
        assert events is not None
        assert tr.on_time.contains(k, events["mjd"]).all()
        n += len(events)
        assert len(events) / 4000 == pytest.approx(accepted[k].sum() / accepted.sum(), abs=0.03)
        # Each source's events come in its window, near it
        for j in (2, 5, 7):
            near = separation(events["ra"], events["dec"], src.ra[j], src.dec[j]) < 0.02
            if near.sum() > 20:
                assert TimeWindow(src.mjd[j], src.t_100[j], src.sigma_t[j]).inside(events["mjd"][near]).mean() > 0.9
    assert n == 4000
    assert tr.to_ns(tr.to_E2dNdE(7)) == pytest.approx(7)
    points = [cy.get_trial_runner(ana=analysis, src=one) for one in src]
    each = tr.per_source(tr.to_E2dNdE(7))
    assert sum(p.to_ns(f) for p, f in zip(points, each, strict=True)) == pytest.approx(7, rel=1e-6)
    assert sum(p.to_fluence(p.to_ns(f)) for p, f in zip(points, each, strict=True)) == pytest.approx(tr.to_fluence(7))


@pytest.mark.parametrize("settings", [{}, {"energy": False}, {"scramble": "time"}])
def test_bursts_give_the_same_trials_everywhere(settings: dict[str, Any], tmp_path: Any) -> None:
    tr = runner(bursts(), two_years(), **settings)
    many = tr.get_many_fits(6, 5, seed=3, mp_cpus=2)
    assert many.ts.max() > 0
    assert list(many[0]) == list(tr.get_one_fit(5, seed=3))
    assert np.array_equal(many.ts, tr.get_many_fits(6, 5, seed=3, mp_cpus=1).ts)
    assert tr.get_one_fit_from_trial(tr.get_one_trial(5, seed=3)).ts == many.ts[0]
    again = read_spec(*write_spec(tr, tmp_path, portable=True))
    assert again.config() == tr.config()
    assert np.array_equal(again.fit_trials([2], 5, seed=3).ts, many.ts[2:3])
    fit = tr.get_one_fit(5, seed=3)
    reading = tr.get_one_llh(5, seed=3)
    gamma = None if np.isnan(fit.gamma) else fit.gamma
    assert -2 * reading.get_minus_llh_ratio(fit.ns, gamma) == pytest.approx(fit.ts, rel=1e-4)
    assert fit.window["n_windows"] == 15
    assert "events in" in repr(fit)


def test_trials_of_other_windows_are_not_fitted() -> None:
    trial = runner(bursts(seed=4), two_years()).get_one_trial(3, seed=1)
    with pytest.raises(ValueError, match="holds only the events of TimeWindows"):
        runner(bursts(), two_years()).get_one_fit_from_trial(trial)


def test_it_travels_and_is_stored_like_every_runner(tmp_path: Any) -> None:
    tr = runner(stack_of(10), one_season())
    path, digest = write_spec(tr, tmp_path)
    other = read_spec(path, digest)
    assert other.config() == tr.config()
    numbers = np.arange(5)
    assert other.fit_trials(numbers, 4, seed=2).tobytes() == tr.fit_trials(numbers, 4, seed=2).tobytes()
    store = TrialStore(tmp_path / "store", tr.config())
    store.append(tr.get_many_fits(10, 3, seed=1), seed=1, start=0, n_sig=3)
    assert store.count(n_sig=3) == 10


def test_stacks_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match=r"source 2 is at the place of source 0.*sum of their weights"):
        runner(cy.sources([1.0, 2.0, 1.0], [0.1, 0.2, 0.1]))
    with pytest.raises(ValueError, match=r"weight\[1\] = 0.0 .*leave out sources"):
        cy.sources([1.0, 2.0], [0.1, 0.2], weight=[1.0, 0.0])
    with pytest.raises(ValueError, match=r"weight\[0\] = -1.0"):
        cy.sources([1.0, 2.0], [0.1, 0.2], weight=[-1.0, 2.0])
    with pytest.raises(ValueError, match="empty"):
        cy.sources([], [])
    with pytest.raises(TypeError, match="unknown argument 'dec'"):
        runner(stack_of(3)).to_E2dNdE(3, dec=0.1)


def test_an_extension_in_the_settings_is_that_of_every_source() -> None:
    tr = runner(stack_of(3, extended=False), extension=0.02)
    assert tr.src.extension.tolist() == [0.02] * 3
    assert tr.likelihood.extension == 0.0


def test_ctrl_c_keeps_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    tr = runner(stack_of(5))
    made = StackingTrialRunner._injected
    calls = []

    def interrupted(self: Any, *args: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return made(self, *args)

    monkeypatch.setattr(StackingTrialRunner, "_injected", interrupted)
    with pytest.raises(InterruptedBatch) as error:
        tr.get_many_fits(600, 2, seed=1)
    assert len(error.value.partial) == 256


def test_signal_from_elsewhere() -> None:
    src, away = cy.sources(1.0, 0.2), cy.sources(1.0, 0.4)
    own = cy.get_trial_runner(ana=two_seasons(), src=src)
    tr = runner(src, inj_conf={"src": away})
    trial = tr.get_one_trial(40, seed=1)
    assert tr.get_one_fit_from_trial(trial).ts == pytest.approx(own.get_one_fit_from_trial(trial).ts, abs=1e-4)
    there = cy.get_trial_runner(ana=two_seasons(), src=away)
    assert tr.get_one_fit_from_trial(trial).ts < 0.2 * there.get_one_fit_from_trial(trial).ts
    assert np.median(separation(*(trial.injected[0][n] for n in ("ra", "dec")), 1.0, 0.4)) < 0.1
    assert tr.to_E2dNdE(5, gamma=2) == pytest.approx(there.to_E2dNdE(5, gamma=2))
    np.testing.assert_allclose(tr.sig_injs[0].probs, there.sig_injs[0].probs)
    assert tr.get_many_fits(2, 40, seed=1)[0].ts == pytest.approx(tr.get_one_fit(40, seed=1).ts, abs=1e-9)
    assert tr.config_hash != runner(src, inj_conf={"src": cy.sources(1.0, 0.5)}).config_hash


def test_other_weights_of_the_signal() -> None:
    src = cy.sources([1.0, 3.0], [0.2, 0.2], weight=[1, 1])
    tr = runner(src, inj_conf={"src": cy.sources([1.0, 3.0], [0.2, 0.2], weight=[1, 0.001])})
    (injected, *_) = tr.get_one_trial(60, seed=1).injected
    assert np.mean(np.abs(injected["ra"] - 1.0) < 0.5) > 0.9
    assert tr.flux_shares[0] > 0.99
    with pytest.raises(ValueError, match="signal is injected where it is fitted"):
        cy.get_trial_runner(
            ana=timed_analysis(), src=cy.sources(1.0, 0.2, mjd=56_010.0, t_100=1.0), inj_conf={"src": cy.sources(2, 0)}
        )
