"""What FITS files mean: index columns, rows of many pixels, missing values, frames, lost padding."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest

from nusky.maps import read_sky_map

NSIDE = 8
NPIX = 12 * NSIDE**2
HEAD = {"PIXTYPE": "HEALPIX", "ORDERING": "RING", "COORDSYS": "C", "NSIDE": NSIDE}
ORDER = np.random.default_rng(1).permutation(NPIX)


def bump(nside: int = NSIDE) -> np.ndarray:
    import healpy

    x = np.array(healpy.pix2vec(nside, np.arange(12 * nside**2)))
    p = np.exp((healpy.ang2vec(40.0, 30.0, lonlat=True) @ x - 1) / 0.04)
    return p / p.sum()


P = bump()


def col(name: str, code: str, array: Any, **more: Any) -> Any:
    from astropy.io import fits

    return fits.Column(name, code, array=array, **more)


def write(path: pathlib.Path, columns: list[Any], head: dict[str, Any], *before: Any) -> pathlib.Path:
    from astropy.io import fits

    table = fits.BinTableHDU.from_columns(columns)
    table.header.update(head)
    fits.HDUList([fits.PrimaryHDU(), *before, table]).writeto(path)
    return path


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "map.fits"


def check(path: Any, want: np.ndarray = P, **options: Any) -> None:
    np.testing.assert_allclose(read_sky_map(path, **options).probability, want, rtol=1e-6, atol=1e-15)


@pytest.mark.parametrize("scheme", ["EXPLICIT", "SPARSE", "explicit"])
@pytest.mark.parametrize("name", ["PIXEL", "HEALPIX", "HPX_PIXEL", "INDEX", "KEY", "CELL", "id", "n"])
def test_an_explicit_scheme_makes_the_first_column_pixel_numbers(file: Any, name: str, scheme: str) -> None:
    check(write(file, [col(name, "K", ORDER), col("PROB", "D", P[ORDER])], {**HEAD, "INDXSCHM": scheme}))


@pytest.mark.parametrize(
    "name", ["PIXEL", "ipix", "HPX_INDEX", "Pixel_Number", "HEALPIX_ID", "pixel_id", "INDEX", "PIXNUM"]
)
def test_columns_named_as_pixel_numbers_are_such(file: Any, name: str) -> None:
    check(write(file, [col("PROB", "D", P[ORDER]), col(name, "J", ORDER)], HEAD))


@pytest.mark.parametrize("name", ["CELL", "ID", "KEY", "NUMBER"])
def test_a_column_that_could_be_pixel_numbers_is_asked_about(file: Any, name: str) -> None:
    write(file, [col(name, "K", ORDER), col("PROB", "D", P[ORDER])], HEAD)
    with pytest.raises(ValueError, match=rf"the column {name} has each number 0 … 767 once.*INDXSCHM='EXPLICIT'"):
        read_sky_map(file)


def test_a_spectral_index_is_no_pixel_number(file: Any) -> None:
    check(write(file, [col("PROB", "D", P), col("INDEX", "D", np.full(NPIX, 2.1))], HEAD))


@pytest.mark.parametrize(
    ("head", "columns", "said"),
    [
        ({"INDXSCHM": "WEIRD"}, [("PROB", "D", P)], "INDXSCHM='WEIRD' is not known"),
        ({"INDXSCHM": "IMPLICIT"}, [("PIXEL", "K", ORDER), ("PROB", "D", P)], "INDXSCHM says IMPLICIT"),
        ({"INDXSCHM": "EXPLICIT"}, [("PIXEL", "D", ORDER + 0.5), ("PROB", "D", P)], "is no whole number"),
        ({"INDXSCHM": "EXPLICIT"}, [("PIXEL", "K", ORDER), ("pixel", "K", ORDER[::-1]), ("PROB", "D", P)], "PIXEL and"),
        ({}, [("PROB", "D", P), ("prob", "D", P[::-1])], "columns PROB and prob with different values"),
        ({"NSIDE": "eight"}, [("PROB", "D", P)], "NSIDE: expected an integer"),
        ({"NSIDE": 16}, [("PROB", "D", P)], "NSIDE=16 needs 3072 values"),
        ({"COORDSYS": "FK4"}, [("PROB", "D", P)], "COORDSYS='FK4' is no frame"),
        ({"COORDSYS": "G", "FRAME": "C"}, [("PROB", "D", P)], "COORDSYS says galactic but FRAME says equatorial"),
        ({}, [("PROB", "4D", np.tile(P[:, None], 4))], "4 values for each pixel"),
        ({"NSIDE": None}, [("PROB", "4D", np.tile(P[:, None], 4))], "4 values for each pixel"),
        ({"ORDERING": "RANGE", "MOCDIM": "TIME"}, [("RANGE", "K", [0, 4])], "is a MOC of TIME"),
    ],
)
def test_what_is_not_understood_is_refused_with_the_file(file: Any, head: Any, columns: Any, said: str) -> None:
    full = {key: value for key, value in {**HEAD, **head}.items() if value is not None}
    write(file, [col(*one) for one in columns], full)
    with pytest.raises(ValueError, match=said) as error:
        read_sky_map(file)
    assert "map.fits" in str(error.value)


@pytest.mark.parametrize("column", ["UNIQ", "uniq"])
def test_cell_numbers_are_never_values(file: Any, column: str) -> None:
    head = {**HEAD, "ORDERING": "NUNIQ"}
    write(file, [col("UNIQ", "K", np.arange(256, 300)), col("PROBDENSITY", "D", np.ones(44))], head)
    with pytest.raises(ValueError, match="holds the numbers of the pixels, not values; name one of PROBDENSITY"):
        read_sky_map(file, column=column, kind="probability")


def test_twins_are_told_apart_by_their_exact_name_and_equal_ones_are_one(file: Any, tmp_path: pathlib.Path) -> None:
    write(file, [col("PROB", "D", P), col("prob", "D", P[::-1])], HEAD)
    check(file, P, column="PROB")
    check(file, P[::-1], column="prob")
    check(write(tmp_path / "same.fits", [col("PROB", "D", P), col("prob", "D", P)], HEAD))


@pytest.mark.parametrize("nside", ["8", "8.0", " 8 ", 8.0, ""])
def test_nside_may_be_text(file: Any, nside: Any) -> None:
    check(write(file, [col("PROB", "D", P)], {**HEAD, "NSIDE": nside}))


@pytest.mark.parametrize(("per_row", "with_nside"), [(1024, True), (1024, False), (64, True), (12288, True)])
def test_rows_may_hold_many_pixels(file: Any, per_row: int, with_nside: bool) -> None:
    p = bump(32)
    head = {**HEAD, "NSIDE": 32} if with_nside else {k: v for k, v in HEAD.items() if k != "NSIDE"}
    check(write(file, [col("PROB", f"{per_row}D", p.reshape(-1, per_row))], head), p)


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        *((text, "galactic") for text in ("GAL", "G", "galactic")),
        *((text, "equatorial") for text in ("CEL", "EQU", "ICRS", "fk5", "Equatorial ")),
        *((text, "ecliptic") for text in ("ECL", "e")),
    ],
)
def test_frames_as_people_write_them(file: Any, text: str, frame: str) -> None:
    assert read_sky_map(write(file, [col("PROB", "D", P)], {**HEAD, "COORDSYS": text})).record.frame == frame


GONE = np.arange(NPIX) < 5
WITHOUT = np.where(GONE, 0, P) / P[~GONE].sum()
COUNTS = np.round(P * 30_000).astype("i4")


@pytest.mark.parametrize(
    ("code", "values", "more", "head"),
    [
        ("D", np.where(GONE, -1.6375e30, P), {}, {}),
        ("E", np.where(GONE, -1.6375e30, P), {}, {}),
        ("D", np.where(GONE, np.nan, P), {}, {}),
        ("D", np.where(GONE, -99.0, P), {}, {"BAD_DATA": -99.0}),
        ("D", np.where(GONE, 1e3, P), {}, {"BAD_DATA": 1e3}),
        ("E", np.where(GONE, 1e3, P), {}, {"BAD_DATA": 1e3}),
        ("J", np.where(GONE, 2**31 - 1, COUNTS), {"null": 2**31 - 1}, {}),
        ("I", np.where(GONE, -7, COUNTS), {"null": -7}, {}),
        ("K", np.where(GONE, 99_999, COUNTS), {"null": 99_999}, {}),
    ],
)
def test_missing_values_of_every_kind_are_nothing_and_counted(
    file: Any, code: str, values: Any, more: Any, head: Any
) -> None:
    sky = read_sky_map(write(file, [col("PROB", code, values, **more)], {**HEAD, **head}))
    want = np.where(GONE, 0, COUNTS) / COUNTS[~GONE].sum() if code in "IJK" else WITHOUT
    np.testing.assert_allclose(sky.probability, want, rtol=1e-6, atol=1e-12)
    assert sum(sky.record.repaired.values()) == 5


@pytest.mark.parametrize("with_type", [True, False])
def test_other_tables_may_come_before_the_map(file: Any, with_type: bool) -> None:
    from astropy.io import fits

    other = fits.BinTableHDU.from_columns([col("TIME", "D", np.arange(12.0))])
    head = HEAD if with_type else {key: value for key, value in HEAD.items() if key != "PIXTYPE"}
    check(write(file, [col("PROB", "D", P)], head, other))


def test_a_last_block_without_padding_is_whole_and_missing_rows_are_not(file: Any, tmp_path: pathlib.Path) -> None:
    from astropy.io import fits

    write(file, [col("PROB", "D", P)], HEAD)
    with fits.open(file) as hdus:
        end = hdus[1]._data_offset + 8 * NPIX
    content = file.read_bytes()
    (tmp_path / "unpadded.fits").write_bytes(content[:end])
    check(tmp_path / "unpadded.fits")
    for cut in (1, 80, end - 3000):
        (tmp_path / "cut.fits").write_bytes(content[: end - cut])
        with pytest.raises(ValueError, match=r"cut\.fits.*is the file complete"):
            read_sky_map(tmp_path / "cut.fits")


def test_a_column_without_a_name_has_its_number(file: Any) -> None:
    write(file, [col("AAAAAA", "D", P)], HEAD)
    file.write_bytes(file.read_bytes().replace(b"TTYPE1  = ", b"COMMENT   "))
    with pytest.raises(ValueError, match="column 'COLUMN1'"):
        read_sky_map(file)
    check(file, kind="probability")


def region() -> tuple[np.ndarray, np.ndarray]:
    import healpy

    inside = healpy.query_disc(NSIDE, healpy.ang2vec(40, 30, lonlat=True), np.radians(20), nest=True)
    want = np.zeros(NPIX)
    want[healpy.nest2ring(NSIDE, inside)] = 1 / inside.size
    return inside, want


@pytest.mark.parametrize(
    ("head", "columns"),
    [
        ({"ORDERING": "NUNIQ", "MOCORDER": 3}, lambda i: [("UNIQ", "K", 256 + i)]),
        ({"ORDERING": "NUNIQ", "MOCORDER": 3}, lambda i: [("NPIX", "J", 256 + i)]),
        ({"ORDERING": "NUNIQ", "MOCORDER": 3}, lambda i: [("UNIQ", "K", 256 + np.r_[i, i[:2]])]),
        (
            {"ORDERING": "RANGE", "MOCDIM": "SPACE"},
            lambda i: [("RANGE", "K", np.c_[i * 4**26, (i + 1) * 4**26].ravel())],
        ),
        ({"ORDERING": "NESTED", "INDXSCHM": "EXPLICIT"}, lambda i: [("PIXEL", "K", i)]),
    ],
)
def test_a_region_is_a_flat_prior_if_it_is_asked_for(file: Any, head: Any, columns: Any) -> None:
    inside, want = region()
    write(file, [col(*one) for one in columns(inside)], {**HEAD, **head})
    sky = read_sky_map(file, kind="region").regrade(NSIDE)
    np.testing.assert_allclose(sky.probability, want, atol=1e-15)
    assert sky.record.kind == "region"
    for options in ({}, {"kind": "probability"}, {"missing": "zero"}):
        with pytest.raises(ValueError, match=r"it is a MOC.*kind='region'"):
            read_sky_map(file, **options)


@pytest.mark.parametrize("edges", [[0, 12 * 4**29], [5, 4**20 + 3], [4**28 - 1, 4**28 + 1, 4**29, 3 * 4**29 + 7]])
def test_ranges_are_filled_exactly_by_cells(edges: list[int]) -> None:
    from nusky.maps.cells import from_ranges

    order, ipix = from_ranges(np.array(edges), "x")
    size = np.array([4 ** (29 - int(o)) for o in order], dtype=object)
    first = np.array([int(i) for i in ipix], dtype=object) * size
    along = np.argsort(first.astype(np.int64))
    covered = [(int(a), int(a + s)) for a, s in zip(first[along], size[along], strict=True)]
    merged: list[list[int]] = []
    for a, b in covered:
        if merged and merged[-1][1] == a:
            merged[-1][1] = b
        else:
            merged.append([a, b])
    assert [edge for pair in merged for edge in pair] == edges
    assert order.size < 200
