"""Write sky maps as FITS that healpy, astropy and the multi-order tools read."""

from __future__ import annotations

import gzip
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky.files.atomic import atomic_write
from nusky.maps.multiorder import MultiOrderMap
from nusky.maps.skymap import map_values
from nusky.sphere.frames import resolve_frame
from nusky.sphere.healpix import map_nside

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
    frame: str = "equatorial",
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
        as they are: any map can be written, TS or p-values too.
    column : str, optional
        Name of the column; default ``"PROB"`` for maps of this package, ``"VALUE"`` for arrays. A dict names its own.
    unit : str, optional
        FITS unit; default ``"pix-1"`` for ``"PROB"``, none otherwise.
    nest : bool
        Write in NESTED order: arrays must be so already; maps of this package, which are RING, are reordered.
    frame : str
        Frame of the arrays, for the header. Maps of this package are equatorial.
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
    path = Path(path)
    if path.suffixes[-1:] not in ([".fits"], [".fit"]) and path.suffixes[-2:] not in (
        [".fits", ".gz"],
        [".fit", ".gz"],
    ):
        raise ValueError(f"{path}: give a name that ends in .fits or .fits.gz")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists; use overwrite=True or another name")
    letter = _LETTER[resolve_frame(frame)]
    if isinstance(map, MultiOrderMap):
        if column or unit or nest or letter != "C":
            raise ValueError(
                "a MultiOrderMap is written as UNIQ and PROBDENSITY, equatorial; give none of column, unit, "
                "nest and frame, or write map.regrade(nside)"
            )
        table = _multiorder_table(map)
    else:
        table = _flat_table(map, column, unit, nest, letter)
    for key, value in (header or {}).items():
        table.header[key] = value
    _write(path, table)
    return path


def _flat_table(map: Any, column: str | None, unit: str | None, nest: bool, letter: str) -> Any:
    from astropy.io import fits

    if isinstance(map, Mapping):
        arrays = {str(name): np.asarray(values) for name, values in map.items()}
    else:
        own = hasattr(map, "probability")
        values = np.asarray(map_values(map))
        if own and letter != "C":
            raise ValueError(f"a {type(map).__name__} is equatorial; leave frame= out (it says what arrays are in)")
        if own and nest:
            import healpy

            values = values[healpy.nest2ring(map_nside(values.size), np.arange(values.size))]
        arrays = {column or ("PROB" if own else "VALUE"): values}
    if not arrays:
        raise ValueError("map is an empty dict; give at least one array")
    first, npix = next((name, values.size) for name, values in arrays.items())
    nside = map_nside(npix, first)
    per_row = _ROW if npix % _ROW == 0 else 1
    columns = []
    for name, values in arrays.items():
        if values.shape != (npix,):
            raise ValueError(
                f"{name}: shape {values.shape}, but {first} has {npix} values; give full-sky maps of one nside"
            )
        if values.dtype.kind not in "fiub":
            raise TypeError(f"{name}: expected numbers, got dtype {values.dtype}")
        columns.append(_column(name, values, unit or ("pix-1" if name == "PROB" else None), per_row))
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
    }
    for key, card in cards.items():
        table.header[key] = card
    return table


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
    with atomic_write(path) as file:
        if path.suffix == ".gz":
            # mtime 0: the same map gives the same bytes
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=4) as packed:
                hdus.writeto(packed)
        else:
            hdus.writeto(file)
