"""Pixel sets, their tiles, and the rules that choose them, against full scans of the sky."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nusky.files.hashing import content_hash
from nusky.pixels import PixelSet, contained, full_sky, near_events_mask, nearby, select_pixels, tiles_of
from nusky.priors import SpatialPrior

DEC85 = np.radians(85)


def unit(ra, dec):
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


def separation(ra, dec, ra0, dec0):
    return 2 * np.arcsin(np.minimum(1, np.linalg.norm(unit(ra, dec).T - unit(ra0, dec0), axis=-1) / 2))


def test_the_tutorial_band_holds_48984_pixels():
    pixels = select_pixels(64, min_dec=-DEC85, max_dec=DEC85)
    assert len(pixels) == 48984
    assert pixels.report[-1].n_left == 48984
    assert np.abs(pixels.dec).max() <= DEC85
    outside = np.setdiff1d(np.arange(49152), pixels.pixels)
    assert np.abs(full_sky(64).dec[outside]).min() > DEC85


def test_the_centres_are_the_ones_of_healpy_in_ring_order():
    import healpy

    pixels = PixelSet(64, [24800, 3, 49151])
    assert pixels.pixels.tolist() == [3, 24800, 49151]
    lon, lat = healpy.pix2ang(64, pixels.pixels, lonlat=True)
    np.testing.assert_allclose(np.degrees(pixels.ra), lon)
    np.testing.assert_allclose(np.degrees(pixels.dec), lat, atol=1e-12)
    best = healpy.ang2pix(64, np.pi / 2 - 0.0104, 2.96978681)
    np.testing.assert_allclose([PixelSet(64, [best]).ra[0], PixelSet(64, [best]).dec[0]], [2.96978681, 1.04168551e-2])


@pytest.mark.parametrize("nside", [1, 2, 4, 8, 64, 512])
def test_no_direction_is_farther_from_its_tile_centre_than_the_tile_radius(nside):
    pixels = np.arange(12 * nside * nside)
    if nside == 512:
        # polar caps, the belt's edge and the equator: where tiles differ most
        rows = [np.r_[0:60000], np.r_[520000:580000], np.r_[1560000:1600000]]
        pixels = np.concatenate(rows)
    tiles = tiles_of(nside, pixels)
    centres = PixelSet(nside, pixels)
    a = unit(centres.ra, centres.dec)
    b = unit(tiles.ra[tiles.tile], tiles.dec[tiles.tile])
    far = 2 * np.arcsin(np.minimum(1, np.linalg.norm(a - b, axis=0) / 2))
    assert np.all(far <= tiles.radius[tiles.tile])
    farthest = np.zeros(tiles.ra.size)
    np.maximum.at(farthest, tiles.tile, far)
    full = np.bincount(tiles.tile) == (nside // max(1, nside // 4)) ** 2
    np.testing.assert_allclose(tiles.radius[full], farthest[full], atol=3e-9, err_msg="a loose bound costs candidates")
    assert tiles.tile.max() == tiles.ra.size - 1


def test_a_tile_is_the_same_whichever_other_pixels_are_chosen():
    rng = np.random.default_rng(3)
    everything = tiles_of(32, np.arange(12 * 32**2))
    some = np.sort(rng.choice(12 * 32**2, 300, replace=False))
    tiles = tiles_of(32, some)
    assert np.array_equal(tiles.ra[tiles.tile], everything.ra[everything.tile][some])
    assert np.array_equal(tiles.dec[tiles.tile], everything.dec[everything.tile][some])
    assert np.array_equal(tiles.radius[tiles.tile], everything.radius[everything.tile][some])
    assert np.unique(tiles.tile).tolist() == list(range(tiles.ra.size))
    assert np.bincount(everything.tile).tolist() == [16] * (12 * 8**2)


def test_a_set_can_be_pickled_compared_and_embedded():
    pixels = PixelSet(4, [7, 2])
    assert pickle.loads(pickle.dumps(pixels)) == pixels
    assert len({pixels, PixelSet(4, [2, 7])}) == 1
    assert pixels != PixelSet(8, [2, 7])
    full = pixels.embed(np.array([[1.0, 2.0], [3.0, 4.0]]), fill=np.nan)
    assert full.shape == (2, 192)
    assert full[1, [2, 7]].tolist() == [3.0, 4.0]
    assert np.isfinite(full).sum() == 4
    assert full_sky(2).full
    assert full_sky(2).area == pytest.approx(4 * np.pi)


def test_the_hash_that_names_a_set_is_that_of_its_pixels_and_made_once():
    pixels = PixelSet(4, [7, 2])
    assert pixels.content_hash == content_hash([np.array([2, 7])])
    assert pixels.content_hash is pixels.content_hash
    assert pixels.content_hash != PixelSet(4, [7, 3]).content_hash


def test_containment_is_the_smallest_set_with_that_probability():
    rng = np.random.default_rng(1)
    p = rng.random(48) ** 6
    p /= p.sum()
    for q in (0.1, 0.5, 0.9, 0.99):
        mask = contained(p, q)
        n = int(mask.sum())
        best = np.sort(p)[::-1]
        assert best[:n].sum() >= q > best[: n - 1].sum()
        assert p[mask].min() >= p[~mask].max()
    assert contained(np.array([0.5, 0.4, 0.1, 0.0]), 0.9).tolist() == [True, True, False, False]
    assert contained(np.array([0.5, 0.4, 0.1, 0.0]), 1.0).sum() == 3


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([4, 16, 32]), st.integers(0, 30))
def test_pixels_near_events_are_those_a_full_scan_finds(seed, nside, n):
    rng = np.random.default_rng(seed)
    ra, dec = rng.uniform(-7, 7, n), np.arcsin(rng.uniform(-1, 1, n))
    radius = rng.exponential(0.1, n)
    sky = full_sky(nside)
    slow = np.zeros(sky.npix, dtype=bool)
    for r, d, reach in zip(ra, dec, radius, strict=True):
        slow |= separation(sky.ra, sky.dec, r, d) <= reach
    fast = near_events_mask(nside, ra, dec, radius)
    assert not (slow & ~fast).any(), "no pixel inside an event's reach is lost"
    assert (fast & ~slow).sum() <= 1, "and at most the rounding margin is added"


def test_an_event_at_the_pole_and_one_with_a_huge_error_are_handled():
    assert near_events_mask(8, [0.0], [np.pi / 2], 0.11)[:4].all()
    assert near_events_mask(8, [0.0], [0.3], 8.6).all()


def test_rules_combine_and_are_counted():
    import healpy

    sky = full_sky(32)
    p = np.exp(-0.5 * (separation(sky.ra, sky.dec, 1.0, 0.3) / 0.2) ** 2)
    p[p < 1e-6] = 0
    prior = SpatialPrior(p)
    mask = np.ones(sky.npix, dtype=bool)
    mask[::7] = False
    pixels = select_pixels(
        32,
        min_dec=-0.5,
        max_dec=1.0,
        pixmask=mask,
        prior=prior,
        containment=0.99,
        prior_floor=1e-3,
        cone=(1.0, 0.3, 0.5),
        near_events=([1.0, 4.0], [0.3, -1.0], [0.2, 0.2]),
    )
    want = mask & (sky.dec >= -0.5) & (sky.dec <= 1.0) & contained(prior.probability, 0.99)
    want &= (p >= 1e-3 * p.max()) & (separation(sky.ra, sky.dec, 1.0, 0.3) <= 0.2)
    assert pixels.pixels.tolist() == np.flatnonzero(want).tolist()
    lines = pixels.report
    assert [line.n_left for line in lines] == sorted((line.n_left for line in lines), reverse=True)
    assert [line.rule for line in lines if line.exact] == ["nside 32, full sky", "prior > 0", "near events"]
    assert "99 % containment" in pixels.describe()
    assert healpy.nside2npix(32) == lines[0].n_left


def test_with_several_priors_a_pixel_stays_if_any_keeps_it():
    maps = np.zeros((2, 48))
    maps[0, 3] = maps[1, 9] = 1.0
    assert select_pixels(2, prior=maps, containment=0.9).pixels.tolist() == [3, 9]


def test_a_mask_may_be_booleans_indices_or_a_set():
    mask = np.zeros(48, dtype=bool)
    mask[[5, 6]] = True
    for given_mask in (mask, mask.astype(int), [6, 5, 5], PixelSet(2, [5, 6])):
        assert select_pixels(2, pixmask=given_mask).pixels.tolist() == [5, 6]


def test_no_event_near_is_an_ordinary_result_and_no_pixel_otherwise_is_an_error():
    assert len(select_pixels(8, near_events=([], [], []))) == 0
    with pytest.raises(ValueError, match="no pixel is left after 'pixmask'"):
        select_pixels(8, pixmask=np.zeros(768, dtype=bool))
    m = np.zeros(768)
    m[0] = 1.0
    with pytest.raises(ValueError, match="prior is zero in every allowed pixel"):
        select_pixels(8, max_dec=0.0, prior=m)


def test_angles_may_bring_their_unit():
    from astropy import units as u

    limits = select_pixels(16, min_dec=-30 * u.deg, max_dec=0.5, cone=(10 * u.deg, 0.1, 40 * u.deg))
    assert limits == select_pixels(16, min_dec=-np.radians(30), max_dec=0.5, cone=(np.radians(10), 0.1, np.radians(40)))
    with pytest.raises(TypeError, match="min_dec: expected"):
        select_pixels(16, min_dec=1 * u.s)


def test_bad_requests_are_refused_with_the_mend():
    with pytest.raises(ValueError, match="exchange them"):
        select_pixels(8, min_dec=1.0, max_dec=-1.0)
    with pytest.raises(ValueError, match=r"np\.radians"):
        select_pixels(8, min_dec=-85)
    with pytest.raises(TypeError, match="min_dec: expected a declination in rad"):
        select_pixels(8, min_dec="south")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="max_dec=nan"):
        select_pixels(8, max_dec=np.nan)
    with pytest.raises(ValueError, match="power of two"):
        select_pixels(48)
    with pytest.raises(ValueError, match="needs prior="):
        select_pixels(8, containment=0.9)
    with pytest.raises(ValueError, match="not a percentage"):
        select_pixels(8, prior=np.ones(768), containment=90)
    with pytest.raises(ValueError, match="regrade=8"):
        select_pixels(8, prior=np.ones(12))
    with pytest.raises(ValueError, match=r"\(768,\)"):
        select_pixels(8, pixmask=np.ones(12, dtype=bool))
    with pytest.raises(TypeError, match="map > 0"):
        select_pixels(8, pixmask=np.ones(768))
    with pytest.raises(ValueError, match="ra, dec, radius"):
        select_pixels(8, cone=(1.0, 2.0))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="cone"):
        select_pixels(8, cone=(1.0, 2.0, 0.1))
    with pytest.raises(ValueError, match=r"dec\[1\] = 2\.0"):
        near_events_mask(8, [0.0, 0.0], [1.0, 2.0], 0.1)
    with pytest.raises(ValueError, match="equal length"):
        near_events_mask(8, [0.0], [1.0, 1.0], 0.1)
    with pytest.raises(ValueError, match=r"radius\[0\]"):
        near_events_mask(8, [0.0], [1.0], -0.1)
    with pytest.raises(ValueError, match="outside 0 … 767"):
        PixelSet(8, [768])
    with pytest.raises(ValueError, match="more than once"):
        PixelSet(8, [1, 1])
    with pytest.raises(TypeError, match="flatnonzero"):
        PixelSet(8, np.ones(768, dtype=bool))


def test_nearby_is_near_events_within_the_set():
    rng = np.random.default_rng(8)
    band = select_pixels(32, min_dec=-0.5, max_dec=0.9)
    for n in (0, 1, 20):
        ra, dec, radius = rng.uniform(0, 6, n), rng.uniform(-1, 1, n), rng.uniform(0, 0.2, n)
        mask = near_events_mask(32, ra, dec, radius)
        got = nearby(band, ra, dec, radius)
        assert got.pixels.tolist() == band.pixels[mask[band.pixels]].tolist()
        assert got.report[-1].exact
    with pytest.raises(ValueError, match="equal length"):
        nearby(band, [1.0], [1.0, 2.0], 0.1)
