"""Local p are counted at each source's own position."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from nusky.catalogs import LocalP


def test_p_is_a_count_of_trials_at_or_above_also_of_ties_and_zeros() -> None:
    rng = np.random.default_rng(1)
    background = np.round(np.maximum(rng.normal(0, 2, (50, 3)), 0), 1)
    local = LocalP(background)
    new = np.round(np.maximum(rng.normal(0, 2, (4, 5, 3)), 0), 1)
    for where in np.ndindex(4, 5, 3):
        assert local.p(new)[where] == (1 + np.sum(background[:, where[2]] >= new[where])) / 51
    assert np.all(local.p(np.zeros(3)) == 1.0)
    for i in range(50):
        for j in range(3):
            rank = np.sum(background[:, j] >= background[i, j])
            assert local.of_trials[i, j] == (rank / 51 if background[i, j] > 0 else 1.0)


def test_p_of_the_best_of_a_list_is_uniform_whatever_the_correlations() -> None:
    rng = np.random.default_rng(6)
    common = rng.normal(0, 1, (3000, 1))
    ts = np.maximum(0.7 * common + rng.normal(0, 1, (3000, 8)), 0) ** 2
    local = LocalP(ts[:2000])
    lowest = local.of_trials.min(axis=1)
    post = np.array([(1 + np.sum(lowest <= p)) / 2001 for p in local.p(ts[2000:]).min(axis=1)])
    for alpha in (0.01, 0.05, 0.2, 0.5, 0.8):
        assert np.mean(post <= alpha) == pytest.approx(
            alpha, abs=4 * np.sqrt(alpha * (1 - alpha) * (1 / 1000 + 1 / 2000)) + 2e-3
        )


def test_beyond_the_trials_p_comes_from_a_fitted_tail_where_it_is_asked_for() -> None:
    rng = np.random.default_rng(8)
    ts = np.where(rng.random((4000, 2)) < 0.5, rng.chisquare(1, (4000, 2)), 0.0)
    counted, fitted = LocalP(ts), LocalP(ts, tail=True)
    hot = np.array([[25.0, 40.0], [1.0, 2.0]])
    assert np.all(counted.p(hot)[0] == 1 / 4001)
    assert np.allclose(np.log10(fitted.p(hot)[0]), np.log10(0.5 * stats.chi2.sf(hot[0], 1)), atol=1.0)
    assert fitted.p(hot)[1].tolist() == counted.p(hot)[1].tolist()
    assert np.mean(fitted.of_trials <= 0.01) == pytest.approx(0.01, abs=0.002)


def test_arrays_that_are_no_background_are_refused() -> None:
    for ts, message in ((np.zeros(3), "shape"), (np.zeros((0, 3)), "shape"), (np.full((2, 2), np.nan), "0 or above")):
        with pytest.raises(ValueError, match=message):
            LocalP(ts)
    with pytest.raises(ValueError, match="background is of 2 sources"):
        LocalP(np.zeros((4, 2))).p(np.zeros(3))
