"""Given values: fits against the oracle, in every mode of the energy term, with windows, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nusky as cy
import oracle
from nusky import _core
from nusky.injection import InjectionOptions, SignalInjector, trial_draws
from nusky.likelihood import LikelihoodModel, LikelihoodOptions
from nusky.trial import Scramble, Trial
from seasons import one_season, two_seasons
from toy_hypothesis import BandValues

OPTIONS = {
    "fit": LikelihoodOptions(),
    "fixed": LikelihoodOptions("fixed", gamma=2.2),
    "off": LikelihoodOptions("off"),
    "flux": LikelihoodOptions("flux", flux=cy.hyp.PowerLawFlux(2.4)),
}


def background(analysis: Any, seed: int) -> Trial:
    rng = np.random.default_rng(seed)
    parts = tuple(Scramble(season, rng.uniform(0, 2 * np.pi, len(season.data))) for season in analysis)
    return Trial(parts, (None,) * len(parts), (0,) * len(parts))


def fitted(values: BandValues, trial: Trial) -> tuple[float, float, float]:
    index = values.index(trial, 1).core
    ts, ns, gamma, _ = _core.scan(values.likelihood, index, values.direction, gamma=values.model.fixed_gamma)
    return float(ts[0]), float(ns[0]), float(gamma[0])


def expected(values: BandValues, trial: Trial, n_events: Any = None, **options: Any) -> oracle.OracleFit:
    given, ratios = [], []
    for k, parts in enumerate(trial.evss):
        found = [values.signal(k, part["ra"], part["dec"], part["sigma"]) for part in parts]
        some = [part[one.rows] for part, one in zip(parts, found, strict=True)]
        b = np.concatenate([values.model.analysis[k].background(part["sindec"]) for part in some])
        given.append(np.concatenate([one.density for one in found]) / b)
        log_r = [values.model.log_energy_ratio(k, part) for part in some]
        if log_r[0] is None:
            ratios.append(None)
        else:
            ratios.append(np.concatenate([r + one.log_shape for r, one in zip(log_r, found, strict=True)]))
    gamma = values.model.fixed_gamma if len(values.gamma_nodes) > 1 else None
    counts = trial.n_events if n_events is None else n_events
    return oracle.fit_values(
        given,
        ratios,
        counts,
        gamma_nodes=values.gamma_nodes,
        log_acceptance=values.log_acceptance(),
        gamma=gamma,
        n_grid=61,
        **options,
    )


@pytest.mark.parametrize("mode", OPTIONS)
def test_a_fit_of_given_values_is_the_maximum_that_the_oracle_finds(mode: str) -> None:
    values = BandValues(LikelihoodModel(two_seasons(), OPTIONS[mode]), -0.1, 0.0)
    found = 0
    each = [10 if mode == "off" else 1] * 15
    for seed in range(4):
        trial = background(two_seasons(), seed)
        at = np.arcsin(np.linspace(-0.1, 0.0, 15))
        signal = SignalInjector(two_seasons(), InjectionOptions()).inject(trial_draws(seed, 0), at + 1, at, each)
        trial = Trial(trial.background, signal, trial.n_exs)
        ts, ns, gamma = fitted(values, trial)
        slow = expected(values, trial)
        assert ts == pytest.approx(slow.ts, abs=1e-3)
        if slow.ts > 0.1:
            found += 1
            assert ns == pytest.approx(slow.ns, rel=0.02)
            if mode == "fit":
                assert gamma == pytest.approx(slow.gamma, abs=0.03)
    assert found > 2


def test_events_given_by_hand_are_fitted_as_the_oracle_does_also_extended() -> None:
    rng = np.random.default_rng(3)
    nodes = np.linspace(1, 4, 13)
    likelihood = _core.Likelihood(nodes, np.zeros(1), np.zeros((1, 1, 13)), extended=True)
    for n_background in (3.0, 40.0):
        value = 10 ** rng.uniform(-2, 2, 50)
        slope = rng.normal(0, 1, 50)
        rows = (slope[:, None] * (nodes - 2.5) - 0.3 * (nodes - 2.5) ** 2).astype(np.float32)
        columns = _core.EventColumns.of_values(value, rows, nodes)
        index = _core.EventIndex([(columns, np.zeros(50), 0, None, None)], np.array([n_background]), few=True)
        ts, ns, gamma, _ = _core.scan(likelihood, index, _core.Directions(np.zeros(1), np.zeros(1)))
        slow = oracle.fit_values(
            [value], [rows], [n_background], gamma_nodes=nodes, log_acceptance=np.zeros((1, 13)), extended=True
        )
        assert slow.ts > 1
        assert ts[0] == pytest.approx(slow.ts, rel=1e-5)
        assert ns[0] == pytest.approx(slow.ns, rel=1e-3)
        assert gamma[0] == pytest.approx(slow.gamma, abs=1e-3)


def test_values_that_no_likelihood_can_use_are_refused() -> None:
    nodes = np.array([2.0, 3.0])
    good = np.zeros((2, 2), np.float32)
    with pytest.raises(ValueError, match=r"value: row 1 is -1.*at least 0"):
        _core.EventColumns.of_values(np.array([1.0, -1.0]), good, nodes)
    with pytest.raises(ValueError, match="value: row 0 is nan"):
        _core.EventColumns.of_values(np.array([np.nan, 1.0]), good, nodes)
    with pytest.raises(ValueError, match="log_ratio: row 0 is inf"):
        _core.EventColumns.of_values(np.ones(2), good + np.float32(np.inf), nodes)
    with pytest.raises(ValueError, match="log_ratio: needed"):
        _core.EventColumns.of_values(np.ones(2), None, nodes)
    with pytest.raises(ValueError, match=r"expected shape \(3, 2\)"):
        _core.EventColumns.of_values(np.ones(3), good, nodes)


def test_a_trial_of_a_window_is_not_fitted_as_a_whole_season() -> None:
    values = BandValues(LikelihoodModel(one_season(), LikelihoodOptions()), -0.1, 0.0)
    trial = background(one_season(), 1)
    windowed = Trial(trial.background, (None,), (0,), window=cy.source.TimeWindow(57000.0, 1.0))
    with pytest.raises(ValueError, match="whole seasons"):
        values.index(windowed, 1)
