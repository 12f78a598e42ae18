from __future__ import annotations

import numpy as np
import pytest

from made_trials import half_chi2
from nusky.dists import TSD, Chi2TSD
from nusky.dists.binned_tsd import BinnedTSD


def test_a_binned_distribution_equals_the_unbinned_one_at_its_edges_and_is_conservative_between() -> None:
    ts = half_chi2(5000)
    edges = np.linspace(0, 40, 401)
    binned, exact = BinnedTSD(ts, n_zero=10, bins=edges), TSD(ts, n_zero=10)
    np.testing.assert_array_equal(binned.sf(edges), exact.sf(edges))
    between = np.random.default_rng(0).uniform(0, 30, 200)
    assert np.all(binned.p_values(between) >= exact.p_values(between))
    for p in (0.5, 0.1, 0.01):
        assert float(exact.isf(p)) <= float(binned.isf(p)) <= float(exact.isf(p)) + 0.1
    halves = BinnedTSD.merged([BinnedTSD(ts[:2000], n_zero=10, bins=edges), BinnedTSD(ts[2000:], bins=edges)])
    np.testing.assert_array_equal(halves.sf(edges), binned.sf(edges))
    assert halves.n_total == exact.n_total


def test_a_binned_distribution_never_guesses_in_the_overflow() -> None:
    binned = BinnedTSD([0.5, 7.0, 8.0], bins=[0, 1, 2])
    with pytest.raises(ValueError, match="lies beyond the last bin edge 2"):
        binned.sf(3.0)
    with pytest.raises(ValueError, match="lies in the overflow"):
        binned.isf(0.5)
    with pytest.raises(ValueError, match="no fitted tail"):
        binned.sf(1.0, fit=True)
    with pytest.raises(ValueError, match=r"parts\[1\] has other bin edges"):
        BinnedTSD.merged([binned, BinnedTSD([1.0])])
    with pytest.raises(ValueError, match="begin with 0"):
        BinnedTSD([1.0], bins=[1, 2])
    table = binned.description.splitlines()
    assert table[:2] == ["BinnedTSD from 3 trials:", "  eta    = 1.0000"]
    assert [row.split()[-1] for row in table[3:]] == ["-"] * 6  # two thirds lie beyond the bins
    assert [row.split()[-1] for row in BinnedTSD(np.arange(100) / 10).description.splitlines()[3:6]] == [
        "4.920", "8.420", "9.720",  # above each: at most 50, 15, 2 of the hundred
    ]  # fmt: skip
    with pytest.raises(ValueError, match="no fitted tail"):
        binned.median(fit=True)
    assert BinnedTSD([0.0]).median() == 0.0
    assert BinnedTSD([0.5], bins=[0, 1, 2]).median() == 1.0


def test_a_histogram_is_one_of_histlite() -> None:
    h = Chi2TSD(half_chi2(1000)).get_hist(bins=20, range=(0, 20))
    assert h.values.sum() == 1000
    assert float(h.integrate().values) == pytest.approx(1000)
    assert float(h.normalize().integrate().values) == pytest.approx(1)
    np.testing.assert_allclose(h.errors, np.sqrt(h.values))
    assert h.bins[0][-1] == 20


def test_trials_keep_the_columns_they_came_with() -> None:
    rows = np.array([(0.0, 0.0), (4.0, 3.0)], dtype=[("ts", "f8"), ("ns", "f8")])
    bg = Chi2TSD(rows)
    bg.trials["ntrue"] = 0
    assert bg.trials.ns.tolist() == [0, 3]
    assert bg.values.tolist() == [0, 4]
    assert Chi2TSD(bg).trials is bg.trials
