"""SkyCoord wherever a position is taken; catalogues with gaps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nusky.pixels import select_pixels
from nusky.plotting import SkyPlotter, SkyZoom, plot_sky
from nusky.source import sources

u = pytest.importorskip("astropy.units")
from astropy.coordinates import FK5, SkyCoord  # noqa: E402

HERE = SkyCoord(l=184.56 * u.deg, b=-5.78 * u.deg, frame="galactic")


@pytest.mark.parametrize(
    "given", [HERE, HERE.icrs, HERE.transform_to(FK5()), [HERE], SkyCoord([HERE.icrs]), HERE.icrs.frame]
)
def test_a_skycoord_in_any_frame_is_a_position(given: Any) -> None:
    got = sources(given, name=["Crab"])
    np.testing.assert_allclose([got.ra[0], got.dec[0]], [HERE.icrs.ra.rad, HERE.icrs.dec.rad], atol=1e-9)


def test_positions_are_taken_by_cones_and_pictures() -> None:
    plt = pytest.importorskip("matplotlib.pyplot")
    pixels = select_pixels(16, cone=(HERE, 5 * u.deg))
    want = select_pixels(16, cone=(HERE.icrs.ra.rad, HERE.icrs.dec.rad, np.radians(5)))
    assert pixels == want
    _fig, ax = plt.subplots(subplot_kw={"projection": "aitoff"})
    plot_sky(ax, np.arange(48.0), "x", mark=HERE)
    (ring,) = [line for line in ax.lines if line.get_markersize() == 11]
    np.testing.assert_allclose(ring.get_xdata(), SkyPlotter().radec_to_mpl(HERE.icrs.ra.rad, 0.0)[0])
    _fig, ax = plt.subplots()
    SkyZoom(83 * u.deg, 22 * u.deg, 10 * u.deg).plot_points(ax, HERE)
    assert len(ax.lines) == 1
    plt.close("all")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((HERE, 0.1), "has its own declination"),
        ((1.0,), "needs ra and dec, or one SkyCoord"),
        (([HERE], 0.1), "its own"),
    ],
)
def test_half_a_position_is_refused(arguments: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        sources(*arguments)


@pytest.mark.parametrize("field", ["ra", "dec", "weight", "extension", "mjd", "t_100"])
@pytest.mark.parametrize("kind", ["numpy", "astropy", "UNSEEN"])
def test_a_gap_in_a_catalogue_is_refused_by_field_and_row(field: str, kind: str) -> None:
    given: dict[str, Any] = {"ra": [1.0, 2.0], "dec": [0.1, 0.2], "weight": [1.0, 2.0], "extension": [0.1, 0.1]}
    given |= {"mjd": [57000.0, 57001.0], "t_100": [1.0, 1.0]}
    if kind == "numpy":
        given[field] = np.ma.array(given[field], mask=[False, True])
    elif kind == "astropy":
        given[field] = pytest.importorskip("astropy.utils.masked").Masked(given[field], mask=[False, True])
    else:
        given[field] = [given[field][0], -1.6375e30]
    with pytest.raises(ValueError, match=rf"{field}\[1\] is missing \(1 (masked|unseen)\)"):
        sources(**given)


@pytest.mark.parametrize(
    ("mask", "n"),
    [
        (np.ma.array(np.ones(3072, dtype=bool), mask=np.arange(3072) < 1000), 2072),
        (np.ma.array(np.ones(3072, dtype=int), mask=np.arange(3072) < 1000), 2072),
        (np.ma.array([1, 2, 3], mask=[0, 1, 0]), 2),
    ],
)
def test_masked_entries_of_a_pixel_mask_are_not_allowed(mask: Any, n: int) -> None:
    assert len(select_pixels(16, pixmask=mask)) == n
