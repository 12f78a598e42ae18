"""The hottest spot after a spatial prior."""

from __future__ import annotations

import json
import pathlib
import pickle
from typing import Any

import healpy
import numpy as np
import pytest

import nusky as cy
from nusky.priors import SpatialPrior
from nusky.runners.spatial_prior import SpatialPriorTrialRunner
from nusky.trial.fit import Fit
from nusky.trial.status import Status
from seasons import one_season, two_seasons

NSIDE = 8
NPIX = 12 * NSIDE**2
VECTORS = np.array(healpy.pix2vec(NSIDE, np.arange(NPIX)))


def blob(ra: float, dec: float, width: float = 0.3, floor: float = 1e-4) -> np.ndarray:
    centre = healpy.ang2vec(np.pi / 2 - dec, ra)
    return np.maximum(floor, np.exp((centre @ VECTORS - 1) / width**2))


PRIOR = blob(3.0, 0.3)


def runner(priors: Any = PRIOR, analysis: Any = one_season, **options: Any) -> SpatialPriorTrialRunner:
    return cy.get_spatial_prior_trial_runner(**({"ana": analysis(), "llh_priors": priors} | options))


# The fit


@pytest.mark.parametrize("n_sig", [0, 5, 15])
@pytest.mark.parametrize("weight", [1.0, 2.0])
def test_the_fit_is_the_largest_ts_plus_prior_term(n_sig: int, weight: float) -> None:
    sptr = runner(analysis=two_seasons, prior_weight=weight)
    for seed in range(4):
        fit = sptr.get_one_fit(n_sig, seed=seed)
        scan = sptr.get_one_scan(n_sig, seed=seed)
        total = scan.ts + weight * np.log(PRIOR / PRIOR.max())
        best = int(np.argmax(total))
        assert fit.pixel == best
        assert fit.ts_raw == pytest.approx(total[best], abs=1e-10)
        assert fit.ts == max(0.0, fit.ts_raw)
        assert fit.ns == scan.ns[best]
        assert (fit.ra, fit.dec) == (sptr.pixels.ra[best], sptr.pixels.dec[best])
        assert fit.prior_policy == {"weight": weight, "zero": "exclude", "regrade": None, "frame": "equatorial"}


def test_results_say_where_the_map_came_from_and_what_was_done_to_it(tmp_path: pathlib.Path) -> None:
    galactic = PRIOR.copy()
    galactic[:3] = -1e-9
    path = tmp_path / "gal.fits"
    healpy.write_map(path, galactic, coord="G", column_names=["PROB"], dtype=np.float64)
    nside = healpy.npix2nside(PRIOR.size)
    sptr = runner(cy.read_sky_map(path), prior_policy=cy.PriorPolicy(weight=1.0, regrade=nside // 2))
    fit = sptr.get_one_fit(seed=1)
    assert fit.prior_policy == {"weight": 1.0, "zero": "exclude", "regrade": nside // 2, "frame": "equatorial"}
    assert fit.prior_map is not None
    said = {"source": f"{path}[1]", "kind": "probability", "frame": "galactic", "repaired": {"negative": 3}}
    assert {name: fit.prior_map[name] for name in said} == said
    fit.save(tmp_path / "fit.json")
    assert Fit.read(tmp_path / "fit.json").prior_map == fit.prior_map
    scan = sptr.get_one_scan(seed=1)
    scan.save(tmp_path / "scan.fits")
    assert cy.SkyScan.read(tmp_path / "scan.fits").provenance["prior_maps"] == [fit.prior_map]
    where = sptr.get_localization(sptr.get_one_trial(10, seed=1), nside=nside)
    assert where.provenance["prior_maps"] == [fit.prior_map]
    # where the file lies is no part of what decides the numbers
    again = runner(SpatialPrior(sptr.priors[0].probability, policy=sptr.priors[0].policy))
    assert again.config_hash == sptr.config_hash
    assert again.get_one_fit(seed=1).prior_map is None


def test_the_prior_term_is_a_full_map_for_each_prior() -> None:
    sptr = runner([PRIOR, blob(1.0, -0.5)], min_dec=-1.0, max_dec=1.0)
    assert len(sptr.llh_prior_term) == 2
    assert sptr.llh_prior_term[0].shape == (NPIX,)
    np.testing.assert_allclose(sptr.llh_prior_term[0], 2 * np.log(PRIOR / PRIOR.max()), atol=1e-12)


def test_logging_fits_the_whole_map_and_gives_the_same_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    sptr = runner()
    quiet = sptr.get_one_fit(5, seed=1, mp_cpus=1)
    loud = sptr.get_one_fit(5, seed=1, mp_cpus=1, logging=True)
    assert np.asarray(quiet).tobytes() == np.asarray(loud).tobytes()
    assert (quiet.pixel, quiet.ts_raw, quiet.status) == (loud.pixel, loud.ts_raw, loud.status)
    out = capsys.readouterr().out
    assert out == f"Scanning {NPIX} locations using 1 cores:\n{NPIX}/{NPIX} coordinates complete.\n"


@pytest.mark.parametrize("kind", ["one pixel", "narrow", "wide", "flat", "zeros"])
def test_the_search_without_a_map_finds_what_the_map_shows_to_the_last_bit(kind: str) -> None:
    one = np.zeros(NPIX)
    one[200] = 1.0
    half = PRIOR.copy()
    half[::2] = 0.0
    maps = {"one pixel": one, "narrow": blob(3.0, 0.3, 0.1, 0.0), "wide": blob(3.0, 0.3, 1.0), "flat": np.ones(NPIX)}
    prior = {**maps, "zeros": half}[kind]
    sptr = runner(prior, analysis=two_seasons)
    n_sig = 6
    trials = sptr.get_many_fits(12, n_sig, seed=9)
    for j, row in enumerate(trials):
        scan = sptr.get_one_scan_from_trial(sptr.draw_trial(9, j, float(n_sig), False))
        total = np.where(scan.scanned, scan.ts + sptr.llh_prior_term[0], -np.inf)
        best = int(np.argmax(total))
        assert row["ts"] == max(0.0, total[best])
        assert row["ns"] == scan.ns[best]
        assert (row["ra"], row["dec"]) == tuple(
            np.array([sptr.pixels.ra, sptr.pixels.dec])[:, np.searchsorted(sptr.pixels.pixels, best)]
        )


def test_of_equal_pixels_the_first_wins() -> None:
    flat = np.zeros(NPIX)
    flat[[5, 400, 700]] = 1.0
    sptr = runner(flat, gamma=1.0)
    for seed in range(30):
        fit = sptr.get_one_fit(seed=seed)
        if fit.ts == 0:
            assert fit.pixel == 5
            return
    pytest.fail("no trial without any excess")


def test_excluded_pixels_are_not_scanned_and_cannot_win_and_a_floor_lets_them() -> None:
    half = PRIOR.copy()
    north = VECTORS[2] > 0
    half[north] = 0.0
    sptr = runner(half)
    assert len(sptr.pixels) == np.count_nonzero(~north)
    assert np.isneginf(sptr.llh_prior_term[0][north]).all()
    assert not any(VECTORS[2][sptr.get_one_fit(seed=seed).pixel] > 0 for seed in range(10))
    floored = runner(half, prior_zero="floor")
    assert len(floored.pixels) == NPIX
    assert np.isfinite(floored.llh_prior_term[0]).all()
    assert floored.get_one_fit(seed=1).prior_policy["zero"] == "floor"  # type: ignore[index]


def test_nothing_to_fit_is_a_result_at_the_priors_maximum() -> None:
    two = [np.zeros(NPIX), np.zeros(NPIX)]
    two[0][10], two[1][NPIX - 10] = 1.0, 1.0
    sptr = runner(two, max_dec=-0.1)  # the first prior lies outside
    fit = sptr.get_one_fit(seed=1)
    assert fit.per_prior is not None
    nothing = fit.per_prior[0]
    assert nothing["status"] == Status.NOT_SCANNED
    assert nothing["ts"] == 0
    assert nothing["ns"] == 0
    assert nothing["ts_raw"] == -np.inf
    assert nothing["pixel"] == 10
    assert (nothing["ra"], nothing["dec"]) == tuple(
        x for theta, phi in [healpy.pix2ang(NSIDE, 10)] for x in (phi, np.pi / 2 - theta)
    )
    assert fit.prior == 1
    from nusky.pixels import PixelSet

    empty = SpatialPriorTrialRunner(
        analysis=one_season(),
        priors=sptr.priors[:1],
        pixels=PixelSet(NSIDE, np.empty(0, dtype=int)),
        allowed=sptr.allowed,
    )
    fit = empty.get_one_fit(seed=1)
    assert (fit.ts, fit.ns, fit.status, fit.pixel, fit.n_scanned) == (0.0, 0.0, Status.NOT_SCANNED, 10, 0)
    assert np.isnan(fit.gamma)
    assert empty.get_one_fit(seed=1, logging=True).pixel == 10
    assert empty.get_many_fits(2, seed=1).ts.tolist() == [0.0, 0.0]


def test_several_priors_have_a_best_fit_each_and_the_trial_takes_the_largest() -> None:
    maps = [PRIOR, blob(1.0, -0.5), np.ones(NPIX)]
    together = runner(maps)
    trial = together.get_one_trial(seed=2)
    fit = together.get_one_fit_from_trial(trial)
    assert fit.per_prior is not None
    for j, one in enumerate(maps):
        single = runner(one).get_one_fit_from_trial(trial)
        row = fit.per_prior[j]
        assert (row["pixel"], row["ts_raw"], row["ns"], row["prior"]) == (single.pixel, single.ts_raw, single.ns, j)
    assert fit.ts_raw == fit.per_prior["ts_raw"].max()
    assert fit.prior == 2, "a flat prior never loses"
    assert together.get_many_fits(1, seed=2)[0].tolist() == tuple(np.asarray(fit).tolist())


def test_a_trial_and_a_scan_of_a_sky_scan_runner_agree_with_it() -> None:
    sptr = runner()
    sstr = cy.get_sky_scan_trial_runner(ana=one_season(), nside=NSIDE)
    trial = sptr.get_one_trial(8, seed=3)
    np.testing.assert_array_equal(
        sstr.get_one_scan_from_trial(trial).values, sptr.get_one_scan_from_trial(trial).values
    )


# Trials


def test_the_same_seed_is_the_same_trial_everywhere() -> None:
    sptr = runner(analysis=two_seasons)
    fit = sptr.get_one_fit(6, seed=4)
    assert np.asarray(sptr.get_one_fit_from_trial(sptr.get_one_trial(6, seed=4))).tobytes() == np.asarray(fit).tobytes()
    assert sptr.get_many_fits(3, 6, seed=4)[0].tolist() == tuple(np.asarray(fit).tolist())


def test_many_fits_do_not_depend_on_threads_or_batches() -> None:
    sptr = runner(analysis=two_seasons)
    whole = sptr.get_many_fits(8, 4, poisson=True, seed=5, mp_cpus=1)
    assert whole.dtype.names == ("mlog10p", "ts", "ns", "gamma", "ra", "dec")
    assert sptr.get_many_fits(8, 4, poisson=True, seed=5, mp_cpus=2).tobytes() == whole.tobytes()
    assert sptr.get_many_fits(3, 4, poisson=True, seed=5, first_trial=5).tobytes() == whole[5:].tobytes()
    assert pickle.loads(pickle.dumps(sptr)).get_many_fits(8, 4, poisson=True, seed=5).tobytes() == whole.tobytes()


def test_sources_sit_on_pixel_centres_drawn_from_the_prior() -> None:
    sptr = runner(min_dec=-0.2, max_dec=0.8)
    for seed in range(20):
        trial = sptr.get_one_trial(3, seed=seed)
        pixel = healpy.ang2pix(NSIDE, np.pi / 2 - trial.dec[0], trial.ra[0])
        theta, phi = healpy.pix2ang(NSIDE, pixel)
        assert (trial.ra[0], trial.dec[0]) == (phi, np.pi / 2 - theta)
        assert -0.2 <= trial.dec[0] <= 0.8
    assert len(sptr.get_one_trial(0, seed=1).ra) == 0
    assert "SpatialPriorTrial(evss=[[Events(6000 items" in repr(trial)


def test_sources_can_be_drawn_from_another_prior_and_anywhere_in_the_pixel() -> None:
    far = np.zeros(NPIX)
    far[600] = 1.0
    sptr = runner(inj_conf={"priors": far, "in_pixel": True})
    trials = [sptr.get_one_trial(1, seed=seed) for seed in range(5)]
    pixels = [healpy.ang2pix(NSIDE, np.pi / 2 - t.dec[0], t.ra[0]) for t in trials]
    assert pixels == [600] * 5
    assert len({float(t.ra[0]) for t in trials}) == 5
    assert sptr.config_hash != runner().config_hash


def test_containment_limits_the_fit_and_not_where_sources_are() -> None:
    sptr = runner(blob(3.0, 0.3, 0.3, 0.0), containment=0.5)
    assert len(sptr.pixels) < 200
    assert sptr.allowed is not None
    assert len(sptr.allowed) == NPIX
    scanned = set(sptr.pixels)
    drawn = [
        int(healpy.ang2pix(NSIDE, np.pi / 2 - t.dec[0], t.ra[0]))
        for t in (sptr.get_one_trial(1, seed=s) for s in range(200))
    ]
    inside = np.mean([pixel in scanned for pixel in drawn])
    assert 0.3 < inside < 0.7


def test_the_real_sky_is_recorded() -> None:
    fit = runner().get_one_fit(TRUTH=True)
    assert fit.TRUTH
    assert fit.seed is None
    assert "TRUTH" in repr(fit)


# Results


def test_the_result_is_kept_in_a_file(tmp_path: pathlib.Path) -> None:
    fit = runner([PRIOR, PRIOR]).get_one_fit(5, seed=1)
    fit.save(tmp_path / "fit.json")
    again = Fit.read(tmp_path / "fit.json")
    assert np.asarray(again).tobytes() == np.asarray(fit).tobytes()
    assert again.config_hash == runner([PRIOR, PRIOR]).config_hash
    assert again.as_dict() == fit.as_dict()


def test_config_names_priors_and_policy() -> None:
    base = runner()
    text = json.dumps(base.config(), allow_nan=False)
    assert base.priors[0].content_hash in text
    for other in (runner(blob(1.0, 0.0)), runner(prior_weight=1.0), runner(max_dec=1.0), runner(analysis=two_seasons)):
        assert other.config_hash != base.config_hash
    assert runner(4 * PRIOR).config_hash == base.config_hash, "the scale of a map does not matter"


def test_with_a_fixed_gamma_the_result_has_five_numbers() -> None:
    sptr = runner(gamma=2.0)
    fit = sptr.get_one_fit(5, seed=1)
    assert len(fit) == 5
    assert fit.gamma_fixed == 2.0
    assert fit[-2:].tolist() == [fit.ra, fit.dec]
    assert sptr.get_many_fits(2, seed=1).dtype.names == ("mlog10p", "ts", "ns", "ra", "dec")
    assert sptr.get_one_scan(seed=1).shape == (3, NPIX)


# Counts and fluxes


def test_fluxes_use_the_acceptance_averaged_over_the_prior() -> None:
    sptr = runner(analysis=two_seasons, min_dec=-1.2, max_dec=1.2)
    dec = sptr.pixels.dec
    p = PRIOR[sptr.pixels.pixels] / PRIOR[sptr.pixels.pixels].sum()
    expected = sum(p @ season.acceptance(dec, 2.0) for season in two_seasons())
    assert sptr.get_acc_total(gamma=2) == pytest.approx(expected, rel=1e-12)
    assert sptr.to_E2dNdE(20, E0=100, unit=1e3, gamma=2) == pytest.approx(20 / expected / 1e3)
    assert sptr.to_ns(1e-11, E0=100, unit=1e3, gamma=2) == pytest.approx(1e-11 * 1e3 * expected)


def test_the_flux_of_several_priors_is_that_of_each_object() -> None:
    other = blob(1.0, -0.5)
    both = runner([PRIOR, other]).get_acc_total(gamma=2)
    assert both == pytest.approx(runner().get_acc_total(gamma=2) + runner(other).get_acc_total(gamma=2))


def test_without_a_spectrum_the_error_names_gamma() -> None:
    with pytest.raises(TypeError, match=r"to_E2dNdE needs the spectrum: pass gamma="):
        runner().to_E2dNdE(20, E0=100, unit=1e3)


@pytest.mark.parametrize("by", ["flux", "fluence"])
def test_a_flux_injects_on_average_what_it_says(by: str) -> None:
    sptr = runner(inj_conf={"by": by})
    flux = sptr.to_E2dNdE(12, gamma=2)
    mean = sptr.to_ns(flux, gamma=2)
    counts = [sptr.get_one_trial(mean, poisson=True, seed=seed).n_injected for seed in range(300)]
    assert np.mean(counts) == pytest.approx(12, abs=5 * np.std(counts) / np.sqrt(300))


# Refused


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"llh_priors": np.ones(NPIX - 1)}, ValueError, r"llh_priors\[0\]"),
        ({"llh_priors": np.zeros(NPIX)}, ValueError, "no value is larger than 0"),
        ({"llh_priors": np.full(NPIX, np.nan)}, ValueError, "no value is larger than 0"),
        ({"llh_priors": [np.ones(NPIX), np.ones(12)]}, ValueError, "different nside"),
        ({"llh_priors": None}, ValueError, "needs llh_priors="),
        ({"llh_priors": []}, ValueError, "empty"),
        ({"nside": 16}, ValueError, "nside=16 but the priors have nside 8"),
        ({"min_dec": 0.5, "max_dec": -0.5}, ValueError, "exchange them"),
        ({"prior_weight": -1.0}, ValueError, "weight"),
        ({"prior_zero": "ignore"}, ValueError, "zero='ignore'"),
        ({"containment": 90}, ValueError, "containment"),
        ({"gamma": 0.5}, ValueError, "outside the nodes"),
        ({"llh_priors": np.ones(12 * 48**2)}, ValueError, "nearest is 12288"),
        ({"nside": 7}, ValueError, "nside=7 is not a power of two"),
        ({"containment": "0.9"}, TypeError, "containment must be a number"),
        ({"containment": True}, TypeError, "containment: expected a number"),
        ({"refine": 4}, ValueError, "nside=4 is not finer than the scan's 8; give 32"),
        ({"refine": 8}, ValueError, "nside=8 is not finer"),
        ({"inj_conf": {"in_pixel": "yes"}}, TypeError, "in_pixel must be True or False"),
        ({"inj_conf": {"by": "events"}}, ValueError, "by='events' is not known"),
        ({"inj_conf": {"extension": 5}}, ValueError, "extension=5 must be in"),
        (
            {"inj_conf": {"priors": PRIOR * (VECTORS[2] > 0.5)}, "max_dec": 0.0},
            ValueError,
            r"injection_priors\[0\] is zero",
        ),
        ({"inj_conf": {"src": cy.sources(1.0, 0.0)}}, ValueError, "drawn from the priors"),
        ({"inj_conf": {"priors": np.zeros(NPIX)}}, ValueError, "no value is larger than 0"),
        ({"prior_policy": cy.PriorPolicy(), "prior_weight": 1.0}, TypeError, "not both"),
    ],
)
def test_bad_settings_are_named_before_any_work(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        runner(**{"priors": options.pop("llh_priors", PRIOR), **options})


def test_priors_and_pixels_of_different_resolution_do_not_mix() -> None:
    with pytest.raises(ValueError, match=r"priors\[0\] has nside 1, its pixels nside 8"):
        SpatialPriorTrialRunner(
            analysis=one_season(), priors=(SpatialPrior(np.ones(12)),), pixels=cy.select_pixels(NSIDE)
        )


def test_nested_maps_and_objects_with_a_map_are_accepted() -> None:
    from types import SimpleNamespace

    nested = healpy.reorder(PRIOR, r2n=True)
    base = runner()
    assert runner(nested, nest=True).priors[0].content_hash == base.priors[0].content_hash
    assert runner(SimpleNamespace(map=PRIOR)).priors[0].content_hash == base.priors[0].content_hash
    in_source = cy.get_spatial_prior_trial_runner(ana=one_season(), src_tr=cy.sources(0.0, 0.0, prior=PRIOR))
    assert in_source.priors[0].content_hash == base.priors[0].content_hash
