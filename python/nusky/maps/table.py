"""Tables that hold sky maps: the columns and keywords of a FITS, HDF5 or in-memory table, not yet interpreted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["INDEX_COLUMNS", "MapTable", "read_map_table"]

# Columns that say where a value is, not what it is
INDEX_COLUMNS = ("UNIQ", "PIXEL", "PIX", "IPIX", "HPX_INDEX", "HPXINDEX")
_HDF5 = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class MapTable:
    """A table as found.

    Attributes
    ----------
    source : str
        File (and extension), for messages.
    columns : dict
        1-D arrays by upper-case name.
    units : dict
        Unit by upper-case column name; ``""`` where none is given.
    header : dict
        Keywords, upper case.
    """

    source: str
    columns: Mapping[str, NDArray[Any]]
    units: Mapping[str, str]
    header: Mapping[str, Any]


def read_map_table(source: Any, *, hdu: int | str | None = None) -> MapTable:
    """Table of a map from a file or an astropy table.

    Parameters
    ----------
    source : path or astropy.table.Table
        FITS (also gzipped) or HDF5 file.
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
        No FITS or HDF5 file, or no table in it that could be a map.
    """
    if hasattr(source, "colnames") and hasattr(source, "meta"):
        return _from_astropy(source)
    path = Path(os.fspath(source))
    if not path.is_file():
        raise FileNotFoundError(f"sky map {path} does not exist; check the path")
    with path.open("rb") as f:
        start = f.read(8)
    if start == _HDF5:
        return _from_hdf5(path, hdu)
    if start[:2] == b"\x1f\x8b" or start[:6] == b"SIMPLE":
        return _from_fits(path, hdu, packed=start[:2] == b"\x1f\x8b")
    raise ValueError(f"{path} is neither FITS nor HDF5 (it begins with {start!r}); give a HEALPix map in one of these")


def _from_astropy(table: Any) -> MapTable:
    columns, units = {}, {}
    for name in table.colnames:
        column = table[name]
        masked = isinstance(column, np.ma.MaskedArray)
        columns[name.upper()] = (np.ma.asarray(column) if masked else np.asarray(column)).ravel()
        units[name.upper()] = str(column.unit or "")
    header = {str(key).upper(): value for key, value in table.meta.items()}
    return MapTable(type(table).__name__, columns, units, header)


def _from_fits(path: Path, hdu: int | str | None, packed: bool) -> MapTable:
    import gzip
    import io
    import warnings
    import zlib

    from astropy.io import fits
    from astropy.utils.exceptions import AstropyUserWarning

    try:
        # astropy takes what comes out of half a gzip file for a file without tables
        content = io.BytesIO(gzip.decompress(path.read_bytes())) if packed else path
        with warnings.catch_warnings(), fits.open(content, memmap=False) as hdus:
            # astropy warns and then fails obscurely on a file that ends too soon
            warnings.filterwarnings("error", "File may have been truncated", AstropyUserWarning)
            tables = [(i, h) for i, h in enumerate(hdus) if isinstance(h, fits.BinTableHDU)]
            if hdu is not None:
                try:
                    tables = [(hdus.index_of(hdu), hdus[hdu])]
                except (KeyError, IndexError):
                    raise ValueError(
                        f"{path} has no extension {hdu!r}; it has {len(hdus)} extensions, from 0"
                    ) from None
                if not isinstance(tables[0][1], fits.BinTableHDU):
                    raise ValueError(f"{path}[{hdu}] is no table; leave hdu= out or name the table")
            if not tables:
                raise ValueError(f"{path} holds no table, so no HEALPix map (an image?); give a HEALPix FITS table")
            index, table = next(((i, h) for i, h in tables if _is_healpix(h)), tables[0])
            names = [name.upper() for name in table.columns.names]
            columns = {name: np.asarray(table.data.field(i)).ravel() for i, name in enumerate(names)}
            units = {name: str(unit or "") for name, unit in zip(names, table.columns.units, strict=True)}
            header = {
                key.upper(): value for key, value in table.header.items() if key not in ("COMMENT", "HISTORY", "")
            }
            return MapTable(f"{path}[{index}]", columns, units, header)
    except (OSError, EOFError, zlib.error, AstropyUserWarning) as error:
        raise ValueError(f"{path} cannot be read as FITS ({error}); is the file complete?") from error


def _is_healpix(table: Any) -> bool:
    names = {name.upper() for name in table.columns.names}
    return table.header.get("PIXTYPE", "").upper() == "HEALPIX" or "UNIQ" in names


def _from_hdf5(path: Path, group: int | str | None) -> MapTable:
    try:
        import h5py
    except ImportError:
        raise ImportError(f"reading {path} needs h5py: python -m pip install 'nusky[export]'") from None

    with h5py.File(path, "r") as file:
        if isinstance(group, str) and group not in file:
            raise ValueError(f"{path} has no group {group!r}; it has {', '.join(file)}")
        found: list[tuple[str, dict[str, Any]]] = []

        def look(name: str, node: Any) -> None:
            members: dict[str, Any] = {}
            if isinstance(node, h5py.Group):
                members = {k: v for k, v in node.items() if isinstance(v, h5py.Dataset) and v.ndim == 1}
            elif node.dtype.names and node.ndim == 1:
                members = dict.fromkeys(node.dtype.names, node)
            if members and _could_be_map(members):
                found.append((name, members))

        top = file[group] if isinstance(group, str) else file
        look(top.name, top)
        if isinstance(top, h5py.Group):
            top.visititems(look)
        if not found:
            raise ValueError(
                f"{path}: no group holds a sky map (looked for ipix with CL, or PROBDENSITY, PROBABILITY, PROB); "
                "give hdu='group' and column='name'"
            )
        name, members = found[0]
        node = file[name]
        columns, units = {}, {}
        for key, dataset in members.items():
            values = dataset[key] if dataset.dtype.names else dataset[()]
            columns[key.upper()] = np.asarray(values)
            units[key.upper()] = _text(dataset.attrs.get("unit", dataset.attrs.get("units", "")))
        header = {str(k).upper(): _text(v) for k, v in {**file.attrs, **node.attrs}.items()}
        # Attributes of the root speak of its own numbers ("units: degrees"), not of the map's.
        header.pop("UNITS", None)
        return MapTable(f"{path}:{node.name}", columns, units, header)


def _could_be_map(members: Mapping[str, Any]) -> bool:
    names = {name.upper() for name in members}
    return bool(names & {"PROBDENSITY", "PROBABILITY", "PROB"}) or ("CL" in names and "IPIX" in names)


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if isinstance(value, np.generic) else value
