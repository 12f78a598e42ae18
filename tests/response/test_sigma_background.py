from __future__ import annotations

import itertools

import numpy as np
import pytest

from nusky.response.sigma_background import _around, log_background_sigmas


def test_sums_over_boxes_are_those_of_loops() -> None:
    values = np.random.default_rng(1).random((4, 5, 6))
    for reach in ((0, 0, 0), (1, 0, 2), (2, 3, 1), (99, 99, 99)):
        found = _around(values, reach)
        for at in itertools.product(range(4), range(5), range(6)):
            box = tuple(slice(max(i - k, 0), i + k + 1) for i, k in zip(at, reach, strict=True))
            assert found[at] == pytest.approx(values[box].sum())


def test_events_spread_like_the_reference_give_the_reference() -> None:
    rng = np.random.default_rng(2)
    reference = rng.random((3, 4, 8)) + 0.2
    reference /= reference.sum(axis=2, keepdims=True)
    counts = np.outer([1e6, 3e3, 0.0], [1.0, 0.1, 1e-3, 0.0]).reshape(3, 4, 1) * reference
    found = np.exp(log_background_sigmas(counts, reference))
    np.testing.assert_allclose(found.sum(axis=2), 1.0)
    # The share of the overall spread is 2 %
    np.testing.assert_allclose(found, reference, atol=0.015)


def test_a_full_cell_keeps_its_own_histogram() -> None:
    counts = np.full((3, 3, 6), 5.0)
    counts[1, 1] = [6e5, 1e5, 1e5, 1e5, 5e4, 5e4]
    found = np.exp(log_background_sigmas(counts, np.full(counts.shape, 1 / 6)))
    np.testing.assert_allclose(found[1, 1], counts[1, 1] / counts[1, 1].sum(), rtol=2e-3)


def test_an_empty_cell_carries_the_ratio_on_and_not_the_spread() -> None:
    # Everywhere twice as many as expected in the upper half; the expected spread moves with energy
    s = np.arange(12)
    reference = np.exp(-0.5 * ((s - 8 + np.arange(6)[:, None]) / 1.5) ** 2)[None]
    reference /= reference.sum(axis=2, keepdims=True)
    truth = reference * np.where(s >= s.mean(), 2.0, 1.0)
    truth /= truth.sum(axis=2, keepdims=True)
    counts = 3000 * truth
    counts[:, 3:] = 0.0
    found = np.exp(log_background_sigmas(counts, reference))
    apart = 0.5 * np.abs(found - truth).sum(axis=2)[0]
    assert apart[3:].max() < 0.15
    # The last filled cell's spread itself would be this far off
    assert 0.5 * np.abs(truth[0, 2] - truth[0, 5]).sum() > 0.5


def test_nothing_is_impossible_however_often_it_does_not_come() -> None:
    counts = np.zeros((2, 3, 4))
    counts[..., 0] = 1e6
    found = log_background_sigmas(counts, np.full(counts.shape, 0.25))
    assert np.all(np.isfinite(found))
    assert -22 < found.min() < -10
