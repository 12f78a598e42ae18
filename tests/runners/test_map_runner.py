"""Choosing pixels through the core: what is called exact is exact, and a pixel's fit does not depend on the others."""

from __future__ import annotations

import numpy as np
import pytest

from nusky.maps.skymap import SkyMap
from nusky.pixels import full_sky, nearby, select_pixels
from nusky.pixels.multi_order import follow_prior
from nusky.priors import SpatialPrior

core = pytest.importorskip("nusky._core", reason="the core is not built")

NODES = np.arange(1.0, 4.01, 0.25)
CUT = 5.0


class Season:
    """A few events, as in a short window, with a hand-made energy term."""

    def __init__(self, n: int = 40, seed: int = 5) -> None:
        rng = np.random.default_rng(seed)
        self.ra, self.dec = 2 * np.pi * rng.random(n), np.arcsin(2 * rng.random(n) - 1)
        self.ra[:4], self.dec[:4] = 1.0 + 0.01 * rng.normal(size=4), 0.4 + 0.01 * rng.normal(size=4)
        self.sigma = np.radians(rng.uniform(0.3, 2.0, n))
        log_ratio = np.outer(rng.normal(size=n), 2.5 - NODES).astype(np.float32)
        columns = core.EventColumns(
            self.dec, self.sigma, np.full(n, 1 / (4 * np.pi)), log_ratio, NODES, cut_n_sigma=CUT
        )
        self.index = core.EventIndex([(columns, self.ra, 0, None, None)], np.array([1000.0]), n_threads=1)
        sindec = np.linspace(-1, 1, 5)
        self.model = core.Likelihood(NODES, sindec, np.zeros((1, 5, NODES.size)), extended=False)

    def scan(self, directions):
        return core.scan(self.model, self.index, directions, n_threads=1)


@pytest.fixture(scope="module")
def season():
    return Season()


def test_leaving_out_pixels_without_events_changes_nothing(season):
    everywhere = full_sky(32)
    near = select_pixels(32, near_events=(season.ra, season.dec, CUT * season.sigma))
    assert len(near) < 0.5 * len(everywhere)
    full, part = season.scan(everywhere.directions), season.scan(near.directions)
    for a, b in zip(full, part, strict=True):
        np.testing.assert_array_equal(a[near.pixels], b)
    outside = np.setdiff1d(everywhere.pixels, near.pixels)
    assert (full[0][outside] == 0).all()
    assert (full[3][outside] == 2).all(), "status NO_EVENTS: not one event within the cut"
    assert full[0].max() > 10
    again = nearby(everywhere, season.ra, season.dec, CUT * season.sigma)
    assert again == near


def test_the_hottest_spot_with_a_prior_is_that_of_the_full_scan(season):
    import healpy

    x = np.array(healpy.pix2vec(32, np.arange(12 * 32**2)))
    p = np.exp((healpy.ang2vec(np.pi / 2 - 0.3, 1.1) @ x - 1) / 0.2**2)
    p[p < 1e-8] = 0
    prior = SpatialPrior(p)
    full = season.scan(full_sky(32).directions)[0] + prior.term
    pixels = select_pixels(32, prior=prior, near_events=(season.ra, season.dec, CUT * season.sigma))
    part = season.scan(pixels.directions)[0] + prior.term[pixels.pixels]
    assert full.max() > 0
    assert pixels.pixels[part.argmax()] == full.argmax()
    assert part.max() == full.max()


def test_any_subset_of_pixels_gets_the_values_of_the_full_scan(season):
    full = season.scan(full_sky(16).directions)
    rng = np.random.default_rng(0)
    for n in (1, 50, 1000):
        mask = np.zeros(12 * 16**2, dtype=bool)
        mask[rng.choice(mask.size, n, replace=False)] = True
        some = select_pixels(16, pixmask=mask)
        np.testing.assert_array_equal(season.scan(some.directions)[0], full[0][some.pixels])


def test_cells_of_mixed_size_get_the_values_of_the_flat_scans(season):
    sky = full_sky(32)
    prior = SkyMap(np.exp(-(((sky.ra - 1.0) / 0.3) ** 2) - ((sky.dec - 0.4) / 0.3) ** 2) + 1e-9)
    cells = follow_prior(prior, min_nside=8, max_nside=32, p_max=1e-3)
    assert len(cells.parts) == 3
    got = season.scan(cells.directions)[0]
    start = 0
    for part in cells.parts:
        flat = season.scan(full_sky(part.nside).directions)[0][part.pixels]
        np.testing.assert_array_equal(season.scan(part.directions)[0], flat)
        np.testing.assert_allclose(got[start : start + len(part)], flat, rtol=1e-4, atol=1e-3)
        start += len(part)
    hot = full_sky(32)
    flat = season.scan(hot.directions)[0]
    assert got.max() == pytest.approx(flat.max(), rel=1e-4), "the finest cells lie where the source is"


def test_an_empty_set_is_scanned_to_nothing(season):
    none = nearby(full_sky(8), [], [], 0.1)
    assert [a.size for a in season.scan(none.directions)] == [0, 0, 0, 0]
