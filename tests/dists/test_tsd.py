from __future__ import annotations

import math

import numpy as np
import pytest

from made_trials import half_chi2
from nusky.dists import TSD, Chi2TSD, post_trial_p, ts_values
from nusky.dists.binned_tsd import BinnedTSD
from nusky.trial.trial_set import TrialSet


def test_counts_agree_with_a_plain_count_of_the_array_zeros_and_negatives_included() -> None:
    values = np.array([3.0, 0.0, -1.0, 2.0, 2.0, 0.0])
    tsd = TSD(values, n_zero=4)
    everything = np.concatenate([values, np.zeros(4)])
    assert tsd.n_total == 10
    assert tsd.n_zero == 6
    assert tsd.eta == 0.3
    np.testing.assert_array_equal(tsd.trials, np.sort(everything))
    for x in (-2, -1, -0.5, 0, 1, 2, 2.5, 3, 4):
        assert tsd.sf(x) == np.mean(everything >= x)
        assert tsd.cdf(x) == pytest.approx(np.mean(everything < x))
        assert tsd.n_above(x, strict=True) == np.sum(everything > x)
        assert tsd.p_value(x).p == (1 + np.sum(everything >= x)) / 11
    assert tsd.median() == np.median(everything)
    assert tsd.p_values([0.0]) < 1  # one trial is below 0


@pytest.mark.parametrize("values", [half_chi2(1000), half_chi2(7), np.array([5.0, 1.0, 3.0])])
def test_isf_is_exceeded_by_at_most_the_fraction_asked_for_and_by_no_smaller_trial(values: np.ndarray) -> None:
    tsd = TSD(values)
    for p in (0.5, 0.4, 1.0, 1 / 3, 0.99):
        if p * len(values) < 1:
            continue
        t = float(tsd.isf(p))
        assert np.mean(values > t) <= p + 1e-12
        smaller = values[values < t]
        if len(smaller):
            assert np.mean(values > smaller.max()) > p - 1e-12


def test_median_of_odd_and_even_numbers_is_numpys() -> None:
    for n in (1, 2, 9, 10):
        for zeros in (0, 3, n):
            v = np.random.default_rng(n).random(n)
            assert TSD(v, n_zero=zeros).median() == pytest.approx(np.median(np.r_[v, np.zeros(zeros)]))


def test_values_may_be_a_list_a_structured_array_a_table_or_anything_with_ts() -> None:
    array = np.zeros(3, dtype=[("mlog10p", "f8"), ("ts", "f8")])
    array["ts"] = [1, 2, 3]
    array["mlog10p"] = 99

    class Arrays:
        ts = np.array([1.0, 2.0, 3.0])

    for given in (array, {"ts": [1, 2, 3]}, Arrays(), [1, 2, 3], TSD([3, 2, 1])):
        np.testing.assert_array_equal(np.sort(ts_values(given)), [1, 2, 3])
    with pytest.raises(TypeError, match="none is called ts"):
        ts_values(np.zeros(1, dtype=[("x", "f8")]))
    with pytest.raises(ValueError, match=r"shape \(2, 2\)"):
        ts_values(np.zeros((2, 2)))


def test_no_trials_nan_and_a_bad_number_of_zeros_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="needs at least one trial"):
        TSD([])
    assert TSD([], n_zero=1).median() == 0
    with pytest.raises(ValueError, match=r"values\[1\] = nan, and 2 of 3"):
        TSD([0, np.nan, np.inf])
    with pytest.raises(ValueError, match="n_zero = -1"):
        TSD([1.0], n_zero=-1)
    with pytest.raises(ValueError, match="NaN at 0"):
        TSD([1.0]).sf(np.nan)
    for what in ("ts", BinnedTSD([1.0])):
        with pytest.raises(TypeError, match=f"values is a {type(what).__name__}: give the TS of each trial"):
            TSD(what)


def test_a_threshold_the_trials_cannot_give_says_how_many_are_needed() -> None:
    with pytest.raises(ValueError, match=r"below 1 / n_total = 0.01.*at least 34.* trials, or use Chi2TSD"):
        TSD(np.arange(100.0)).isf_nsigma(5)
    with pytest.raises(ValueError, match=r"p = 1\.5 is not within"):
        TSD([1.0]).isf(1.5)


def test_one_trial_is_a_distribution_without_a_fit_of_two_parameters() -> None:
    tsd = Chi2TSD([4.0], fscale=None)
    assert tsd.tail is None
    assert tsd.median() == 4
    assert tsd.p_value(5).p == 0.5
    assert math.isnan(tsd.ndof)
    assert "no fit" in repr(tsd)
    with pytest.raises(ValueError, match=r"no fitted tail \(too few trials"):
        tsd.sf(5, fit=True)


def test_all_zero_trials_have_no_tail_and_p_one_at_zero() -> None:
    tsd = Chi2TSD(np.zeros(50))
    assert tsd.eta == 0
    assert repr(tsd) == "Chi2TSD(50 trials, eta=0.000, no fit, median=0.000)"
    assert tsd.p_value(0).p == 1
    assert tsd.p_value(0.1).p == 1 / 51
    assert float(tsd.isf(0.1)) == 0
    assert "eta    = 0.0000" in tsd.description


def test_p_of_a_hottest_spot_takes_no_signal_and_the_spot_first() -> None:
    trials = TrialSet.of(
        np.ones(3, dtype=[("ts", "f8")]), seed=1, first_trial=0, n_sig=5.0, poisson=False, config_hash=""
    )
    assert TSD(trials).n_sig == TSD(TSD(trials)).n_sig == 5.0
    assert TSD([1.0]).n_sig is None
    for background in (trials, TSD(trials)):
        with pytest.raises(ValueError, match="as background have n_sig = 5 injected events"):
            post_trial_p(1.0, background)
    for swapped in ((TSD([1.0]), 1.0), ([1.0, 2.0], 1.0)):
        with pytest.raises(TypeError, match="the TS that was found comes first"):
            post_trial_p(*swapped)
