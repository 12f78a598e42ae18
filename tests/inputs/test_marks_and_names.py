"""Maps whose values, names or keywords contradict each other: read as they are meant, or refused."""

from __future__ import annotations

import os
import pathlib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nusky.maps import read_sky_map
from nusky.priors import SpatialPrior

NSIDE = 8
NPIX = 12 * NSIDE**2
HEAD = {"PIXTYPE": "HEALPIX", "ORDERING": "RING", "COORDSYS": "C", "NSIDE": NSIDE}
ORDER = np.random.default_rng(1).permutation(NPIX)
P = np.exp(-np.linspace(0, 20, NPIX))
P /= P.sum()
GONE = np.arange(NPIX) >= NPIX - 40
KEPT = np.where(GONE, 0, P) / P[~GONE].sum()
TWO = np.linspace(0, 40, NPIX)


def col(name: str, code: str, array: Any, **more: Any) -> Any:
    from astropy.io import fits

    return fits.Column(name, code, array=array, **more)


def write(path: pathlib.Path, columns: list[Any], **head: Any) -> pathlib.Path:
    from astropy.io import fits

    table = fits.BinTableHDU.from_columns(columns)
    table.header.update({**HEAD, **head})
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path)
    return path


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "map.fits"


def check(source: Any, want: np.ndarray = P, **options: Any) -> None:
    np.testing.assert_allclose(read_sky_map(source, **options).probability, want, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("code", ["D", "E"])
def test_whole_numbers_in_floating_point_are_pixels(file: Any, code: str) -> None:
    check(write(file, [col("PIXEL", code, ORDER.astype(float)), col("PROB", "D", P[ORDER])], INDXSCHM="EXPLICIT"))


@pytest.mark.parametrize("bad", [0.5, np.nan, np.inf, 2.0**24])
def test_numbers_that_floating_point_may_have_rounded_are_refused(file: Any, bad: float) -> None:
    index = ORDER.astype("f4")
    index[3] = bad
    write(file, [col("PIXEL", "E", index), col("PROB", "D", P[ORDER])], INDXSCHM="EXPLICIT")
    with pytest.raises(ValueError, match=r"pixel numbers: .* in row 3 is no whole number that dtype .*f4 holds"):
        read_sky_map(file)


def test_a_hidden_index_in_floating_point_is_seen(file: Any) -> None:
    write(file, [col("CELL", "D", ORDER.astype(float)), col("PROB", "D", P[ORDER])])
    with pytest.raises(ValueError, match="the column CELL has each number 0 … 767 once, in another order"):
        read_sky_map(file)


@pytest.mark.parametrize("head", [{"INDXSCHM": "EXPLICIT"}, {"ORDERING": "NUNIQ"}])
def test_a_map_is_not_taken_for_pixel_numbers(file: Any, head: dict[str, str]) -> None:
    write(file, [col("PROB", "D", P), col("CELL", "K", np.arange(NPIX))], **head)
    with pytest.raises(ValueError, match=r"says that the first column holds .* that is PROB; name the column"):
        read_sky_map(file)


def test_two_columns_of_one_kind_must_be_one_map(file: Any) -> None:
    write(file, [col("PROB", "D", P), col("PROBABILITY", "D", P[::-1])])
    with pytest.raises(ValueError, match=r"PROBABILITY and PROB with different values.*say which with column="):
        read_sky_map(file)
    check(file, column="PROB")
    check(write(file.with_name("same.fits"), [col("PROB", "D", P), col("PROBABILITY", "D", P)]))


@pytest.mark.parametrize("mark", [1e20, 1e30, 9.969e36, float(np.finfo("f4").max)])
def test_a_large_number_in_place_of_unknown_ones_is_no_probability(file: Any, mark: float) -> None:
    given = np.where(GONE, mark, P)
    write(file, [col("PROB", "D", given)])
    for read in (lambda: read_sky_map(file), lambda: read_sky_map(given), lambda: SpatialPrior(given)):
        with pytest.raises(ValueError, match=r"40 values are .* all others .* is that the mark of pixels without"):
            read()


def test_large_or_steep_maps_are_no_marks() -> None:
    check(1e30 * P)
    steep = np.where(np.arange(NPIX) < 4, 1.0, 1e-300)
    check(steep, steep / 4)
    check(np.where(GONE, 1e30, 0.0), GONE / 40)


def test_values_torn_by_a_transfer_as_text_are_refused() -> None:
    torn = np.random.default_rng(2).choice([-1e308, 1e308, 1e-300], NPIX)
    with pytest.raises(ValueError, match="values are negative, in all"):
        read_sky_map(torn)


@pytest.mark.parametrize(("mark", "n"), [(-1.0, 3), (-99.0, 1), (-1e4, 7)])
def test_2dlnl_below_that_of_the_best_point_is_a_mark(mark: float, n: int) -> None:
    given = np.where(np.arange(NPIX) >= NPIX - n, mark, TWO)
    with pytest.raises(ValueError, match=rf"2ΔlnL of {mark:g} \({n} rows below 0\) beside values of exactly 0"):
        read_sky_map(given, kind="2dlnl")
    # no difference against the best point: any number may be the smallest
    check(TWO - 1e4 - 0.5, read_sky_map(TWO, kind="2dlnl").probability, kind="2dlnl")


def test_2dlnl_that_prefer_no_place_are_another_quantity() -> None:
    with pytest.raises(ValueError, match=r"2ΔlnL run from 0 to 0\.9 only: .*another quantity"):
        read_sky_map(TWO / 40 * 0.9, kind="2dlnl")
    assert read_sky_map(TWO / 40 * 1.1, kind="2dlnl").probability.min() > 0


@pytest.mark.parametrize("name", ["2DLLH", "CL"])
def test_a_probability_under_another_name_is_refused(file: Any, name: str) -> None:
    write(file, [col(name, "D", P)])
    with pytest.raises(ValueError, match=r"values sum to 1, as a probability does.*give kind='probability'"):
        read_sky_map(file)
    check(file, kind="probability")


@pytest.mark.parametrize(("unit", "said"), [("%", "is in percent; give the column divided"), ("K", "is no prob")])
def test_confidence_levels_have_no_unit(file: Any, unit: str, said: str) -> None:
    write(file, [col("CL", "D", np.linspace(0, 1, NPIX), unit=unit)])
    with pytest.raises(ValueError, match=said):
        read_sky_map(file)


@pytest.mark.parametrize("bad", [-999.0, "-999", 1e20])
def test_bad_data_of_a_header_in_memory_counts(bad: Any) -> None:
    table = pytest.importorskip("astropy.table")
    given = np.where(GONE, float(bad), P)
    for source in (table.Table({"PROB": given}, meta={**HEAD, "BAD_DATA": bad}), (given, {**HEAD, "BAD_DATA": bad})):
        check(source, KEPT)
        assert read_sky_map(source).record.repaired == {"masked": 40}


def test_objects_say_their_order_in_other_words() -> None:
    import healpy

    nested = healpy.reorder(P, r2n=True)
    check(SimpleNamespace(map=nested, scheme="NESTED"))
    check(SimpleNamespace(map=nested, is_nested=lambda: True))
    check(SimpleNamespace(map=P, scheme="RING"))


@pytest.mark.parametrize("second", [None, "RING", True])
def test_a_pair_without_a_header_says_what_is_missing(second: Any) -> None:
    with pytest.raises(TypeError, match=r"a pair \(map, .*\): the second of a pair is the header"):
        read_sky_map((P, second))


def test_names_of_files_in_other_forms(file: Any) -> None:
    write(file, [col("PROB", "D", P)])
    check(file.as_uri())
    with pytest.raises(TypeError, match=r"is the name of a file in bytes; give it as text"):
        read_sky_map(os.fsencode(file))
    with pytest.raises(ValueError, match="hdu=True: give the number or the name of an extension"):
        read_sky_map(file, hdu=True)
    np.save(file.with_name("a.npy"), P)
    check(file.with_name("a.npy").rename(file.with_name("A.NPY")))
    with (
        file.with_name("A.NPY").open("rb") as content,
        pytest.raises(ValueError, match=r"an npy file: .*numpy\.load"),
    ):
        read_sky_map(content)
