"""The generator behind every trial: uniform, and neighbours, seasons, trials and seeds independent of each other.

With 10⁶ numbers a test; `bench/trials/random_statistics.py` does the same with 10⁸, and prints the figures.
"""

from __future__ import annotations

import numpy as np
import pytest
import random_statistics

SIZE = (10, 100_000)


def test_right_ascensions_are_uniform() -> None:
    for p in random_statistics.uniformity(*SIZE):
        assert 1e-4 < p < 1 - 1e-4


@pytest.mark.parametrize("name", list(random_statistics.TESTS))
def test_pairs_are_independent(name: str) -> None:
    correlation, p = random_statistics.dependence(random_statistics.TESTS[name](*SIZE))
    assert abs(correlation) < 4.5
    assert 1e-4 < p < 1 - 1e-4


def test_the_tests_see_what_depends() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.random((2, 10**6))
    correlation, p = random_statistics.dependence([(a, np.where(b < 0.01, a, b))])
    assert correlation > 4.5
    assert p < 1e-4
    assert random_statistics.p_of_counts(np.bincount((a**1.05 * 4096).astype(int), minlength=4096)) < 1e-4
