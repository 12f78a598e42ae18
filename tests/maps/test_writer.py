"""Written maps are read back by healpy, astropy and ourselves, and appear whole or not at all."""

from __future__ import annotations

import os

import healpy
import numpy as np
import pytest
from astropy import units
from astropy.io import fits

import nusky as cy
from nusky.maps.multiorder import MultiOrderMap
from nusky.maps.reader import read_sky_map
from nusky.maps.skymap import SkyMap
from nusky.maps.writer import write_sky_map
from nusky.priors import SpatialPrior


def some(nside: int = 16) -> np.ndarray:
    return np.random.default_rng(3).random(12 * nside * nside)


@pytest.mark.parametrize("nside", [1, 4, 64])
@pytest.mark.parametrize("name", ["m.fits", "m.fits.gz"])
def test_healpy_and_our_reader_return_what_was_written(tmp_path, nside, name):
    m = SkyMap(some(nside))
    path = write_sky_map(tmp_path / name, m)
    np.testing.assert_array_equal(healpy.read_map(path, dtype=None), m.probability)
    np.testing.assert_allclose(read_sky_map(path).probability, m.probability, rtol=1e-14)
    assert write_sky_map(tmp_path / ("p" + name), SpatialPrior(some(nside))).is_file()


def test_any_array_can_be_written_with_its_column_and_keywords(tmp_path):
    ts, ns = some(), some().astype(np.float32)
    path = write_sky_map(tmp_path / "ts.fits", {"TS": ts, "NS": ns}, header={"SEED": 7}, nest=True, frame="G")
    got, head = healpy.read_map(path, field=None, nest=None, h=True, dtype=None)
    np.testing.assert_array_equal(got[0], ts)
    np.testing.assert_array_equal(got[1], ns)
    head = dict(head)
    assert (head["ORDERING"], head["COORDSYS"], head["SEED"], head["NSIDE"]) == ("NESTED", "G", 7, 16)
    write_sky_map(tmp_path / "v.fits", ts - 5, column="MLOG10P", unit="")
    assert fits.getheader(tmp_path / "v.fits", 1)["TTYPE1"] == "MLOG10P"


def test_a_multi_order_file_holds_uniq_and_density_as_astropy_reads_it(tmp_path):
    from astropy.table import Table

    p = some(8)
    p[:300] = 1.0
    many = MultiOrderMap.from_flat(SkyMap(p))
    assert len(many) < 768
    path = write_sky_map(tmp_path / "m.fits", many)
    rows = Table.read(path)
    assert (rows.meta["ORDERING"], rows.meta["MOCORDER"], rows.meta["COORDSYS"]) == ("NUNIQ", 3, "C")
    assert str(rows["PROBDENSITY"].unit) == "1 / sr"
    # an independent reading: ten lines of numpy
    uniq = np.asarray(rows["UNIQ"])
    order = np.array([(int(u).bit_length() - 1) // 2 - 1 for u in uniq])
    area = np.pi / 3 / 4.0**order
    assert (np.asarray(rows["PROBDENSITY"]) * area).sum() == pytest.approx(1.0, abs=1e-12)
    assert area.sum() == pytest.approx(4 * np.pi)
    np.testing.assert_allclose(read_sky_map(path).probability, many.probability, rtol=1e-14)


def test_nothing_is_overwritten_unasked_and_nothing_half_written(tmp_path):
    path = write_sky_map(tmp_path / "m.fits", some())
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="overwrite=True"):
        write_sky_map(path, some(4))
    with pytest.raises(ValueError, match="one nside"):
        write_sky_map(path, {"A": some(4), "B": some(8)}, overwrite=True)
    assert path.read_bytes() == before
    write_sky_map(path, some(4), overwrite=True)
    assert path.read_bytes() != before
    assert os.listdir(tmp_path) == ["m.fits"]
    first = write_sky_map(tmp_path / "a.fits.gz", some()).read_bytes()
    assert write_sky_map(tmp_path / "b.fits.gz", some()).read_bytes() == first


def test_bad_maps_and_names_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"\.fits"):
        write_sky_map(tmp_path / "m.txt", some())
    with pytest.raises(ValueError, match="no full-sky HEALPix map"):
        write_sky_map(tmp_path / "m.fits", np.ones(13))
    with pytest.raises(TypeError, match="numbers"):
        write_sky_map(tmp_path / "m.fits", np.array(["a"] * 12))
    with pytest.raises(ValueError, match="empty"):
        write_sky_map(tmp_path / "m.fits", {})
    with pytest.raises(OSError, match=r"m\.fits"):
        write_sky_map(tmp_path / "no" / "m.fits", some())


def test_our_maps_are_reordered_for_nested_files_and_never_mislabelled(tmp_path):
    """A map of ours is RING and equatorial: a file that says otherwise about the same values is another sky."""
    sky = SkyMap(np.arange(1.0, 12 * 16**2 + 1))
    for name, m in (("sky", sky), ("prior", cy.SpatialPrior(sky))):
        path = write_sky_map(tmp_path / f"{name}.fits", m, nest=True)
        assert fits.getheader(path, 1)["ORDERING"] == "NESTED"
        np.testing.assert_array_equal(healpy.read_map(path), sky.probability)
        np.testing.assert_array_equal(healpy.read_map(path, nest=True), healpy.reorder(sky.probability, r2n=True))
        np.testing.assert_array_equal(cy.read_sky_map(path).probability, sky.probability)
        with pytest.raises(ValueError, match="is equatorial; leave frame= out"):
            write_sky_map(tmp_path / "no.fits", m, frame="galactic")
    cells = cy.priors.MultiOrderMap.from_flat(sky)
    for option in ({"nest": True}, {"frame": "G"}, {"column": "PROB"}, {"unit": "pix-1"}):
        with pytest.raises(ValueError, match="written as UNIQ and PROBDENSITY"):
            write_sky_map(tmp_path / "no.fits", cells, **option)
    for option in ({"nest": True}, {"frame": "galactic"}, {"kind": "density"}):
        for m in (sky, cells):
            with pytest.raises(ValueError, match="is a RING, equatorial probability; leave"):
                cy.read_sky_map(m, **option)
    assert not (tmp_path / "no.fits").exists()


def coarse_and_fine() -> MultiOrderMap:
    """Cells of nside 1 to 64 around a spot."""
    x = np.array(healpy.pix2vec(64, np.arange(12 * 64**2)))
    spot = np.exp((healpy.ang2vec(1.2, 3.0) @ x - 1) / 0.1**2)
    return MultiOrderMap.from_flat(SkyMap(spot), p_max=1e-4)


def test_mhealpy_rasterizes_a_multi_order_file_of_ours_to_the_same_map(tmp_path):
    mhealpy = pytest.importorskip("mhealpy")
    cells = coarse_and_fine()
    path = write_sky_map(tmp_path / "moc.fits", cells)
    theirs = mhealpy.HealpixMap.read_map(path, density=True)
    assert theirs.is_moc
    flat = theirs.rasterize(64, "RING")
    ours = cells.regrade(64).probability / flat.pixarea().value
    np.testing.assert_allclose(np.asarray(flat.data), ours, rtol=1e-12, atol=1e-15 * ours.max())
    # and the way back
    theirs.write_map(tmp_path / "theirs.fits", column_names=["PROBDENSITY"])
    back = read_sky_map(tmp_path / "theirs.fits")
    np.testing.assert_allclose(back.regrade(64).probability, cells.regrade(64).probability, rtol=1e-12)


def test_astropy_healpix_and_reproject_understand_our_files(tmp_path):
    astropy_healpix = pytest.importorskip("astropy_healpix")
    cells = coarse_and_fine()
    table = fits.getdata(write_sky_map(tmp_path / "moc.fits", cells), 1)
    level, ipix = astropy_healpix.uniq_to_level_ipix(table["UNIQ"])
    assert (astropy_healpix.level_to_nside(level).min(), level.max()) == (1, 6)
    area = np.pi / 3 / 4.0**level
    assert (table["PROBDENSITY"] * area).sum() == pytest.approx(1, abs=1e-12)
    hottest = table["PROBDENSITY"].argmax()
    lon, lat = astropy_healpix.healpix_to_lonlat(ipix[hottest], 2 ** level[hottest], order="nested")
    assert (lon.rad, np.pi / 2 - lat.rad) == pytest.approx((3.0, 1.2), abs=0.02)
    reproject = pytest.importorskip("reproject")
    from astropy.wcs import WCS

    flat = cells.regrade(64)
    grid = WCS(naxis=2)
    grid.wcs.ctype, grid.wcs.crval, grid.wcs.crpix, grid.wcs.cdelt = ["RA---CAR", "DEC--CAR"], [170, 20], [9, 9], [1, 1]
    sky = grid.pixel_to_world(*np.meshgrid(np.arange(17), np.arange(17)))
    for nest in (False, True):
        path = write_sky_map(tmp_path / f"flat{nest}.fits", flat, nest=nest)
        with fits.open(path) as hdus:
            image, _ = reproject.reproject_from_healpix(hdus[1], grid, shape_out=(17, 17), order="nearest-neighbor")
        ours = flat.probability[healpy.ang2pix(64, np.pi / 2 - sky.dec.rad, sky.ra.rad)]
        np.testing.assert_array_equal(image, ours)


def test_a_partial_map_of_healpy_is_read(tmp_path):
    m = np.full(12 * 64**2, healpy.UNSEEN)
    m[500:1500] = np.random.default_rng(1).random(1000)
    healpy.write_map(tmp_path / "part.fits", m, partial=True, coord="C", column_names=["PROB"], dtype=np.float64)
    got = read_sky_map(tmp_path / "part.fits")
    np.testing.assert_allclose(got.probability[500:1500], m[500:1500] / m[500:1500].sum(), rtol=1e-13)
    assert got.record.n_missing == 12 * 64**2 - 1000
    assert np.count_nonzero(got.probability) == 1000


@pytest.mark.parametrize("name", ["map.fits", "map.fits.gz"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), OSError("48 requested and 2 written")])
def test_a_full_disk_is_called_that(tmp_path, monkeypatch, name, error):
    def full(self, *_, **__):
        try:
            raise error
        except OSError:
            self.no_such_attribute  # noqa: B018  (as astropy 7 does, wording its message)

    monkeypatch.setattr(fits.HDUList, "writeto", full)
    with pytest.raises(
        OSError, match=rf"{name} was not written and nothing is left behind: .*(No space|disk full)"
    ) as e:
        write_sky_map(tmp_path / name, np.ones(48))
    assert e.value.errno == 28
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        (np.ones(12), {"nest": "RING"}, "nest='RING': give nest=True"),
        (np.ones(12) / units.sr, {"unit": "K"}, "VALUE: the values are in '1 / sr', unit= says 'K'; leave unit= out"),
        ({"TS": np.ones(12), "ts": np.zeros(12)}, {}, "the names TS, ts differ in case only"),
    ],
)
def test_what_a_file_would_say_wrongly_is_refused(tmp_path, given, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        write_sky_map(tmp_path / "a.fits", given, **options)
    assert not list(tmp_path.iterdir())


def test_one_unit_under_two_names_is_no_contradiction(tmp_path):
    write_sky_map(tmp_path / "a.fits", np.ones(12) / units.sr, unit="sr-1")
    assert fits.getheader(tmp_path / "a.fits", 1)["TUNIT1"] == "sr-1"
