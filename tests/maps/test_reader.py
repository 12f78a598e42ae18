"""Maps of every kind we read: the same sky must come out of each, and what is no map must be refused with advice."""

from __future__ import annotations

import gzip
import pathlib
import shutil

import numpy as np
import pytest

from nusky.maps.multiorder import MultiOrderMap
from nusky.maps.reader import read_sky_map
from nusky.maps.skymap import SkyMap
from nusky.maps.writer import write_sky_map
from nusky.priors import PriorPolicy, SpatialPrior, as_priors

NSIDE = 16
NPIX = 12 * NSIDE * NSIDE


def sky(nside: int = NSIDE, lon: float = 40.0, lat: float = 30.0, width: float = 0.2) -> np.ndarray:
    """A bump on a floor, RING, sum 1."""
    import healpy

    x = np.array(healpy.pix2vec(nside, np.arange(12 * nside * nside)))
    p = np.exp((healpy.ang2vec(lon, lat, lonlat=True) @ x - 1) / width**2) + 1e-6
    return p / p.sum()


def nested(p: np.ndarray) -> np.ndarray:
    import healpy

    return healpy.reorder(p, r2n=True)


def table(path: pathlib.Path, columns: dict, units: dict | None = None, **header) -> pathlib.Path:
    """A FITS table written with astropy alone."""
    from astropy.io import fits

    code = {"f4": "E", "f8": "D", "i8": "K", "i4": "J"}
    made = [
        fits.Column(name, code[np.asarray(c).dtype.str[1:]], array=c, unit=(units or {}).get(name))
        for name, c in columns.items()
    ]
    hdu = fits.BinTableHDU.from_columns(made)
    hdu.header.update(header)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    return path


FLAT = {"PIXTYPE": "HEALPIX", "COORDSYS": "C", "NSIDE": NSIDE}


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


def chime(path, ipix, cl, nside, ordering="nested"):
    h5py = pytest.importorskip("h5py", reason="HDF5 maps need h5py")
    with h5py.File(path, "w") as f:
        f.attrs.update({"tns_name": "FRB20990101A", "ra": 40.0, "dec": 30.0, "frame": "ICRS", "units": "degrees"})
        group = f.create_group("healpix")
        group.attrs["nside"] = nside
        group.attrs["ordering"] = ordering
        group["ipix"] = ipix
        group["CL"] = cl
        f.create_group("projection")["data"] = np.zeros((3, 4))
    return path


def test_a_chime_file_is_sparse_nested_fine_and_has_repeats(tmp_path):
    import healpy

    nside = 4096
    ipix = healpy.query_disc(nside, healpy.ang2vec(40.0, 30.0, lonlat=True), np.radians(0.3), nest=True)
    cl = np.linspace(0.01, 0.999, ipix.size).astype(np.float32)
    path = chime(tmp_path / "FRB_localization.h5", np.r_[ipix, ipix[:50]], np.r_[cl, cl[:50]], nside)
    got = read_sky_map(path)
    assert isinstance(got, MultiOrderMap)
    assert (got.nside, len(got), got.record.n_duplicate, got.record.kind) == (4096, ipix.size, 50, "cl")
    assert got.record.header["TNS_NAME"] == "FRB20990101A"
    p = (1 - cl.astype(float)) / (1 - cl.astype(float)).sum()
    flat = read_sky_map(path, nside=256)
    want = np.bincount(healpy.nest2ring(256, ipix >> 8), weights=p, minlength=flat.probability.size)
    np.testing.assert_allclose(flat.probability, want, rtol=1e-10, atol=1e-300)
    with pytest.raises(ValueError, match=r"PriorPolicy\(regrade=512\)"):
        SpatialPrior(got)
    assert SpatialPrior(got, policy=PriorPolicy(regrade=256)).peak == int(want.argmax())
    clash = chime(tmp_path / "clash.h5", np.r_[ipix[:5], ipix[0]], np.r_[cl[:5], 0.9], nside)
    with pytest.raises(ValueError, match="different values in rows 0 and 5"):
        read_sky_map(clash)
    bad = chime(tmp_path / "bad.h5", ipix[:3], np.array([0.1, 1.5, 0.2]), nside)
    with pytest.raises(ValueError, match=r"1\.5 in row 1 is outside"):
        read_sky_map(bad)


def test_an_hdf5_file_with_probdensity_is_read_when_its_frame_and_order_are_known(tmp_path):
    h5py = pytest.importorskip("h5py", reason="HDF5 maps need h5py")
    p = sky()
    with h5py.File(tmp_path / "m.h5", "w") as f:
        f["PROBDENSITY"] = nested(p)
    got = read_sky_map(tmp_path / "m.h5", nest=True, frame="C")
    np.testing.assert_allclose(got.probability, p, rtol=1e-12)
    with pytest.raises(ValueError, match="frame="):
        read_sky_map(tmp_path / "m.h5")
    with pytest.raises(ValueError, match="nest=True"):
        read_sky_map(tmp_path / "m.h5", frame="C")
    with h5py.File(tmp_path / "none.h5", "w") as f:
        f["events"] = np.zeros(5)
    with pytest.raises(ValueError, match="no group holds a sky map"):
        read_sky_map(tmp_path / "none.h5")
    # a table, as astropy writes it
    with h5py.File(tmp_path / "t.h5", "w") as f:
        rows = np.zeros(12, dtype=[("UNIQ", "i8"), ("PROBDENSITY", "f8")])
        rows["UNIQ"], rows["PROBDENSITY"] = np.arange(4, 16), 1.0
        f["skymap"] = rows
    assert len(read_sky_map(tmp_path / "t.h5", frame="C")) == 12


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
    with pytest.raises(ValueError, match="must be integers"):
        read_sky_map(real)


def test_what_is_no_map_is_refused_with_the_mend(tmp_path):
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


def test_a_file_name_where_a_map_is_wanted_says_how_to_read_it():
    for name in ("map.fits", pathlib.Path("map.fits")):
        for take in (SpatialPrior, as_priors, lambda m: as_priors([m])):
            with pytest.raises(TypeError, match=r"map\.fits.*read_sky_map\(path\)"):
                take(name)
