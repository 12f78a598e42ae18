"""Regions of a position whose borders are measured on trials."""

from __future__ import annotations

import json
from typing import Any

import healpy
import numpy as np
import pytest

import nusky as cy
from nusky.hotspots.calibration import RegionCalibration
from nusky.pixels import full_sky
from nusky.pixels.regions import delta_ts
from seasons import one_season, two_seasons

WHERE = (2.0, 0.4)


def scan_runner(**options: Any) -> Any:
    given: dict[str, Any] = {"ana": two_seasons(), "nside": 32, "cone": (*WHERE, 0.25), "src": cy.sources(*WHERE)}
    return cy.get_sky_scan_trial_runner(**(given | options))


def test_a_border_holds_a_further_trial_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    inside = []
    for _ in range(400):
        calibration = RegionCalibration(rng.chisquare(2, 60), {}, 1, 64)
        inside.append(rng.chisquare(2) <= calibration.border(0.9))
    assert np.mean(inside) == pytest.approx(0.9, abs=4 * 0.3 / np.sqrt(400))
    many = RegionCalibration(rng.chisquare(2, 20_000), {}, 1, 64)
    assert many.border(0.9) == pytest.approx(delta_ts(0.9), rel=0.05)
    assert many.coverage(delta_ts(0.5)) == pytest.approx(0.5, abs=0.02)
    assert many.level_error(0.5) == pytest.approx(0.5 / np.sqrt(20_000), rel=1e-3)


def test_trials_of_the_source_found_move_the_borders_and_the_result_says_so() -> None:
    runner = scan_runner()
    trial = runner.get_one_trial(12, seed=1)
    nominal = runner.get_localization(trial, nside=64)
    found = runner.get_localization(trial, nside=64, calibrate=10, seed=5)
    assert found.calibrated
    assert not nominal.calibrated
    assert "calibrated with 10 trials" in repr(found)
    assert "nominal levels, not calibrated" in repr(nominal)
    calibration = found.calibration
    assert calibration is not None
    assert calibration.source["ns"] == pytest.approx(nominal.ns[nominal.best])
    assert (calibration.source["ra"], calibration.source["dec"]) == (found.ra, found.dec) == (nominal.ra, nominal.dec)
    for region in found.regions:
        assert region.delta_ts == calibration.border(region.level)
        inside = found.ts >= found.ts.max() - region.delta_ts
        np.testing.assert_array_equal(region.inside, inside)
    assert json.loads(json.dumps(found.provenance))["calibration"]["n_trials"] == 10
    assert nominal.provenance["calibration"] is None
    again = runner.get_localization(trial, nside=64, calibrate=10, seed=5)
    np.testing.assert_array_equal(again.calibration.delta_ts, calibration.delta_ts)
    reused = runner.get_localization(trial, nside=64, calibrate=calibration)
    assert [r.area for r in reused.regions] == [r.area for r in found.regions]


def test_wider_borders_are_fitted_as_far_as_they_reach() -> None:
    runner = scan_runner()
    trial = runner.get_one_trial(15, seed=2)
    wide = RegionCalibration(np.full(50, 25.0), {}, 1, 64)
    found = runner.get_localization(trial, nside=64, levels=(0.9,), calibrate=wide)
    whole = scan_runner(nside=64, cone=None).get_one_scan_from_trial(trial)
    limits = np.isin(healpy.ang2pix(32, *healpy.pix2ang(64, np.arange(whole.shape[1]))), runner.pixels.pixels)
    expected = np.flatnonzero(np.where(limits, whole.ts, -np.inf) >= whole.ts[limits].max() - 25.0)
    np.testing.assert_array_equal(found.pixels.pixels[found.region(0.9).inside], expected)
    # measured in the call, they are as wide as measured before it
    measured = runner.get_localization(trial, nside=64, calibrate=20, seed=1)
    before = runner.get_localization(trial, nside=64, calibrate=measured.calibration)
    np.testing.assert_array_equal(
        measured.pixels.pixels[measured.region(0.9).inside], before.pixels.pixels[before.region(0.9).inside]
    )


@pytest.mark.slow
def test_the_true_position_is_inside_as_often_as_a_calibrated_level_says() -> None:
    runner = scan_runner(ana=one_season(), nside=32, cone=(*WHERE, 0.5))
    n_sig = 6
    source = {"ra": WHERE[0], "dec": WHERE[1], "ns": float(n_sig), "gamma": 2.0}
    calibration = runner._calibrated(300, 11, 1, False, source, 0, 64)
    inside, n = np.zeros(2), 150
    for seed in range(n):
        trial = runner.get_one_trial(n_sig, poisson=True, seed=seed)
        found = runner.get_localization(trial, nside=64, calibrate=calibration)
        inside += [found.contains(*WHERE, level) for level in (0.5, 0.9)]
    for count, level in zip(inside, (0.5, 0.9), strict=True):
        error = np.sqrt(level * (1 - level) * (1 / n + 1 / 300))
        assert abs(count / n - level) < 3.5 * error


def test_with_a_prior_its_term_counts() -> None:
    sky = full_sky(32)
    x = np.array(healpy.pix2vec(32, sky.pixels))
    prior = np.exp((healpy.ang2vec(np.pi / 2 - WHERE[1], WHERE[0]) @ x - 1) / 0.05**2)
    runner = cy.get_spatial_prior_trial_runner(ana=one_season(), llh_priors=prior, cone=(*WHERE, 0.25))
    trial = runner.get_one_trial(10, seed=3)
    found = runner.get_localization(trial, nside=64, calibrate=20, seed=1)
    assert found.prior == 0
    assert found.calibration is not None
    assert found.calibration.n_trials == 20


def test_what_cannot_be_calibrated_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = scan_runner()
    trial = runner.get_one_trial(10, seed=1)
    with pytest.raises(ValueError, match=r"5 trials cannot calibrate a region of level 0\.9; give at least 9"):
        runner.get_localization(trial, calibrate=5)
    with pytest.raises(ValueError, match="calibrate=0 must be at least 1"):
        runner.get_localization(trial, calibrate=0)
    with pytest.raises(TypeError, match="calibrate must be an integer, got 'yes'"):
        runner.get_localization(trial, calibrate="yes")
    with pytest.raises(ValueError, match="finite numbers"):
        RegionCalibration(np.array([np.nan]), {}, 1, 64)
    with pytest.raises(ValueError, match="there is no excess"):
        runner._calibrated(20, 1, 1, False, {"ra": 1.0, "dec": 0.1, "ns": 0.0, "gamma": np.nan}, 0, 64)
