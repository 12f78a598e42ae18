"""A scan grid that follows the prior's resolution."""

from __future__ import annotations

import numpy as np
import pytest

from nusky.maps.multiorder import MultiOrderMap
from nusky.maps.skymap import SkyMap
from nusky.pixels.multi_order import follow_prior
from nusky.priors import PriorPolicy, SpatialPrior


def bump(nside: int = 64) -> SkyMap:
    import healpy

    x = np.array(healpy.pix2vec(nside, np.arange(12 * nside**2)))
    return SkyMap(np.exp((healpy.ang2vec(0.9, 2.0) @ x - 1) / 0.15**2))


def test_the_cells_cover_the_sky_within_the_limits_and_keep_the_probability():
    cells = follow_prior(bump(), min_nside=8, max_nside=32, p_max=1e-4)
    assert cells.area == pytest.approx(4 * np.pi)
    assert cells.probability.sum() == pytest.approx(1.0, abs=1e-12)
    assert (cells.nsides.min(), cells.nsides.max()) == (8, 32)
    assert [part.nside for part in cells.parts] == sorted({int(n) for n in cells.nsides})
    assert len(cells) < 12 * 32**2 / 3
    assert len(cells.ra) == len(cells.dec) == len(cells.pixels) == len(cells) == len(cells.term())


def test_without_merging_it_is_the_flat_grid_with_the_flat_term():
    flat = bump(16)
    cells = follow_prior(flat, min_nside=16, max_nside=16)
    prior = SpatialPrior(flat)
    assert cells.pixels.tolist() == list(range(12 * 16**2))
    np.testing.assert_allclose(cells.term(), prior.term, atol=1e-10)
    np.testing.assert_allclose(cells.probability, prior.probability, rtol=1e-12)
    np.testing.assert_allclose(cells.term(PriorPolicy(weight=1.0)), prior.term / 2, atol=1e-10)


def test_the_term_compares_densities_and_not_probabilities():
    # same density everywhere, cells of two sizes: no cell is preferred
    many = MultiOrderMap(
        np.r_[np.zeros(11, int), np.ones(4, int)],
        np.r_[np.arange(11), 44 + np.arange(4)],
        np.r_[np.ones(11), np.full(4, 0.25)],
    )
    cells = follow_prior(many, min_nside=1, max_nside=2)
    assert len(cells) == 15
    np.testing.assert_allclose(cells.term(), 0.0, atol=1e-12)


def test_containment_and_declination_are_applied_and_counted():
    cells = follow_prior(bump(), min_nside=8, max_nside=64, containment=0.9, min_dec=0.6, p_max=1e-5)
    everything = follow_prior(bump(), min_nside=8, max_nside=64, containment=0.9, p_max=1e-5)
    assert everything.probability.sum() >= 0.9
    assert everything.probability.sum() - everything.probability[everything.log_ratio.argmin()] < 0.9
    assert cells.dec.min() >= 0.6
    assert 0 < len(cells) < len(everything)
    assert [rule.exact for rule in cells.report] == [True, True, False, False]
    assert "90 % containment" in cells.describe()


def test_empty_cells_are_left_out_or_floored_never_nan():
    p = np.zeros(48)
    p[[3, 4]] = 1.0
    cells = follow_prior(SkyMap(p), min_nside=2, max_nside=4)
    assert len(cells) == 2
    assert cells.term(PriorPolicy(zero="floor")).tolist() == [0.0, 0.0]


def test_values_are_painted_over_their_cells():
    many = MultiOrderMap([0, 1, 1, 1, 1], [3, 4, 5, 6, 7], [0.5, 0.1, 0.1, 0.2, 0.1])
    cells = follow_prior(many, min_nside=1, max_nside=2)
    out = cells.embed(np.arange(5.0), nside=1, fill=-1.0)
    assert out[3] == 0.0
    assert out[1] == 4.0, "of the finer cells the largest value counts"
    assert (np.delete(out, [1, 3]) == -1).all()
    fine = cells.embed(np.arange(5.0), fill=np.nan)
    assert np.isfinite(fine).sum() == 8
    with pytest.raises(ValueError, match="5 cells"):
        cells.embed([1.0])


def test_directions_are_in_the_order_of_the_cells():
    core = pytest.importorskip("nusky._core", reason="the core is not built")
    cells = follow_prior(bump(), min_nside=8, max_nside=32, p_max=1e-4)
    assert isinstance(cells.directions, core.Directions)
    assert len(cells.directions) == len(cells)
    assert cells.directions is cells.directions


def test_bad_limits_are_refused():
    with pytest.raises(ValueError, match="exchange them"):
        follow_prior(bump(8), min_nside=16, max_nside=8)
    with pytest.raises(ValueError, match="exchange them"):
        follow_prior(bump(8), min_nside=8, max_nside=8, min_dec=1.0, max_dec=0.0)
    with pytest.raises(ValueError, match=r"np\.radians"):
        follow_prior(bump(8), min_nside=8, max_nside=8, min_dec=-85, max_dec=85)
    with pytest.raises(ValueError, match="not a percentage"):
        follow_prior(bump(8), containment=99)
    p = np.zeros(48)
    p[0] = 1.0
    with pytest.raises(ValueError, match="no cell is left"):
        follow_prior(SkyMap(p), min_nside=2, max_nside=2, max_dec=0.0)
