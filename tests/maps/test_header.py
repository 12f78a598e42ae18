from __future__ import annotations

import numpy as np
import pytest

from map_files import FLAT, sky, table
from nusky.maps.multiorder import MultiOrderMap
from nusky.maps.reader import read_sky_map
from nusky.maps.skymap import SkyMap
from nusky.maps.writer import write_sky_map
from nusky.priors import PriorPolicy, SpatialPrior, as_priors


def test_probability_and_density_cells_are_told_apart_by_name_and_unit(tmp_path):
    order = np.r_[np.zeros(11, dtype=np.int64), np.ones(4, dtype=np.int64)]
    ipix = np.r_[np.arange(11), 44 + np.arange(4)]
    p = np.r_[np.full(11, 0.05), 0.1, 0.2, 0.1, 0.05]
    density = p / (np.pi / 3 / 4.0**order)
    uniq = ipix + 4 ** (order + 1)
    head = {"ORDERING": "NUNIQ", "COORDSYS": "C"}
    a = table(tmp_path / "a.fits", {"UNIQ": uniq, "PROBDENSITY": density}, {"PROBDENSITY": "sr-1"}, **head)
    b = table(tmp_path / "b.fits", {"UNIQ": uniq, "PROB": p}, **head)
    c = table(tmp_path / "c.fits", {"UNIQ": uniq, "X": density / np.degrees(1) ** 2}, {"X": "deg-2"}, **head)
    d = table(tmp_path / "d.fits", {"UNIQ": uniq, "X": density}, **head)
    for path in (a, b, c):
        got = read_sky_map(path)
        np.testing.assert_allclose(np.sort(got.probability), np.sort(p), rtol=1e-12)
        assert got.record.total == pytest.approx(1.0)
    np.testing.assert_allclose(np.sort(read_sky_map(d, kind="density").probability), np.sort(p), rtol=1e-12)
    with pytest.raises(ValueError, match=r"probability or a density.*kind="):
        read_sky_map(d)
    e = table(tmp_path / "e.fits", {"UNIQ": uniq, "PROB": p}, {"PROB": "sr-1"}, **head)
    with pytest.raises(ValueError, match="the name says probability, the unit density"):
        read_sky_map(e)


@pytest.mark.parametrize(
    ("letter", "lon", "lat", "ra", "dec"), [("G", 0, 0, 266.405, -28.936), ("E", 90, 0, 90, 23.439)]
)
def test_a_map_in_another_frame_is_turned_by_header_or_argument(tmp_path, letter, lon, lat, ra, dec):
    import healpy

    p = sky(32, lon, lat, 0.1)
    head = {**FLAT, "NSIDE": 32, "ORDERING": "RING", "COORDSYS": letter}
    turned = read_sky_map(table(tmp_path / "a.fits", {"PROB": p}, **head))
    del head["COORDSYS"]
    bare = table(tmp_path / "b.fits", {"PROB": p}, **head)
    with pytest.raises(ValueError, match=r"does not say its coordinate frame.*frame='equatorial'"):
        read_sky_map(bare)
    np.testing.assert_array_equal(read_sky_map(bare, frame=letter).probability, turned.probability)
    np.testing.assert_array_equal(read_sky_map(p, frame=letter).probability, turned.probability)
    got = healpy.pix2ang(32, turned.peak, lonlat=True)
    assert np.hypot((got[0] - ra) * np.cos(np.radians(dec)), got[1] - dec) < 1.5
    assert abs(turned.probability.sum() - 1) < 1e-12
    assert turned.frame == "equatorial"
    assert turned.record.frame != "equatorial"
    # read maps are never turned twice
    np.testing.assert_array_equal(
        SpatialPrior(turned, policy=PriorPolicy(frame=letter)).probability, turned.probability
    )
    many = MultiOrderMap.from_flat(SkyMap(p))
    path = write_sky_map(tmp_path / "m.fits", many)
    from astropy.io import fits

    fits.setval(path, "COORDSYS", value=letter, ext=1)
    np.testing.assert_allclose(read_sky_map(path).probability, turned.probability, rtol=1e-9)


def test_the_unit_of_a_quantity_is_looked_at():
    from astropy import units as u

    p = sky()
    assert read_sky_map(p / u.sr).record.kind == "density"
    assert read_sky_map(p * u.dimensionless_unscaled).record.kind == "probability"
    np.testing.assert_allclose(SpatialPrior(p / u.deg**2).probability, SpatialPrior(p).probability, rtol=1e-14)
    for take in (read_sky_map, SpatialPrior, lambda m: as_priors([m])):
        with pytest.raises(ValueError, match=r"unit 'K' is no probability.*\.value"):
            take(p * u.K)
    assert read_sky_map(p * u.K, kind="probability").nside == 16
