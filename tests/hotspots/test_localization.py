"""The position of a hot spot and its regions."""

from __future__ import annotations

import json
from typing import Any

import healpy
import numpy as np
import pytest

import nusky as cy
from nusky.hotspots.localization import Localization
from nusky.pixels import full_sky
from nusky.pixels.regions import delta_ts
from seasons import one_season, two_seasons

WHERE = (2.0, 0.4)
CONE = (*WHERE, 0.25)


def scan_runner(**options: Any) -> Any:
    given: dict[str, Any] = {"ana": two_seasons(), "nside": 32, "cone": CONE, "src": cy.sources(*WHERE)}
    return cy.get_sky_scan_trial_runner(**(given | options))


def test_regions_are_those_of_a_full_fine_scan() -> None:
    runner = scan_runner()
    for n_sig, seed in ((8, 1), (15, 2), (5, 4)):
        trial = runner.get_one_trial(n_sig, seed=seed)
        found = runner.get_localization(trial, nside=128, levels=(0.5, 0.9))
        whole = scan_runner(nside=128, cone=None).get_one_scan_from_trial(trial)
        inside_limits = np.isin(
            healpy.ang2pix(32, *healpy.pix2ang(128, np.arange(whole.shape[1]))), runner.pixels.pixels
        )
        ts = np.where(inside_limits, whole.ts, -np.inf)
        assert found.complete
        assert found.pixels.pixels[found.best] == ts.argmax()
        for region in found.regions:
            expected = np.flatnonzero(ts >= ts.max() - delta_ts(region.level))
            np.testing.assert_array_equal(found.pixels.pixels[region.inside], expected)
            assert region.area == pytest.approx(len(expected) * found.pixels.pixel_area)
        assert len(found.pixels) < 0.3 * len(runner.pixels) * 16, "only the surroundings were fitted"


def test_the_true_position_is_inside_as_often_as_the_level_says() -> None:
    flat = np.ones(12 * 32**2)
    runner = cy.get_spatial_prior_trial_runner(
        ana=two_seasons(), llh_priors=flat, cone=(*WHERE, 0.1), inj_conf={"in_pixel": True}
    )
    inside = np.zeros(2)
    n = 60
    for seed in range(n):
        trial = runner.get_one_trial(12, seed=seed)
        found = runner.get_localization(trial, nside=256)
        inside += [found.contains(float(trial.ra[0]), float(trial.dec[0]), level) for level in (0.5, 0.9)]
    for count, level in zip(inside, (0.5, 0.9), strict=True):
        assert abs(count - n * level) < 3.5 * np.sqrt(n * level * (1 - level))


def test_a_region_that_reaches_the_limits_says_so() -> None:
    runner = scan_runner(cone=(*WHERE, 0.06))
    found = runner.get_localization(runner.get_one_trial(2, seed=7), nside=64, levels=(0.99,))
    assert not found.complete
    assert "reach the limits" in repr(found)


def test_with_a_prior_the_term_counts_and_the_prior_is_named() -> None:
    sky = full_sky(32)
    x = np.array(healpy.pix2vec(32, sky.pixels))
    narrow = np.exp((healpy.ang2vec(np.pi / 2 - WHERE[1], WHERE[0]) @ x - 1) / 0.03**2)
    other = np.exp((healpy.ang2vec(np.pi / 2 + 0.5, 5.0) @ x - 1) / 0.1**2)
    narrow[narrow < 1e-30] = 0
    runner = cy.get_spatial_prior_trial_runner(ana=two_seasons(), llh_priors=[other, narrow])
    trial = scan_runner().get_one_trial(15, seed=1)
    found = runner.get_localization(trial, nside=64)
    assert found.prior == 1
    scan = scan_runner(nside=64, cone=None).get_one_scan_from_trial(trial)
    parent = healpy.ang2pix(32, np.pi / 2 - found.pixels.dec, found.pixels.ra)
    expected = scan.ts[found.pixels.pixels] + runner.llh_prior_term[1][parent]
    np.testing.assert_allclose(found.ts, expected, rtol=1e-6, atol=1e-5)
    assert runner.get_localization(trial, prior=0, nside=64).prior == 0
    assert scan_runner().get_localization(trial).prior is None
    with pytest.raises(ValueError, match="prior=2 does not exist, there are 2"):
        runner.get_localization(trial, prior=2)


def test_the_default_resolution_depends_on_how_much_sky_is_hot() -> None:
    runner = scan_runner(cone=None)
    strong = runner.get_localization(runner.get_one_trial(30, seed=1))
    weak = runner.get_localization(runner.get_one_trial(0, seed=1), levels=(0.99,))
    assert strong.pixels.nside == 2048
    assert weak.pixels.nside < 1024
    assert len(weak.pixels) < 400_000


def test_the_localization_agrees_with_the_refined_fit() -> None:
    runner = scan_runner(refine=256)
    trial = runner.get_one_trial(15, seed=1)
    fit, found = runner.get_one_fit_from_trial(trial), runner.get_localization(trial, nside=256)
    assert found.ts[found.best] >= fit.ts - 1e-5
    if fit.nside == 256:
        assert (found.ra, found.dec) == (fit.ra, fit.dec)
    assert found.ns[found.best] == pytest.approx(fit.ns, rel=0.02)
    assert found.gamma[found.best] == pytest.approx(fit.gamma, rel=0.02)


def test_positions_are_looked_up_and_what_made_it_is_kept() -> None:
    runner = scan_runner()
    found = runner.get_localization(runner.get_one_trial(15, seed=6), nside=128)
    assert found.ts_at(found.ra, found.dec) == found.ts[found.best]
    assert np.isnan(found.ts_at(found.ra + 3.0, -found.dec))
    assert found.contains(found.ra, found.dec, 0.5)
    assert not found.contains(found.ra + 3.0, -found.dec, 0.9)
    text = json.loads(json.dumps(found.provenance))
    assert (text["seed"], text["nside"], text["levels"]) == (6, 128, [0.5, 0.9])
    with pytest.raises(KeyError, match=r"there is no region of level 0\.68; there are 0\.5, 0\.9"):
        found.area(0.68)
    assert "50 % in" in repr(found)


def test_it_can_be_drawn() -> None:
    plt = pytest.importorskip("matplotlib.pyplot")
    runner = scan_runner()
    found = runner.get_localization(runner.get_one_trial(15, seed=6), nside=128)
    fig, ax = plt.subplots()
    bar = found.plot(ax)
    assert bar.ax.get_ylabel() == "TS"
    assert bar.vmin >= found.ts.min(), "no colours are left for values that do not occur"
    low, high = ax.get_xlim()
    assert low > high, "east is left"
    contour = next(c for c in ax.collections if type(c).__name__ == "QuadContourSet")
    assert len(contour.levels) == 2
    plt.close(fig)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"levels": (90,)}, ValueError, "level=90"),
        ({"levels": (0.0,)}, ValueError, "level=0"),
        ({"levels": ()}, ValueError, "levels is empty"),
        ({"levels": 0.9}, TypeError, "levels=0.9: expected a sequence"),
        ({"levels": "0.9"}, TypeError, "levels='0.9': expected a sequence"),
        ({"levels": ("90%",)}, TypeError, "expected a sequence of confidence levels"),
        ({"nside": 16}, ValueError, "nside=16 is coarser than the scan's 32"),
        ({"nside": 100}, ValueError, "not a power of two"),
        ({"prior": 1}, ValueError, "prior=1 does not exist, there are 1"),
        ({"prior": "first"}, TypeError, "prior='first': expected the number"),
    ],
)
def test_bad_requests_are_refused_before_anything_is_fitted(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    runner = scan_runner()
    trial = runner.get_one_trial(seed=1)
    monkeypatch.setattr("nusky.hotspots.localization.scan_pixels", None)
    with pytest.raises(error, match=message):
        runner.get_localization(trial, **options)


def test_a_prior_outside_the_pixels_cannot_be_localized() -> None:
    sky = full_sky(8)
    maps = [np.where(sky.dec > 0, 1.0, 0.0), np.where(sky.dec < -0.5, 1.0, 0.0)]
    runner = cy.get_spatial_prior_trial_runner(ana=one_season(), llh_priors=maps, min_dec=0.0)
    trial = runner.get_one_trial(0, seed=1)
    with pytest.raises(ValueError, match="prior 1 is zero in every pixel"):
        runner.get_localization(trial, prior=1)
    assert isinstance(runner.get_localization(trial, prior=0), Localization)
