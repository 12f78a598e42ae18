"""Maps of every kind we read: the same sky must come out of each, and what is no map must be refused with advice."""

from __future__ import annotations

import gzip
import pathlib
import shutil

import numpy as np
import pytest

from map_files import FLAT, NPIX, NSIDE, nested, sky, table
from nusky.maps.multiorder import MultiOrderMap
from nusky.maps.reader import read_sky_map
from nusky.maps.skymap import SkyMap
from nusky.maps.writer import write_sky_map
from nusky.priors import PriorPolicy, SpatialPrior, as_priors


def test_ring_nested_gzip_float32_and_healpy_files_hold_the_same_sky(tmp_path):
    import healpy

    p = sky()
    ring = table(tmp_path / "ring.fits", {"PROB": p}, ORDERING="RING", **FLAT)
    nest = table(tmp_path / "nest.fits", {"PROB": nested(p)}, ORDERING="NESTED", **FLAT)
    with ring.open("rb") as a, gzip.open(tmp_path / "ring.fits.gz", "wb") as b:
        shutil.copyfileobj(a, b)
    healpy.write_map(tmp_path / "h.fits", p, nest=False, coord="C", column_names=["PROB"], dtype=np.float64)
    healpy.write_map(tmp_path / "f4.fits", p, coord="C", column_names=["PROB"], column_units="pix-1", dtype=np.float32)
    for name, rtol in (("ring.fits", 1e-13), ("nest.fits", 1e-13), ("ring.fits.gz", 1e-13), ("h.fits", 1e-13)):
        got = read_sky_map(tmp_path / name)
        np.testing.assert_allclose(got.probability, p, rtol=rtol)
    single = read_sky_map(tmp_path / "f4.fits")
    np.testing.assert_allclose(single.probability, p, rtol=1e-6)
    assert single.probability.dtype == np.dtype("=f8")
    assert abs(single.probability.sum() - 1) < 1e-12
    assert read_sky_map(nest).record.ordering == "NESTED"


def test_the_bayestar_map_is_a_probability_and_its_multi_order_twin_is_the_same(tmp_path):
    reproject = pytest.importorskip("reproject", reason="its wheel carries the bayestar map")
    import healpy

    path = pathlib.Path(reproject.__file__).parent / "healpix/tests/data/bayestar.fits.gz"
    if not path.is_file():
        pytest.skip("this reproject has no bayestar.fits.gz")
    flat = read_sky_map(path)
    assert (flat.nside, flat.record.ordering, flat.record.frame, flat.record.kind) == (
        512,
        "NESTED",
        "equatorial",
        "probability",
    )
    assert abs(flat.record.total - 1) < 1e-5
    assert flat.record.header["MJD-OBS"].startswith("55446.39")
    theirs = healpy.read_map(path, dtype=np.float64)
    np.testing.assert_allclose(flat.probability, theirs / theirs.sum(), rtol=1e-12)
    many = MultiOrderMap.from_flat(flat)
    assert len(many) < 20000, "the map is 100 times smaller at its own resolution"
    write_sky_map(tmp_path / "multi.fits", many)
    back = read_sky_map(tmp_path / "multi.fits")
    assert isinstance(back, MultiOrderMap)
    np.testing.assert_allclose(back.regrade(512).probability, flat.probability, rtol=1e-12)
    small = healpy.ud_grade(theirs / theirs.sum(), 64, power=-2)
    np.testing.assert_allclose(read_sky_map(tmp_path / "multi.fits", nside=64).probability, small, rtol=1e-11)
    prior = SpatialPrior(back, policy=PriorPolicy(regrade=64))
    np.testing.assert_allclose(prior.term, 2 * np.log(small / small.max()), atol=1e-10)
    # 90 % area against a plain sort
    p = np.sort(theirs / theirs.sum())[::-1]
    n = int(np.searchsorted(np.cumsum(p), 0.9)) + 1
    assert back.area(0.9) == pytest.approx(n * healpy.nside2pixarea(512), rel=1e-3)
    assert flat.area(0.9) == pytest.approx(n * healpy.nside2pixarea(512), rel=1e-9)


def test_explicit_pixels_are_placed_and_the_rest_is_zero(tmp_path):
    p = sky()
    chosen = np.flatnonzero(p > 1e-4)
    for ordering, index, value in (
        ("RING", chosen, p[chosen]),
        ("NESTED", np.flatnonzero(nested(p) > 1e-4), nested(p)[nested(p) > 1e-4]),
    ):
        path = table(
            tmp_path / f"{ordering}.fits",
            {"PIXEL": index, "PROBABILITY": value},
            ORDERING=ordering,
            INDXSCHM="EXPLICIT",
            **FLAT,
        )
        got = read_sky_map(path)
        want = np.where(p > 1e-4, p, 0)
        np.testing.assert_allclose(got.probability, want / want.sum(), rtol=1e-12)
        assert got.record.n_missing == NPIX - chosen.size


def test_an_alert_map_of_two_delta_lnl_becomes_a_probability(tmp_path):
    rng = np.random.default_rng(1)
    import healpy

    x = np.array(healpy.pix2vec(NSIDE, np.arange(NPIX)))
    two = 2 * (1 - healpy.ang2vec(200.0, -10.0, lonlat=True) @ x) / 0.15**2 + rng.uniform(0, 0.5, NPIX)
    want = np.exp(-0.5 * (two - two.min()))
    want[want < 1e-12] = 0
    assert (want == 0).any()
    np.testing.assert_allclose(read_sky_map(two, kind="2dlnl").probability, want / want.sum(), rtol=1e-12)
    # offset, unscanned pixels and float32, from a file
    dirty = (two + 3.0).astype(np.float32)
    dirty[:10] = np.nan
    path = table(tmp_path / "alert.fits", {"2DLNL": dirty}, ORDERING="RING", **FLAT)
    got = read_sky_map(path)
    want[:10] = 0
    np.testing.assert_allclose(got.probability, want / want.sum(), rtol=1e-4, atol=1e-12 / want.sum())
    assert got.record.repaired == {"nan": 10}
    assert got.record.kind == "2dlnl"


def test_a_gbm_like_map_with_negative_pixels_is_repaired_and_counted(tmp_path):
    p = sky().astype(np.float32)
    p[100:120] = -1e-9
    p[7] = np.nan
    path = table(
        tmp_path / "gbm.fit",
        {"PROBABILITY": nested(p), "SIGNIFICANCE": np.linspace(0, 1, NPIX)},
        ORDERING="NESTED",
        **FLAT,
    )
    got = read_sky_map(path)
    assert got.record.repaired == {"nan": 1, "negative": 20}
    assert "20 negative values set to 0" in str(got.record)
    prior = SpatialPrior(got)
    assert prior.n_excluded == 21
    assert prior.repaired == {"nan": 1, "negative": 20}
    assert np.isneginf(prior.term[100:120]).all()


def test_arrays_histlite_maps_tables_and_npy_files_are_taken_too(tmp_path):
    import histlite
    from astropy.table import Table

    p = sky()
    hist = histlite.heal.hist(16, [0], [np.pi]).smoothing(np.radians(10)).normalize()
    positive = np.maximum(hist.map, 0)
    np.testing.assert_allclose(read_sky_map(hist).probability, positive / positive.sum(), rtol=1e-12)
    np.testing.assert_allclose(read_sky_map(nested(p), nest=True).probability, p, rtol=1e-12)
    np.save(tmp_path / "m.npy", p.astype(">f4"))
    np.testing.assert_allclose(read_sky_map(tmp_path / "m.npy").probability, p, rtol=1e-6)
    rows = Table({"PROB": p}, meta={"ORDERING": "RING", "COORDSYS": "C"})
    np.testing.assert_allclose(read_sky_map(rows).probability, p, rtol=1e-12)
    import numpy.ma as ma

    rows["PROB"] = ma.array(p, mask=np.arange(p.size) < 3)
    assert read_sky_map(rows).record.repaired == {"masked": 3}
    pandas = pytest.importorskip("pandas", reason="a Series has a method called map")
    np.testing.assert_allclose(read_sky_map(pandas.Series(p)).probability, p, rtol=1e-12)
    np.testing.assert_allclose(SpatialPrior(pandas.Series(p)).probability, p, rtol=1e-12)
    ready = SkyMap(p)
    assert read_sky_map(ready) is ready
    assert read_sky_map(ready, nside=4).nside == 4


@pytest.mark.parametrize("nside", [4, 16, 32])
@pytest.mark.parametrize("kind", ["probability", "density"])
def test_a_read_map_sums_to_one_at_any_nside(nside, kind):
    got = read_sky_map(1e5 * sky(), nside=nside, kind=kind)
    assert abs(got.probability.sum() - 1) < 1e-12
    assert got.nside == nside


def test_uniq_cells_that_overlap_or_leave_gaps_are_refused(tmp_path):
    head = {"ORDERING": "NUNIQ", "COORDSYS": "C"}
    uniq = np.arange(4, 16)
    whole = table(tmp_path / "whole.fits", {"UNIQ": uniq, "PROBDENSITY": np.ones(12)}, **head)
    assert read_sky_map(whole).covered == 1.0
    over = table(tmp_path / "o.fits", {"UNIQ": np.r_[uniq, 16 + 5], "PROBDENSITY": np.ones(13)}, **head)
    with pytest.raises(ValueError, match=r"o\.fits.*overlap: \(order 0, ipix 1\) covers \(order 1, ipix 5\)"):
        read_sky_map(over)
    twice = table(tmp_path / "t.fits", {"UNIQ": np.r_[uniq, 7], "PROBDENSITY": np.ones(13)}, **head)
    with pytest.raises(ValueError, match="overlap"):
        read_sky_map(twice)
    gap = table(tmp_path / "g.fits", {"UNIQ": np.delete(uniq, 3), "PROBDENSITY": np.ones(11)}, **head)
    with pytest.raises(ValueError, match=r"8\.33 % of the sky.*after order 0, ipix 2.*missing='zero'"):
        read_sky_map(gap)
    part = read_sky_map(gap, missing="zero")
    assert part.covered == pytest.approx(11 / 12)
    assert part.regrade(1).probability[3] == 0
    wrong = table(tmp_path / "w.fits", {"UNIQ": np.r_[uniq[:-1], 2], "PROBDENSITY": np.ones(12)}, **head)
    with pytest.raises(ValueError, match="UNIQ 2 in row 11"):
        read_sky_map(wrong)
    real = table(tmp_path / "r.fits", {"UNIQ": uniq.astype(float), "PROBDENSITY": np.ones(12)}, **head)
    assert read_sky_map(real).covered == 1.0
    broken = table(tmp_path / "b.fits", {"UNIQ": uniq + 0.5, "PROBDENSITY": np.ones(12)}, **head)
    with pytest.raises(ValueError, match=r"UNIQ: 4\.5 in row 0 is no whole number"):
        read_sky_map(broken)


def test_what_is_no_map_is_refused_with_what_to_do(tmp_path):
    from astropy.io import fits

    p = sky()
    with pytest.raises(FileNotFoundError, match=r"nothing\.fits does not exist"):
        read_sky_map(tmp_path / "nothing.fits")
    (tmp_path / "text.fits").write_text("hello world")
    with pytest.raises(ValueError, match="neither FITS nor HDF5"):
        read_sky_map(tmp_path / "text.fits")
    fits.PrimaryHDU(np.zeros((4, 4))).writeto(tmp_path / "image.fits")
    with pytest.raises(ValueError, match="holds no table"):
        read_sky_map(tmp_path / "image.fits")
    events = table(tmp_path / "events.fits", {"RA": p, "DEC": p, "ENERGY": p})
    with pytest.raises(ValueError, match=r"does not look like a sky map.*RA, DEC, ENERGY.*column="):
        read_sky_map(events)
    with pytest.raises(KeyError, match="no column 'TS'"):
        read_sky_map(events, column="TS")
    kelvin = table(tmp_path / "cmb.fits", {"TEMPERATURE": p}, {"TEMPERATURE": "K"}, ORDERING="RING", **FLAT)
    with pytest.raises(ValueError, match=r"unit 'K' is no probability.*kind="):
        read_sky_map(kelvin)
    bare = table(tmp_path / "bare.fits", {"PROB": p}, COORDSYS="C")
    with pytest.raises(ValueError, match="ORDERING is missing"):
        read_sky_map(bare)
    short = table(tmp_path / "short.fits", {"PROB": p[:-1]}, ORDERING="RING", **FLAT)
    with pytest.raises(ValueError, match=f"NSIDE=16 needs {NPIX} values, the table has {NPIX - 1}"):
        read_sky_map(short)
    odd = table(tmp_path / "odd.fits", {"PROB": np.ones(12 * 9)}, ORDERING="RING", COORDSYS="C", NSIDE=3)
    with pytest.raises(ValueError, match="NSIDE=3 is not a power of two"):
        read_sky_map(odd)
    strange = table(tmp_path / "s.fits", {"PROB": p}, ORDERING="RING", **{**FLAT, "COORDSYS": "AZEL"})
    with pytest.raises(ValueError, match="COORDSYS='AZEL'"):
        read_sky_map(strange)
    zero = table(tmp_path / "z.fits", {"PROB": 0 * p}, ORDERING="RING", **FLAT)
    with pytest.raises(ValueError, match=r"z\.fits.*no value is larger than 0"):
        read_sky_map(zero)
    broken = tmp_path / "broken.fits"
    broken.write_bytes((tmp_path / "s.fits").read_bytes()[:9000])
    with pytest.raises((ValueError, TypeError), match=r"broken\.fits"):
        read_sky_map(broken)
    unnumbered = table(tmp_path / "u.fits", {"PIXEL": np.arange(3), "PROB": p[:3]}, ORDERING="RING", COORDSYS="C")
    with pytest.raises(ValueError, match="NSIDE"):
        read_sky_map(unnumbered)
    outside = table(tmp_path / "x.fits", {"PIXEL": np.array([1, NPIX]), "PROB": p[:2]}, ORDERING="RING", **FLAT)
    with pytest.raises(ValueError, match=f"pixel {NPIX} in row 1 is outside nside 16"):
        read_sky_map(outside)
    with pytest.raises(TypeError, match="full-sky array"):
        read_sky_map(None)
    with pytest.raises(ValueError, match="kind='flux'"):
        read_sky_map(p, kind="flux")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="missing='drop'"):
        read_sky_map(p, missing="drop")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="no extension 7"):
        read_sky_map(events, hdu=7)
    with pytest.raises(ValueError, match="is no table"):
        read_sky_map(events, hdu=0)


def test_a_gzip_file_that_ends_too_soon_is_not_taken_for_one_without_tables(tmp_path):
    path = write_sky_map(tmp_path / "whole.fits.gz", SkyMap(sky()))
    whole = path.read_bytes()
    for share in (0.2, 0.5, 0.9, 0.999):
        (tmp_path / "half.fits.gz").write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(ValueError, match=r"half\.fits\.gz cannot be read as FITS.*is the file complete"):
            read_sky_map(tmp_path / "half.fits.gz")


def test_a_file_name_where_a_map_is_wanted_says_how_to_read_it():
    for name in ("map.fits", pathlib.Path("map.fits")):
        for take in (SpatialPrior, as_priors, lambda m: as_priors([m])):
            with pytest.raises(TypeError, match=r"map\.fits.*read_sky_map\(path\)"):
                take(name)


def test_columns_read_where_they_lie_in_the_file_are_those_that_astropy_reads(tmp_path):
    """Unscaled floating-point tables are not copied by astropy first; scaled ones, with gaps, and integers are."""
    import healpy
    from astropy.io import fits

    p = sky()
    path = tmp_path / "many.fits"
    columns = [p.astype("f4"), 1e3 * p.astype("f4"), p[::-1].astype("f4")]
    names = ["PROB", "DISTMU", "OTHER"]
    healpy.write_map(path, columns, coord="C", column_names=names, dtype=np.float32)  # 1024 values a row
    with fits.open(path, memmap=False) as hdus:
        expected = np.asarray(hdus[1].data["PROB"]).ravel().astype(np.float64)
    np.testing.assert_array_equal(read_sky_map(path).probability, SkyMap(expected).probability)
    table_hdu = fits.BinTableHDU.from_columns([fits.Column("PROB", "I", array=np.arange(NPIX, dtype=np.int16))])
    table_hdu.header.update({"PIXTYPE": "HEALPIX", "ORDERING": "RING", "NSIDE": NSIDE, "COORDSYS": "C"})
    table_hdu.header.update({"TSCAL1": 0.5, "TZERO1": 3.0})
    table_hdu.writeto(tmp_path / "scaled.fits")
    with fits.open(tmp_path / "scaled.fits", memmap=False) as hdus:
        values = np.asarray(hdus[1].data["PROB"], dtype=np.float64)
    np.testing.assert_array_equal(values, 0.5 * np.arange(NPIX) + 3.0)
    np.testing.assert_array_equal(read_sky_map(tmp_path / "scaled.fits").probability, SkyMap(values).probability)


def test_a_map_is_normalised_the_same_in_its_own_array_and_in_a_copy():
    values = np.random.default_rng(1).random(NPIX) * 1e-3
    kept = values.copy()
    expected = SkyMap(values)
    np.testing.assert_array_equal(values, kept)
    np.testing.assert_array_equal(SkyMap.of_clean(values, expected.record).probability, expected.probability)
    assert not expected.probability.flags.writeable
