"""Goodness of fit: uniform where the fit describes the events, small where it does not."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.sensitivity import goodness_of_fit
from seasons import one_season


@pytest.fixture(scope="module")
def tr() -> Any:
    return cy.get_trial_runner(ana=one_season(), src=cy.sources(1.0, 0.2))


def test_counts_are_those_around_the_source(tr: Any) -> None:
    trial = tr.get_one_trial(10, seed=3)
    found = goodness_of_fit(tr, trial, 20, seed=1)
    reading = tr.get_one_llh_from_trial(trial)
    pulls = np.concatenate([s.separation / s.events["sigma"] for s in reading.seasons])
    assert found.counts.sum(axis=1).tolist() == np.histogram(pulls, found.rings)[0].tolist()
    mu, n = np.maximum(found.expected, 0.5 / 20), found.counts
    terms = [2 * (m - k + (k * np.log(k / m) if k else 0)) for m, k in zip(mu.ravel(), n.ravel(), strict=True)]
    assert found.deviance == pytest.approx(sum(terms))


def test_a_wrong_shape_has_a_small_p(tr: Any) -> None:
    good = goodness_of_fit(tr, tr.get_one_trial(30, seed=3), 60, seed=1)
    ring = tr.get_one_trial(30, seed=3)
    events = ring.injected[0]
    # all signal at 3 σ from the source: no point source
    moved = events.with_columns(ra=np.full(len(events), 1.0), dec=0.2 + 3.0 * events["sigma"])
    odd = dataclasses.replace(ring, injected=(moved,))
    fit = tr.get_one_fit_from_trial(tr.get_one_trial(30, seed=3))
    assert goodness_of_fit(tr, odd, 60, seed=1, fit=fit).p.p < 0.05 < good.p.p


@pytest.mark.slow
def test_p_is_uniform_for_sources_as_fitted(tr: Any) -> None:
    p = np.array([goodness_of_fit(tr, tr.get_one_trial(10, seed=s), 40, seed=1000 + s).p.p for s in range(40)])
    for level in (0.1, 0.5):
        assert abs(np.mean(p <= level) - level) < 3 * np.sqrt(level * (1 - level) / len(p))


def test_few_trials_are_refused(tr: Any) -> None:
    with pytest.raises(ValueError, match="n_trials"):
        goodness_of_fit(tr, tr.get_one_trial(seed=1), 5, seed=1)
