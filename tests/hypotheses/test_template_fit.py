"""Fits of templates with γ free in the core: against sums over all events in NumPy, and against the general fits."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any
from unittest import mock

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import nusky as cy
import template_oracle
from nusky import _core
from nusky.analysis import HermiteAxis
from nusky.hypotheses import HypothesisRunner
from nusky.hypotheses.template_fit import TemplateFit
from nusky.injection import BatchDraws, seed_key, trial_draws
from nusky.likelihood import best_ns, cells_of
from nusky.sphere import smearing
from nusky.trial import Status, Trial
from nusky.typing import F64


@cache
def runner(sigsub: bool = False) -> Any:
    tr = cy.get_trial_runner(template=template_oracle.band(8), ana=template_oracle.two(), sigsub=sigsub, mp_cpus=1)
    # What is compared reads the same table: a coarse one will do
    with mock.patch.multiple(smearing, _GRID=(3.0, 3.0), _FINEST=16):
        _ = tr.values.smeared
    return tr


class Slow:
    """ln Λ of a trial, every term in double precision; S(γ) by Hermite interpolation of the maps' factors."""

    def __init__(self, tr: Any, trial: Trial) -> None:
        self.tr, self.trial = tr, trial
        self.axis = HermiteAxis(tr.values.gamma_nodes)
        self.parts = []
        for k, events in enumerate(trial.evss):
            every = cy.utils.Events.concatenate(list(events))
            season = tr.analysis[k]
            places = tr.values.places(every["dec"], every["sigma"])
            found = tr.values.smeared.values(places, np.mod(every["ra"], 2 * np.pi)).astype(float)
            logs = season.log_energy_ratio[:0] if not len(every) else tr.model.log_energy_ratio(k, every)
            background = np.asarray(season.background(every["sindec"]))
            cell = cells_of(every["sindec"], season.background.sindec_bins)
            self.parts.append((found, logs.astype(float), background, cell))

    def at(self, table: F64, gamma: float) -> F64:
        index, weight = self.axis.weights(np.array([gamma]))
        return np.asarray(table[..., index[0]] @ weight[0])

    def terms(self, gamma: float) -> tuple[F64, float]:
        log_a = self.at(self.tr.values.log_acceptance(), gamma)
        share = np.exp(log_a - log_a.max()) / np.exp(log_a - log_a.max()).sum()
        z, limit = [], np.inf
        for k, (found, logs, background, cell) in enumerate(self.parts):
            density = np.maximum(self.at(self.tr.values.columns_of(k), gamma) @ found, 0)
            w = density / background * np.exp(self.at(logs, gamma))
            v = np.exp(self.at(np.log(self.tr.values.subtracted[k]), gamma))[cell] if self.tr.sigsub else 1.0
            factor = share[k] / len(w)
            z.append(factor * (w - v))
            limit = min(limit, 1 / factor / np.max(np.maximum(v, 1.0)))
        return np.concatenate(z), float(limit)

    def best_at(self, gamma: float) -> tuple[float, float]:
        ts, ns, _ = best_ns(*self.terms(gamma))
        return ts, ns

    def best(self) -> tuple[float, float, float]:
        nodes = self.tr.values.gamma_nodes
        found = np.array([self.best_at(g)[0] for g in nodes])
        top = int(found.argmax())
        low, high = nodes[max(top - 1, 0)], nodes[min(top + 1, len(nodes) - 1)]
        near = minimize_scalar(
            lambda g: -self.best_at(g)[0], bounds=(low, high), method="bounded", options={"xatol": 1e-5}
        )
        gamma = float(near.x) if -near.fun > found[top] else float(nodes[top])
        return (*self.best_at(gamma), gamma)


@pytest.mark.parametrize(("sigsub", "n_sig"), [(False, 0), (False, 300), (False, 1500), (True, 300)])
def test_a_fit_is_the_maximum_that_sums_over_all_events_have(sigsub: bool, n_sig: int) -> None:
    tr = runner(sigsub)
    for seed in range(1 if n_sig else 4):
        trial = tr.get_one_trial(n_sig, seed=seed)
        ts, ns, gamma = Slow(tr, trial).best()
        fit = tr.get_one_fit_from_trial(trial)
        assert fit.ts == pytest.approx(ts, rel=1e-6, abs=1e-5)
        if ts > 1:
            assert fit.ns == pytest.approx(ns, rel=2e-3)
            assert fit.gamma == pytest.approx(gamma, abs=2e-3)
        if n_sig:
            assert ts > 5


def test_it_is_the_maximum_that_fits_of_any_hypothesis_find() -> None:
    tr = runner()
    for seed in range(2):
        trial = tr.get_one_trial(200 * seed, seed=seed)
        one, other = tr._table(trial, 1)[0], HypothesisRunner._table(tr, trial, 1)[0]
        # Its tail is estimated, for hypotheses that most events do not belong to
        assert one["ts"] == pytest.approx(other["ts"], rel=1e-3, abs=1e-3)
    tr = runner(sigsub=True)
    trial = tr.get_one_trial(200, seed=3)
    ts, ns, gamma, status = tr.subtracted.fit(trial)
    assert status == Status.OK
    assert tr.core_fit.fit(trial)[:3] == pytest.approx((ts, ns, gamma), rel=1e-4)


@pytest.mark.parametrize("settings", [{"gamma": 2.5}, {"energy": False}])
def test_a_fixed_spectrum_is_fitted_as_in_double_precision(settings: dict[str, Any]) -> None:
    tr = cy.get_trial_runner(template=template_oracle.band(8), ana=template_oracle.two(), **settings)
    with mock.patch.multiple(smearing, _GRID=(3.0, 3.0), _FINEST=16):
        _ = tr.values.smeared
    many = tr.fit_trials([0, 1], 200, seed=5)
    for n_sig in (0, 200):
        trial = tr.get_one_trial(n_sig, seed=5)
        slow, fit = tr.values.fit(trial), tr.core_fit.fit(trial)
        assert fit[:3] == pytest.approx(slow[:3], rel=1e-5, abs=1e-6, nan_ok=True)
        assert fit[3] == slow[3]
    assert fit[:2] == (many.ts[0], many.ns[0])
    assert fit[0] > 10


@pytest.mark.parametrize("sigsub", [False, True])
def test_trials_of_the_loop_are_the_fits_of_single_trials(sigsub: bool) -> None:
    tr = runner(sigsub)
    for n_sig, poisson in ((0, False), (150, False), (150.5, True)):
        many = tr.fit_trials([0, 1, 6, 300], n_sig, poisson, seed=2, n_threads=2)
        each = [tr._fit_trial(tr.draw_trial(2, j, n_sig, poisson), 1, False) for j in (0, 1, 6, 300)]
        for name in ("ts", "ns", "gamma"):
            assert np.array_equal(many[name], [fit[name] for fit in each], equal_nan=True)
        assert np.array_equal(many.ts[[1, 3]], tr.fit_trials([1, 300], n_sig, poisson, seed=2).ts)


def test_injected_events_of_a_batch_are_those_of_its_trials() -> None:
    injector, numbers = runner().template_injector, np.array([0, 5, 6])
    many = injector.inject_many(BatchDraws(seed_key(4), numbers), 20.5, True)
    for i, j in enumerate(numbers.tolist()):
        for (events, first), one in zip(many, injector.inject(trial_draws(4, j), 20.5, True), strict=True):
            assert events is not None
            assert one is not None
            some = events[first[i] : first[i + 1]]
            for name in ("ra", "dec", "sigma", "log10energy"):
                assert np.array_equal(some[name], one[name])


def test_events_by_hand_are_fitted_like_the_seasons_own() -> None:
    tr = runner(sigsub=True)
    trial = tr.get_one_trial(100, seed=5)
    by_hand = Trial.from_events([[cy.utils.Events.concatenate(list(parts))] for parts in trial.evss])
    assert tr.get_one_fit_from_trial(by_hand).ts == pytest.approx(tr.get_one_fit_from_trial(trial).ts, rel=1e-6)


def test_events_left_out_count_as_far_ones() -> None:
    tr = runner()
    trial = tr.get_one_trial(100, seed=5)
    one = Trial.from_events([[cy.utils.Events.concatenate(list(parts))] for parts in trial.evss], n_exs=[500, 100])
    ts = HypothesisRunner._table(tr, one, 1)[0]["ts"]
    assert tr.get_one_fit_from_trial(one).ts == pytest.approx(ts, rel=1e-3)
    assert abs(tr.get_one_fit_from_trial(trial).ts / ts - 1) > 0.01


def test_backgrounds_of_trials_own_are_fitted() -> None:
    tr = replace(runner(), update_bg=True)
    with mock.patch.multiple(smearing, _GRID=(3.0, 3.0), _FINEST=16):
        _ = tr.values.smeared
    many = tr.get_many_fits(2, 200, seed=1)
    assert many.ts.min() > 5
    assert many.ts[0] == tr.get_one_fit(200, seed=1).ts
    assert many.ts[0] != runner().get_one_fit(200, seed=1).ts


def test_what_does_not_fit_together_is_refused_by_the_core() -> None:
    tr = runner()
    fit: TemplateFit = tr.core_fit
    own, ra = fit.events(0, tr.analysis[0].data), tr.analysis[0].data["ra"]
    n = np.array([float(len(season.data)) for season in tr.analysis])
    for parts, counts, match in (
        ([(2, own, ra)], n, "no season 2"),
        ([(0, own, ra[:5])], n, "expected length"),
        ([(0, own, np.full(len(own), 7.0))], n, "within 0 and 2 pi"),
        ([(0, own, ra)], np.array([5.0, 5.0]), "no fewer"),
    ):
        with pytest.raises(ValueError, match=match):
            _core.fit_template_events(fit.template, parts, counts)
    events = {"order": np.array([0]), "start": np.array([0]), "cell": np.array([0]), "gamma_nodes": [2.0]}
    arrays = {"weight": np.ones((4, 1), np.float32), "log_ratio": np.zeros((1, 1), np.float32)}
    table = tr.values.smeared.table
    for name, value, match in (
        ("order", np.array([1]), "no such event"),
        ("start", np.array([table[0][..., 0, 0].size * len(table)]), "must be in the table"),
        ("cell", np.array([-1]), "within 0"),
        ("log_ratio", np.full((1, 1), np.nan, np.float32), "finite"),
        ("weight", np.ones((3, 1), np.float32), r"\(4, N\)"),
    ):
        with pytest.raises(ValueError, match=match):
            _core.TemplateEvents(table, **{**events, **arrays, name: value})
    other = _core.TemplateEvents(table, **events, **arrays)
    with pytest.raises(ValueError, match="gamma nodes"):
        _core.fit_template_events(fit.template, [(0, other, np.array([1.0]))], n)
