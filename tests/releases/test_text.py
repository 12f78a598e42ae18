"""Tables of text: every spelling that servers and editors make of one, by pyarrow and by NumPy."""

from __future__ import annotations

import gzip
import pathlib
import sys
from collections.abc import Callable

import numpy as np
import pytest

from nusky.releases.text import find_table, read_columns

WANTED = {"a": ("A[deg]", "a"), "b": ("log10(B/GeV)",), "c": ("C",)}
VALUES = np.array([[1.5, -2.0, 3e-5], [4.0, 5.25, 6.0], [54562.37911273, 8.0, -0.0]])


@pytest.fixture(params=["pyarrow", "numpy"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "numpy":
        monkeypatch.setitem(sys.modules, "pyarrow", None)
    else:
        pytest.importorskip("pyarrow")
    return str(request.param)


def table(separator: str = " ", header: str = "", names: tuple[str, ...] = ("A[deg]", "log10(B/GeV)", "C")) -> str:
    rows = [separator.join(repr(float(value)) for value in row) for row in VALUES]
    return header + separator.join(names) + "\n" + "\n".join(rows) + "\n"


FORMS: dict[str, Callable[[], bytes]] = {
    "blanks": lambda: table().encode(),
    "aligned": lambda: b"#" + table("      ").replace("\n", "  \n   ").encode(),
    "hash": lambda: table(header="# ").encode(),
    "commas": lambda: table(",").encode(),
    "commas and blanks": lambda: table(", ").encode(),
    "tabs": lambda: table("\t").encode(),
    "semicolons": lambda: table(";").encode(),
    "quoted names": lambda: table("\t", names=('"A[deg]"', '"log10(B/GeV)"', '"C"')).encode(),
    "other case": lambda: table(names=("a[DEG]", "LOG10(b/gev)", "c")).encode(),
    "byte order mark": lambda: b"\xef\xbb\xbf" + table().encode(),
    "Windows": lambda: table(",").replace("\n", "\r\n").encode(),
    "Latin-1 comment": lambda: b"# \xfcber die Daten\n" + table("\t").encode(),
    "gzip": lambda: gzip.compress(table().encode()),
    "no last line's end": lambda: table().rstrip("\n").encode(),
    "empty lines": lambda: table().replace("\n", "\n\n").encode() + b"\n \n",
    "tabs before blanks": lambda: b"A[deg]\tlog10(B/GeV)\tC\n" + table().split("\n", 1)[1].encode(),
    "no names": lambda: table().split("\n", 1)[1].encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_numbers(form: str, tmp_path: pathlib.Path, parser: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(FORMS[form]())
    read = read_columns(path, WANTED, lambda _: None)
    np.testing.assert_array_equal(np.column_stack([read[name] for name in "abc"]), VALUES)


def test_columns_are_found_by_name_among_others(tmp_path: pathlib.Path, parser: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text("more C log10(B/GeV) x A[deg]\n9 3 2 8 1\n9 6 5 8 4\n")
    read = read_columns(path, WANTED | {"d": ("D",)}, lambda _: None, optional=("d",))
    assert {name: values.tolist() for name, values in read.items()} == {"a": [1, 4], "b": [2, 5], "c": [3, 6]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "the file is empty"),
        (b"\n  \n", "the file is empty"),
        (b"<!DOCTYPE html><html>Not found</html>", r"a web page \(HTML\) in place of the table: '<!DOCTYPE html>"),
        (b'{"status":"ERROR","message":"no"}', r"a server's message \(JSON\)"),
        (b"PK\x03\x04\0\0\0", "not a text file"),
        (b"A[deg] log10(B/GeV) C\n", "no rows of numbers; its first line is 'A"),
        (b"A[deg] C\n1 2\n", r"no column log10\(B/GeV\); the file has A\[deg\], C"),
        (b"A[rad] log10(B/GeV) C\n1 2 3\n", r"column 'A\[rad\]', expected 'A\[deg\]': convert it"),
        (b"A[deg] log10(B/GeV) C\n1 2\n", "3 names .* stand before rows of 2 numbers"),
        (b"A[deg] log10(B/GeV) C C\n1 2 3 4\n", "named twice: c"),
        (b"1 2 3 4\n", r"no line names its 4 columns, and 3 are expected \(A\[deg\]"),
        (b"A[deg] log10(B/GeV) C\n1 2 3\n\n4 5\n", r"row 1 \(counted from 0; line 4 of the file\) has 2 columns"),
        (b"A[deg],log10(B/GeV),C\n1,2,3\n4,,5\n", r"row 1 .*has 2 columns where 3 are expected: '4 5'"),
        (b"A[deg] log10(B/GeV) C\n1 2 3\n4 five 6\n", r"row 1 .*line 3.* is not a row of numbers: '4 five 6'"),
        (b"A[deg] log10(B/GeV) C\n1 2 3\n<html> 5 6\n", r"row 1 .* is not a row of numbers"),
        (gzip.compress(table().encode(), mtime=0)[:-12], "damaged gzip file .*download it again"),
    ],
)
def test_what_is_no_table_is_refused_with_the_place(
    text: bytes, message: str, tmp_path: pathlib.Path, parser: str
) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_columns(path, WANTED, lambda _: None)
    assert str(path) in str(caught.value)


def test_a_table_of_many_blocks(tmp_path: pathlib.Path, parser: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nusky.releases.text._BLOCK", 5_000)
    monkeypatch.setattr("nusky.releases.text._HEAD", 1_000)
    monkeypatch.setattr("nusky.releases.numbers._CACHED", 777)
    monkeypatch.setattr("nusky.releases.text._SAID_EVERY", 0.0)
    values = np.random.default_rng(1).normal(size=(2_000, 3)).round(6)
    path = tmp_path / "table.csv"
    np.savetxt(path, values, fmt="%14.6f", header="A[deg] log10(B/GeV) C", comments="")
    lines: list[str] = []
    read = read_columns(path, WANTED, lines.append)
    np.testing.assert_array_equal(np.column_stack([read[name] for name in "abc"]), values)
    assert lines[0] == f"Reading {path} ..."
    assert "2000 rows, 100%" in lines[-1]
    with path.open("a") as file:
        file.write("1.0 2.0\n")
    with pytest.raises(ValueError, match=r"row 2000 \(counted from 0; line 2002 of the file\)"):
        read_columns(path, WANTED, lambda _: None)


def test_a_table_is_found_in_the_form_it_was_downloaded(tmp_path: pathlib.Path) -> None:
    assert find_table(tmp_path, "x").name == "x.csv"
    for name in ("x.tab.gz", "x.tab", "x.csv"):
        (tmp_path / name).write_text("1")
        assert find_table(tmp_path, "x").name == name
