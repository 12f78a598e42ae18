"""Refined fits: the hottest spots, looked at again with finer pixels."""

from __future__ import annotations

import json
import pathlib
import pickle
from typing import Any

import healpy
import numpy as np
import pytest

import nusky as cy
from nusky.events import Events
from nusky.hotspots.finder import separate_spots
from nusky.pixels import PixelSet, children_of, full_sky, select_pixels
from nusky.pixels.refinement import Refinement, neighbourhood
from nusky.sphere.rotation import separation
from nusky.trial.fit import Fit
from nusky.trial.trial import Trial
from seasons import one_season, two_seasons

NSIDE = 8
SKY = full_sky(NSIDE)
VECTORS = np.array(healpy.pix2vec(NSIDE, SKY.pixels))


def blob(ra: float, dec: float, width: float = 0.4, floor: float = 1e-5) -> np.ndarray:
    return np.maximum(floor, np.exp((healpy.ang2vec(np.pi / 2 - dec, ra) @ VECTORS - 1) / width**2))


def priors(**options: Any) -> Any:
    given = {"ana": two_seasons(), "llh_priors": blob(3.0, 0.3)} | options
    return cy.get_spatial_prior_trial_runner(**given)


def by_hand(runner: Any, trial: Trial, nside: int, prior: int = 0) -> tuple[float, int, int]:
    """Value, nside and pixel of the refined fit, from plain scans of every level."""
    scan = runner.get_one_scan_from_trial(trial)
    total = np.where(scan.scanned, scan.ts + runner.llh_prior_term[prior], -np.inf)
    best = (float(total.max()), NSIDE, int(total.argmax()))
    level, pixel = NSIDE, best[2]
    while level < nside:
        finer = min(nside, 4 * level)
        children = children_of(PixelSet(level, neighbourhood(level, [pixel])), finer)
        parent = healpy.ang2pix(NSIDE, np.pi / 2 - children.dec, children.ra)
        fine = cy.get_sky_scan_trial_runner(ana=runner.analysis, nside=finer, pixmask=children)
        value = fine.get_one_scan_from_trial(trial).ts[children.pixels] + runner.llh_prior_term[prior][parent]
        value[~np.isin(parent, runner.pixels.pixels)] = -np.inf
        i = int(value.argmax())
        level, pixel = finer, int(children.pixels[i])
        if value[i] > best[0]:
            best = (float(value[i]), level, pixel)
    return best


@pytest.mark.parametrize("nside", [16, 32, 64])
@pytest.mark.parametrize("n_sig", [0, 12])
def test_a_refined_fit_is_the_largest_value_on_the_way_to_the_finest_pixels(nside: int, n_sig: int) -> None:
    runner = priors(refine=nside)
    for seed in range(3):
        trial = runner.get_one_trial(n_sig, seed=seed)
        fit = runner.get_one_fit_from_trial(trial)
        value, level, pixel = by_hand(runner, trial, nside)
        assert fit.ts_raw == pytest.approx(value, rel=1e-6, abs=1e-5)
        assert (fit.nside, fit.pixel) == (level, pixel)
        theta, phi = healpy.pix2ang(level, pixel)
        assert (fit.ra, fit.dec) == (phi, np.pi / 2 - theta)
        assert fit.per_prior is not None
        assert fit.per_prior[0]["nside"] == level
        assert fit.ts_raw >= priors().get_one_fit_from_trial(trial).ts_raw


def test_refining_never_leaves_the_pixels_of_the_scan() -> None:
    hole = blob(3.0, 0.3)
    inside = SKY.dec > 0.35
    hole[inside] = 0.0
    runner = priors(llh_priors=hole, refine=64, max_dec=0.6, inj_conf={"priors": np.where(inside, blob(3.0, 0.45), 0)})
    for seed in range(6):
        fit = runner.get_one_fit(15, seed=seed)
        assert fit.nside is not None
        assert healpy.ang2pix(NSIDE, np.pi / 2 - fit.dec, fit.ra) in set(runner.pixels)


def test_a_source_between_pixel_centres_is_found_where_it_is() -> None:
    where = healpy.boundaries(32, 5000)[:, 0]  # a corner, as far from every centre as can be
    ra, dec = float(np.arctan2(where[1], where[0])) % (2 * np.pi), float(np.arcsin(where[2]))
    src = cy.sources(ra, dec)
    options: dict[str, Any] = {"ana": two_seasons(), "nside": 32, "cone": (ra, dec, 0.3), "src": src}
    plain = cy.get_sky_scan_trial_runner(**options)
    fine = cy.get_sky_scan_trial_runner(**options, refine=512)
    point = cy.get_trial_runner(ana=two_seasons(), src=src)
    away = []
    for seed in range(5):
        trial = fine.get_one_trial(30, seed=seed)
        fit, coarse = fine.get_one_fit_from_trial(trial), plain.get_one_fit_from_trial(trial)
        away.append([float(separation(f.ra, f.dec, ra, dec)) for f in (fit, coarse)])
        assert fit.ts >= point.get_one_fit_from_trial(trial).ts - 0.5, "the best position is no worse than the true one"
    assert np.degrees(np.median(away, axis=0)[0]) < 0.5
    assert np.degrees(np.median(away, axis=0)[1]) > 1.0


def near(ra: float, dec: float, n: int, seed: int, log10energy: float = 4.5) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    sigma = np.full(n, np.radians(2.5))
    return {
        "ra": ra + 0.004 * rng.normal(size=n),
        "dec": dec + 0.004 * rng.normal(size=n),
        "sigma": sigma,
        "log10energy": np.full(n, log10energy),
    }


def test_a_second_spot_that_the_grid_hides_is_found_when_it_is_looked_at() -> None:
    sky = full_sky(16)
    on_centre = float(sky.ra[1200]), float(sky.dec[1200])
    where = healpy.boundaries(16, 900)[:, 0]
    between = float(np.arctan2(where[1], where[0])) % (2 * np.pi), float(np.arcsin(where[2]))
    background = cy.get_sky_scan_trial_runner(ana=one_season(), nside=NSIDE).get_one_trial(seed=1).evss[0][0]
    parts = [near(*on_centre, 9, 1, 4.55), near(*between, 8, 2)]
    signal = Events({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    trial = Trial.from_events([[background, signal]])
    found = {}
    for spots in (1, 4):
        refine = Refinement(nside=128, spots=spots)
        runner = cy.get_sky_scan_trial_runner(ana=one_season(), nside=16, refine=refine)
        found[spots] = runner.get_one_fit_from_trial(trial)
    assert separation(found[1].ra, found[1].dec, *on_centre) < 0.06
    assert separation(found[4].ra, found[4].dec, *between) < 0.06
    assert found[4].ts > found[1].ts + 3


def test_separate_spots_are_the_hottest_ones_apart_from_each_other() -> None:
    values = np.full(SKY.npix, -np.inf)
    values[[300, 301, 500, 20]] = 5.0, 4.9, 4.0, -1.0
    sides = np.full(SKY.npix, NSIDE)
    assert separate_spots(SKY.ra, SKY.dec, sides, values, 3, 1) == [300, 500, 20]
    assert separate_spots(SKY.ra, SKY.dec, sides, values, 10, 1) == [300, 500, 20], "no more than there are"
    assert separate_spots(SKY.ra, SKY.dec, sides, values, 1, 1) == [300]


def test_each_prior_of_several_is_refined_on_its_own() -> None:
    maps = [blob(3.0, 0.3), blob(1.0, -0.5, 0.2), np.ones(SKY.npix)]
    together = priors(llh_priors=maps, refine=64)
    trial = together.get_one_trial(10, seed=2)
    table = together.get_one_fit_from_trial(trial).per_prior
    assert table is not None
    for j, one in enumerate(maps):
        single = priors(llh_priors=one, refine=64).get_one_fit_from_trial(trial)
        assert (table[j]["pixel"], table[j]["nside"]) == (single.pixel, single.nside)
        assert table[j]["ts_raw"] == single.ts_raw


def test_a_prior_outside_the_pixels_stays_unfitted() -> None:
    south = np.where(SKY.dec < -1.0, 1.0, 0.0)
    table = priors(llh_priors=[blob(3.0, 0.3), south], min_dec=0.0, refine=64).get_one_fit(seed=1).per_prior
    assert table is not None
    assert table["status"].tolist()[1] == cy.Status.NOT_SCANNED
    assert table[1]["nside"] == NSIDE


def test_refined_trials_are_the_same_everywhere_and_say_so(tmp_path: pathlib.Path) -> None:
    runner = priors(refine=32)
    fit = runner.get_one_fit(5, seed=4)
    assert fit.refine == {"nside": 32, "spots": 1, "rings": 1}
    assert "refined to nside 32" in repr(fit)
    fit.save(tmp_path / "fit.json")
    assert Fit.read(tmp_path / "fit.json").as_dict() == fit.as_dict()
    whole = runner.get_many_fits(4, 5, seed=4, mp_cpus=1)
    assert whole[0].tolist() == tuple(np.asarray(fit).tolist())
    assert runner.get_many_fits(4, 5, seed=4, mp_cpus=2).tobytes() == whole.tobytes()
    assert pickle.loads(pickle.dumps(runner)).get_many_fits(4, 5, seed=4).tobytes() == whole.tobytes()
    assert json.loads(json.dumps(runner.config()))["refine"] == fit.refine
    assert runner.config_hash != priors().config_hash
    assert priors().get_one_fit(seed=1).refine is None


def test_refining_with_progress_lines_gives_the_same_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    runner = priors(refine=32)
    quiet, loud = runner.get_one_fit(5, seed=1), runner.get_one_fit(5, seed=1, logging=True)
    assert np.asarray(quiet).tobytes() == np.asarray(loud).tobytes()
    assert capsys.readouterr().out.startswith(f"Scanning {SKY.npix} locations")


def test_more_spots_never_lower_the_result() -> None:
    one, four = priors(refine=Refinement(32)), priors(refine=Refinement(32, spots=4))
    for seed in range(4):
        trial = one.get_one_trial(seed=seed)
        assert four.get_one_fit_from_trial(trial).ts_raw >= one.get_one_fit_from_trial(trial).ts_raw


def test_csky_s_name_for_it_is_known() -> None:
    assert priors(refine_max=True).refine == Refinement(1024)
    assert priors(refine_max=False).refine is None
    with pytest.raises(TypeError, match="not both"):
        priors(refine_max=True, refine=64)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (100, ValueError, "refine: nside=100 is not a power of two"),
        ("fine", TypeError, "refine: nside: expected an integer"),
        (0.5, TypeError, "refine: nside"),
        ({"nside": 64}, TypeError, "refine: nside"),
    ],
)
def test_a_refinement_that_makes_no_sense_is_refused(value: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        priors(refine=value)


@pytest.mark.parametrize("bad", [{"spots": 0}, {"spots": 1.5}, {"rings": -1}, {"rings": 11}, {"spots": True}])
def test_options_of_a_refinement_are_checked(bad: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError), match=f"refine: {next(iter(bad))}"):
        Refinement(**bad)


def test_the_finer_pixels_have_the_values_they_have_in_any_scan() -> None:
    trials = [priors(inj_conf={"in_pixel": True}).get_one_trial(10, seed=seed) for seed in range(8)]
    fits = [priors(refine=32).get_one_fit_from_trial(trial) for trial in trials]
    trial, fit = next((t, f) for t, f in zip(trials, fits, strict=True) if f.nside == 32)
    assert fit.pixel is not None
    some = select_pixels(32, pixmask=[fit.pixel])
    scan = cy.get_sky_scan_trial_runner(ana=two_seasons(), nside=32, pixmask=some).get_one_scan_from_trial(trial)
    parent = healpy.ang2pix(NSIDE, np.pi / 2 - fit.dec, fit.ra)
    total = scan.ts[fit.pixel] + priors().llh_prior_term[0][parent]
    assert fit.ts_raw == pytest.approx(total, rel=1e-6, abs=1e-5)
