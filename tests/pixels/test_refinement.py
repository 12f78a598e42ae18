"""Finer pixels around hot ones, and the error region of the hottest."""

from __future__ import annotations

import numpy as np
import pytest

from nusky.maps.skymap import SkyMap
from nusky.pixels import PixelSet, full_sky, select_pixels
from nusky.pixels.multi_order import follow_prior
from nusky.pixels.refinement import children_of, neighbourhood, refined_pixels, unrefined_note
from nusky.pixels.regions import delta_ts, position_regions


def parabola(ra, dec, ra0, dec0, width):
    d = np.hypot((ra - ra0) * np.cos(dec0), dec - dec0)
    return 40.0 - (d / width) ** 2


def test_what_centres_of_pixels_lose_is_said_down_to_half_a_percent() -> None:
    assert "nside 64, not refined: the TS of sources was found about 10 % lower" in unrefined_note(64)
    assert "about 2.5 % lower" in unrefined_note(128)
    assert "about 0.6 % lower" in unrefined_note(256)
    assert "about 33 % or more lower" in unrefined_note(8)
    assert unrefined_note(512) == unrefined_note(1024) == ""


def test_children_cover_exactly_their_parents():
    import healpy

    parents = PixelSet(16, [0, 700, 3071])
    children = children_of(parents, 64)
    assert len(children) == 3 * 16
    back = healpy.nest2ring(16, healpy.ring2nest(64, children.pixels) >> 4)
    assert np.unique(back).tolist() == [0, 700, 3071]
    assert children.area == pytest.approx(parents.area)
    assert children_of(parents, 16) == parents


def test_neighbours_are_those_of_healpy_without_the_missing_ones():
    import healpy

    for pixel in (0, 100, 112, 767):  # 112 has only seven
        want = healpy.get_all_neighbours(8, pixel)
        assert neighbourhood(8, [pixel]).tolist() == sorted([pixel, *want[want >= 0].tolist()])
    assert neighbourhood(8, [100], rings=0).tolist() == [100]
    assert neighbourhood(8, [100], rings=2).size == 25


def test_refining_finds_the_maximum_that_a_full_fine_scan_finds():
    ra0, dec0, width = 2.0, 0.3, 0.05
    coarse = select_pixels(32, min_dec=-1.4, max_dec=1.4)
    fine = full_sky(512)
    best = fine.pixels[parabola(fine.ra, fine.dec, ra0, dec0, width).argmax()]
    second = refined_pixels(coarse, parabola(coarse.ra, coarse.dec, ra0, dec0, width), 512)
    assert len(second) == 9 * 256
    assert second.pixels[parabola(second.ra, second.dec, ra0, dec0, width).argmax()] == best


def test_several_hot_pixels_or_all_within_a_drop_are_refined():
    pixels = PixelSet(8, [10, 20, 300])
    values = [5.0, np.nan, 4.0]
    assert len(refined_pixels(pixels, values, 16, hottest=2, rings=0)) == 8
    assert len(refined_pixels(pixels, values, 16, hottest=99, rings=0)) == 8
    assert len(refined_pixels(pixels, values, 16, within=0.5, rings=0)) == 4
    assert len(refined_pixels(pixels, values, 16, within=1.0, rings=0)) == 8


@pytest.mark.parametrize(("ra0", "dec0"), [(3.0, 0.0), (1.0, 0.8), (5.0, -1.0)])
def test_the_region_of_a_gaussian_spot_has_the_area_of_its_ellipse(ra0, dec0):
    # TS = TS_max − d²/σ²: the border ΔTS is a circle of radius σ √ΔTS
    import healpy

    width = 0.08
    sky = full_sky(128)
    x = np.array(healpy.ang2vec(np.pi / 2 - sky.dec, sky.ra))
    d = np.arccos(np.clip(x @ healpy.ang2vec(np.pi / 2 - dec0, ra0), -1, 1))
    half, most = position_regions(sky, 30 - (d / width) ** 2)
    for region, threshold in ((half, 1.386294), (most, 4.605170)):
        assert region.delta_ts == pytest.approx(threshold, abs=1e-6)
        want = 2 * np.pi * (1 - np.cos(width * np.sqrt(threshold)))
        assert region.area == pytest.approx(want, rel=0.06)
        assert region.complete
        assert region.n_pixels * sky.pixel_area == pytest.approx(region.area)
    assert half.area < most.area
    assert half.best == most.best == int(d.argmin())


def test_a_region_cut_by_the_scanned_area_says_so():
    sky = select_pixels(64, min_dec=0.0)
    ts = parabola(sky.ra, sky.dec, 3.0, 0.05, 0.05)
    (region,) = position_regions(sky, ts, levels=[0.9])
    assert not region.complete
    (inner,) = position_regions(sky, parabola(sky.ra, sky.dec, 3.0, 0.5, 0.05), levels=[0.9])
    assert inner.complete


def test_regions_work_on_cells_of_mixed_size():
    flat = full_sky(64)
    prior = SkyMap(np.exp(parabola(flat.ra, flat.dec, 3.0, 0.2, 0.1) / 2))
    cells = follow_prior(prior, min_nside=16, max_nside=64, p_max=1e-4)
    (region,) = position_regions(cells, parabola(cells.ra, cells.dec, 3.0, 0.2, 0.1), levels=[0.9])
    assert region.complete
    assert region.area == pytest.approx(np.pi * 0.1**2 * 4.605, rel=0.1)
    part = follow_prior(prior, min_nside=16, max_nside=64, p_max=1e-4, containment=0.5)
    (cut,) = position_regions(part, parabola(part.ra, part.dec, 3.0, 0.2, 0.1), levels=[0.9])
    assert not cut.complete


def test_bad_requests_are_refused():
    pixels = PixelSet(8, [1, 2])
    with pytest.raises(ValueError, match="not finer"):
        refined_pixels(pixels, [1.0, 2.0], 8)
    with pytest.raises(ValueError, match="one for each of the 2 pixels"):
        refined_pixels(pixels, [1.0], 16)
    with pytest.raises(ValueError, match="no hottest pixel"):
        refined_pixels(pixels, [np.nan, -np.inf], 16)
    with pytest.raises(ValueError, match="hottest=0"):
        refined_pixels(pixels, [1.0, 2.0], 16, hottest=0)
    with pytest.raises(ValueError, match="within=-1"):
        refined_pixels(pixels, [1.0, 2.0], 16, within=-1)
    with pytest.raises(ValueError, match="coarser"):
        children_of(pixels, 4)
    with pytest.raises(ValueError, match="no finite value"):
        position_regions(pixels, [np.nan, np.nan])
    with pytest.raises(ValueError, match="expected one for each"):
        position_regions(pixels, [1.0])
    with pytest.raises(ValueError, match="fraction"):
        delta_ts(90)
