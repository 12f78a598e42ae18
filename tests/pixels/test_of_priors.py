"""Pixels of a search with priors: all limits together, and cells that follow the prior."""

from __future__ import annotations

import json
import pathlib
import pickle
from typing import Any

import healpy
import numpy as np
import pytest

import nusky as cy
from nusky.executors.spec import read_spec, write_spec
from nusky.maps.multiorder import MultiOrderMap
from nusky.maps.skymap import SkyMap
from nusky.pixels import full_sky, select_pixels
from nusky.pixels.multi_order import MultiOrderPixels, follow_prior
from nusky.pixels.of_priors import prior_pixels
from nusky.priors import SpatialPrior
from nusky.trial.fit import Fit
from seasons import one_season, two_seasons

NSIDE = 32
SKY = full_sky(NSIDE)
VECTORS = np.array(healpy.pix2vec(NSIDE, SKY.pixels))
PEAK = (3.0, 0.3)


def blob(width: float = 0.1, floor: float = 0.0) -> np.ndarray:
    return np.maximum(floor, np.exp((healpy.ang2vec(np.pi / 2 - PEAK[1], PEAK[0]) @ VECTORS - 1) / width**2))


PRIOR = blob()


def runner(**options: Any) -> Any:
    return cy.get_spatial_prior_trial_runner(**({"ana": two_seasons(), "llh_priors": PRIOR} | options))


# Limits of a flat set


def test_all_limits_work_together_and_are_counted_before_anything_runs(capsys: pytest.CaptureFixture[str]) -> None:
    mask = SKY.ra > 2.9
    found = runner(
        min_dec=0.0,
        max_dec=0.8,
        pixmask=mask,
        cone=(*PEAK, 0.3),
        containment=0.95,
        prior_floor=1e-3,
        logging=True,
    )
    out = capsys.readouterr().out
    assert out == found.pixels.describe() + "\n"
    assert out.splitlines()[0].endswith("(exact)")
    for rule in ("deg", "pixmask", "within", "prior > 0", "95 % containment", "p >= 0.001 p_max"):
        assert rule in out
    counts = [int(line.split()[0]) for line in out.splitlines()]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == len(found.pixels)
    by_hand = (
        (SKY.dec >= 0)
        & (SKY.dec <= 0.8)
        & mask
        & (np.arccos(np.clip(healpy.ang2vec(np.pi / 2 - PEAK[1], PEAK[0]) @ VECTORS, -1, 1)) <= 0.3)
        & (PRIOR / PRIOR.max() >= 1e-3)
    )
    along = np.argsort(-PRIOR)
    top = along[: np.searchsorted(np.cumsum(PRIOR[along]) / PRIOR.sum(), 0.95) + 1]
    by_hand &= np.isin(SKY.pixels, top)
    np.testing.assert_array_equal(found.pixels.pixels, np.flatnonzero(by_hand))
    fit = found.get_one_fit(5, seed=1)
    assert fit.pixel in set(found.pixels)
    assert fit.n_scanned == len(found.pixels)


def test_limits_that_leave_nothing_are_refused_with_the_count_of_each() -> None:
    with pytest.raises(ValueError, match=r"(?s)no pixel is left after .*12288  nside 32, full sky"):
        runner(max_dec=-0.5, containment=0.9)
    half = np.where(SKY.dec > 0, 1.0, 0.0)
    with pytest.raises(ValueError, match="the prior is zero in every allowed pixel"):
        runner(llh_priors=half, max_dec=-0.1)


def test_a_finished_set_of_pixels_is_taken_as_it_is() -> None:
    some = select_pixels(NSIDE, cone=(*PEAK, 0.1))
    assert runner(pixels=some).pixels == some
    with pytest.raises(ValueError, match="so containment cannot be applied to it"):
        runner(pixels=some, containment=0.9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pixels": "fine"}, "pixels='fine' is not known"),
        ({"min_nside": 16}, "belong to pixels='prior'"),
        ({"pixels": "prior", "llh_priors": [PRIOR, PRIOR]}, "follows one prior, but there are 2"),
        ({"pixels": "prior", "min_nside": 48}, "min_nside=48 is not a power of two"),
        ({"pixels": "prior", "min_nside": 64, "max_nside": 16}, "exchange them"),
        ({"pixels": "prior", "prior_floor": 3.0}, "prior_floor=3.0"),
        ({"pixels": "prior", "containment": 90}, "containment=90"),
        ({"pixels": "prior", "cone": (0.0, -1.2, 0.1), "containment": 0.5}, "no cell is left"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        runner(**options)


# Cells that follow the prior


def test_cells_are_fine_where_the_prior_is_and_limits_apply_to_them() -> None:
    cells = runner(pixels="prior", min_nside=8).pixels
    assert isinstance(cells, MultiOrderPixels)
    assert [part.nside for part in cells.parts] == [8, 16, 32]
    away = np.arccos(
        healpy.ang2vec(np.pi / 2 - PEAK[1], PEAK[0]) @ np.array(healpy.ang2vec(np.pi / 2 - cells.dec, cells.ra)).T
    )
    assert away[cells.nsides == 32].max() < away[cells.nsides == 8].min() + 0.2
    limited = runner(pixels="prior", min_nside=8, cone=(*PEAK, 0.3), prior_floor=1e-4, pixmask=SKY.ra < 3.1)
    kept = limited.pixels
    assert 0 < len(kept) < len(cells)
    assert (kept.ra < 3.15).all()
    assert (kept.log_ratio >= np.log(1e-4)).all()
    assert "pixmask and within" in kept.describe()


def test_where_all_cells_have_one_size_the_search_is_the_flat_one() -> None:
    flat, cells = runner(), runner(pixels="prior", min_nside=NSIDE)
    assert len(cells.pixels) == len(flat.pixels)
    for seed in range(3):
        trial = flat.get_one_trial(6, seed=seed)
        a, b = flat.get_one_fit_from_trial(trial), cells.get_one_fit_from_trial(trial)
        assert (a.pixel, a.nside) == (b.pixel, b.nside)
        assert a.ts_raw == pytest.approx(b.ts_raw, rel=1e-6, abs=1e-5)


def test_the_fit_of_cells_is_the_best_of_their_scan() -> None:
    search = runner(pixels="prior", min_nside=8, llh_priors=blob(0.1, 1e-6))
    cells = search.pixels
    for n_sig, seed in ((0, 1), (10, 2)):
        trial = search.get_one_trial(n_sig, seed=seed)
        fit = search.get_one_fit_from_trial(trial)
        scan = search.get_one_scan_from_trial(trial)
        assert scan.nside == NSIDE
        assert scan.n_scanned == SKY.npix, "every cell is spread over its area"
        at = healpy.ang2pix(NSIDE, np.pi / 2 - cells.dec, cells.ra)
        total = scan.ts[at] + cells.term()
        best = int(np.argmax(total))
        assert fit.ts_raw == pytest.approx(total[best])
        assert (fit.nside, fit.pixel) == (cells.nsides[best], cells.pixels[best])
        assert (fit.ra, fit.dec) == (cells.ra[best], cells.dec[best])


def test_a_multi_order_map_keeps_its_own_cells() -> None:
    sky = MultiOrderMap.from_flat(SkyMap(PRIOR), p_max=1e-3)
    search = cy.get_spatial_prior_trial_runner(ana=two_seasons(), llh_priors=sky, pixels="prior", min_nside=4)
    expected = follow_prior(sky, min_nside=4, max_nside=32)
    np.testing.assert_array_equal(search.pixels.pixels, expected.pixels)
    np.testing.assert_array_equal(search.pixels.log_ratio, expected.log_ratio)
    assert search.priors[0].nside == NSIDE
    assert len(search.pixels) < 0.3 * SKY.npix


def test_cells_can_be_refined() -> None:
    search = runner(pixels="prior", min_nside=8, refine=128, inj_conf={"in_pixel": True})
    plain = runner(pixels="prior", min_nside=8)
    fine = 0
    for seed in range(4):
        trial = search.get_one_trial(10, seed=seed)
        fit = search.get_one_fit_from_trial(trial)
        assert fit.ts_raw >= plain.get_one_fit_from_trial(trial).ts_raw
        fine += fit.nside == 128
    assert fine
    found = search.get_localization(trial, nside=128)
    assert found.ts.max() >= fit.ts_raw - 1e-5


def test_results_of_cells_say_what_they_are_and_travel(tmp_path: pathlib.Path) -> None:
    search = runner(pixels="prior", min_nside=8)
    fit = search.get_one_fit(5, seed=1)
    fit.save(tmp_path / "fit.json")
    assert Fit.read(tmp_path / "fit.json").nside == fit.nside
    trials = search.get_many_fits(3, 5, seed=1)
    assert trials[0].tolist() == tuple(np.asarray(fit).tolist())
    assert pickle.loads(pickle.dumps(search)).get_many_fits(3, 5, seed=1).tobytes() == trials.tobytes()
    path, digest = write_spec(search, tmp_path / "spool")
    assert read_spec(path, digest).get_many_fits(3, 5, seed=1).tobytes() == trials.tobytes()
    assert json.loads(json.dumps(search.config()))["n_pixels"] == len(search.pixels)
    assert search.config_hash != runner().config_hash
    search.get_one_scan(seed=1).save(tmp_path / "scan.fits")
    assert cy.SkyScan.read(tmp_path / "scan.fits").n_scanned == 12288


def test_sources_come_from_the_flat_prior_also_outside_the_cells() -> None:
    search = runner(pixels="prior", min_nside=8, containment=0.5)
    assert len(search.allowed) == SKY.npix
    drawn = [search.get_one_trial(1, seed=seed) for seed in range(60)]
    index = search._finder.index(drawn[0], 1)
    assert len(index.core) > 0
    inside = [float(np.hypot(t.ra[0] - PEAK[0], t.dec[0] - PEAK[1])) < 0.118 for t in drawn]
    assert 0.3 < np.mean(inside) < 0.7


def test_pixels_without_a_prior_argument_are_those_of_the_priors() -> None:
    prior = SpatialPrior(PRIOR)
    assert prior_pixels((prior,)) == select_pixels(NSIDE, prior=prior)
    assert prior_pixels((prior,), pixels="nside", max_dec=0.0) == select_pixels(NSIDE, prior=prior, max_dec=0.0)


def test_one_season_and_no_energy_term_work_as_well() -> None:
    search = cy.get_spatial_prior_trial_runner(
        ana=one_season(), llh_priors=PRIOR, pixels="prior", min_nside=8, energy=False, refine=64
    )
    fit = search.get_one_fit(8, seed=1)
    assert fit.energy == "off"
    assert np.isnan(fit.gamma)
    assert len(fit) == 5
