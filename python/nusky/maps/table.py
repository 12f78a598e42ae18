"""Tables that hold sky maps: the columns and keywords of a FITS, HDF5 or in-memory table, not yet interpreted."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky.files import MOST_BYTES, as_path, unpacked
from nusky.missing import split_mask

__all__ = [
    "Column",
    "MapTable",
    "by_name",
    "is_index_name",
    "is_table",
    "keyword_number",
    "masked_where_bad",
    "read_map_table",
    "remarks_of",
]

_LONGEST_NAME = 4096
_HDF5 = b"\x89HDF\r\n\x1a\n"
# Columns that say where a value is, not what it is: PIXEL, IPIX, HPX_INDEX, HEALPIX, PIXEL_NUMBER, INDEX, …
_INDEX = re.compile(
    r"(UNIQ|NUNIQ|[IH]?PIX|(HEAL)?PIXEL|HEALPIX|HPX|IN?DE?X)([_ ]?(ID|IDX|INDEX|PIX|IPIX|PIXEL|NUMBER|NUM|NO|NR))?S?"
)

Column = NDArray[Any]


def is_index_name(name: str) -> bool:
    """Whether a column's name says that it holds pixel numbers.

    Examples
    --------
    >>> [name for name in ("UNIQ", "ipix", "HPX_INDEX", "PROB", "PIXAREA") if is_index_name(name)]
    ['UNIQ', 'ipix', 'HPX_INDEX']
    """
    return _INDEX.fullmatch(name.strip().upper()) is not None


@dataclass(frozen=True)
class MapTable:
    """A table as found.

    Attributes
    ----------
    source : str
        File (and extension), for messages.
    columns : dict
        Arrays by upper-case name, (rows,) or (rows, values a row), masked where the table says that a value is missing.
        Of columns whose names differ in case only each has the name it was given.
    units : dict
        Unit by the same names; ``""`` where none is given.
    header : dict
        Keywords, upper case.
    remarks : tuple of str
        COMMENT, HISTORY and text keywords, of the file's first header too.
    """

    source: str
    columns: Mapping[str, Column]
    units: Mapping[str, str]
    header: Mapping[str, Any]
    remarks: tuple[str, ...] = field(default=())


def by_name(columns: Iterable[tuple[str | None, Any, str]]) -> tuple[dict[str, Any], dict[str, str]]:
    """Columns and their units by name, of triples (name, values, unit).

    Examples
    --------
    >>> sorted(by_name([("prob", 1, ""), (None, 2, "")])[0])
    ['COLUMN2', 'PROB']
    >>> sorted(by_name([("prob", 1, ""), ("PROB", 2, ""), ("x", 3, "")])[0])
    ['PROB', 'X', 'prob']
    """
    found = [(name or f"COLUMN{i + 1}", values, unit) for i, (name, values, unit) in enumerate(columns)]
    upper = [name.upper() for name, _, _ in found]
    arrays, units = {}, {}
    for i, (name, values, unit) in enumerate(found):
        key = name if upper.count(name.upper()) > 1 else name.upper()
        if key in arrays:
            key = f"{name} (column {i + 1})"
        arrays[key], units[key] = values, unit
    return arrays, units


def is_table(source: Any) -> bool:
    """Whether `source` is a file, its content or a table of astropy, not an array.

    Examples
    --------
    >>> is_table("a.fits"), is_table(b"SIMPLE"), is_table([1.0])
    (True, True, False)
    """
    if isinstance(source, (str, os.PathLike, bytes, bytearray, memoryview)) or hasattr(source, "read"):
        return True
    if hasattr(source, "colnames") and hasattr(source, "meta"):
        return True
    return _is_fits(source) or (isinstance(source, np.ndarray) and bool(source.dtype.names))


def _is_fits(source: Any) -> bool:
    return type(source).__module__.startswith("astropy.io.fits") and not isinstance(source, np.ndarray)


def read_map_table(source: Any, *, hdu: int | str | None = None) -> MapTable:
    """Table of a map from a file, its content or a table in memory.

    Parameters
    ----------
    source : path, bytes, open file, astropy Table, HDUList, HDU, FITS_rec or structured array
        FITS (also gzipped) or HDF5.
    hdu : int or str, optional
        FITS extension, or HDF5 group; default: the first that looks like a HEALPix table.

    Returns
    -------
    MapTable

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        No FITS or HDF5 file, no table in it that could be a map, or an address.
    """
    from nusky.maps.fits_table import table_of_file, table_of_hdus, table_of_records
    from nusky.maps.hdf5_process import table_of_hdf5

    if hasattr(source, "colnames") and hasattr(source, "meta"):
        return _from_astropy(source)
    if isinstance(source, np.ndarray) and source.dtype.names:
        return table_of_records(source)
    if _is_fits(source):
        return table_of_hdus(source, hdu)
    name, content = _content(source)
    if (data := unpacked(name, content)) is not None:
        content = io.BytesIO(data)
    start = content.read(8)
    content.seek(0)
    if start == _HDF5:
        return table_of_hdf5(name, content, hdu)
    if start[:6] == b"SIMPLE":
        return table_of_file(name, content, hdu)
    if isinstance(source, bytes) and _is_file(source):
        raise TypeError(f"{source!r} is the name of a file in bytes; give it as text, os.fsdecode of it")
    raise ValueError(f"{name} {_what_it_is(start)}; give a HEALPix map in FITS or HDF5")


def _is_file(name: bytes) -> bool:
    try:
        return len(name) < _LONGEST_NAME and os.path.isfile(name)
    except ValueError:  # a zero byte
        return False


_STARTS = {
    b"BZh": "is packed with bzip2: unpack it first",
    b"\xfd7zXZ": "is packed with xz: unpack it first",
    b"PK\x03\x04": "is a zip archive: unpack it first",
    b"\x1f\x9d": "is packed with compress: unpack it first",
    b"(\xb5/\xfd": "is packed with zstd: unpack it first",
    b"<": "is a page of the web (HTML or XML), perhaps an error of the server it came from",
    b"\x93NUMPY": "is an npy file: give the array, numpy.load of it",
    b"version ": "is a pointer of git-lfs, not the file itself: fetch it with git lfs pull",
}


def _what_it_is(start: bytes) -> str:
    """What a file is that is no map, by its first bytes."""
    if not start:
        return "is empty"
    known = next((text for begin, text in _STARTS.items() if start.lstrip().startswith(begin)), None)
    return known or f"is neither FITS nor HDF5 (it begins with {start!r})"


def _content(source: Any) -> tuple[str, Any]:
    """Name and open file of what may be a path, bytes or an open file."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return "the bytes", io.BytesIO(bytes(source))
    if hasattr(source, "read"):
        try:
            data = source.read()
        except UnicodeDecodeError:
            data = ""
        if not isinstance(data, bytes):
            raise TypeError(f"{type(source).__name__} gives text; open the file with mode 'rb'")
        return str(getattr(source, "name", None) or type(source).__name__), io.BytesIO(data)
    text = os.fspath(source)
    if isinstance(text, str) and len(text) > _LONGEST_NAME:
        raise ValueError(
            f"the text of {len(text)} characters is no file name; if it is a map in base64, give base64.b64decode(text)"
        )
    path = as_path(source, "sky map")
    if path.is_dir():
        raise ValueError(f"sky map {path} is a folder; give the name of a file in it")
    if not path.is_file():
        raise FileNotFoundError(f"sky map {path} does not exist; check the path")
    return str(path), _opened(path)


def _opened(path: Path) -> Any:
    try:
        return io.BytesIO(path.read_bytes()) if path.stat().st_size < MOST_BYTES else path.open("rb")
    except OSError as error:
        raise ValueError(f"sky map {path} cannot be read: {error.strerror}") from error


def _from_astropy(table: Any) -> MapTable:
    def plain(name: str) -> Any:
        column = table[name]
        data, mask = split_mask(column)
        return np.ma.array(data, mask=mask) if mask is not None else data

    columns, units = by_name(
        (name, plain(name), str(getattr(table[name], "unit", None) or "")) for name in table.colnames
    )
    header = {str(key).upper(): value for key, value in table.meta.items()}
    columns = {name: masked_where_bad(values, header) for name, values in columns.items()}
    return MapTable(type(table).__name__, columns, units, header, remarks_of(header))


def keyword_number(value: Any) -> float | None:
    """A number of a header, also one that stands there as text; None for anything else.

    Examples
    --------
    >>> keyword_number("-1.6D30"), keyword_number("none")
    (-1.6e+30, None)
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    with contextlib.suppress(ValueError):
        return float(value.strip().upper().replace("D", "E")) if isinstance(value, str) else value
    return None


def masked_where_bad(values: Any, header: Mapping[str, Any]) -> Any:
    """Numbers with those masked that the keyword BAD_DATA of a header says are none.

    Parameters
    ----------
    values : array
        As they are, with unit and mask.
    header : mapping
        Keywords, upper case.

    Examples
    --------
    >>> masked_where_bad(np.array([0.5, -999.0]), {"BAD_DATA": "-999"}).mask.tolist()
    [False, True]
    """
    bad = keyword_number(header.get("BAD_DATA"))
    data, mask = split_mask(values)
    if bad is None or data.dtype.kind not in "iuf":
        return values
    hidden = np.isclose(data.astype(np.float64), bad, rtol=1e-6, atol=0.0)
    if not hidden.any():
        return values
    return np.ma.array(data, mask=hidden if mask is None else hidden | mask)


def remarks_of(header: Mapping[str, Any]) -> tuple[str, ...]:
    """Every text in a header: a level or a note may stand anywhere."""
    found: list[str] = []
    for key, value in header.items():
        lines = value if isinstance(value, (list, tuple)) else [value]
        text = [str(line) for line in lines if isinstance(line, str)]
        found += text
        if key in ("COMMENT", "COMMENTS", "HISTORY") and len(text) > 1:
            found.append(" ".join(text))  # a sentence that was broken into cards
    return tuple(found)
