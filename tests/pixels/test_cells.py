"""Which scanned cell holds a place: against healpy's own look-up, for cells of one size and of many."""

from __future__ import annotations

import healpy
import numpy as np
import pytest

from nusky.maps.skymap import SkyMap
from nusky.pixels.cells import CellIndex
from nusky.pixels.multi_order import follow_prior
from nusky.pixels.pixel_set import PixelSet, full_sky


def test_pixels_of_one_size_hold_their_children_and_nothing_else() -> None:
    some = np.arange(0, 12 * 16**2, 3)
    cells = CellIndex.of(PixelSet(16, some))
    fine = np.arange(12 * 64**2)
    parent = healpy.nest2ring(16, healpy.ring2nest(64, fine) // 16)
    expected = np.where(np.isin(parent, some), np.searchsorted(some, parent), -1)
    np.testing.assert_array_equal(cells.rows(64, fine), expected)


def test_cells_of_many_sizes_tile_the_sky() -> None:
    theta, phi = healpy.pix2ang(32, np.arange(12 * 32**2))
    bump = SkyMap(np.exp(-0.5 * (healpy.rotator.angdist([theta, phi], [1.0, 2.0]) / 0.1) ** 2) + 1e-6)
    mixed = follow_prior(bump, min_nside=4, max_nside=32, p_max=1e-3)
    assert len(mixed.parts) > 1
    cells = CellIndex.of(mixed)
    row = cells.rows(128, np.arange(12 * 128**2))
    assert row.min() == 0
    np.testing.assert_allclose(np.bincount(row) * healpy.nside2pixarea(128), mixed.cell_area)
    start = 0
    for part in mixed.parts:
        np.testing.assert_array_equal(cells.rows(part.nside, part.pixels), start + np.arange(len(part)))
        start += len(part)


def test_a_set_is_surrounded_where_all_neighbours_are_in_it() -> None:
    sky = full_sky(8)
    assert CellIndex.of(sky).surround(np.arange(len(sky)))
    cap = PixelSet(8, np.arange(100))
    cells = CellIndex.of(cap)
    assert cells.surround(np.array([0]))
    assert not cells.surround(np.array([99]))


@pytest.mark.parametrize("nside", [1, 8, 512])
def test_no_cells_hold_nothing(nside: int) -> None:
    empty = CellIndex.of(PixelSet(8, np.empty(0, dtype=np.int64)))
    assert empty.rows(nside, np.arange(12)).tolist() == [-1] * 12
