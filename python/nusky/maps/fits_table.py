"""FITS tables: columns with their missing values, the keywords, and whether every row is in the file."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np

from nusky.files import MOST_BYTES, damage_said, guarded
from nusky.maps.table import MapTable, by_name, keyword_number, masked_where_bad, remarks_of

__all__ = ["table_of_file", "table_of_hdus", "table_of_records"]

_SURE = 5  # likeness of a table that says it is HEALPix and has a column of a map
_MAP_NAMES = {"PROB", "PROBABILITY", "PROBDENSITY", "PROB_DENSITY", "DENSITY", "2DLNL", "2DLLH", "2LLH", "CL"}


class _Refused(ValueError):
    """What we say ourselves about a file, as against what astropy stumbles over."""


def table_of_file(name: str, content: Any, hdu: int | str | None) -> MapTable:
    """Table of a FITS file.

    Parameters
    ----------
    name : str
        Of the file, for messages.
    content : open binary file
    hdu : int or str, optional

    Raises
    ------
    ValueError
        Not FITS, rows that are not there, no table.
    """
    from astropy.io import fits

    size = content.seek(0, io.SEEK_END)
    content = guarded(name, content)  # whether the rows are there is checked below
    whole = content.getvalue() if isinstance(content, io.BytesIO) else None
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            with fits.open(content, memmap=False, lazy_load_hdus=False, checksum=True) as hdus:
                # a header that somebody edited keeps the old checksum of the whole
                if damage := damage_said(said, data_only=True):
                    raise _Refused(f"{name} is damaged: {damage}")
                return _table_of(name, hdus, hdu, size, whole)
    except _Refused as error:
        raise ValueError(str(error)) from None
    except Exception as error:  # a damaged file makes astropy fail in any way
        raise ValueError(
            f"{name} cannot be read as FITS ({type(error).__name__}: {error}); is the file complete?"
        ) from error


def table_of_hdus(source: Any, hdu: int | str | None) -> MapTable:
    """Table of an open HDUList, or of one HDU."""
    from astropy.io import fits

    name = type(source).__name__
    if not isinstance(source, fits.HDUList):
        if not isinstance(source, (fits.BinTableHDU, fits.TableHDU)):
            raise ValueError(f"{name} is no table, so no HEALPix map; give the table, or the file name")
        source = [source]
    try:
        return _table_of(name, source, hdu, None)
    except _Refused as error:
        raise ValueError(str(error)) from None


def table_of_records(records: Any) -> MapTable:
    """Table of a FITS_rec or structured array: these have columns and no header."""
    columns, units = by_name((name, np.asarray(records[name]), "") for name in records.dtype.names)
    defined = getattr(records, "columns", None)
    if defined is not None:
        columns, units = by_name(
            (column.name, _values(records, i, column, {}), str(column.unit or "")) for i, column in enumerate(defined)
        )
    name = f"{type(records).__name__} (a table without its header; the file name, or the HDU, would have it)"
    return MapTable(name, columns, units, {})


def _table_of(name: str, hdus: Any, hdu: int | str | None, size: int | None, whole: bytes | None = None) -> MapTable:
    from astropy.io import fits

    if hdu is not None:
        if isinstance(hdu, (bool, np.bool_)):
            raise _Refused(f"hdu={hdu!r}: give the number or the name of an extension of {name}")
        try:
            chosen = [(hdus.index_of(hdu), hdus[hdu])] if hasattr(hdus, "index_of") else [(0, hdus[int(hdu)])]
        except (KeyError, IndexError, ValueError):
            raise _Refused(f"{name} has no extension {hdu!r}; it has {len(hdus)} extensions, from 0") from None
        if not isinstance(chosen[0][1], (fits.BinTableHDU, fits.TableHDU)):
            raise _Refused(f"{name}[{hdu}] is no table; leave hdu= out or name the table")
    else:
        chosen = [(i, h) for i, h in enumerate(hdus) if isinstance(h, (fits.BinTableHDU, fits.TableHDU))]
    if not chosen:
        raise _Refused(f"{name} holds no table, so no HEALPix map (an image?); give a HEALPix FITS table")
    index, table = max(chosen, key=lambda one: (_likeness(one[1]), -one[0]))
    equal = [i for i, other in chosen if _likeness(other) == _likeness(table) >= _SURE]
    if len(equal) > 1:
        raise _Refused(
            f"{name} holds several maps, in the extensions {', '.join(map(str, equal))}; say which with hdu="
        )
    source = f"{name}[{index}]"
    _check_size(source, table, size)
    for i, column in enumerate(table.columns):
        if not column.name:
            column.name = f"COLUMN{i + 1}"  # astropy reads no values of a column without a name
    header = {key.upper(): value for key, value in table.header.items() if key not in ("COMMENT", "HISTORY", "")}
    plain = _plain_rows(table, whole)
    columns, units = by_name(
        (column.name, _values(table.data if plain is None else plain, i, column, header), str(column.unit or ""))
        for i, column in enumerate(table.columns)
    )
    first = hdus[0].header if len(hdus) > 1 else {}
    remarks = [text for head in (table.header, first) for text in _remarks(head)]
    return MapTable(source, columns, units, header, tuple(remarks))


def _remarks(header: Any) -> tuple[str, ...]:
    values: dict[str, Any] = {key: header[key] for key in header if key and key not in ("COMMENT", "HISTORY")}
    for key in ("COMMENT", "HISTORY"):
        if key in header:
            values[key] = [str(line) for line in header[key]]
    return remarks_of(values)


def _likeness(table: Any) -> int:
    """How much a table looks like a sky map: other tables may come before it."""
    names = {str(name or "").upper() for name in table.columns.names}
    healpix = str(table.header.get("PIXTYPE", "")).strip().upper() == "HEALPIX" or "UNIQ" in names
    said = any(str(table.header.get(key, "")).strip() for key in ("NSIDE", "ORDERING"))
    return 4 * healpix + 2 * said + bool(names & _MAP_NAMES)


def _check_size(source: str, table: Any, size: int | None) -> None:
    header = table.header
    row, n_rows, heap = (int(header.get(key, 0)) for key in ("NAXIS1", "NAXIS2", "PCOUNT"))
    wanted = row * n_rows + heap
    if min(row, n_rows, heap) < 0:
        raise _Refused(f"{source}: NAXIS1={row}, NAXIS2={n_rows}, PCOUNT={heap}; none can be negative")
    if size is None:
        return
    here = size - int(table._data_offset)
    if here < wanted:
        raise _Refused(
            f"{source}: cannot be read as FITS (the header promises {n_rows} rows, {wanted} bytes, and "
            f"{max(here, 0)} are there); is the file complete?"
        )
    if wanted > 4 * MOST_BYTES:
        raise _Refused(f"{source}: {wanted / 2**30:.3g} GiB in one table; a map of nside 8192 has 6")


def _plain_rows(table: Any, whole: bytes | None) -> Any:
    """The rows of a table of unscaled floating-point columns, where they lie in the file: millions are not copied."""
    from astropy.io import fits

    if whole is None or not isinstance(table, fits.BinTableHDU) or int(table.header.get("PCOUNT", 0)):
        return None
    dtype = table.columns.dtype.newbyteorder(">")
    if any(column.bscale or column.bzero or column.dim for column in table.columns):
        return None
    if any(dtype[i].base.kind != "f" for i in range(len(dtype))) or dtype.itemsize != int(table.header["NAXIS1"]):
        return None
    return np.ndarray(int(table.header["NAXIS2"]), dtype=dtype, buffer=whole, offset=int(table._data_offset))


def _values(data: Any, i: int, column: Any, header: Any) -> Any:
    """Values of a column, masked where TNULLn or BAD_DATA says that there is none."""
    values = np.asarray(data.field(i) if hasattr(data, "field") else data[data.dtype.names[i]])
    if values.dtype.kind not in "iuf":
        return values
    hidden = np.zeros(values.shape, dtype=bool)
    for null in (keyword_number(column.null), keyword_number(header.get(f"TNULL{i + 1}"))):
        if null is not None:
            # TNULL is of the numbers as stored, before TSCAL and TZERO
            stored = np.asarray(data.view(np.ndarray)[data.dtype.names[i]]).reshape(values.shape)
            hidden |= stored == null
            if not (column.bscale or column.bzero):
                hidden |= values == null
    return masked_where_bad(np.ma.array(values, mask=hidden) if hidden.any() else values, header)
