"""`read_sources`: sources from the table of a catalogue."""

from __future__ import annotations

import codecs
import csv
import os
from typing import Any

import numpy as np

from nusky.files import as_path, unpacked
from nusky.missing import split_mask
from nusky.source.plausible import warn_of_radians
from nusky.source.positions import Sources, sources
from nusky.units import has_unit, in_unit

__all__ = ["read_sources"]

_COLUMNS = ("ra", "dec", "weight", "extension", "name", "mjd", "t_100", "sigma_t")
_SLACK = 1e-3  # degrees, more than single precision rounds by
_AS_CSV = (".csv", ".txt", ".tsv", ".dat")


def read_sources(path: str | os.PathLike[str]) -> Sources:
    """Read sources from a table: CSV with a line of names, or what astropy reads (FITS, ECSV, VOTable).

    Columns, in any order and case: ``ra``, ``dec`` and ``extension`` in **degrees** unless the table has units,
    ``weight`` (ratios of fluxes), ``name``, and of time windows ``mjd`` (start), ``t_100`` and ``sigma_t`` (days).
    Others are not read. Lines that begin with # are comments; gzipped text and text of another encoding than UTF-8
    (UTF-16, Latin-1) are read too.

    Parameters
    ----------
    path : path-like
        CSV where it ends in .csv, .txt, .tsv or .dat; separated by commas, semicolons, tabs or spaces.

    Returns
    -------
    Sources

    Raises
    ------
    FileNotFoundError
    ValueError
        No ra or dec, one of them twice, a row that is too short or too long, or values that are missing, no numbers, of
        a unit of something else or out of range.

    Warns
    -----
    UserWarning
        Positions that seem to be in radians.

    Examples
    --------
    >>> read_sources("catalogue.csv")                                        # doctest: +SKIP
    Sources(110 items | columns: dec, extension, name, ra, weight)
    """
    path = as_path(path)
    if not path.is_file():
        raise FileNotFoundError(2, "no such table of sources", str(path))
    columns = _csv(path) if path.name.lower().removesuffix(".gz").endswith(_AS_CSV) else _table(path)
    given: dict[str, Any] = {}
    for name, column in columns.items():
        key = name.strip().lower()
        if key in given and key in _COLUMNS:
            raise ValueError(f"{path}: two columns are named {key} ({', '.join(columns)}); rename or remove one")
        given[key] = column
    if missing := [name for name in ("ra", "dec") if name not in given]:
        raise ValueError(
            f"{path}: no column {' or '.join(missing)}; there are {', '.join(columns) or 'none'}. Rename the columns "
            "of right ascension and declination (degrees) to ra and dec"
        )
    found: dict[str, Any] = {name: given[name] for name in _COLUMNS if name in given}
    try:
        for name in ("ra", "dec", "extension"):
            if name in found:
                column = found[name]
                found[name] = in_unit(name, column, "rad") if has_unit(column) else np.radians(_numbers(name, column))
        for name, low, high in (("ra", 0.0, 360.0), ("dec", -90.0, 90.0)):
            if not has_unit(given[name]):
                _check_degrees(name, _numbers(name, given[name]), low, high)
        for name in ("weight", "mjd", "t_100", "sigma_t"):
            if name in found and not has_unit(found[name]):
                found[name] = _numbers(name, found[name])
        read = sources(**found)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
    if not has_unit(given["ra"]):
        warn_of_radians(str(path), read.ra_deg, read.dec_deg)
    return read


def _numbers(name: str, column: Any) -> Any:
    """Numbers of a column, masked where the table has none."""
    values, mask = split_mask(column)
    try:
        plain = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        row = next(i for i, one in enumerate(values) if not _is_number(one))
        text = values[row].decode("latin-1") if isinstance(values[row], bytes) else str(values[row])
        sexagesimal = name in ("ra", "dec") and any(mark in text for mark in ":hmd")
        mend = (
            "give degrees: astropy.coordinates.SkyCoord(ra, dec, unit=('hourangle', 'deg')) turns hours and minutes"
            if sexagesimal
            else "leave out the sources without a value"
            if not text.strip()
            else "give numbers, with a point for decimals"
        )
        raise ValueError(f"column {name} must hold numbers, source {row} has {text!r}; {mend}") from None
    return plain if mask is None else np.ma.array(plain, mask=mask)


def _check_degrees(name: str, values: Any, low: float, high: float) -> None:
    """Say a value out of range as the table has it; what is at the limits is left to `sources`."""
    outside = np.flatnonzero(np.ma.filled((values < low - _SLACK) | (values > high + _SLACK), False))
    if outside.size:
        value = values[outside[0]]
        raise ValueError(f"source {outside[0]} has {name} = {value:.10g}, outside {low:g} … {high:g} degrees")


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _text(path: Any) -> str:
    with path.open("rb") as file:
        content = unpacked(str(path), file, what="a table")
        content = file.read() if content is None else content
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return str(content.decode("utf-16"))
    try:
        return str(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return str(content.decode("latin-1"))


def _csv(path: Any) -> dict[str, Any]:
    lines = [line for line in _text(path).splitlines() if line.strip() and line[0] != "#"]
    if not lines:
        raise ValueError(f"{path}: empty; give a line of names (ra, dec, …) and a line for each source")
    separator = next((one for one in ",;\t" if one in lines[0]), " ")
    head, *rows = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    while head and not head[-1].strip():  # a separator at the end of the line of names is no column
        head.pop()
    for i, row in enumerate(rows):
        too_long = any(cell.strip() for cell in row[len(head) :])
        if len(row) < len(head) or too_long:
            quotes = '; put quotes around a text with the separator in it, "a, b"' if too_long else ""
            raise ValueError(f"{path}: source {i} has {len(row)} of {len(head)} values: {separator.join(row)}{quotes}")
    # of two columns of one name none is lost: their names differ in case, or by a space
    return {name + " " * head[:j].count(name): [row[j].strip() for row in rows] for j, name in enumerate(head)}


def _table(path: Any) -> dict[str, Any]:
    from astropy.table import QTable

    try:
        table = QTable.read(path)
    except Exception as error:
        said = str(error).split("\n")[0]
        raise ValueError(f"{path} is no table that astropy reads ({said}); give CSV, FITS or ECSV") from error
    return {name: table[name] for name in table.colnames}
