"""Fits at every pixel of the sky."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.dists import TSD
from nusky.runners.sky_scan import SkyScanTrialRunner
from nusky.trial.sky_scan import SkyScan
from nusky.trial.status import Status
from seasons import one_season, oracle_fit, two_seasons

NSIDE = 8
NPIX = 12 * NSIDE**2
SRC = cy.sources(1.0, 0.2)


def runner(analysis: Any = one_season, **options: Any) -> SkyScanTrialRunner:
    return cy.get_sky_scan_trial_runner(**({"ana": analysis(), "nside": NSIDE, "src": SRC} | options))


def test_every_pixel_is_the_fit_of_one_source_there() -> None:
    for analysis in (one_season, two_seasons):
        sstr = runner(analysis)
        trial = sstr.get_one_trial(10, seed=1)
        scan = sstr.get_one_scan_from_trial(trial)
        for pixel in (int(np.argmax(scan.ts)), 0, 300, NPIX - 1):
            expected = oracle_fit(analysis(), trial, sstr.pixels.ra[pixel], sstr.pixels.dec[pixel])
            assert scan.ts[pixel] == pytest.approx(expected.ts, abs=1e-3)
            src = cy.sources(sstr.pixels.ra[pixel], sstr.pixels.dec[pixel])
            single = cy.get_trial_runner(ana=analysis(), src=src).get_one_fit_from_trial(trial)
            assert scan.ts[pixel] == pytest.approx(single.ts, abs=1e-3)


def test_the_map_has_cskys_shape_and_rows() -> None:
    scan = runner().get_one_scan(5, seed=1)
    assert isinstance(scan, SkyScan)
    assert scan.shape == (4, NPIX)
    np.testing.assert_array_equal(scan[0], scan.ts)
    assert (scan.ts >= 0).all()
    assert np.isnan(scan.gamma[scan.ns == 0]).all()
    assert scan.provenance["seed"] == 1
    assert scan.provenance["n_injected"] == 5
    assert scan.provenance["TRUTH"] is False
    assert scan.provenance["config"]["nside"] == NSIDE


def test_a_scan_says_where_gamma_is_at_its_bound() -> None:
    scan = runner().get_one_scan(5, seed=1)
    assert 0 < scan.gamma_at_bound.sum() < NPIX
    np.testing.assert_array_equal(scan.gamma_at_bound, np.isin(scan.gamma, one_season().gamma_nodes[[0, -1]]))
    assert not runner(gamma=4.0).get_one_scan(5, seed=1).gamma_at_bound.any()


def test_pixels_outside_the_limits_are_not_scanned() -> None:
    scan = runner(min_dec=-0.5, max_dec=0.9).get_one_scan(seed=1)
    inside = runner().pixels
    expected = (inside.dec >= -0.5) & (inside.dec <= 0.9)
    np.testing.assert_array_equal(scan.scanned, expected)
    outside = ~expected
    assert (scan.ts[outside] == 0).all()
    assert (scan.ns[outside] == 0).all()
    assert np.isnan(scan.gamma[outside]).all()
    assert (scan.status[outside] == Status.NOT_SCANNED).all()
    np.testing.assert_array_equal(scan.ts[expected], runner().get_one_scan(seed=1).ts[expected])


def test_the_tutorials_limits_leave_its_48984_pixels() -> None:
    limit = np.radians(85)
    assert len(runner(nside=64, min_dec=-limit, max_dec=limit).pixels) == 48984


def test_a_scan_does_not_depend_on_threads_and_equal_seeds_are_equal_skies() -> None:
    sstr = runner(two_seasons)
    first = sstr.get_one_scan(3, seed=2, mp_cpus=1)
    np.testing.assert_array_equal(sstr.get_one_scan(3, seed=2, mp_cpus=2).values, first.values)
    trial = sstr.get_one_trial(3, seed=2)
    np.testing.assert_array_equal(sstr.get_one_scan_from_trial(trial).values, first.values)
    evss, n_exs = trial
    own = sstr.get_one_scan_from_trial((evss, n_exs))
    np.testing.assert_allclose(own.ts, first.ts, rtol=1e-6, atol=1e-5)


def test_the_fit_is_the_hottest_pixel() -> None:
    sstr = runner()
    scan, fit = sstr.get_one_scan(6, seed=5), sstr.get_one_fit(6, seed=5)
    best = int(np.argmax(scan.ts))
    assert fit.pixel == best
    assert np.asarray(fit).tolist()[1:4] == [scan.ts[best], scan.ns[best], scan.gamma[best]]
    assert (fit.ra, fit.dec) == (sstr.pixels.ra[best], sstr.pixels.dec[best])
    trials = sstr.get_many_fits(3, 6, seed=5)
    assert trials.dtype.names == ("mlog10p", "ts", "ns", "gamma", "ra", "dec")
    assert trials[0].tolist() == tuple(np.asarray(fit).tolist())
    assert trials.tobytes() == sstr.get_many_fits(3, 6, seed=5, mp_cpus=1).tobytes()


def test_logging_prints_cskys_lines_and_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    sstr = runner()
    quiet = sstr.get_one_scan(seed=1)
    assert capsys.readouterr().out == ""
    loud = sstr.get_one_scan(seed=1, mp_cpus=1, logging=True)
    out = capsys.readouterr().out
    assert out == f"Scanning {NPIX} locations using 1 cores:\n{NPIX}/{NPIX} coordinates complete.\n"
    np.testing.assert_array_equal(loud.values, quiet.values)


def test_with_a_fixed_gamma_the_map_has_three_rows() -> None:
    scan = runner(gamma=2.5).get_one_scan(5, seed=1)
    assert scan.shape == (3, NPIX)
    assert scan.provenance["gamma_fixed"] == 2.5
    assert set(scan.gamma[scan.ns > 0]) == {2.5}
    free = runner().get_one_scan(5, seed=1)
    assert (free.ts - scan.ts).min() > -1e-3, "a free gamma never fits worse"
    assert runner(energy=False).get_one_scan(5, seed=1).provenance["energy"] == "off"


@pytest.mark.parametrize("given", [TSD([1.0]), {0.0: TSD([1.0])}, np.ones(3), "p"])
def test_what_is_no_function_of_ts_is_refused_before_any_work(given: Any) -> None:
    with pytest.raises(TypeError, match=r"ts_to_p is a \w+: give a function of declination \(rad\) and TS"):
        runner(ts_to_p=given)


def test_ts_to_p_fills_the_p_values() -> None:
    def ts_to_p(dec: np.ndarray, ts: np.ndarray) -> np.ndarray:
        return np.exp(-ts / 2) * np.where(dec > 0, 1.0, 0.5)

    sstr = runner(ts_to_p=ts_to_p)
    scan = sstr.get_one_scan(8, seed=1)
    expected = -np.log10(ts_to_p(sstr.pixels.dec, scan.ts))
    np.testing.assert_allclose(scan.mlog10p, expected, atol=1e-12)
    assert scan.provenance["mlog10p_is_ts"] is False
    fit = sstr.get_one_fit(8, seed=1)
    assert fit.mlog10p == pytest.approx(expected[fit.pixel])
    assert not fit.mlog10p_is_ts
    assert sstr.get_many_fits(2, 8, seed=1)["mlog10p"][0] == pytest.approx(fit.mlog10p)
    with pytest.raises(ValueError, match=r"ts_to_p gave 3\.0"):
        runner(ts_to_p=lambda dec, ts: np.full(len(ts), 3.0)).get_one_scan(seed=1)


def test_several_sources_share_what_is_injected() -> None:
    sstr = runner(src=cy.sources([1.0, 4.0], [0.2, -0.6], weight=[1.0, 2.0]))
    trial = sstr.get_one_trial(400, seed=1)
    share = np.array([1.0, 2.0]) * one_season()[0].acceptance.for_flux(cy.hyp.PowerLawFlux(2))(np.array([0.2, -0.6]))
    near = np.count_nonzero(np.abs(trial.evss[0][1].ra - 1.0) < 1.0)
    expected = 400 * share[0] / share.sum()
    assert abs(near - expected) < 5 * np.sqrt(expected * (1 - expected / 400)) + 5


def test_signal_without_a_place_is_refused_and_says_how() -> None:
    sstr = runner(src=None)
    assert sstr.get_one_scan(seed=1).n_scanned == NPIX
    with pytest.raises(ValueError, match=r"needs a place: pass src=nusky\.sources"):
        sstr.get_one_scan(5)
    assert runner(src=None, inj_conf={"src": SRC}).get_one_trial(5).n_injected == 5


def test_fluxes_need_a_declination() -> None:
    sstr = runner()
    acceptance = one_season()[0].acceptance
    assert sstr.get_acc_total(gamma=2, dec=0.3) == pytest.approx(acceptance(0.3, 2.0))
    assert sstr.to_ns(sstr.to_E2dNdE(7, gamma=2, dec=0.3), gamma=2, dec=0.3) == pytest.approx(7)
    with pytest.raises(TypeError, match="pass dec="):
        sstr.get_acc_total(gamma=2)
    with pytest.raises(TypeError, match="pass gamma="):
        sstr.to_E2dNdE(7, dec=0.3)


def test_the_real_sky_is_recorded_in_map_and_fit() -> None:
    sstr = runner()
    scan = sstr.get_one_scan(TRUTH=True)
    assert scan.provenance["TRUTH"] is True
    assert "TRUTH" in repr(scan)
    assert sstr.get_one_fit(TRUTH=True).TRUTH


def test_the_extension_of_src_tr_is_given_to_every_position() -> None:
    width = np.radians(2.0)
    wide = runner(src_tr=cy.sources(0.0, 0.0, extension=width))
    assert wide.likelihood.extension == width
    assert runner(src_kw={"extension": width}).likelihood.extension == width
    with pytest.raises(ValueError, match="time window"):
        runner(src_tr=cy.sources(0.0, 0.0, mjd=57000.0, t_100=1.0))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"nside": 7}, ValueError, "power of two"),
        ({"nside": 8.5}, TypeError, "nside"),
        ({"nside": None}, ValueError, "needs nside="),
        ({"min_dec": 0.5, "max_dec": -0.5}, ValueError, "exchange them"),
        ({"max_dec": 85}, ValueError, r"np\.radians"),
        ({"min_dec": np.nan}, ValueError, "min_dec"),
        ({"pixmask": np.zeros(NPIX, dtype=bool)}, ValueError, "no pixel is left"),
        ({"gamma": 5.0}, ValueError, "outside the nodes"),
        ({"cut_n_sigma": -1}, ValueError, "cut_n_sigma"),
        ({"mp_cpus": -2}, ValueError, "mp_cpus"),
        ({"src": 5}, TypeError, r"nusky\.sources"),
    ],
)
def test_bad_settings_are_named_before_any_work(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        runner(**options)
