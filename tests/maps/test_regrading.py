"""Regrading and turning keep the probability and put it where it belongs."""

from __future__ import annotations

import numpy as np
import pytest

from nusky.maps.regrading import regrade, rotate
from nusky.sphere.healpix import map_nside


@pytest.mark.parametrize("nest", [False, True])
@pytest.mark.parametrize("target", [1, 4, 16, 64])
def test_regrading_keeps_the_sum_and_agrees_with_healpy(target, nest):
    import healpy

    p = np.random.default_rng(2).random(12 * 16**2)
    p /= p.sum()
    ours = regrade(p, target, nest=nest)
    order = "NESTED" if nest else "RING"
    theirs = healpy.ud_grade(p, target, power=-2, order_in=order, order_out=order)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    assert abs(ours.sum() - 1) < 1e-12


def test_going_up_and_down_again_returns_every_pixel():
    p = np.random.default_rng(2).random(12 * 8**2)
    np.testing.assert_array_equal(regrade(regrade(p, 32), 8), p)
    again = regrade(p, 8)
    again[0] = 5.0
    assert p[0] != 5.0


@pytest.mark.parametrize(
    ("frame", "lon", "lat", "ra", "dec"),
    [
        # galactic centre, pole and anticentre-like points: ICRS definition of the galactic system
        ("galactic", 0.0, 0.0, 266.40499, -28.93617),
        ("galactic", 0.0, 90.0, 192.85948, 27.12825),
        ("galactic", 122.932, 27.128, 0.0, 90.0),
        # ecliptic: equinox and pole (obliquity 23.4393°)
        ("ecliptic", 0.0, 0.0, 0.0, 0.0),
        ("ecliptic", 90.0, 0.0, 90.0, 23.4393),
        ("ecliptic", 0.0, 90.0, 270.0, 66.5607),
    ],
)
def test_known_positions_land_where_astronomers_expect_them(frame, lon, lat, ra, dec):
    import healpy

    x = np.array(healpy.pix2vec(64, np.arange(49152)))
    p = np.exp((healpy.ang2vec(lon, lat, lonlat=True) @ x - 1) / np.radians(5.0) ** 2)
    out = rotate(p / p.sum(), frame)
    assert abs(out.sum() - 1) < 1e-12
    mean = x @ out
    target = healpy.ang2vec(ra, dec, lonlat=True)
    off = np.degrees(np.arccos(min(1.0, float(mean @ target / np.linalg.norm(mean)))))
    assert off < 0.05


def test_turning_agrees_with_astropy_for_random_positions():
    import astropy.units as u
    import healpy
    from astropy.coordinates import SkyCoord

    rng = np.random.default_rng(4)
    for frame, name in (("galactic", "galactic"), ("ecliptic", "barycentricmeanecliptic")):
        pixels = rng.choice(12 * 32**2, 5)
        for pixel in pixels:
            p = np.zeros(12 * 32**2)
            p[pixel] = 1.0
            lon, lat = healpy.pix2ang(32, pixel, lonlat=True)
            want = SkyCoord(lon * u.deg, lat * u.deg, frame=name).icrs
            out = rotate(p, frame)
            mean = np.array(healpy.pix2vec(32, np.arange(p.size))) @ out
            off = np.arccos(mean @ healpy.ang2vec(want.ra.deg, want.dec.deg, lonlat=True) / np.linalg.norm(mean))
            assert np.degrees(off) < 0.5, "within a quarter of a pixel (1.8°)"


def test_turning_a_flat_sky_leaves_it_flat_and_equatorial_is_left_alone():
    flat = np.full(12 * 16**2, 1.0 / (12 * 16**2))
    np.testing.assert_allclose(rotate(flat, "galactic"), flat, rtol=1e-12)
    p = np.random.default_rng(5).random(48)
    np.testing.assert_array_equal(rotate(p, "C"), p)


def test_turning_to_a_coarser_map_keeps_a_single_hot_pixel():
    p = np.zeros(12 * 128**2)
    p[777] = 1.0
    out = rotate(p, "galactic", nside=8)
    assert out.size == 768
    assert out.sum() == pytest.approx(1.0, abs=1e-12)
    assert rotate(p, "galactic", nside=128, oversample=1).sum() == pytest.approx(1.0, abs=1e-12)


def test_lengths_that_are_no_sky_name_the_nearest_ones():
    assert map_nside(12) == 1
    for npix in (0, 11, 13, 12 * 9, 49151):
        with pytest.raises(ValueError, match=f"{npix} values"):
            map_nside(npix)
    with pytest.raises(ValueError, match="power of two"):
        regrade(np.ones(12), 3)
