"""Where a fitted tail begins, and what its choice costs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from made_trials import half_chi2
from nusky.dists import TSD, Chi2TSD
from nusky.dists.chi2 import fit_chi2_tail
from nusky.dists.tail_choice import alternative_tails, choose_tail, goodness, spread


def bent(n: int, seed: int = 0) -> np.ndarray:
    """Half of the trials at 0; 5 % of a χ²₁ of scale 1 beyond 4, the others below in another shape."""
    rng = np.random.default_rng(seed)
    ts = np.where(rng.random(n) < 0.5, 0.0, rng.uniform(0.0, 4.0, n))
    far = rng.random(n) < 0.05
    ts[far] = stats.chi2(1).isf(rng.random(int(far.sum())) * stats.chi2(1).sf(4.0))
    return ts


def bent_sf(x: float) -> float:
    return float(0.05 * stats.chi2(1).sf(x) / stats.chi2(1).sf(4.0))


def test_a_chi2_is_fitted_from_where_it_begins() -> None:
    whole = np.sort(half_chi2(20_000))
    assert choose_tail(whole[whole > 0], 20_000).threshold == 0.0  # type: ignore[union-attr]
    for seed in range(3):
        ts = np.sort(bent(50_000, seed))
        tail = choose_tail(ts[ts > 0], len(ts))
        assert tail is not None
        assert tail.threshold > 3.9
        everything = fit_chi2_tail(ts[ts > 0], len(ts))
        assert everything is not None
        assert abs(np.log(tail.sf(16.0) / bent_sf(16.0))) < 0.5 < abs(np.log(everything.sf(16.0) / bent_sf(16.0)))


def test_agreement_is_a_probability_where_the_tail_is_right() -> None:
    rng = np.random.default_rng(4)
    found = []
    for _ in range(200):
        ts = np.sort(rng.chisquare(1.3, 2000))
        tail = fit_chi2_tail(ts, 4000)
        assert tail is not None
        found.append(goodness(tail, ts))
    assert 0.0 < np.mean(np.array(found) < 0.1) < 0.2
    assert np.mean(np.array(found) < 0.5) > 0.2


def test_the_error_covers_what_the_tail_gets_wrong() -> None:
    pulls = []
    for seed in range(12):
        tsd = Chi2TSD(bent(4000, seed), threshold=0.0)  # from the wrong threshold on purpose
        x = 14.0
        assert tsd.sf_error(x, fit=True) > tsd.tail.sf_error(x)  # type: ignore[union-attr]
        pulls.append((float(tsd.sf(x, fit=True)) - bent_sf(x)) / float(tsd.sf_error(x, fit=True)))
    assert np.sqrt(np.mean(np.square(pulls))) < 2.5
    statistical = [
        (tail.sf(14.0) - bent_sf(14.0)) / tail.sf_error(14.0)
        for tail in (fit_chi2_tail(np.sort(bent(4000, seed)), 4000) for seed in range(12))
        if tail is not None
    ]
    assert np.sqrt(np.mean(np.square(statistical))) > 2 * np.sqrt(np.mean(np.square(pulls)))


def test_the_systematic_part_is_in_the_threshold_and_the_p_value_and_is_named() -> None:
    tsd = Chi2TSD(bent(10_000))
    x = float(tsd.values[-1]) + 6.0
    p = tsd.p_value(x)
    assert p.extrapolated
    assert p.beyond == pytest.approx(6.0)
    assert 0 < p.error_systematic < p.error
    assert p.error == pytest.approx(np.hypot(tsd.tail.sf_error(x), p.error_systematic))  # type: ignore[union-attr]
    assert "6 beyond the largest TS of them" in str(p)
    relative = p.error / p.p
    low, high = (float(tsd.isf(p.p * np.exp(sign * relative))) for sign in (1, -1))
    assert tsd.isf_error(p.p) == pytest.approx((high - low) / 2, rel=1e-6)
    counted = tsd.p_value(1.0)
    assert counted.error_systematic == counted.beyond == 0.0
    assert "beyond" in tsd.description
    assert TSD([1.0, 3.0]).sf_systematic([1.0, 9.0]).tolist() == [0.0, 0.0]


def test_tails_that_contradict_the_trials_are_no_alternatives() -> None:
    ts = np.sort(bent(50_000))
    tail = choose_tail(ts[ts > 0], len(ts))
    assert tail is not None
    others = alternative_tails(ts[ts > 0], len(ts), tail)
    assert len(others) > 1
    assert all(other.threshold > 3.0 for other in others)
    assert all((other.threshold, other.ndof) != (tail.threshold, tail.ndof) for other in others)
    assert spread(tail, [tail], 20.0) == 0.0
    assert spread(tail, [], 20.0) == 0.0


def test_where_no_tail_describes_the_trials_all_of_them_make_the_error() -> None:
    rng = np.random.default_rng(2)
    ts = np.sort(np.r_[rng.chisquare(1, 20_000), rng.uniform(8.0, 11.0, 400)])  # a bump, as one hot event makes
    tail = choose_tail(ts, 40_000)
    assert tail is not None
    others = alternative_tails(ts, 40_000, tail)
    assert len(others) > 5
    assert spread(tail, others, 20.0) > 1.0


def test_a_scaled_chi2_is_taken_where_degrees_of_freedom_do_not_do() -> None:
    ts = np.sort(0.8 * np.random.default_rng(3).chisquare(1, 40_000))
    tail = choose_tail(ts, 80_000)
    assert tail is not None
    assert (tail.threshold, tail.ndof) == (0.0, 1.0)
    assert tail.scale == pytest.approx(0.8, rel=0.02)
    held = choose_tail(ts, 80_000, scale=0.9)
    assert held is not None
    assert held.scale == 0.9


def test_held_out_trials_find_a_tail_that_is_wrong() -> None:
    right = Chi2TSD(bent(40_000)).held_out
    assert len(right.ts) >= 2
    assert np.abs(right.pulls).max() < 4
    assert right.counted.tolist() == sorted(right.counted.tolist(), reverse=True)
    wrong = Chi2TSD(bent(40_000), threshold=0.0).held_out
    assert np.abs(wrong.pulls).max() > 6
    assert "counted" in str(wrong)
    assert len(Chi2TSD([0.0, 0.0, 1.0]).held_out.ts) == 0


def test_a_threshold_that_is_given_is_kept_and_comes_back_from_a_file(tmp_path: object) -> None:
    from nusky.dists import read_tsd

    ts = bent(5000)
    for threshold in (None, 0.0, 1.5):
        tsd = Chi2TSD(ts, threshold=threshold)
        path = f"{tmp_path}/tsd.npz"
        tsd.save(path)
        again = read_tsd(path)
        assert isinstance(again, Chi2TSD)
        assert again.fit_options["threshold"] == threshold
        assert again.threshold == tsd.threshold
        assert again.ndof == tsd.ndof
    assert Chi2TSD(ts, threshold=1.5).threshold == 1.5
    assert np.isnan(Chi2TSD([0.0]).threshold)


def test_degrees_of_freedom_that_run_to_zero_have_no_error_and_are_not_chosen() -> None:
    # a density of exp(−x/2) / x² above 0.5 is steeper than any χ²: the best one has no degrees of freedom
    rng = np.random.default_rng(5)
    x = 0.5 / rng.random(4000)
    steep = np.sort(x[rng.random(4000) < np.exp(-x / 2)])
    at_zero = fit_chi2_tail(steep, 4000, threshold=0.5, scale=None)
    assert at_zero is not None
    assert at_zero.ndof < 1e-3
    assert np.isnan(at_zero.ndof_error)
    assert np.isnan(at_zero.sf_error(2.0))
    chosen = choose_tail(steep, 4000, scale=None)
    assert chosen is not None
    assert chosen.ndof > 1e-3
