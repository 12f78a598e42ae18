"""Tiles near events: none is missed, and their pixels come in order."""

from __future__ import annotations

import numpy as np
import pytest

from nusky import _core
from nusky.likelihood.near_tiles import NearTiles
from nusky.likelihood.trial_index import Discs
from nusky.pixels import near_events_mask
from nusky.pixels.pixel_set import PixelSet, full_sky
from nusky.sphere.vectors import unit_vectors


def events(n: int, seed: int, widest: float = 0.2) -> Discs:
    rng = np.random.default_rng(seed)
    return Discs(2 * np.pi * rng.random(n), np.arcsin(rng.uniform(-1, 1, n)), widest * rng.random(n))


@pytest.mark.parametrize("nside", [1, 2, 8, 64])
@pytest.mark.parametrize("share", [1.0, 0.1])
def test_every_pixel_within_reach_is_among_those_found(nside, share):
    sky = full_sky(nside)
    rng = np.random.default_rng(nside)
    some = PixelSet(nside, sky.pixels[rng.random(len(sky)) < share]) if share < 1 else sky
    if not len(some):
        return
    near = NearTiles.of(some)
    for seed in range(20):
        reach = events(3, seed)
        rows = near.rows(near.found(reach))
        assert np.all(np.diff(rows) > 0)
        within = np.isin(some.pixels, np.flatnonzero(near_events_mask(nside, *reach)))
        assert np.isin(np.flatnonzero(within), rows).all()


def test_few_are_found_for_few_events_and_both_ways_to_list_them_agree(monkeypatch):
    from nusky.likelihood import near_tiles

    near = NearTiles.of(full_sky(64))
    tiles = near.found(events(3, 1, 0.05))
    assert 0 < len(tiles) < 100
    monkeypatch.setattr(near_tiles, "_MANY", 0)
    sorted_rows = near.rows(tiles)
    monkeypatch.setattr(near_tiles, "_MANY", 10**9)
    np.testing.assert_array_equal(near.rows(tiles), sorted_rows)


def test_poles_and_the_whole_sky_are_reached():
    near = NearTiles.of(full_sky(16))
    pole = Discs(np.array([0.3]), np.array([np.pi / 2]), np.array([0.06]))
    assert len(near.found(pole)) == 4
    everywhere = Discs(np.array([0.3]), np.array([0.1]), np.array([np.pi]))
    assert len(near.found(everywhere)) == len(near.dec)
    assert len(near.found(events(0, 1))) == 0
    assert len(near.rows(near.found(events(0, 1)))) == 0


def test_unit_vectors_point_where_they_should():
    np.testing.assert_allclose(
        unit_vectors(np.array([0.0, np.pi / 2]), np.array([0.0, 0.5])),
        [[1, 0, 0], [0, np.cos(0.5), np.sin(0.5)]],
        atol=1e-15,
    )


def test_the_pixels_of_some_tiles_fit_as_among_all_of_them():
    rng = np.random.default_rng(2)
    n = 6
    reach = events(n, 2)
    sigma = np.maximum(reach.radius / 5, 0.01)
    ratio = rng.normal(0, 1, (n, 3)).astype(np.float32)
    nodes = np.array([1.0, 2.0, 3.0])
    columns = _core.EventColumns(reach.dec, sigma, np.full(n, 0.08), ratio, nodes, cut_n_sigma=5.0, extension=0.0)
    index = _core.EventIndex([(columns, reach.ra, 0, None, None)], np.array([5.0]), n_threads=1)
    likelihood = _core.Likelihood(nodes, np.array([-1.0, 1.0]), np.zeros((1, 2, 3)), extended=True)
    sky = full_sky(32)
    near = NearTiles.of(sky)
    tiles = near.found(Discs(reach.ra, reach.dec, 5 * sigma))
    rows = near.rows(tiles)
    assert len(rows) < len(sky)
    whole = _core.scan(likelihood, index, sky.directions, n_threads=1)
    some = _core.scan(likelihood, index, near.directions(tiles, rows), n_threads=1)
    for a, b in zip(whole, some, strict=True):
        np.testing.assert_array_equal(a[rows], b)
    assert np.delete(whole[0], rows).max() == 0
    assert (np.delete(whole[3], rows) == 2).all()
