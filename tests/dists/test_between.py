from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from nusky.dists import MIN_TAIL, TSD, Chi2TSD, read_tsd, ts_to_p, ts_values
from nusky.dists.binned_tsd import BinnedTSD
from nusky.dists.chi2 import fit_chi2_tail
from nusky.dists.pvalue import binomial_error, binomial_interval, counted_p, nsigma_to_p, p_to_nsigma


def half_chi2(n: int, ndof: float = 1.3, scale: float = 1.0, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.where(rng.random(n) < 0.5, 0.0, scale * rng.chisquare(ndof, n))


# ---- p-values


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


# ---- TSD


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


# ---- the fitted tail


@pytest.mark.parametrize(("threshold", "scale"), [(0.0, 1.0), (0.0, None), (2.0, 1.0)])
def test_the_fit_finds_the_parameters_that_made_the_trials_within_its_errors(
    threshold: float, scale: float | None
) -> None:
    pulls = []
    for seed in range(20):
        ts = half_chi2(4000, 1.4, 1.0 if scale else 1.2, seed)
        tail = fit_chi2_tail(ts, len(ts), threshold=threshold, scale=scale)
        assert tail is not None
        pulls.append((tail.ndof - 1.4) / tail.ndof_error)
        assert tail.eta == np.mean(ts > threshold)
    assert abs(np.mean(pulls)) < 4 / math.sqrt(20)
    assert 0.5 < np.std(pulls) < 1.6


def test_the_fit_maximises_scipys_likelihood() -> None:
    ts = half_chi2(3000, 1.2, 1.1)
    positive = ts[ts > 0]
    tail = fit_chi2_tail(ts, len(ts), scale=None)
    assert tail is not None
    ndof, _, scale = stats.chi2.fit(positive, floc=0)
    assert tail.ndof == pytest.approx(ndof, rel=1e-3)
    assert tail.scale == pytest.approx(scale, rel=1e-3)
    x = np.array([0.5, 3.0, 30.0])
    np.testing.assert_allclose(tail.sf(x), tail.eta * stats.chi2.sf(x, tail.ndof, 0, tail.scale), rtol=1e-10)
    np.testing.assert_allclose(tail.pdf(x), tail.eta * stats.chi2.pdf(x, tail.ndof, 0, tail.scale), rtol=1e-10)
    np.testing.assert_allclose(tail.sf(tail.isf([0.1, 1e-7])), [0.1, 1e-7], rtol=1e-9)
    assert np.isnan(tail.isf(0.9))
    assert np.isinf(tail.isf(0.0))


def test_a_truncated_tail_says_nothing_below_its_threshold_and_is_continuous_with_eta() -> None:
    tail = fit_chi2_tail(half_chi2(5000), 5000, threshold=2.0)
    assert tail is not None
    assert np.isnan(tail.sf(1.9))
    assert tail.sf(2.0) == pytest.approx(tail.eta)
    numeric = -(tail.sf(4.001) - tail.sf(3.999)) / 0.002
    assert tail.pdf(4.0) == pytest.approx(numeric, rel=1e-5)


def test_the_tails_error_covers_the_spread_of_repeated_experiments() -> None:
    at = 16.0
    found, errors = [], []
    for seed in range(40):
        tail = fit_chi2_tail(half_chi2(2000, 1.3, seed=seed), 2000)
        assert tail is not None
        found.append(float(tail.sf(at)))
        errors.append(float(tail.sf_error(at)))
    assert np.mean(errors) == pytest.approx(np.std(found), rel=0.35)


def test_trials_are_used_as_far_as_they_reach_and_the_rest_is_labelled_extrapolated() -> None:
    ts = half_chi2(20000)
    tsd = Chi2TSD(ts)
    inside, beyond = float(np.sort(ts)[-MIN_TAIL]), float(ts.max()) + 5
    assert tsd.sf(inside) == MIN_TAIL / 20000
    assert not tsd.is_extrapolated(inside)
    assert tsd.is_extrapolated(beyond)
    assert not tsd.is_extrapolated(beyond, fit=False)
    p = tsd.p_value(beyond)
    assert p.extrapolated
    assert p.method == "chi2 fit"
    assert "extrapolated" in str(p)
    assert p.error > 0
    assert tsd.p_value(beyond, fit=False).p == 1 / 20001
    assert tsd.p_value(0.0, fit=True).p == 1.0  # the tail begins above 0: p(0) is counted, not eta
    assert float(tsd.isf_nsigma(5)) == pytest.approx(float(tsd.tail.isf(nsigma_to_p(5))))  # type: ignore[union-attr]
    assert float(tsd.sf(tsd.isf_nsigma(5))) == pytest.approx(float(nsigma_to_p(5)), rel=1e-9)
    assert tsd.isf_error(float(nsigma_to_p(5))) > tsd.isf_error(0.1) > 0


def test_repr_and_description_read_like_cskys() -> None:
    tsd = Chi2TSD(half_chi2(10000))
    assert repr(tsd).startswith("Chi2TSD(10000 trials, eta=0.")
    assert "(from fit 0." in repr(tsd)
    for word in ("eta", "ndof", "loc", "scale", "median", "1 sigma", "5 sigma", "trials", "fit"):
        assert word in tsd.description
    assert repr(TSD([1.0, 0.0])) == "TSD(2 trials, eta=0.500, median=0.500)"


def test_a_loc_above_the_threshold_and_held_parameters_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"loc = 1\.0 lies above threshold"):
        Chi2TSD([1.0, 2.0], floc=1.0)
    with pytest.raises(ValueError, match="scale = -1"):
        Chi2TSD([1.0, 2.0], fscale=-1)
    with pytest.raises(ValueError, match="threshold = -1"):
        Chi2TSD([1.0, 2.0], threshold=-1)


# ---- histograms


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


# ---- files


@pytest.mark.parametrize(
    "tsd",
    [
        TSD([1.0, -2.0], n_zero=3),
        Chi2TSD(half_chi2(500), threshold=0.5, fscale=None),
        BinnedTSD([1.0, 300.0], n_zero=5),
    ],
)
def test_a_saved_distribution_comes_back_the_same(tsd: TSD, tmp_path: Path) -> None:
    tsd.save(tmp_path / "bg.npz")
    back = read_tsd(tmp_path / "bg.npz")
    assert repr(back) == repr(tsd)
    x = np.linspace(0.6, 5, 7)
    np.testing.assert_array_equal(back.sf(x), tsd.sf(x))


def test_a_damaged_or_foreign_file_is_named(tmp_path: Path) -> None:
    TSD(np.arange(1000.0)).save(tmp_path / "a.npz")
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"a\.npz is damaged"):
        read_tsd(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", x=np.arange(3))
    with pytest.raises(ValueError, match=r"b\.npz is damaged or something else"):
        read_tsd(tmp_path / "b.npz")
    with pytest.raises(FileNotFoundError):
        read_tsd(tmp_path / "c.npz")


# ---- over declination


def test_log_p_is_interpolated_linearly_between_declinations_and_exact_on_them() -> None:
    bgs = {d: Chi2TSD(half_chi2(3000, 1 + d / 100, seed=d)) for d in (10, 30, 60)}
    ts = np.array([0.0, 1.5, 40.0])
    np.testing.assert_allclose(ts_to_p(bgs, 30, ts), bgs[30].p_values(ts), rtol=1e-12)
    np.testing.assert_allclose(ts_to_p(bgs, 60, ts), bgs[60].p_values(ts), rtol=1e-12)
    mid = np.sqrt(bgs[10].p_values(ts) * bgs[30].p_values(ts))
    np.testing.assert_allclose(ts_to_p(bgs, [20, 20, 20], ts), mid, rtol=1e-12)
    assert ts_to_p(bgs, np.full((2, 3), 15.0), ts).shape == (2, 3)
    assert ts_to_p(bgs, 20, 0.0) == 1


def test_a_declination_without_trials_is_never_replaced_by_its_neighbour() -> None:
    bgs = {-10: TSD([1.0]), 10: TSD([1.0])}
    with pytest.raises(ValueError, match=r"dec = 11 lies outside .* -10 … 10 .*and 2 values do"):
        ts_to_p(bgs, [0, 11, 12], 1.0)
    with pytest.raises(ValueError, match="bgs is empty"):
        ts_to_p({}, 0, 1.0)
    assert float(ts_to_p({5: TSD([1.0])}, 5, 0.5)) == 1.0


@pytest.mark.parametrize("kind", [TSD, Chi2TSD, BinnedTSD])
def test_a_distribution_says_what_its_trials_were_made_with_also_when_read_back(kind: Any, tmp_path: Path) -> None:
    from nusky.trial.trial_set import TrialSet

    rows = np.zeros(40, dtype=[("ts", float)])
    rows["ts"][:25] = np.linspace(0.1, 9.0, 25)
    config = {"priors": [{"weight": 2.0, "zero": "exclude"}], "gamma": None}
    trials = TrialSet.of(
        rows.view(np.recarray), seed=1, first_trial=0, n_sig=0, poisson=False, config_hash="abc", config=config
    )
    made = kind(trials)
    assert made.config == config
    assert kind(rows["ts"]).config == {}
    made.save(tmp_path / "tsd.npz")
    back = read_tsd(tmp_path / "tsd.npz")
    assert back.config == config
    assert back.n_total == 40


def test_distributions_of_other_configurations_are_not_merged_and_the_key_is_named() -> None:
    parts = [BinnedTSD([1.0]), BinnedTSD([2.0])]
    for part, weight in zip(parts, (1.0, 2.0), strict=True):
        part.config = {"prior_weight": weight, "nside": 64}
    with pytest.raises(ValueError, match=r"parts\[1\].*\(prior_weight\)"):
        BinnedTSD.merged(parts)
    parts[1].config = dict(parts[0].config)
    assert BinnedTSD.merged(parts).config == parts[0].config
