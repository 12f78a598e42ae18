"""Hot spots of a scan against a plain search over all pairs."""

from __future__ import annotations

from typing import Any

import healpy
import numpy as np
import pytest

import nusky as cy

NSIDE = 16


@pytest.fixture(scope="module")
def scan() -> Any:
    rng = np.random.default_rng(3)
    values = np.zeros((4, 12 * NSIDE**2))
    values[1] = np.maximum(0, healpy.smoothing(rng.normal(size=values.shape[1]), fwhm=0.15, use_pixel_weights=False))
    values[2] = rng.random(values.shape[1])
    status = np.zeros(values.shape[1], dtype=np.int8)
    status[:200] = -1
    values[:, :200] = 0
    return cy.SkyScan(values, status)


def by_hand(scan: Any, n: int, separation: float, term: Any = 0.0) -> list[int]:
    total = np.where(scan.scanned & (scan.ts > 0), scan.ts + term, -np.inf)
    vectors = np.array(healpy.pix2vec(NSIDE, np.arange(total.size))).T
    spots: list[int] = []
    for pixel in np.argsort(-total, kind="stable").tolist():
        if len(spots) == n or total[pixel] == -np.inf:
            break
        around = healpy.get_all_neighbours(NSIDE, pixel)
        top = all(total[pixel] >= total[p] for p in around if p >= 0)
        if top and all(np.arccos(min(1.0, vectors[pixel] @ vectors[p])) >= separation for p in spots):
            spots.append(pixel)
    return spots


@pytest.mark.parametrize(("n", "separation"), [(1, 0.05), (10, 0.05), (10, 0.5), (1000, 0.2)])
def test_spots_are_those_found_by_hand(scan: Any, n: int, separation: float) -> None:
    spots = scan.hot_spots(n, separation=separation)
    assert spots.pixel.tolist() == by_hand(scan, n, separation)
    np.testing.assert_array_equal(spots.ts, scan.ts[spots.pixel])
    np.testing.assert_allclose(spots.dec, np.pi / 2 - healpy.pix2ang(NSIDE, spots.pixel)[0])


def test_a_term_is_added(scan: Any) -> None:
    term = -np.linspace(0, 1, scan.shape[1])
    term[1000:1500] = -np.inf
    spots = scan.hot_spots(5, term=term)
    assert spots.pixel.tolist() == by_hand(scan, 5, np.pi / 90, term)
    np.testing.assert_allclose(spots.ts_prior, scan.ts[spots.pixel] + term[spots.pixel])


def test_nothing_hot_is_an_empty_table() -> None:
    assert len(cy.SkyScan(np.zeros((4, 12)), np.zeros(12, dtype=np.int8)).hot_spots()) == 0


@pytest.mark.parametrize("kw", [{"n": 0}, {"separation": 0.0}, {"term": np.zeros(3)}])
def test_wrong_arguments_are_named(scan: Any, kw: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(kw))):
        scan.hot_spots(**kw)
