"""The prior term, its zero rule and what is repaired, against the formula written out."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nusky.priors import PriorPolicy, SpatialPrior, as_priors
from nusky.sphere.frames import resolve_frame


def bump(nside: int, ra: float = np.pi, dec: float = 0.0, width: float = 0.2) -> np.ndarray:
    import healpy

    x = np.array(healpy.pix2vec(nside, np.arange(12 * nside * nside)))
    return np.exp((healpy.ang2vec(np.pi / 2 - dec, ra) @ x - 1.0) / width**2)


def test_the_term_is_the_weight_times_the_log_ratio_to_the_maximum():
    m = bump(16)
    for weight in (1.0, 2.0):
        prior = SpatialPrior(7.3 * m, policy=PriorPolicy(weight=weight))
        np.testing.assert_allclose(prior.term, weight * np.log(m / m.max()), rtol=0, atol=1e-12)
        assert prior.term[prior.peak] == 0.0
    assert prior.probability.sum() == pytest.approx(1.0, abs=1e-13)
    assert prior.probability.dtype == np.float64
    assert prior.nside == 16
    assert prior.peak == int(m.argmax())


def test_excluded_pixels_cannot_win_and_floored_ones_get_1e_minus_10_of_the_smallest():
    m = np.array([3.0, 1.0, 0.0, np.nan, -1.0, 0.5] + [2.0] * 6)
    out = SpatialPrior(m)
    assert np.isneginf(out.term[2:5]).all()
    assert np.isfinite(np.delete(out.term, [2, 3, 4])).all()
    assert out.n_excluded == 3
    assert out.repaired == {"negative": 1, "nan": 1}
    floor = SpatialPrior(m, policy=PriorPolicy(weight=1.0, zero="floor"))
    np.testing.assert_allclose(floor.term[2:5], np.log(0.5e-10 / 3.0), rtol=1e-12)


def test_values_down_to_1e_minus_323_keep_their_logarithm_and_are_floored_below():
    m = np.full(12, 1e-323)
    m[0], m[11] = 1e6, 0.0
    prior = SpatialPrior(m, policy=PriorPolicy(weight=1.0, zero="floor"))
    assert prior.term[1] == pytest.approx(np.log(1e-323) - np.log(1e6))
    assert prior.term[11] == pytest.approx(prior.term[1] - 10 * np.log(10.0))
    assert SpatialPrior(m).n_excluded == 1


def test_big_endian_float32_and_integers_become_native_float64():
    m = bump(8).astype(">f4")
    prior = SpatialPrior(m)
    assert prior.probability.dtype == np.dtype("f8")
    assert prior.probability.dtype.isnative
    assert SpatialPrior(np.arange(12)).term[11] == 0.0


def test_masked_and_unseen_pixels_are_excluded_and_counted():
    import healpy

    m = np.ma.array(np.ones(12), mask=[True] + [False] * 11)
    m[3] = healpy.UNSEEN
    prior = SpatialPrior(m)
    assert prior.repaired == {"masked": 1, "unseen": 1}
    assert np.flatnonzero(np.isneginf(prior.term)).tolist() == [0, 3]


def test_a_nested_map_gives_the_same_prior_as_its_ring_twin():
    import healpy

    m = bump(16, 1.0, 0.4)
    assert SpatialPrior(healpy.reorder(m, r2n=True), nest=True) == SpatialPrior(m)


def test_an_object_with_a_map_is_taken_as_its_map():
    import histlite

    hist = histlite.heal.hist(16, [0], [np.pi]).smoothing(np.radians(10)).normalize()
    assert SpatialPrior(hist) == SpatialPrior(hist.map)


def test_a_new_policy_keeps_the_map_to_the_last_bit():
    m = bump(16)
    m[:100] = 0.0
    first = SpatialPrior(m, policy=PriorPolicy(weight=2.0, zero="floor"))
    again = SpatialPrior(first, policy=PriorPolicy(weight=1.0))
    assert again.content_hash == first.content_hash
    np.testing.assert_allclose(again.term, SpatialPrior(m, policy=PriorPolicy(weight=1.0)).term, atol=1e-12)
    assert again.n_excluded == 100


def test_the_hash_names_the_map_and_not_the_policy():
    m = bump(8)
    assert SpatialPrior(m).content_hash == SpatialPrior(m, policy=PriorPolicy(weight=1.0)).content_hash
    other = m.copy()
    other[5] *= 1.001
    assert SpatialPrior(other).content_hash != SpatialPrior(m).content_hash


def test_a_galactic_array_is_turned_when_the_policy_says_so():
    import healpy

    m = np.zeros(12 * 64**2)
    m[healpy.ang2pix(64, 0.0, 0.0, lonlat=True)] = 1.0
    prior = SpatialPrior(m, policy=PriorPolicy(frame="galactic"))
    ra, dec = healpy.pix2ang(64, prior.peak, lonlat=True)
    assert abs(ra - 266.405) < 1.0
    assert abs(dec + 28.936) < 1.0


def test_the_policy_regrades_and_survives_json():
    policy = PriorPolicy(weight=1.0, zero="floor", regrade=8, frame="C")
    assert policy.frame == "equatorial"
    assert PriorPolicy.from_dict(json.loads(json.dumps(policy.as_dict()))) == policy
    assert SpatialPrior(bump(16), policy=policy).nside == 8
    with pytest.raises(KeyError, match="wieght"):
        PriorPolicy.from_dict({"wieght": 1.0})


def test_a_prior_is_immutable_and_travels_to_worker_processes():
    prior = SpatialPrior(bump(8))
    with pytest.raises(ValueError, match="read-only"):
        prior.term[0] = 1.0
    with pytest.raises(AttributeError):
        prior.nside = 3  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(prior)) == prior


def test_one_map_a_list_and_a_table_of_maps_become_priors():
    a, b = bump(8), bump(8, 1.0, 0.3)
    assert len(as_priors(a)) == 1
    assert as_priors([a, b]) == as_priors(np.array([a, b])) == as_priors((SpatialPrior(a), b))
    assert len(as_priors(list(range(12)))) == 1
    kept = SpatialPrior(a, policy=PriorPolicy(weight=1.0))
    assert as_priors(kept)[0] is kept
    assert as_priors([kept], policy=PriorPolicy())[0].policy.weight == 2.0


@settings(max_examples=30, deadline=None)
@given(st.integers(-200, 200), st.integers(0, 2**31))
def test_the_scale_of_the_map_does_not_matter(exponent: int, seed: int):
    m = np.random.default_rng(seed).random(48)
    np.testing.assert_allclose(SpatialPrior(m * 10.0**exponent).term, SpatialPrior(m).term, atol=1e-9)


def test_bad_maps_are_refused_with_the_mend():
    with pytest.raises(ValueError, match=r"49153 values.*49152 \(nside 64\)"):
        SpatialPrior(np.ones(49153))
    with pytest.raises(ValueError, match="no value is larger than 0"):
        SpatialPrior(np.zeros(12))
    with pytest.raises(ValueError, match="12 nan"):
        SpatialPrior(np.full(12, np.nan))
    with pytest.raises(ValueError, match=r"map\[4\] is infinite"):
        SpatialPrior(np.where(np.arange(12) == 4, np.inf, 1.0))
    with pytest.raises(ValueError, match="list of maps"):
        SpatialPrior(np.ones((2, 12)))
    with pytest.raises(TypeError, match="real numbers"):
        SpatialPrior(np.ones(12, dtype=complex))
    with pytest.raises(ValueError, match=r"different nside \[1, 2\].*regrade=2"):
        as_priors([np.ones(12), np.ones(48)])
    assert [p.nside for p in as_priors([np.ones(12), np.ones(48)], policy=PriorPolicy(regrade=2))] == [2, 2]
    with pytest.raises(ValueError, match=r"llh_priors\[1\]: map: no value"):
        as_priors([np.ones(12), np.zeros(12)])
    with pytest.raises(ValueError, match=r"different weights.*one policy"):
        as_priors([SpatialPrior(np.ones(12)), SpatialPrior(np.ones(12), policy=PriorPolicy(weight=1.0))])
    with pytest.raises(ValueError, match="empty"):
        as_priors([])
    with pytest.raises(TypeError, match="read_sky_map"):
        as_priors("map.fits")


def test_bad_policies_are_refused_with_the_mend():
    for weight in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="weight"):
            PriorPolicy(weight=weight)
    with pytest.raises(ValueError, match="'exclude' or 'floor'"):
        PriorPolicy(zero="drop")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="power of two"):
        PriorPolicy(regrade=100)
    with pytest.raises(TypeError, match="power of two"):
        PriorPolicy(regrade=True)
    with pytest.raises(ValueError, match="'galactic'"):
        resolve_frame("supergalactic")


@pytest.mark.parametrize("zero", ["exclude", "floor"])
@pytest.mark.parametrize("smallest", [1e-3, 1e-300, 1e-323])
def test_terms_of_some_pixels_are_those_of_the_whole_map(zero: str, smallest: float) -> None:
    m = np.geomspace(smallest, 1e5, 48)
    m[[5, 6]] = 0.0
    prior = SpatialPrior(m, policy=PriorPolicy(zero=zero, weight=1.5))  # type: ignore[arg-type]
    with np.errstate(divide="ignore"):
        expected = 1.5 * (np.log(m) - np.log(1e5))
    if zero == "floor":
        expected[[5, 6]] = 1.5 * (np.log(m[0]) - np.log(1e5) - 10 * np.log(10.0))
    np.testing.assert_allclose(prior.term, expected, rtol=1e-13, atol=1e-13)
    rows = np.array([47, 5, 0, 20])
    np.testing.assert_array_equal(prior.term_at(rows), prior.term[rows])
    assert not prior.term.flags.writeable
    assert (prior.deep is None) == (smallest == 1e-3 or smallest == 1e-300)
    again = SpatialPrior(prior, policy=PriorPolicy(weight=3.0))
    np.testing.assert_allclose(again.term_at(rows[[0, 2, 3]]), 2 * prior.term_at(rows[[0, 2, 3]]), rtol=1e-14)
