"""Choosing the events that can matter: none of the others is within its cut of any pixel."""

from __future__ import annotations

import healpy
import numpy as np
import pytest

import nusky as cy
from nusky.likelihood.model import LikelihoodOptions
from nusky.likelihood.near_events import NearRows, distance_grid
from nusky.maps.skymap import SkyMap
from nusky.pixels import PixelSet, children_of, full_sky, select_pixels, tiles_of
from nusky.pixels.multi_order import follow_prior
from nusky.sphere.vectors import unit_vectors
from nusky.trial.trial import Trial
from seasons import one_season, two_seasons

SETS = {
    "one at the pole": PixelSet(64, [0]),
    "across ra = 0": select_pixels(32, cone=(0.02, 0.3, 0.1)),
    "two islands": select_pixels(64, pixmask=[20_000, 31_111]),
    "fine": select_pixels(256, cone=(2.0, -0.9, 0.03)),
    "arc": select_pixels(32, min_dec=0.2, max_dec=0.35),
}


@pytest.mark.parametrize("name", SETS)
def test_the_grid_never_overestimates_a_distance(name: str) -> None:
    pixels = SETS[name]
    grid = distance_grid(pixels)
    rng = np.random.default_rng(0)
    ra, dec = 2 * np.pi * rng.random(6_000), np.arcsin(2 * rng.random(6_000) - 1)
    ra[:3], dec[:3] = (0.0, np.nextafter(2 * np.pi, 0), 1.0), (0.0, 0.0, -np.pi / 2)
    inside = children_of(pixels, 4 * pixels.nside)  # places inside the pixels count as well
    cosine = np.max(unit_vectors(ra, dec) @ unit_vectors(inside.ra, inside.dec).T, axis=1)
    bound = grid[np.clip((dec / np.pi + 0.5) * 180, 0, 179).astype(int), (ra * (360 / (2 * np.pi))).astype(int)]
    true = np.arccos(np.clip(cosine, -1, 1))
    assert (bound <= true).all()
    # what counts is an event that reaches the cap of a pixel's tile
    tiles = tiles_of(pixels.nside, pixels.pixels)
    towards = unit_vectors(ra, dec) @ unit_vectors(tiles.ra, tiles.dec).T
    cap = np.min(np.arccos(np.clip(towards, -1, 1)) - tiles.radius, axis=1)
    assert (bound <= np.maximum(cap, 0)).all()
    assert np.quantile(cap - bound, 0.5) < np.radians(7 if pixels.nside < 64 else 3.5), "a bound of no use"


@pytest.mark.parametrize("name", SETS)
def test_events_left_out_are_beyond_their_cut_of_every_pixel(name: str) -> None:
    pixels = SETS[name]
    for options in (LikelihoodOptions(), LikelihoodOptions(cut_n_sigma=3.0, extension=0.05)):
        near = NearRows(two_seasons(), options, pixels)
        runner = cy.get_sky_scan_trial_runner(ana=two_seasons(), nside=pixels.nside)
        trial = runner.get_one_trial(seed=3)
        rows = near.rows(trial)
        assert rows is not None
        for k, season in enumerate(two_seasons()):
            left = np.setdiff1d(np.arange(len(season.data)), rows[k])
            assert left.size > 0.2 * len(season.data)
            ra = trial.background[k].ra[left]  # type: ignore[union-attr]
            cosine = np.max(unit_vectors(ra, season.data["dec"][left]) @ unit_vectors(pixels.ra, pixels.dec).T, axis=1)
            reach = options.cut_n_sigma * np.hypot(season.data["sigma"][left], options.extension)
            assert (np.arccos(np.clip(cosine, -1, 1)) > np.minimum(reach, 3.0)).all()


def test_a_scan_of_some_pixels_agrees_with_the_full_scan_to_rounding() -> None:
    everywhere = cy.get_sky_scan_trial_runner(ana=two_seasons(), nside=32, src=cy.sources(2.0, 0.3))
    some = cy.get_sky_scan_trial_runner(ana=two_seasons(), nside=32, cone=(2.0, 0.3, 0.12), src=cy.sources(2.0, 0.3))
    trial = everywhere.get_one_trial(10, seed=5)
    whole, part = everywhere.get_one_scan_from_trial(trial), some.get_one_scan_from_trial(trial)
    assert part.n_scanned < 60
    assert part.ts.max() > 20
    # The index puts fewer events in another order, so sums differ in the digits that float32 leaves open
    np.testing.assert_allclose(part.ts[part.scanned], whole.ts[part.scanned], rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(part.ns[part.scanned], whole.ns[part.scanned], rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(part.status[part.scanned], whole.status[part.scanned])


def test_cells_of_mixed_size_are_covered() -> None:
    sky = full_sky(64)
    x = np.exp((healpy.ang2vec(1.0, 2.0) @ unit_vectors(sky.ra, sky.dec).T - 1) / 0.05**2)
    cells = follow_prior(SkyMap(x), min_nside=16, max_nside=64, containment=0.99, p_max=1e-3)
    assert len(cells.parts) > 1
    grid = distance_grid(cells)
    for part in cells.parts:
        row, column = ((part.dec / np.pi + 0.5) * 180).astype(int), (part.ra * 180 / np.pi).astype(int)
        assert (grid[row, column] == 0).all()


def test_where_most_events_matter_all_are_taken() -> None:
    trial = cy.get_sky_scan_trial_runner(ana=one_season(), nside=8).get_one_trial(seed=1)
    assert NearRows(one_season(), LikelihoodOptions(), full_sky(8)).rows(trial) is None


def test_foreign_events_are_all_taken() -> None:
    trial = cy.get_sky_scan_trial_runner(ana=one_season(), nside=8).get_one_trial(seed=1)
    foreign = Trial.from_events(trial.evss)
    assert NearRows(one_season(), LikelihoodOptions(), SETS["fine"]).rows(foreign) is None
