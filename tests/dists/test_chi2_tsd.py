from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from made_trials import half_chi2
from nusky.dists import MIN_TAIL, TSD, Chi2TSD
from nusky.dists.chi2 import fit_chi2_tail
from nusky.dists.pvalue import nsigma_to_p


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
        Chi2TSD([1.0, 2.0], threshold=0.0, floc=1.0)
    with pytest.raises(ValueError, match="scale = -1"):
        Chi2TSD([1.0, 2.0], fscale=-1)
    with pytest.raises(ValueError, match="threshold = -1"):
        Chi2TSD([1.0, 2.0], threshold=-1)
