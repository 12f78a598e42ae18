"""Catalogues: one scan serves all priors, their sum as a statistic, and a thousand of them."""

from __future__ import annotations

import json
import pathlib
import pickle
import time
from typing import Any

import healpy
import numpy as np
import pytest

import nusky as cy
from nusky.hotspots import terms as prior_terms
from nusky.injection.prior import PriorInjector
from nusky.pixels import full_sky
from nusky.priors import SpatialPrior
from nusky.trial.fit import Fit
from seasons import two_seasons

NSIDE = 8
SKY = full_sky(NSIDE)
VECTORS = np.array(healpy.pix2vec(NSIDE, SKY.pixels))


def catalogue(n: int, width: float = 0.3, seed: int = 0, vectors: np.ndarray = VECTORS) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(n, 3))
    centres /= np.linalg.norm(centres, axis=1)[:, None]
    return [np.exp((centre @ vectors - 1) / width**2) for centre in centres]


def runner(maps: Any, **options: Any) -> Any:
    return cy.get_spatial_prior_trial_runner(**({"ana": two_seasons(), "llh_priors": maps} | options))


# The sum


def test_the_sum_adds_each_prior_s_best_value_where_it_is_positive() -> None:
    maps = catalogue(12)
    stacked, best = runner(maps, combine="sum"), runner(maps)
    for n_sig, seed in ((0, 1), (20, 2), (60, 3)):
        trial = stacked.get_one_trial(n_sig, seed=seed)
        fit, single = stacked.get_one_fit_from_trial(trial), best.get_one_fit_from_trial(trial)
        scan = stacked.get_one_scan_from_trial(trial)
        each = [float((scan.ts + term).max()) for term in stacked.llh_prior_term]
        assert fit.ts == pytest.approx(sum(max(0.0, ts) for ts in each), abs=1e-9)
        rows = [int(np.argmax(scan.ts + term)) for term in stacked.llh_prior_term]
        assert fit.ns == pytest.approx(sum(scan.ns[row] for row, ts in zip(rows, each, strict=True) if ts > 0))
        assert (fit.gamma, fit.ra, fit.dec, fit.prior) == (single.gamma, single.ra, single.dec, single.prior)
        assert fit.per_prior is not None
        assert single.per_prior is not None
        assert fit.per_prior.tobytes() == single.per_prior.tobytes()
        assert fit.ts >= single.ts


def test_no_positive_value_is_a_sum_of_zero() -> None:
    one = np.zeros(SKY.npix)
    one[100] = 1.0
    stacked = runner([one, one], combine="sum", gamma=1.0)
    fits = [stacked.get_one_fit(seed=seed) for seed in range(20)]
    nothing = [fit for fit in fits if fit.ts == 0]
    assert nothing
    assert nothing[0].ns == 0
    assert nothing[0].ts_raw == 0


def test_the_sum_of_one_prior_is_that_prior_s_fit() -> None:
    prior = catalogue(1)
    trials = runner(prior, combine="sum").get_many_fits(6, 4, seed=3)
    assert trials.tobytes() == runner(prior).get_many_fits(6, 4, seed=3).tobytes()


def test_weak_objects_together_are_seen_better_by_the_sum() -> None:
    maps = catalogue(12, 0.15)
    power = {}
    for combine in ("max", "sum"):
        search = runner(maps, combine=combine, energy=False)
        background = search.get_many_fits(100, seed=1).ts
        signal = search.get_many_fits(100, 24, seed=2).ts  # two events an object
        power[combine] = np.mean(signal > np.quantile(background, 0.9))
    assert power["sum"] > power["max"] + 0.05
    assert power["sum"] > 0.9


def test_the_sum_is_named_in_every_result(tmp_path: pathlib.Path) -> None:
    stacked = runner(catalogue(3), combine="sum")
    fit = stacked.get_one_fit(9, seed=1)
    assert fit.combine == "sum"
    assert "sum over 3 priors" in repr(fit)
    fit.save(tmp_path / "fit.json")
    assert Fit.read(tmp_path / "fit.json").as_dict() == fit.as_dict()
    trials = stacked.get_many_fits(3, 9, seed=1)
    assert trials[0].tolist() == tuple(np.asarray(fit).tolist())
    assert trials.config["combine"] == "sum"
    assert json.loads(json.dumps(trials.config))["priors"][0]["policy"]["weight"] == 2.0
    assert stacked.get_one_scan(seed=1).provenance["config"]["combine"] == "sum"
    assert stacked.config_hash != runner(catalogue(3)).config_hash
    assert pickle.loads(pickle.dumps(stacked)).get_many_fits(3, 9, seed=1).tobytes() == trials.tobytes()


def test_a_combination_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="combine='product' is not known; use 'max' or 'sum'"):
        runner(catalogue(2), combine="product")


# Many


@pytest.mark.parametrize("refine", [None, 32])
def test_a_large_catalogue_gets_the_fits_of_a_small_one(monkeypatch: pytest.MonkeyPatch, refine: int | None) -> None:
    maps = catalogue(15)
    whole = runner(maps, refine=refine)
    fits = [whole.get_one_fit(20, seed=seed) for seed in range(3)]
    trials = whole.get_many_fits(5, 20, seed=1)
    # As if whole rows were too much, and as if only 20 pixels of each prior could be kept
    plain = prior_terms.PriorTerms.of.__func__  # type: ignore[attr-defined]
    monkeypatch.setattr(
        prior_terms.PriorTerms,
        "of",
        classmethod(lambda cls, priors, pixels: plain(cls, priors, pixels, matrix_bytes=0, kept=20)),
    )
    large = runner(maps, refine=refine)
    assert large._finder.terms.matrix is None
    for seed, expected in enumerate(fits):
        got = large.get_one_fit(20, seed=seed)
        assert got.per_prior is not None
        assert expected.per_prior is not None
        assert got.per_prior.tobytes() == expected.per_prior.tobytes()
    assert large.get_many_fits(5, 20, seed=1).tobytes() == trials.tobytes()


def test_a_thousand_priors_take_well_under_a_second_on_one_scan() -> None:
    vectors = np.array(healpy.pix2vec(64, np.arange(12 * 64**2)))
    maps = catalogue(50, 0.1, vectors=vectors)
    priors = [SpatialPrior(m) for m in maps] * 20  # the same arrays again: they need no more memory
    sky = full_sky(64)
    terms = prior_terms.PriorTerms.of(priors, sky)
    assert terms.matrix is None, "400 MB as a table"
    rng = np.random.default_rng(1)
    ts = np.maximum(0.0, rng.normal(size=sky.npix)) ** 2
    start = time.perf_counter()
    best = terms.best(ts)
    assert time.perf_counter() - start < 1.0  # 0.02 s on a quiet machine
    for j in range(0, 50, 7):
        assert best.value[j] == (ts + priors[j].term).max()


# Injection


def test_every_pixel_is_drawn_as_often_as_its_prior_says() -> None:
    prior = catalogue(1, 0.2)[0]
    prior[SKY.dec > 0.4] = 0.0
    search = runner(prior, max_dec=1.2)
    injector = search.prior_injector
    rng = np.random.default_rng(0)
    n = 20_000
    drawn = np.concatenate([injector.draw(rng.random((1, len(injector.priors))))[0] for _ in range(n)])
    counts = np.bincount(drawn, minlength=len(injector.allowed))
    expected = prior[injector.allowed.pixels]
    expected = n * expected / expected.sum()
    assert counts[expected == 0].sum() == 0
    many = expected > 25
    assert many.sum() > 10
    pull = (counts[many] - expected[many]) / np.sqrt(expected[many])
    assert (pull**2).mean() < 1 + 5 * np.sqrt(2 / many.sum())


def test_draws_at_the_very_ends_stay_on_pixels_with_probability() -> None:
    prior = np.zeros(SKY.npix)
    prior[[70, 71, 500]] = 1.0, 2.0, 1.0
    injector = PriorInjector(runner(prior).signal_injector, (SpatialPrior(prior),), SKY)
    total = float(injector._blocks[0, -1])
    at = np.array([0.0, 0.2, 0.3, 0.76, 1.0]) * total
    assert injector._rows(0, at).tolist() == [70, 70, 71, 500, 500]


def test_averages_over_the_priors_are_plain_sums() -> None:
    maps = catalogue(3)
    injector = runner(maps).prior_injector
    values = np.random.default_rng(0).random(SKY.npix)
    np.testing.assert_allclose(injector.average(values), [m @ values / m.sum() for m in maps], rtol=1e-12)


def test_one_source_is_drawn_from_each_prior_and_they_share_the_events() -> None:
    maps = catalogue(4, 0.05)
    search = runner(maps)
    trial = search.get_one_trial(400, seed=1)
    assert trial.n_injected == 400
    assert len(trial.ra) == 4
    for j, prior in enumerate(search.priors):
        pixel = healpy.ang2pix(NSIDE, np.pi / 2 - trial.dec[j], trial.ra[j])
        assert prior.probability[pixel] > 0
