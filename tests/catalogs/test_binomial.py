"""The binomial test against sums of the binomial distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from nusky.catalogs import binomial_test


def test_it_is_the_smallest_tail_of_the_binomial_distribution() -> None:
    rng = np.random.default_rng(4)
    p = rng.random((20, 11)) ** 2
    found = binomial_test(p)
    for i in range(20):
        ordered = np.sort(p[i])
        tails = [stats.binom.sf(k - 1, 11, ordered[k - 1]) for k in range(1, 12)]
        assert found.p[i] == pytest.approx(min(tails))
        assert found.k[i] == 1 + np.argmin(tails)


def test_only_p_up_to_a_limit_take_part() -> None:
    alone = binomial_test([0.5, 0.9], largest=0.1)
    assert (float(alone.p), int(alone.k)) == (1.0, 0)
    assert int(binomial_test([0.05, 0.9], largest=0.1).k) == 1


def test_numbers_that_are_no_p_are_refused() -> None:
    for p in ([], [0.0, 0.5], [1.5], [np.nan]):
        with pytest.raises(ValueError, match="local p-values"):
            binomial_test(p)
