from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from nusky.dists.pvalue import PValue, binomial_error, binomial_interval, counted_p, nsigma_to_p, p_to_nsigma


def test_a_counted_p_value_counts_the_observation_itself() -> None:
    p = counted_p(0, 99)
    assert p.p == 0.01
    assert p.error == pytest.approx(math.sqrt(0.01 * 0.99 / 100))
    assert counted_p(99, 99).p == 1.0
    assert counted_p(99, 99).error == 0.0
    with pytest.raises(ValueError, match="at least one background trial"):
        counted_p(0, 0)
    with pytest.raises(ValueError, match="n_above = 5"):
        counted_p(5, 4)


def test_the_text_of_a_p_value_has_no_infinite_sigmas() -> None:
    assert str(counted_p(99, 99)) == "p = 1 +/- 0 (no excess; 99 at or above of 99 trials)"
    tiny = PValue(0.0, 0.0, 100, 0, "chi2 fit", True)
    assert str(tiny) == "p = 0 +/- 0 (more than 38 sigma; extrapolated with the chi2 fit to 100 trials)"


def test_one_sided_sigmas_agree_with_scipy_and_the_published_pair() -> None:
    n = np.linspace(-3, 8, 23)
    np.testing.assert_allclose(nsigma_to_p(n), stats.norm.sf(n), rtol=1e-12)
    np.testing.assert_allclose(p_to_nsigma(stats.norm.sf(n)), n, rtol=1e-9, atol=1e-9)
    assert float(p_to_nsigma(2.36e-3)) == pytest.approx(2.83, abs=5e-3)


def test_the_binomial_interval_covers_at_least_its_level() -> None:
    n = 30
    k = np.arange(n + 1)
    low, high = binomial_interval(k, n, cl=0.9)
    for truth in (0.01, 0.1, 0.5, 0.93):
        covered = stats.binom.pmf(k, n, truth)[(low <= truth) & (truth <= high)].sum()
        assert covered >= 0.9
    assert np.all(binomial_error([0, n], n) > 0)
