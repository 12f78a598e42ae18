"""`read_sources`: sources from the table of a catalogue."""

from __future__ import annotations

import csv
import os
from typing import Any

import numpy as np

from nusky.files import as_path
from nusky.source.positions import Sources, sources
from nusky.units import has_unit, in_unit

__all__ = ["read_sources"]

_COLUMNS = ("ra", "dec", "weight", "extension", "name", "mjd", "t_100", "sigma_t")
_AS_CSV = (".csv", ".txt", ".tsv", ".dat")


def read_sources(path: str | os.PathLike[str]) -> Sources:
    """Read sources from a table: CSV with a line of names, or what astropy reads (FITS, ECSV, VOTable).

    Columns, in any order and case: ``ra``, ``dec`` and ``extension`` in **degrees** unless the table has units,
    ``weight`` (ratios of fluxes), ``name``, and of time windows ``mjd`` (start), ``t_100`` and ``sigma_t`` (days).
    Others are not read. Lines that begin with # are comments.

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
        No ra or dec, a row that is too short, or values that are no numbers or out of range.

    Examples
    --------
    >>> read_sources("catalogue.csv")                                        # doctest: +SKIP
    Sources(110 items | columns: dec, extension, name, ra, weight)
    """
    path = as_path(path)
    if not path.is_file():
        raise FileNotFoundError(2, "no such table of sources", str(path))
    columns = _csv(path) if path.suffix.lower() in _AS_CSV else _table(path)
    given = {name.strip().lower(): column for name, column in columns.items()}
    if missing := [name for name in ("ra", "dec") if name not in given]:
        raise ValueError(f"{path}: no column {' or '.join(missing)}; there are {', '.join(columns) or 'none'}")
    found: dict[str, Any] = {name: given[name] for name in _COLUMNS if name in given}
    for name in ("ra", "dec", "extension"):
        if name in found:
            column = found[name]
            found[name] = in_unit(name, column, "rad") if has_unit(column) else np.radians(_numbers(path, name, column))
    for name in ("weight", "mjd", "t_100", "sigma_t"):
        if name in found and not has_unit(found[name]):
            found[name] = _numbers(path, name, found[name])
    try:
        return sources(**found)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error


def _numbers(path: Any, name: str, column: Any) -> Any:
    try:
        return np.asarray(column, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: column {name} must hold numbers ({error})") from None


def _csv(path: Any) -> dict[str, Any]:
    lines = [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip() and line[0] != "#"]
    if not lines:
        raise ValueError(f"{path}: empty; give a line of names (ra, dec, …) and a line for each source")
    separator = next((one for one in ",;\t" if one in lines[0]), " ")
    head, *rows = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    for i, row in enumerate(rows):
        if len(row) < len(head):
            raise ValueError(f"{path}: source {i} has {len(row)} of {len(head)} values: {separator.join(row)}")
    return {name: [row[j].strip() for row in rows] for j, name in enumerate(head)}


def _table(path: Any) -> dict[str, Any]:
    from astropy.table import QTable

    try:
        table = QTable.read(path)
    except Exception as error:
        raise ValueError(f"{path} is no table that astropy reads ({error}); give CSV, FITS or ECSV") from error
    return {name: table[name] for name in table.colnames}
