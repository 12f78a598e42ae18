"""Text tables of the public releases: columns found by name, whatever stands between them."""

from __future__ import annotations

import gzip
import io
import os
import pathlib
import re
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import BinaryIO, cast

import numpy as np

from nusky.releases.numbers import parse_block
from nusky.typing import F64

__all__ = ["Header", "find_table", "read_columns", "read_header"]

Log = Callable[[str], None]

_BLOCK = 4 << 20
_HEAD = 1 << 16
_LONGEST_LINE = 1 << 20
_MOST_PACKED = 100  # numbers as text become 3 to 20 times smaller
_LARGEST = 1 << 20  # of a file so small that the ratio says nothing
_SAID_EVERY = 5.0  # seconds between lines of progress
_SPLIT = re.compile(r"[\s,;]+")
_ENDINGS = (".csv", ".tab", ".csv.gz", ".tab.gz", ".txt", ".txt.gz")

#: Column names, as a file may spell them, by our name.
Wanted = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Header:
    """Names of a table's columns (empty if it has none) and how many lines stand before the numbers."""

    names: tuple[str, ...]
    n_columns: int
    n_lines: int


def find_table(folder: pathlib.Path, stem: str) -> pathlib.Path:
    """The table of this stem in whatever form it was downloaded: ``.csv``, ``.tab`` (Dataverse), either gzipped.

    Gives ``stem.csv`` where there is none.
    """
    for ending in _ENDINGS:
        if (path := folder / f"{stem}{ending}").is_file():
            return path
    return folder / f"{stem}.csv"


class _Unpacked(io.RawIOBase):
    """What is in a gzip file; not what a few bytes repeat without end."""

    def __init__(self, stream: gzip.GzipFile, path: pathlib.Path) -> None:
        self.fileobj = stream.fileobj
        self._stream, self._path = stream, path
        self._left = _LARGEST + _MOST_PACKED * path.stat().st_size

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise ValueError(f"{self._path}: unpacks to more than {_MOST_PACKED} times its size; unpack it first")
        return data


@contextmanager
def _opened(path: pathlib.Path) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked if gzipped, under whatever name."""
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        if not packed:
            yield raw
            return
        try:
            with gzip.GzipFile(fileobj=raw) as stream:
                yield cast(BinaryIO, _Unpacked(stream, path))
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path}: damaged gzip file ({error}); download it again") from None


def read_header(path: pathlib.Path) -> Header:
    """Names and place of the columns of a table.

    Raises
    ------
    ValueError
        Empty, no text, a web page or an error message in the table's place, or no line of numbers.
    """
    with _opened(path) as stream:
        return _header(path, stream.read(_HEAD))


def _header(path: pathlib.Path, head: bytes) -> Header:
    text = head.removeprefix(b"\xef\xbb\xbf")
    start = text.lstrip()[:1]
    if not start:
        raise ValueError(f"{path}: the file is empty; download it again")
    if start in b"<{":
        what = "a web page (HTML)" if start == b"<" else "a server's message (JSON)"
        shown = " ".join(text[:400].decode("latin-1").split())[:80]
        raise ValueError(f"{path}: {what} in place of the table: {shown!r}; download the file again")
    if b"\0" in text:
        raise ValueError(f"{path}: not a text file (it holds zero bytes); unpack it, or save it as plain text")
    names: tuple[str, ...] = ()
    for number, line in enumerate(text.decode("latin-1").splitlines()):
        cells = [cell for cell in _SPLIT.split(line.replace('"', " ").replace("'", " ").strip()) if cell]
        if cells and all(_is_number(cell) for cell in cells):
            return Header(names, len(cells), number)
        cells = [cell for cell in (cell.lstrip("#") for cell in cells) if cell]
        if cells:
            names = tuple(cells)
    raise ValueError(f"{path}: the table has no rows of numbers; its first line is {' '.join(names)[:80]!r}")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def read_columns(path: pathlib.Path, wanted: Wanted, log: Log, *, optional: Collection[str] = ()) -> dict[str, F64]:
    """Columns of a text table, by name.

    Parameters
    ----------
    path : Path
        Text, perhaps gzipped, with one line of names (with or without ``#`` or quotes) before the numbers. Columns are
        separated by blanks, tabs, commas or semicolons; others than the wanted ones may be there.
    wanted : mapping of str to tuple of str
        Our name of every column, and how files spell it (without regard to case). Without a line of names the columns
        are taken in this order, if there are just as many.
    log : callable
        Gets a line when the file is opened, and some more while a large one is read.
    optional : collection of str
        Wanted columns that may be missing.

    Returns
    -------
    dict of str to (N,) array

    Raises
    ------
    FileNotFoundError
    ValueError
        A column is missing or in another unit; a row is cut short or no numbers; or the file is no table at all. The
        message has file, row and what to do.

    Examples
    --------
    >>> import tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "uptime.csv"
    >>> n = path.write_text('"MJD_start[days]", "MJD_stop[days]", "more"\\n1.0, 2.0, 0\\n3.0, 4.5, 0\\n')
    >>> read_columns(path, {"stop": ("MJD_stop[days]",)}, print)["stop"]     # doctest: +ELLIPSIS
    Reading ...uptime.csv ...
    array([2. , 4.5])
    """
    log(f"Reading {path} ...")
    size = os.path.getsize(path)
    with _opened(path) as stream:
        head = stream.read(_HEAD)
        header = _header(path, head)
        place = _places(path, header, wanted, optional)
        parts: dict[str, list[F64]] = {name: [] for name in place}
        body = head.removeprefix(b"\xef\xbb\xbf")
        for _ in range(header.n_lines):
            body = body[_end_of_line(body) :]
        row, line, said = 0, header.n_lines, monotonic()
        while body:
            more = stream.read(_BLOCK)
            cut = len(body) if not more else body.rfind(b"\n") + 1
            if cut:
                table = parse_block(path, body[:cut], header.n_columns, tuple(place.values()), row, line)
                row += table.shape[1]
                line += body.count(b"\n", 0, cut)
                for values, column in zip(parts.values(), table, strict=True):
                    values.append(column)
            body = body[cut:] + more
            if len(body) - len(more) > _LONGEST_LINE:
                raise ValueError(f"{path}: line {line + 1} is longer than {_LONGEST_LINE} bytes: not a table of text")
            if monotonic() - said > _SAID_EVERY:
                said = monotonic()
                log(f"  {row} rows, {_fraction(stream, size):.0%} of {size / 1e6:.0f} MB")
    out = {}
    for name in place:  # one column after the other, so that all are never held twice
        out[name] = np.concatenate(parts.pop(name))
    return out


def _fraction(stream: BinaryIO, size: int) -> float:
    raw = getattr(stream, "fileobj", stream)
    return float(raw.tell() / max(size, 1)) if raw is not None else 0.0


def _end_of_line(text: bytes) -> int:
    """Where the next line starts; also for a lone carriage return, as `splitlines` has it."""
    found = re.search(rb"\r\n|\n|\r|\x0b|\x0c|\x1c|\x1d|\x1e|\x85", text)
    return found.end() if found else len(text)


def _stem(name: str) -> str:
    return name.split("[")[0].strip().lower()


def _places(path: pathlib.Path, header: Header, wanted: Wanted, optional: Collection[str]) -> dict[str, int]:
    """Column number of every wanted name that is there."""
    required = [name for name in wanted if name not in optional]
    if not header.names:
        if header.n_columns == len(required):
            return {name: k for k, name in enumerate(required)}
        expected = ", ".join(wanted[name][0] for name in required)
        raise ValueError(
            f"{path}: no line names its {header.n_columns} columns, and {len(required)} are expected ({expected}); "
            "put the names before the first row"
        )
    if len(header.names) != header.n_columns:
        raise ValueError(
            f"{path}: {len(header.names)} names ({', '.join(header.names)[:200]}) stand before rows of "
            f"{header.n_columns} numbers; line {header.n_lines + 1} of the file is the first row"
        )
    there = {name.lower(): k for k, name in enumerate(header.names)}
    if len(there) != len(header.names):
        twice = sorted(name for name in there if [other.lower() for other in header.names].count(name) > 1)
        raise ValueError(f"{path}: column(s) named twice: {', '.join(twice)}")
    place, missing = {}, []
    for name, spellings in wanted.items():
        found = [there[spelling.lower()] for spelling in spellings if spelling.lower() in there]
        if found:
            place[name] = found[0]
            continue
        for other in header.names:
            if any(_stem(other) == _stem(spelling) and "[" in other and "[" in spelling for spelling in spellings):
                raise ValueError(f"{path}: column {other!r}, expected {spellings[0]!r}: convert it to that unit")
        if name in required:
            missing.append(spellings[0])
    if missing:
        raise ValueError(f"{path}: no column {', '.join(missing)}; the file has {', '.join(header.names)}")
    return place
