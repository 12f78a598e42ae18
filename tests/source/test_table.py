"""Tables of sources, as they come from catalogues."""

from __future__ import annotations

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
        ("ra,dec\n1,95\n", r"dec\[0\] = .* is outside"),
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
