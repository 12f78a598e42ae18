"""Maps that are no file: bytes, open files, tables, pairs, objects that know their order and frame."""

from __future__ import annotations

import gzip
import io
import pathlib
from typing import Any

import numpy as np
import pytest

from nusky.maps import MultiOrderMap, SkyMap, read_sky_map, write_sky_map
from nusky.priors import SpatialPrior, as_priors

healpy = pytest.importorskip("healpy")
NSIDE = 8
HEAD = {"PIXTYPE": "HEALPIX", "ORDERING": "RING", "COORDSYS": "C", "NSIDE": NSIDE}


def bump() -> np.ndarray:
    x = np.array(healpy.pix2vec(NSIDE, np.arange(12 * NSIDE**2)))
    p = np.exp((healpy.ang2vec(40.0, 30.0, lonlat=True) @ x - 1) / 0.04)
    return p / p.sum()


P = bump()
NESTED = healpy.reorder(P, r2n=True)
GONE = np.arange(P.size) < 5
WITHOUT = np.where(GONE, 0, P) / P[~GONE].sum()
DIRTY = np.where(GONE, 1e3, P)


class Holder:
    """Stand-in for mhealpy's HealpixMap."""

    is_moc = False
    uniq: Any = None

    def __init__(self, data: Any, scheme: str = "RING", coordsys: Any = None, uniq: Any = None) -> None:
        self.data, self.is_nested, self.coordsys = np.asarray(data), scheme == "NESTED", coordsys
        if uniq is not None:
            self.is_moc, self.uniq = True, uniq

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self.data, dtype=dtype)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, key: Any) -> Any:
        return self.data[key]


@pytest.fixture(params=["flat", "cells"])
def path(request: Any, tmp_path: pathlib.Path) -> pathlib.Path:
    sky = SkyMap(P)
    return write_sky_map(tmp_path / "m.fits", sky if request.param == "flat" else MultiOrderMap.from_flat(sky))


def opened(path: pathlib.Path) -> Any:
    from astropy.io import fits

    return fits.open(path)


MAKERS = {
    "bytes": lambda path: path.read_bytes(),
    "bytearray": lambda path: bytearray(path.read_bytes()),
    "memoryview": lambda path: memoryview(path.read_bytes()),
    "packed bytes": lambda path: gzip.compress(path.read_bytes()),
    "BytesIO": lambda path: io.BytesIO(path.read_bytes()),
    "path as text": str,
    "path": lambda path: path,
}


@pytest.mark.parametrize("name", MAKERS)
def test_the_content_of_a_file_is_read_as_the_file(path: pathlib.Path, name: str) -> None:
    sky = read_sky_map(MAKERS[name](path)).regrade(NSIDE)
    np.testing.assert_allclose(sky.probability, P, rtol=1e-12)


def test_open_files_and_tables_are_read_as_the_file(path: pathlib.Path) -> None:
    from astropy.table import QTable, Table

    with path.open("rb") as file:
        np.testing.assert_allclose(read_sky_map(file).regrade(NSIDE).probability, P, rtol=1e-12)
    with opened(path) as hdus:
        for held in (hdus, hdus[1]):
            np.testing.assert_allclose(read_sky_map(held).regrade(NSIDE).probability, P, rtol=1e-12)
        with pytest.raises(ValueError, match=r"table without its header.*file name.*frame="):
            read_sky_map(hdus[1].data)
        records = read_sky_map(hdus[1].data, frame="C", kind="density", nest=False)
        np.testing.assert_allclose(records.regrade(NSIDE).probability, P, rtol=1e-12)
    for kind in (Table, QTable):
        np.testing.assert_allclose(read_sky_map(kind.read(path)).regrade(NSIDE).probability, P, rtol=1e-12)


MASKED = {
    "numpy": lambda: np.ma.array(DIRTY, mask=GONE),
    "astropy": lambda: pytest.importorskip("astropy.utils.masked").Masked(DIRTY, mask=GONE),
    "pandas": lambda: pytest.importorskip("pandas").Series(DIRTY).astype("Float64").mask(GONE),
    "UNSEEN": lambda: np.where(GONE, -1.6375e30, P),
    "float32 UNSEEN": lambda: np.where(GONE, -1.6375e30, P).astype("f4"),
    "NaN": lambda: np.where(GONE, np.nan, P),
}


@pytest.mark.parametrize("name", MASKED)
@pytest.mark.parametrize("take", [read_sky_map, SpatialPrior, lambda m: as_priors([m])[0]])
def test_missing_values_of_arrays_are_nothing_and_counted(take: Any, name: str) -> None:
    got = take(MASKED[name]())
    np.testing.assert_allclose(got.probability, WITHOUT, rtol=1e-6, atol=1e-12)
    assert sum(got.record.repaired.values()) == 5


@pytest.mark.parametrize("mark", ["mask", -1.6375e30, np.nan])
@pytest.mark.parametrize("kind", ["2dlnl", "cl"])
def test_missing_values_of_a_likelihood_are_not_its_best(kind: str, mark: Any) -> None:
    values = -2 * np.log(P / P.max()) if kind == "2dlnl" else 1 - P / P.max()
    given = np.ma.array(np.where(GONE, -5, values), mask=GONE) if mark == "mask" else np.where(GONE, mark, values)
    got = read_sky_map(given, kind=kind)
    np.testing.assert_allclose(got.probability, np.where(1e-12 * P.max() > WITHOUT, 0, WITHOUT), atol=1e-9)
    assert sum(got.record.repaired.values()) == 5


TAKERS = [read_sky_map, SpatialPrior, lambda m: as_priors(m)[0], lambda m: as_priors([m, P])[0]]


@pytest.mark.parametrize("take", TAKERS)
def test_objects_that_know_their_order_are_believed(take: Any) -> None:
    for held in (
        Holder(NESTED, "NESTED"),
        Holder(P),
        (NESTED, {"nest": True}),
        (P, {"nest": False}),
        (P, [("NSIDE", 8)]),
    ):
        np.testing.assert_allclose(take(held).probability, P, rtol=1e-12)


@pytest.mark.parametrize("frame", ["G", "galactic", "GAL"])
@pytest.mark.parametrize("take", TAKERS)
def test_objects_that_know_their_frame_are_turned(take: Any, frame: str) -> None:
    want = read_sky_map(P, frame="galactic").probability
    for held in (Holder(P, coordsys=frame), (P, {"COORDSYS": frame})):
        np.testing.assert_allclose(take(held).probability, want, rtol=1e-12)


def test_objects_with_cells_of_many_sizes_are_read() -> None:
    cells = MultiOrderMap.from_flat(SkyMap(P))
    got = read_sky_map(Holder(cells.probability, uniq=cells.uniq), nside=NSIDE)
    np.testing.assert_allclose(got.probability, P, rtol=1e-12)


def test_frames_of_astropy_are_frames() -> None:
    from astropy.coordinates import ICRS, Galactic

    assert read_sky_map(P, frame=Galactic).record.frame == "galactic"
    assert read_sky_map(P, frame=Galactic()).record.frame == "galactic"
    assert read_sky_map(P, frame=ICRS()).record.frame == "equatorial"


def test_a_header_that_healpy_left_behind_is_asked_about(tmp_path: pathlib.Path) -> None:
    path = write_sky_map(tmp_path / "n.fits", SkyMap(P), nest=True)
    pair = healpy.read_map(path, h=True)
    with pytest.raises(ValueError, match=r"healpy\.read_map turns the map to RING"):
        read_sky_map(pair)
    np.testing.assert_allclose(read_sky_map(pair, nest=False).probability, P, rtol=1e-12)


@pytest.mark.parametrize(
    ("bad", "error", "said"),
    [
        (b"hello", ValueError, "the bytes is neither FITS nor HDF5"),
        (io.StringIO("SIMPLE"), TypeError, "mode 'rb'"),
        ("A" * 5000, ValueError, "base64"),
        (((P, P), {"nest": True}), ValueError, "pair of several maps"),
        (gzip.compress(b"SIMPLE" * 100, mtime=0)[:-9], ValueError, "is the file complete"),
        (np.ones((2, 12)), ValueError, "1-D"),
        (None, TypeError, "expected a path"),
    ],
)
def test_what_is_no_map_is_refused_with_what_to_do(bad: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        read_sky_map(bad)


@pytest.mark.parametrize("bad", [b"SIMPLE", io.BytesIO(b"SIMPLE"), {"PROB": P}])
def test_priors_of_files_in_memory_are_told_to_be_read(bad: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"read_sky_map|real numbers|1-D"):
        as_priors(bad)


def test_arguments_of_tables_are_refused_for_arrays() -> None:
    for option in ({"column": "PROB"}, {"hdu": 1}):
        with pytest.raises(ValueError, match="is for tables"):
            read_sky_map(P, **option)


def test_masked_values_are_written_as_unseen_and_units_are_kept(tmp_path: pathlib.Path) -> None:
    from astropy import units as u

    for values in (np.ma.array(DIRTY, mask=GONE), np.ma.array(np.arange(P.size), mask=GONE)):
        path = write_sky_map(tmp_path / "w.fits", values, overwrite=True)
        back = healpy.read_map(path)
        np.testing.assert_array_equal(back == healpy.UNSEEN, GONE)
        np.testing.assert_allclose(back[~GONE], values[~GONE])
    path = write_sky_map(tmp_path / "u.fits", P / u.sr)
    with opened(path) as hdus:
        assert hdus[1].columns.units == ["1 / sr"]
    np.testing.assert_allclose(read_sky_map(path).probability, P, rtol=1e-12)


def test_objects_are_written_in_the_order_that_is_asked_for(tmp_path: pathlib.Path) -> None:
    for nest in (False, True):
        for held in (Holder(P), Holder(NESTED, "NESTED")):
            path = write_sky_map(tmp_path / "o.fits", held, nest=nest, overwrite=True)
            np.testing.assert_allclose(healpy.read_map(path), P, rtol=1e-12)
    path = write_sky_map(tmp_path / "g.fits", Holder(P, coordsys="G"))
    with opened(path) as hdus:
        assert hdus[1].header["COORDSYS"] == "G"
