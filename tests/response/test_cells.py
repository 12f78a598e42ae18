from __future__ import annotations

import itertools

import numpy as np

from nusky.response.cells import cell_of, log_normalised, nearest, overlap, spread


def test_overlap_is_the_share_of_a_uniform_draw() -> None:
    rng = np.random.default_rng(1)
    edges = np.array([1.0, 2.0, 2.5, 4.0])
    ranges = np.sort(rng.uniform(0.0, 5.0, (40, 2)), axis=1)
    ranges[0] = 2.0, 2.0  # a point on an edge belongs to the bin that begins there
    ranges[1] = 0.5, 0.5
    ranges[2] = 4.5, 4.5
    found = overlap(ranges, edges)
    open_edges = np.array([-np.inf, 2.0, 2.5, np.inf])
    for row, (low, high) in zip(found[3:], ranges[3:], strict=True):
        for share, (a, b) in zip(row, itertools.pairwise(open_edges), strict=True):
            assert abs(share - max(min(high, b) - max(low, a), 0.0) / (high - low)) < 1e-12
    np.testing.assert_array_equal(found[:3], [[0, 1, 0], [1, 0, 0], [0, 0, 1]])


def test_spread_is_the_sum_of_overlaps() -> None:
    rng = np.random.default_rng(2)
    edges = np.array([1.0, 2.0, 2.5, 4.0, 4.1])
    ranges = np.sort(rng.uniform(0.0, 5.0, (300, 2)), axis=1)
    ranges[:3] = [[2.0, 2.0], [0.5, 0.5], [2.0, 2.5]]
    weight, group = rng.random(300), rng.integers(0, 7, 300)
    expected = np.zeros((8, 4))
    for share, w, g in zip(overlap(ranges, edges), weight, group, strict=True):
        expected[g] += w * share
    np.testing.assert_allclose(spread(ranges, weight, group, 8, edges), expected, atol=1e-12)


def test_events_outside_the_rows_are_left_out_and_energies_kept() -> None:
    cell, rows = cell_of(
        np.array([0.5, -0.5, 0.2]), np.array([0.0, 2.0, 9.0]), np.array([0.0, 1.0]), np.arange(1.0, 5.0)
    )
    np.testing.assert_array_equal(cell, [0, 2])
    np.testing.assert_array_equal(rows, [True, False, True])


def test_nearest_stays_in_its_row_where_it_can() -> None:
    filled = np.array([[False, True, False, False, True], [False] * 5, [True, False, False, False, False]])
    source = nearest(filled)
    np.testing.assert_array_equal(source[0], [1, 1, 1, 4, 4])
    np.testing.assert_array_equal(source[1], source[0])
    np.testing.assert_array_equal(source[2], 10)


def test_log_normalised_of_an_empty_cell_is_minus_infinity() -> None:
    np.testing.assert_array_equal(np.exp(log_normalised(np.array([[0.0, 2.0, 2.0]]))), [[0.0, 0.5, 0.5]])
