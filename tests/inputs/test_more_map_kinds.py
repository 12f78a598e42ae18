"""What maps say of themselves in less usual ways: flags, pairs with headers, positions, signs, old equinoxes."""

from __future__ import annotations

import gzip
import pathlib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.maps import read_sky_map
from nusky.maps.calibration import calibration_in

healpy = pytest.importorskip("healpy")
NSIDE = 8
NPIX = 12 * NSIDE**2
AREA = 4 * np.pi / NPIX
HEAD = {"PIXTYPE": "HEALPIX", "ORDERING": "RING", "COORDSYS": "C", "NSIDE": NSIDE}
X = np.array(healpy.pix2vec(NSIDE, np.arange(NPIX)))
P = np.exp((healpy.ang2vec(40.0, 30.0, lonlat=True) @ X - 1) / 0.04)
P /= P.sum()
NESTED = P[healpy.nest2ring(NSIDE, np.arange(NPIX))]
THETA, PHI = healpy.pix2ang(NSIDE, np.arange(NPIX))


def galactic_peak() -> int:
    """The pixel of the peak if its numbers are galactic."""
    coordinates = pytest.importorskip("astropy.coordinates")
    there = coordinates.SkyCoord(40.0, 30.0, unit="deg", frame="galactic").icrs
    return int(healpy.ang2pix(NSIDE, there.ra.deg, there.dec.deg, lonlat=True))


def table(columns: dict[str, Any], **head: Any) -> Any:
    return pytest.importorskip("astropy.table").Table(columns, meta={**HEAD, **head})


@pytest.mark.parametrize(
    "said", [{"nest": np.True_}, {"nest": 1}, {"nested": True}, {"order": "nested"}, {"ordering": "NEST"}]
)
def test_an_object_says_its_order_with_any_flag(said: dict[str, Any]) -> None:
    np.testing.assert_allclose(read_sky_map(SimpleNamespace(map=NESTED, **said)).probability, P)
    np.testing.assert_allclose(read_sky_map(SimpleNamespace(map=P, nest=np.False_)).probability, P)


@pytest.mark.parametrize("name", ["frame", "coordsys", "coord"])
def test_an_object_says_its_frame(name: str) -> None:
    found = read_sky_map(SimpleNamespace(map=P, **{name: "G"}))
    assert found.record.frame == "galactic"
    near = healpy.get_all_neighbours(NSIDE, galactic_peak())
    assert found.peak in {galactic_peak(), *near.tolist()}


def test_the_header_of_a_pair_says_unit_kind_frame_and_levels() -> None:
    assert read_sky_map((P / AREA, {"ORDERING": "RING", "TUNIT1": "sr-1"})).record.kind == "density"
    per_degree = read_sky_map((P / AREA / np.degrees(1) ** 2, {"nest": False, "unit": "deg-2"}))
    assert per_degree.record.kind == "density"
    assert per_degree.record.total == pytest.approx(1.0)
    assert read_sky_map((P, {"nest": False, "coord": "G"})).record.frame == "galactic"
    x = -2 * np.log(P / P.max())
    cards = [
        ("ORDERING", "RING"),
        ("TTYPE1", "2LLH"),
        ("COMMENT", "first"),
        ("COMMENT", "50%(90%) => 2LLH of 22.2(64.2)"),
    ]
    found = read_sky_map((x, cards))
    assert (found.record.kind, found.record.calibration) == ("2dlnl", "50 % at 22.2, 90 % at 64.2")
    assert found.peak == P.argmax()
    with pytest.raises(ValueError, match="does not say whether it is a probability"):
        read_sky_map((P, {"ORDERING": "RING", "TTYPE1": "SIGNIFICANCE"}))


@pytest.mark.parametrize("nest", ["RING", "nested", "False", 2, 0.5])
def test_a_word_is_no_order(nest: Any) -> None:
    with pytest.raises(TypeError, match=r"nest=.*give nest=True for NESTED order, nest=False for RING"):
        read_sky_map(P, nest=nest)


def test_logarithms_and_differences_are_no_probability(tmp_path: pathlib.Path) -> None:
    for values in (np.log(P / AREA), np.random.default_rng(1).standard_normal(NPIX)):
        with pytest.raises(ValueError, match=r"values are negative, in all .* times the positive ones.*np\.exp"):
            read_sky_map(values, kind="density")
        with pytest.raises(ValueError, match="this is no probability"):
            cy.maps.SkyMap(values)
    # what smoothing leaves below 0
    ringing = np.where(P < 1e-6, -1e-7, P)
    assert read_sky_map(ringing).record.repaired["negative"] == np.count_nonzero(P < 1e-6)


def test_2dlnl_of_the_other_sign_are_refused() -> None:
    x = -2 * np.log(P / P.max())
    assert read_sky_map(x, kind="2dlnl").peak == P.argmax()
    assert read_sky_map(x - 24_000.0, kind="2dlnl").peak == P.argmax()
    with pytest.raises(ValueError, match=r"2ΔlnL run from -.* to 0: .*the other sign"):
        read_sky_map(-x, kind="2dlnl")


@pytest.mark.parametrize(
    "text", ["Delta-LLH 50%: 11.1, 90%: 32.1", "change in lnL of 11.1 at the 50 % contour", "90% contour: dLLH = 32.1"]
)
def test_levels_of_half_of_2llh_are_asked_about(text: str) -> None:
    with pytest.raises(ValueError, match="without the factor of 2; give twice these"):
        calibration_in([text])
    assert calibration_in([text.replace("LLH", "2LLH").replace("lnL", "2lnL")]) is not None


@pytest.mark.parametrize("unit", ["deg", "rad"])
@pytest.mark.parametrize("names", [("RA", "DEC"), ("PHI", "THETA")])
def test_rows_with_positions_are_the_pixels_in_order_or_refused(unit: str, names: tuple[str, str]) -> None:
    ra, dec = (PHI, THETA) if names[1] == "THETA" else (PHI, np.pi / 2 - THETA)
    ra, dec = (np.degrees(ra), np.degrees(dec)) if unit == "deg" else (ra, dec)
    where = dict(zip(names, (ra, dec), strict=True))
    np.testing.assert_allclose(read_sky_map(table({**where, "PROB": P})).probability, P)
    order = np.random.default_rng(1).permutation(NPIX)
    with pytest.raises(ValueError, match="the rows are not in the order of the pixels; add a column PIXEL"):
        read_sky_map(table({**{name: v[order] for name, v in where.items()}, "PROB": P[order]}))


def test_pixels_of_a_part_of_the_sky_are_no_coarser_map() -> None:
    columns = {"PROB": P[100:292]}  # 192 rows are a whole sky of nside 4
    with pytest.raises(ValueError, match=r"FIRSTPIX=100 and LASTPIX=291 are not the 192 pixels"):
        read_sky_map(table(columns, NSIDE="", FIRSTPIX=100, LASTPIX=291))
    for first in (0, 1):
        read_sky_map(table({"PROB": P}, FIRSTPIX=first, LASTPIX=NPIX - 1 + first))


@pytest.mark.parametrize("said", [{"RADESYS": "FK4"}, {"EQUINOX": 1950.0}, {"EQUINOX": "B1950"}])
def test_coordinates_of_1950_are_not_taken_for_those_of_2000(said: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"1950.*0\.6 degrees"):
        read_sky_map(table({"PROB": P}, **said))
    read_sky_map(table({"PROB": P}, RADESYS="FK5", EQUINOX=2000.0))


def test_order_and_nside_that_disagree_are_refused() -> None:
    with pytest.raises(ValueError, match="NSIDE=8 and ORDER=5 contradict each other"):
        read_sky_map(table({"PIXEL": np.arange(10), "PROB": P[:10]}, ORDER=5))
    read_sky_map(table({"PIXEL": np.arange(10), "PROB": P[:10]}, ORDER=3))


def test_the_index_of_a_series_may_be_the_pixels() -> None:
    pandas = pytest.importorskip("pandas")
    series = pandas.Series(P)
    np.testing.assert_allclose(read_sky_map(series).probability, P)
    with pytest.raises(ValueError, match=r"its index is not 0, 1, 2.*sort_index"):
        read_sky_map(series.sample(frac=1.0, random_state=1))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"BZh91AY&SY", "packed with bzip2: unpack it first"), (b"PK\x03\x04abc", "zip archive"), (b"", "is empty"),
        (b"\xfd7zXZ\x00", "packed with xz"), (b"<!DOCTYPE html>", "a page of the web"),
        (b"\n <html>", "a page of the web"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"), (gzip.compress(b"", mtime=0), "is empty"),
    ],
)  # fmt: skip
def test_other_files_are_called_what_they_are(tmp_path: pathlib.Path, content: bytes, said: str) -> None:
    (tmp_path / "map.fits").write_bytes(content)
    with pytest.raises(ValueError, match=rf"map\.fits .*{said}.*give a HEALPix map"):
        read_sky_map(tmp_path / "map.fits")


def test_a_column_is_named() -> None:
    with pytest.raises(TypeError, match=r"column=0: give the name of a column; .* has PROB"):
        read_sky_map(table({"PROB": P}), column=0)
