"""Write sky maps as FITS that healpy, astropy and the multi-order tools read."""

from __future__ import annotations

import gzip
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky.files import add_checksums, as_path, atomic_write
from nusky.maps.multiorder import MultiOrderMap
from nusky.missing import UNSEEN, split_mask
from nusky.sphere import Frame, check_nest, map_nside, map_object, resolve_frame

__all__ = ["write_sky_map"]

_LETTER = {"equatorial": "C", "galactic": "G", "ecliptic": "E"}
# Values a row of a flat table, as healpy and the LIGO tools write it
_ROW = 1024


def write_sky_map(
    path: str | os.PathLike[str],
    map: Any,
    *,
    column: str | None = None,
    unit: str | None = None,
    nest: bool = False,
    frame: str | None = None,
    header: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a map to a FITS file, whole or not at all.

    Parameters
    ----------
    path : path
        Ends in ``.fits`` or ``.fits.gz`` (compressed).
    map : SkyMap, SpatialPrior, MultiOrderMap, array, object with ``.map``, or dict of arrays
        A `MultiOrderMap` is written as UNIQ and PROBDENSITY (sr⁻¹); everything else as one full-sky column each, values
        as they are: any map can be written, TS or p-values too. Masked values become healpy's UNSEEN; a unit is kept.
    column : str, optional
        Name of the column; default ``"PROB"`` for maps of this package, ``"VALUE"`` for arrays. A dict names its own.
    unit : str, optional
        FITS unit; default ``"pix-1"`` for ``"PROB"``, none otherwise.
    nest : bool
        Write in NESTED order: arrays must be so already; maps of this package, which are RING, are reordered.
    frame : str, optional
        Frame of the arrays, for the header; equatorial by default. Maps of this package are equatorial, others may know
        their own.
    header : mapping, optional
        Further keywords (8 characters), e.g. the seed or the prior's hash.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    FileExistsError
        `path` exists and `overwrite` is False.
    ValueError, TypeError
        Not a full sky, arrays of different length, or another frame for a map that is equatorial.

    Examples
    --------
    >>> import healpy, tempfile
    >>> from nusky.maps.skymap import SkyMap
    >>> path = write_sky_map(tempfile.mkdtemp() + "/flat.fits", SkyMap(np.ones(48)))
    >>> float(healpy.read_map(path).sum().round(6))
    1.0
    """
    path = as_path(path)
    if path.suffixes[-1:] not in ([".fits"], [".fit"]) and path.suffixes[-2:] not in (
        [".fits", ".gz"],
        [".fit", ".gz"],
    ):
        raise ValueError(f"{path}: give a name that ends in .fits or .fits.gz")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists; use overwrite=True or another name")
    given = None if frame is None else resolve_frame(frame)
    nest = bool(check_nest(nest))
    if isinstance(map, MultiOrderMap):
        if column or unit or nest or given not in (None, "equatorial"):
            raise ValueError(
                "a MultiOrderMap is written as UNIQ and PROBDENSITY, equatorial; give none of column, unit, "
                "nest and frame, or write map.regrade(nside)"
            )
        table = _multiorder_table(map)
    else:
        table = _flat_table(map, column, unit, nest, given)
    for key, value in (header or {}).items():
        table.header[key] = value
    _write(path, table)
    return path


def _flat_table(map: Any, column: str | None, unit: str | None, nest: bool, frame: Frame | None) -> Any:
    from astropy.io import fits

    if isinstance(map, Mapping):
        arrays = {str(name): values for name, values in map.items()}
    else:
        values, found = _ordered(map, nest)
        if hasattr(map, "probability") and frame not in (None, "equatorial"):
            raise ValueError(f"a {type(map).__name__} is equatorial; leave frame= out (it says what arrays are in)")
        if found is not None and frame not in (None, found):
            raise ValueError(f"the {type(map).__name__} says that it is {found}, frame= says {frame}; leave frame= out")
        frame = frame or found
        arrays = {column or ("PROB" if hasattr(map, "probability") else "VALUE"): values}
    letter = _LETTER[frame or "equatorial"]
    if not arrays:
        raise ValueError("map is an empty dict; give at least one array")
    if len({name.upper() for name in arrays}) < len(arrays):
        raise ValueError(
            f"the names {', '.join(arrays)} differ in case only, which FITS does not tell apart; rename one"
        )
    first, npix = next((name, np.size(values)) for name, values in arrays.items())
    nside = map_nside(npix, first)
    per_row = _ROW if npix % _ROW == 0 else 1
    columns = []
    for name, given in arrays.items():
        own_unit = str(getattr(given, "unit", None) or "") or None
        if unit and own_unit and _another(unit, own_unit):
            raise ValueError(f"{name}: the values are in {own_unit!r}, unit= says {unit!r}; leave unit= out")
        values = _unmasked(given)
        if values.dtype.kind == "f":  # how maps say that nothing is known
            values = np.where(np.isnan(values), values.dtype.type(UNSEEN), values)
        if values.shape != (npix,):
            raise ValueError(
                f"{name}: shape {values.shape}, but {first} has {npix} values; give full-sky maps of one nside"
            )
        if values.dtype.kind not in "fiub":
            raise TypeError(f"{name}: expected numbers, got dtype {values.dtype}")
        columns.append(_column(name, values, unit or own_unit or ("pix-1" if name == "PROB" else None), per_row))
    table = fits.BinTableHDU.from_columns(columns)
    cards = {
        "PIXTYPE": ("HEALPIX", "HEALPix pixels"),
        "ORDERING": ("NESTED" if nest else "RING", "order of the pixels"),
        "COORDSYS": (letter, "C equatorial (ICRS), G galactic, E ecliptic"),
        "NSIDE": (nside, "resolution"),
        "FIRSTPIX": (0, "first pixel, 0 based"),
        "LASTPIX": (npix - 1, "last pixel, 0 based"),
        "INDXSCHM": ("IMPLICIT", "no pixel numbers in the table"),
        "OBJECT": ("FULLSKY", "coverage"),
        "BAD_DATA": (UNSEEN, "value of unobserved pixels"),
    }
    for key, card in cards.items():
        table.header[key] = card
    return table


def _another(unit: str, own: str) -> bool:
    """Whether two names of units mean different ones."""
    from astropy import units

    try:
        return bool(units.Unit(unit) != units.Unit(own))
    except ValueError:
        return unit != own


def _ordered(map: Any, nest: bool) -> tuple[Any, Frame | None]:
    """Values in the order that is to be written, of arrays as they are, and the frame the object knows."""
    found = map_object(map)
    if found.uniq is not None:
        raise ValueError(f"{found.name} has cells of many sizes; write read_sky_map(map), a MultiOrderMap")
    known = False if hasattr(map, "probability") else found.nest
    if known is None or known == nest:
        return found.values, found.frame
    import healpy

    pixels = np.arange(np.size(found.values))
    turn = healpy.nest2ring if nest else healpy.ring2nest
    return found.values[turn(map_nside(pixels.size), pixels)], found.frame


def _unmasked(values: Any) -> NDArray[Any]:
    """Plain numbers; what is masked becomes healpy's mark of an unobserved pixel."""
    plain, mask = split_mask(getattr(values, "value", values))
    if mask is None:
        return plain
    if plain.dtype.kind not in "fiub":
        return plain
    if plain.dtype.kind != "f":
        plain = plain.astype(np.float64)
    return np.where(mask, plain.dtype.type(UNSEEN), plain)


def _multiorder_table(map: MultiOrderMap) -> Any:
    from astropy.io import fits

    along = np.argsort(map.uniq, kind="stable")
    columns = [_column("UNIQ", map.uniq[along], None, 1), _column("PROBDENSITY", map.density[along], "sr-1", 1)]
    table = fits.BinTableHDU.from_columns(columns)
    cards = {
        "PIXTYPE": ("HEALPIX", "HEALPix pixels"),
        "ORDERING": ("NUNIQ", "UNIQ numbers: order and nested pixel"),
        "COORDSYS": ("C", "equatorial (ICRS)"),
        "MOCORDER": (int(map.order.max()), "finest order"),
        "INDXSCHM": ("EXPLICIT", "pixel numbers in the table"),
    }
    for key, card in cards.items():
        table.header[key] = card
    return table


def _column(name: str, values: NDArray[Any], unit: str | None, per_row: int) -> Any:
    from astropy.io import fits

    code = {"b": "L", "i": "K", "u": "K", "f": "E" if values.dtype.itemsize == 4 else "D"}[values.dtype.kind]
    native = values.astype({"L": bool, "K": np.int64, "E": np.float32, "D": np.float64}[code])
    array = native.reshape(-1, per_row) if per_row > 1 else native
    return fits.Column(name=name, format=f"{per_row}{code}" if per_row > 1 else code, array=array, unit=unit)


def _write(path: Path, table: Any) -> None:
    from astropy.io import fits

    hdus = fits.HDUList([fits.PrimaryHDU(), table])
    add_checksums(hdus)
    with atomic_write(path) as file:
        if path.suffix == ".gz":
            # mtime 0: the same map gives the same bytes
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=4) as packed:
                _put(hdus, packed)
        else:
            _put(hdus, file)


def _put(hdus: Any, file: Any) -> None:
    try:
        hdus.writeto(file)
    except AttributeError as error:  # astropy's own, while it words a full disk
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise
