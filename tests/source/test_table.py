"""Tables of sources, as they come from catalogues."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

import nusky as cy

CSV = """# a catalogue
name, RA, Dec, weight, extension, z
NGC 1068, 40.67, -0.01, 2.5, 0, 0.004
"TXS 0506+056", 77.36, 5.69, 1.0, 0.5, 0.34
"""


def test_a_csv_has_degrees(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.csv"
    path.write_text(CSV)
    src = cy.read_sources(path)
    assert src.name == ("NGC 1068", "TXS 0506+056")
    assert np.degrees(src.ra) == pytest.approx([40.67, 77.36])
    assert np.degrees(src.dec) == pytest.approx([-0.01, 5.69])
    assert np.degrees(src.extension) == pytest.approx([0, 0.5])
    assert src.weight.tolist() == [2.5, 1.0]
    assert not src.is_transient
    path.with_suffix(".txt").write_text("ra dec mjd t_100\n10 20 56000.5 0.1\n")
    window = cy.read_sources(path.with_suffix(".txt"))
    assert (window.mjd[0], window.t_100[0]) == (56000.5, 0.1)


def test_a_table_with_units_has_those(tmp_path: Path) -> None:
    from astropy import units as u
    from astropy.table import QTable

    table = QTable({"ra": [1.0, 2.0] * u.rad, "dec": [0.1, 0.2] * u.rad, "extension": [30, 60] * u.arcmin})
    table.write(tmp_path / "catalogue.fits")
    src = cy.read_sources(tmp_path / "catalogue.fits")
    assert src.ra.tolist() == pytest.approx([1.0, 2.0])
    assert np.degrees(src.extension) == pytest.approx([0.5, 1.0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty; give a line of names"),
        ("ra,weight\n1,2\n", "no column dec; there are ra, weight"),
        ("ra,dec,weight\n1,2\n", "source 0 has 2 of 3 values: 1,2"),
        ("ra,dec\n1,north\n", "column dec must hold numbers"),
        ("ra,dec\n1,95\n", "source 0 has dec = 95, outside -90 … 90 degrees"),
        ("ra,dec\n1,9\n361,9\n", "source 1 has ra = 361, outside 0 … 360 degrees"),
    ],
)
def test_tables_that_are_none_are_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as told:
        cy.read_sources(path)
    assert str(path) in str(told.value)


def test_files_that_are_no_tables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such table"):
        cy.read_sources(tmp_path / "none.csv")
    (tmp_path / "x.fits").write_text("no table")
    with pytest.raises(ValueError, match="no table that astropy reads"):
        cy.read_sources(tmp_path / "x.fits")


@pytest.mark.parametrize("ending", ["ecsv", "fits", "vot"])
def test_masked_values_of_a_table_are_not_used(ending: str, tmp_path: Path) -> None:
    # what lies under the mask is 0 or 999999, which would be a source on the equator and one that outshines all others
    from astropy.table import MaskedColumn, Table

    for name, values in (("dec", [22.0, 11.0]), ("weight", [2, 3])):
        table = Table({"ra": [83.6, 10.0], "dec": [22.0, 11.0], name: MaskedColumn(values, mask=[False, True])})
        path = tmp_path / f"{name}.{ending}"
        table.write(path, format={"ecsv": "ascii.ecsv", "vot": "votable"}.get(ending, ending))
        with pytest.raises(ValueError, match=rf"{name}\[1\] is missing") as told:
            cy.read_sources(path)
        assert str(path) in str(told.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ra,dec,RA\n83.6,22,10\n", "two columns are named ra"),
        ("ra,dec,ra\n83.6,22,10\n", "two columns are named ra"),
        ("name,ra,dec\nM 87, core,187.7,12.4\n", "has 4 of 3 values.*quotes"),
        ("ra,dec\n05:34:31.9,+22:00:52\n", "source 0 has '05:34:31.9'; give degrees.*SkyCoord"),
        ("ra,dec\n1,2\n83.6,\n", "dec must hold numbers, source 1 has ''; leave out"),
        ("ra;dec\n83,6;22,0\n", "'83,6'; give numbers, with a point"),
        ("RAJ2000,DEJ2000\n83.6,22\n", "no column ra or dec.*Rename"),
    ],
)
def test_columns_and_rows_that_could_be_mistaken_are_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as told:
        cy.read_sources(path)
    assert str(path) in str(told.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_text_of_any_encoding_packed_or_not_is_read(encoding: str, tmp_path: Path) -> None:
    content = "name,ra,dec,\nMüller,83.6,22,\n".encode(encoding)
    for name, data in (("a.csv", content), ("a.csv.gz", gzip.compress(content)), ("b.CSV", gzip.compress(content))):
        (tmp_path / name).write_bytes(data)
        src = cy.read_sources(tmp_path / name)
        assert src.name == ("Müller",)
        assert np.degrees(src.dec) == pytest.approx([22.0])
    (tmp_path / "cut.csv").write_bytes(gzip.compress(content)[:-9])
    with pytest.raises(ValueError, match=r"cut\.csv cannot be read as a table"):
        cy.read_sources(tmp_path / "cut.csv")


def test_a_unit_of_something_else_names_the_file(tmp_path: Path) -> None:
    from astropy.table import Table

    Table({"ra": [83.6], "dec": [22.0]}, units={"ra": "TeV"}).write(tmp_path / "a.ecsv", format="ascii.ecsv")
    with pytest.raises(ValueError, match=r"a\.ecsv: ra=.* cannot be turned into rad"):
        cy.read_sources(tmp_path / "a.ecsv")


def test_a_catalogue_in_radians_is_asked_about(tmp_path: Path) -> None:
    rows = [f"{0.6 * i:.2f},{0.1 * i:.2f}" for i in range(10)]
    (tmp_path / "a.csv").write_text("ra,dec\n" + "\n".join(rows))
    with pytest.warns(UserWarning, match=r"a\.csv: all 10 sources have ra ≤ 5\.4 .* are they in radians"):
        cy.read_sources(tmp_path / "a.csv")
