"""The maximum in n_s alone: against a bounded search, with terms of both signs, at the bounds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from nusky import _core
from nusky.likelihood.spectrum_fit import MeanTerms, best_ns, best_ns_of_ratio, log_sums
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


def test_of_two_maxima_of_a_ratio_the_higher_one_is_found() -> None:
    # few large terms rise at small n, a few others fall at larger ones, and many small ones rise up to the limit
    rng = np.random.default_rng(4)
    found = 0
    for _ in range(200):
        limit = 10_000.0
        few, between = rng.integers(1, 4), rng.integers(1, 6)
        w = np.r_[rng.exponential(1.0, 3000), 10 ** rng.uniform(4, 6, few), np.zeros(between)]
        mean = np.r_[
            np.maximum(w[:3000] - rng.uniform(0, 0.004), 0.01),
            10 ** rng.uniform(0, 2, few),
            10 ** rng.uniform(1, 3, between),
        ]
        z, taken = (w - 1) / limit, (mean - 1) / limit
        ts, _, status = best_ns_of_ratio(z, MeanTerms.below(taken, limit))
        n = np.r_[0.0, np.geomspace(1e-3, 0.9 * limit, 1500), limit - 0.1 * limit * np.geomspace(1.0, 1e-9, 200)[1:]]
        slow = 2 * (log_sums(z, n) - log_sums(taken, n))
        assert slow[0] == 0
        assert ts >= slow.max() - 1e-6 * max(1.0, slow.max())
        assert ts == pytest.approx(slow.max(), rel=1e-3, abs=1e-3)
        assert status == (Status.NO_EXCESS if ts == 0 else Status.OK) or status == Status.AT_NS_LIMIT
        rises = np.sign(np.diff(slow))
        found += np.count_nonzero(np.diff(rises[rises != 0]) < 0) > 1
    assert found > 5  # some had two maxima


def test_sums_of_logarithms() -> None:
    z = np.random.default_rng(1).exponential(0.2, 1003) - 0.1
    n = np.array([0.0, 1.0, 9.0])
    assert log_sums(z, n) == pytest.approx(np.log1p(n[:, None] * z).sum(axis=1))
    assert log_sums(z[:3], n) == pytest.approx(np.log1p(n[:, None] * z[:3]).sum(axis=1))
    factors = (
        np.r_[np.full(600, 1e-7), np.full(600, 1e6)] - 1.0
    )  # products leave the range of a double one way, then the other
    assert log_sums(factors, np.ones(1))[0] == pytest.approx(np.log1p(factors).sum())
    assert np.isnan(log_sums(np.full(300, -2.0), np.ones(1))[0])


def test_power_sums_are_those_of_numpy() -> None:
    rng = np.random.default_rng(2)
    for n in (0, 3, 8, 1001):
        z, counts = rng.normal(0.0, 0.05, n), rng.integers(1, 4, n).astype(float)
        small = np.abs(z) <= 0.06
        for given in (None, counts):
            moments, large, of_large = _core.power_sums(z, given, 0.06)
            weight = np.ones(n) if given is None else given
            slow = [float((weight[small] * z[small] ** k).sum()) for k in range(1, 9)]
            assert moments == pytest.approx(slow, rel=1e-12, abs=1e-18)
            np.testing.assert_array_equal(large, z[~small])
            assert of_large is None if given is None else np.array_equal(of_large, counts[~small])
