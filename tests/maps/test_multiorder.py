"""Cells of many sizes: split, merged, overlapping and missing, against flat maps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nusky.maps.multiorder import MultiOrderMap
from nusky.maps.regrading import regrade
from nusky.maps.skymap import SkyMap, region_area


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([1, 2, 8, 16]), st.floats(0, 0.05))
def test_cells_are_split_and_merged_without_losing_probability(seed, nside, p_max):
    rng = np.random.default_rng(seed)
    p = rng.random(12 * 8**2) ** 4
    p[rng.integers(0, p.size, 300)] = 0.25
    flat = SkyMap(p)
    many = MultiOrderMap.from_flat(flat, p_max=p_max)
    assert many.covered == 1.0
    out = many.regrade(nside)
    assert abs(out.probability.sum() - 1) < 1e-12
    if p_max == 0:
        np.testing.assert_allclose(out.probability, regrade(flat.probability, nside), rtol=1e-11, atol=1e-18)


def test_merging_equal_cells_is_lossless_and_merging_poor_ones_keeps_the_rich():
    p = np.ones(12 * 16**2)
    p[1000] = 50.0
    flat = SkyMap(p)
    exact = MultiOrderMap.from_flat(flat)
    # the hot pixel leaves three siblings at each order: 11 + 3·4 + 4 − … = 11 + 3 + 3 + 3 + 4
    assert len(exact) == 11 + 3 * 3 + 4
    np.testing.assert_allclose(exact.regrade(16).probability, flat.probability, rtol=1e-13)
    rough = MultiOrderMap.from_flat(SkyMap(p + np.random.default_rng(0).random(p.size) * 0.1), p_max=0.02)
    assert len(rough) < 200
    assert rough.nside >= 4


def test_the_order_of_the_cells_does_not_matter():
    order, ipix, p = np.array([1, 0, 1, 1, 1]), np.array([2, 3, 0, 1, 3]), np.array([0.1, 0.4, 0.2, 0.25, 0.05])
    a = MultiOrderMap(order, ipix, p)
    b = MultiOrderMap(order[::-1], ipix[::-1], p[::-1])
    np.testing.assert_array_equal(a.uniq, b.uniq)
    np.testing.assert_array_equal(a.probability, b.probability)
    assert a.covered == pytest.approx(2 / 12)
    assert a.regrade(1).probability[[0, 3]].tolist() == pytest.approx([0.6, 0.4])


def test_cells_of_the_finest_order_work():
    last = 12 * 4**29 - 1
    cells = MultiOrderMap([29, 0], [last, 0], [0.25, 0.75])
    assert cells.nside == 2**29
    assert cells.regrade(1).probability[[0, 11]].tolist() == [0.75, 0.25]
    assert int(cells.uniq[1]) == 16 * 4**29 - 1
    with pytest.raises(ValueError, match=r"regrade\(512\)"):
        _ = cells.map


def test_the_area_of_a_region_takes_the_densest_cells_first():
    cells = MultiOrderMap([0, 1, 1], [0, 4, 5], [0.4, 0.35, 0.25])
    small = np.pi / 12
    assert cells.area(0.3) == pytest.approx(small)
    assert cells.area(0.6) == pytest.approx(2 * small)
    assert cells.area(0.9) == pytest.approx(2 * small + np.pi / 3)
    assert region_area(np.array([0.5, 0.5, 0.0]), np.ones(3), 1.0) == 2.0
    with pytest.raises(ValueError, match="not a percentage"):
        cells.area(90)


def test_centres_are_those_of_the_cells():
    import healpy

    cells = MultiOrderMap([3, 5], [100, 5000], [0.5, 0.5])
    for i in range(2):
        theta, phi = healpy.pix2ang(2 ** int(cells.order[i]), int(cells.ipix[i]), nest=True)
        assert (cells.centres[0][i], cells.centres[1][i]) == pytest.approx((phi, np.pi / 2 - theta))


def test_a_flat_map_that_no_memory_holds_is_refused_before_it_is_tried():
    cells = MultiOrderMap.from_flat(SkyMap(np.ones(12)))
    for target in (2**14, 2**20):
        with pytest.raises(ValueError, match=rf"nside={target}: a flat map of it has .* GB; take 8192 or less"):
            cells.regrade(target)
        with pytest.raises(ValueError, match="GB; take 8192 or less"):
            SkyMap(np.ones(12)).regrade(target)
    with pytest.raises(TypeError, match=r"wrap an array as SkyMap\(array\)"):
        MultiOrderMap.from_flat(np.ones(12))  # type: ignore[arg-type]


def test_bad_cells_are_refused():
    with pytest.raises(ValueError, match="order 0, ipix 12"):
        MultiOrderMap([0], [12], [1.0])
    with pytest.raises(ValueError, match="order 30"):
        MultiOrderMap([30], [0], [1.0])
    with pytest.raises(ValueError, match="give one each"):
        MultiOrderMap([0, 0], [1], [1.0])
    with pytest.raises(TypeError, match="integers"):
        MultiOrderMap([0.0], [1], [1.0])
    # a large cell that swallows a later, not adjacent one
    with pytest.raises(ValueError, match=r"\(order 0, ipix 0\) covers \(order 2, ipix 9\); 3 overlaps"):
        MultiOrderMap([0, 2, 3, 2], [0, 9, 60, 15], [1.0, 1.0, 1.0, 1.0])
