"""Stacks: fits against the oracle, the same bits everywhere, injection in proportion to flux and acceptance, fluxes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.executors import read_spec, write_spec
from nusky.executors.on_threads import InterruptedBatch
from nusky.hypotheses import StackingTrialRunner
from nusky.runners import TrialRunner
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


def test_a_window_that_all_share_is_searched_and_other_windows_are_refused() -> None:
    at = {"ra": [1.0, 2.0, 4.0], "dec": [0.1, -0.3, 0.7]}
    tr = runner(cy.sources(**at, mjd=56020.0, t_100=5.0), timed_analysis())
    fits = tr.get_many_fits(20, 5, seed=1)
    assert fits.ns.mean() == pytest.approx(5, abs=1.5)
    assert tr.get_one_fit(5, seed=1).window["t_100"] == 5.0
    with pytest.raises(ValueError, match="different mjd"):
        runner(cy.sources(**at, mjd=[56020.0, 56021.0, 56022.0], t_100=5.0), timed_analysis())


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
