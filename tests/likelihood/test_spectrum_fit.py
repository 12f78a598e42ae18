"""The maximum in n_s alone: against a bounded search, with terms of both signs, at the bounds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from nusky.likelihood.spectrum_fit import best_ns
from nusky.trial import Status


def value(terms: np.ndarray, n: float) -> float:
    return float(np.log1p(n * terms).sum())


def test_it_is_the_maximum_whatever_the_signs() -> None:
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(60):
        n_events = int(rng.integers(5, 400))
        terms = (np.exp(rng.normal(0, rng.uniform(0.3, 3), n_events)) - rng.uniform(0.5, 2)) / n_events
        if rng.uniform() < 0.5:
            terms -= 20 * rng.uniform(0, 1, n_events) ** 8 / n_events
        limit = float(n_events)
        edge = min(limit, -1 / terms.min() if terms.min() < 0 else np.inf)
        slow = minimize_scalar(
            lambda n, z=terms: -value(z, n), bounds=(0, edge * (1 - 1e-9)), method="bounded", options={"xatol": 1e-9}
        )
        ts, ns, status = best_ns(terms, limit)
        assert ts == pytest.approx(2 * max(0.0, -slow.fun), abs=1e-6)
        if status == Status.OK:
            found += 1
            assert ns == pytest.approx(slow.x, rel=1e-4, abs=1e-6)
    assert found > 15


def test_no_excess_is_zero() -> None:
    assert best_ns(np.array([0.1, -0.2]), 10.0) == (0.0, 0.0, Status.NO_EXCESS)
    assert best_ns(np.empty(0), 10.0) == (0.0, 0.0, Status.NO_EXCESS)


def test_a_maximum_beyond_the_limit_stops_there() -> None:
    ts, ns, status = best_ns(np.array([0.5, 0.1, 0.2]), 3.0)
    assert status == Status.AT_NS_LIMIT
    assert ns == pytest.approx(3.0)
    assert ts == pytest.approx(2 * value(np.array([0.5, 0.1, 0.2]), 3.0))


def test_one_strong_term_is_found_near_the_edge_of_the_range() -> None:
    terms = np.r_[1e4, np.full(10, -0.1)]
    _, ns, status = best_ns(terms, 10.0)
    assert status == Status.OK
    assert abs((terms / (1 + ns * terms)).sum()) < 1e-6
