"""Read a sky map of any usual kind into a normalised equatorial probability."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from nusky.files import as_path
from nusky.maps.calibration import Calibration, calibration_in, resolve_calibration
from nusky.maps.cells import (
    check_complete,
    check_first_pixel,
    from_ranges,
    from_uniq,
    no_hidden_index,
    no_hidden_positions,
    nside_of_pixels,
    one_value_a_pixel,
    without_repeats,
)
from nusky.maps.header import (
    KINDS,
    Kind,
    check_nside_keyword,
    choose_column,
    frame_of,
    index_column,
    is_nested,
    kind_of,
    kind_of_quantity,
    nside_keyword,
    per_steradian,
)
from nusky.maps.multiorder import MAX_FLAT_NSIDE, MultiOrderMap
from nusky.maps.regrading import rotate
from nusky.maps.skymap import MapRecord, SkyMap
from nusky.maps.table import MapTable, is_table, masked_where_bad, read_map_table, remarks_of
from nusky.maps.values import probability_of
from nusky.sphere import Frame, MapObject, check_nest, check_nside, map_nside, map_object, resolve_frame

if TYPE_CHECKING:
    from nusky.typing import F64, I64

__all__ = ["Kind", "read_sky_map"]

_KEPT_KEYWORDS = (
    *("OBJECT", "INSTRUME", "DATE-OBS", "MJD-OBS", "DATE", "CREATOR", "TNS_NAME", "RUNID", "EVENTID"),
    *("EVENTMJD", "STARTMJD", "START", "STARTUTC", "STREAM", "I3TYPE", "SIGNAL", "ENERGY", "FAR", "REFERENC"),
)
_RING_PROBABILITY = "a RING, equatorial probability; leave nest, kind and frame out"


@overload
def read_sky_map(
    path_or_object: Any,
    *,
    nside: int,
    kind: Kind | None = ...,
    frame: str | None = ...,
    nest: bool | None = ...,
    column: str | None = ...,
    missing: Literal["error", "zero"] = ...,
    hdu: int | str | None = ...,
    calibration: Any = ...,
) -> SkyMap: ...


@overload
def read_sky_map(
    path_or_object: Any,
    *,
    nside: None = ...,
    kind: Kind | None = ...,
    frame: str | None = ...,
    nest: bool | None = ...,
    column: str | None = ...,
    missing: Literal["error", "zero"] = ...,
    hdu: int | str | None = ...,
    calibration: Any = ...,
) -> SkyMap | MultiOrderMap: ...


def read_sky_map(
    path_or_object: Any,
    *,
    nside: int | None = None,
    kind: Kind | None = None,
    frame: str | None = None,
    nest: bool | None = None,
    column: str | None = None,
    missing: Literal["error", "zero"] = "error",
    hdu: int | str | None = None,
    calibration: Any = None,
) -> SkyMap | MultiOrderMap:
    """Probability map from a file or an object, equatorial and normalised.

    Parameters
    ----------
    path_or_object : path, bytes, open file, array, astropy Table or HDUList, or an object that holds a map
        HEALPix FITS (RING, NESTED, explicit pixels, multi-order UNIQ, a MOC; gzipped too), HDF5 as CHIME/FRB publishes
        it (``ipix``, ``CL``) or with ``PROBDENSITY``, a ``.npy`` file, a full-sky array (also masked or with a unit), a
        histlite, mhealpy or gammapy map, a pair (map, header).
    nside : int, optional
        Bring the map to this nside, conserving probability. Default: as it is; multi-order maps, and sparse maps finer
        than nside 1024, then come as `MultiOrderMap`.
    kind : {"probability", "density", "2dlnl", "cl", "region"}, optional
        What the values are: probability per pixel; density per area; 2ΔlnL against the best point (IceCube alerts; the
        probability is exp(−x/2), below 1e-12 nothing); confidence level (CHIME; 1 − CL); a MOC, which has no values:
        flat over the region. Default: what column name and unit say. Arrays without a header are probabilities.
    frame : str, optional
        ``"equatorial"``, ``"galactic"``, ``"ecliptic"``. Default: COORDSYS of the file; equatorial for arrays.
    nest : bool, optional
        NESTED order. Default: ORDERING of the file; RING for arrays.
    column : str, optional
        Column that holds the map, if there are several.
    missing : {"error", "zero"}
        Multi-order maps that do not cover the sky: refuse, or take the rest as 0.
    hdu : int or str, optional
        FITS extension or HDF5 group.
    calibration : dict or "wilks", optional
        Of 2ΔlnL: where regions end, ``{0.5: 22.2, 0.9: 64.2}``. Default: what the header says ("50%(90%) … 2LLH of
        22.2(64.2)"), else Wilks' theorem; the column ``2LLH`` of an alert without either is refused.

    Returns
    -------
    SkyMap or MultiOrderMap
        ``.probability`` sums to 1; ``.record`` says what was read, repaired and dropped.

    Raises
    ------
    FileNotFoundError, ValueError, TypeError
        With the file, what is wrong, and the argument that settles it.

    Notes
    -----
    An argument overrides the file. Nothing is guessed: a column that does not say what it is, a table without a frame
    or without an ordering is refused until the argument says so.

    Examples
    --------
    >>> sky = read_sky_map(np.ones(3072))
    >>> sky.nside, sky.record.kind
    (16, 'probability')
    """
    if nside is not None:
        nside = check_nside(nside)
    if kind is not None and kind not in KINDS:
        raise ValueError(f"kind={kind!r} is not known; use 'probability', 'density', '2dlnl', 'cl' or 'region'")
    if missing not in ("error", "zero"):
        raise ValueError(f"missing={missing!r} is not known; use 'error' or 'zero'")
    given_frame = None if frame is None else resolve_frame(frame)
    nest = check_nest(nest)
    levels = resolve_calibration(calibration)
    source = path_or_object
    if isinstance(source, (SkyMap, MultiOrderMap)):
        if nest or kind not in (None, "probability") or given_frame not in (None, "equatorial"):
            raise ValueError(f"a {type(source).__name__} is {_RING_PROBABILITY}")
        return source if nside is None else source.regrade(nside)
    asked = _Asked(kind, given_frame, nest, column, missing, levels)
    name, source = _loaded(source)
    if is_table(source):
        return _finish(_cells_of_table(read_map_table(source, hdu=hdu), asked), nside)
    for argument, value in (("column", column), ("hdu", hdu)):
        if value is not None:
            raise ValueError(f"{argument}={value!r} is for tables, and this is {name}; leave it out")
    return _finish(_cells_of_object(map_object(source, nest), name, asked), nside)


@dataclass(frozen=True)
class _Asked:
    """What the arguments say; None: the source says it."""

    kind: Kind | None
    frame: Frame | None
    nest: bool | None
    column: str | None
    missing: str
    calibration: Calibration | None


@dataclass(frozen=True)
class _Cells:
    """A map between reading and normalising: values not negative, probability per cell, frame of the source."""

    order: int | I64
    ipix: I64 | None  # None: every pixel of `order` in RING or NESTED
    nest: bool
    value: F64
    record: MapRecord


def _loaded(source: Any) -> tuple[str, Any]:
    """Name for messages, and what an npy file holds in place of its path."""
    if isinstance(source, (str, os.PathLike)) and os.fspath(source).lower().endswith(".npy"):
        path = as_path(source, "sky map")
        if not path.is_file():
            raise FileNotFoundError(f"sky map {path} does not exist; check the path")
        try:
            return str(path), np.load(path, allow_pickle=False)
        except Exception as error:  # a damaged header makes numpy fail in any way
            what = "objects, which are not read" if "pickle" in str(error).lower() else str(error)
            raise ValueError(f"{path} cannot be read as an npy file of numbers ({what})") from None
    return type(source).__name__, source


def _cells_of_object(found: MapObject, name: str, asked: _Asked) -> _Cells:
    values = masked_where_bad(found.values, found.header) if found.header else found.values
    if np.ndim(values) == 0:
        raise TypeError(f"expected a path, a full-sky array, a table or an object with .map, got {name}")
    said = found.column or found.unit
    table = MapTable(name, {found.column: values}, {}, found.header, remarks_of(found.header))
    kind = asked.kind or ("density" if found.density else "")
    kind = kind or (kind_of(table, found.column, found.unit) if said else kind_of_quantity(values, name))
    if kind == "density":
        values = values if getattr(values, "unit", None) else values * (per_steradian(found.unit) or 1.0)
    frame = asked.frame or found.frame or "equatorial"
    if kind == "region":
        raise ValueError(f"{name}: kind='region' is for a MOC in a file; for an array of 0 and 1 leave kind out")
    record = MapRecord(name, kind, frame, unit=str(getattr(values, "unit", None) or ""))
    if kind != "2dlnl":
        _no_calibration(asked, name)
    else:
        asked = replace(asked, calibration=_calibration(table, found.column, asked))
        record = replace(record, calibration=str(asked.calibration))
    if found.uniq is not None:
        order, ipix = from_uniq(np.asarray(found.uniq), name)
        if asked.missing == "error":
            check_complete(order, ipix, name)
        area = np.pi / 3 * 0.25 ** order.astype(np.float64)
        value, repaired = probability_of(values, kind, area, name, asked.calibration)
        record = replace(record, ordering="NUNIQ", total=float(value.sum()), repaired=repaired)
        return _Cells(order, ipix, True, value, record)
    nest = bool(found.nest) if asked.nest is None else bool(asked.nest)
    if np.ndim(values) != 1:
        raise ValueError(f"{name}: expected a 1-D array, got shape {np.shape(values)}; give one map")
    order0 = map_nside(np.size(values), name).bit_length() - 1
    value, repaired = probability_of(values, kind, np.pi / 3 * 0.25**order0, name, asked.calibration)
    ordering = "NESTED" if nest else "RING"
    record = replace(record, ordering=ordering, total=float(value.sum()), repaired=repaired)
    return _Cells(order0, None, nest, value, record)


def _cells_of_table(table: MapTable, asked: _Asked) -> _Cells:
    index = index_column(table)
    name = choose_column(table, asked.column, index, asked.kind)
    if name is None:
        return _cells_of_region(table, str(index), asked)
    unit = table.units.get(name, "")
    kind = asked.kind or kind_of(table, name, unit)
    where = f"{table.source}: column {name}"
    levels = _calibration(table, name, asked) if kind == "2dlnl" else _no_calibration(asked, where)
    record = replace(
        _record(table, asked, kind), column=name, unit=unit, calibration="" if levels is None else str(levels)
    )
    per_sr = (per_steradian(unit) or 1.0) if kind == "density" else 1.0
    raw = one_value_a_pixel(table.columns[name], nside_keyword(table), index is not None, where)
    if index is not None and _is_uniq(table, index):
        order, ipix = from_uniq(table.columns[index], table.source)
        if order.size != raw.size:
            raise ValueError(f"{table.source}: {order.size} UNIQ numbers for {raw.size} values; is the file complete?")
        area = np.pi / 3 * 0.25 ** order.astype(np.float64)
        # 2ΔlnL is a likelihood at the cell's centre, hence a density
        value, repaired = probability_of(raw, kind, area * per_sr, where, levels)
        if asked.missing == "error":
            check_complete(order, ipix, table.source)
        record = replace(record, ordering="NUNIQ", total=float(value.sum()), repaired=repaired)
        return _Cells(order, ipix, True, value, record)
    nested = is_nested(table, asked.nest)
    record = replace(record, ordering="NESTED" if nested else "RING")
    if index is None:
        check_nside_keyword(table, raw.size)
        no_hidden_index(table, raw.size)
        no_hidden_positions(table, raw.size, nested)
        check_first_pixel(table, raw.size)
        order0 = map_nside(raw.size, where).bit_length() - 1
        value, repaired = probability_of(raw, kind, np.pi / 3 * 0.25**order0 * per_sr, where, levels)
        return _Cells(order0, None, nested, value, replace(record, total=float(value.sum()), repaired=repaired))
    nside = nside_of_pixels(table)
    ipix, raw, dropped = without_repeats(table.columns[index], raw, nside, table.source)
    value, repaired = probability_of(raw, kind, np.pi / 3 / nside**2 * per_sr, where, levels)
    n_missing = 12 * nside * nside - ipix.size
    record = replace(record, total=float(value.sum()), repaired=repaired, n_duplicate=dropped, n_missing=n_missing)
    return _Cells(nside.bit_length() - 1, ipix, nested, value, record)


def _cells_of_region(table: MapTable, index: str, asked: _Asked) -> _Cells:
    """A MOC: flat over its cells."""
    record = _record(table, asked, "region")
    if _is_uniq(table, index) or str(table.header.get("ORDERING", "")).strip().upper() == "RANGE":
        numbers = table.columns[index]
        order, ipix = from_uniq(numbers, table.source) if _is_uniq(table, index) else from_ranges(numbers, table.source)
        cells = np.unique(np.stack([order, ipix]), axis=1)  # a cell named twice is the same cell
        order, ipix, nested = cells[0], cells[1], True
        record = replace(record, ordering="NUNIQ")
    else:
        nested = is_nested(table, asked.nest)
        nside = nside_of_pixels(table)
        rows = np.ones(table.columns[index].size)
        ipix, _, _ = without_repeats(table.columns[index], rows, nside, table.source)
        record = replace(record, ordering="NESTED" if nested else "RING")
        return _Cells(nside.bit_length() - 1, ipix, nested, np.ones(ipix.size), record)
    return _Cells(order, ipix, nested, np.pi / 3 * 0.25 ** order.astype(np.float64), record)


def _record(table: MapTable, asked: _Asked, kind: Kind) -> MapRecord:
    header = {key: str(table.header[key]) for key in _KEPT_KEYWORDS if key in table.header}
    return MapRecord(table.source, kind, asked.frame or frame_of(table), header=header)


def _calibration(table: MapTable, name: str, asked: _Asked) -> Calibration:
    try:
        found = asked.calibration or calibration_in(table.remarks)
    except ValueError as error:
        raise ValueError(f"{table.source}: {error}") from None
    if found is None and name.upper() == "2LLH" and asked.kind is not None:
        warnings.warn(
            f"{table.source}: the column {name} of an alert is read by Wilks' theorem: the header does not say where "
            "its regions end; its 90 % region may be ten times as large. Give calibration={0.5: 22.2, 0.9: 64.2} with "
            "the alert's values, or calibration='wilks'",
            UserWarning,
            stacklevel=4,
        )
    elif found is None and name.upper() == "2LLH":
        raise ValueError(
            f"{table.source}: the column {name} is 2ΔLLH of an alert, whose regions end elsewhere than by Wilks' "
            "theorem, and the header does not say where; give calibration={0.5: 22.2, 0.9: 64.2} with the alert's "
            "values, or calibration='wilks'"
        )
    return found or Calibration()


def _no_calibration(asked: _Asked, where: str) -> Calibration | None:
    """None, for values that are no 2ΔlnL."""
    if asked.calibration is not None:
        raise ValueError(f"{where}: calibration= is for 2ΔlnL; leave it out, or give kind='2dlnl'")
    return None


def _is_uniq(table: MapTable, index: str) -> bool:
    return "UNIQ" in index.upper() or str(table.header.get("ORDERING", "")).strip().upper() == "NUNIQ"


def _finish(cells: _Cells, nside: int | None) -> SkyMap | MultiOrderMap:
    """Normalised equatorial map at the wanted nside."""
    import healpy

    if cells.ipix is None:
        ring = cells.value
        if cells.nest:
            ring = ring[healpy.ring2nest(map_nside(ring.size), np.arange(ring.size))]
        flat = SkyMap.of_clean(ring, cells.record)
    else:
        ipix = cells.ipix
        if not cells.nest:
            ipix = healpy.ring2nest(1 << int(cells.order), ipix)
        order = np.broadcast_to(np.asarray(cells.order, dtype=np.int64), ipix.shape)
        try:
            many = MultiOrderMap(order, ipix, cells.value, cells.record)
        except ValueError as error:
            raise ValueError(f"{cells.record.source}: {error}") from error
        uniform = not isinstance(cells.order, np.ndarray)
        if cells.record.frame == "equatorial":
            if nside is None and (not uniform or many.nside > MAX_FLAT_NSIDE):
                return many
            return many.regrade(nside or many.nside)
        if nside is None and many.nside > MAX_FLAT_NSIDE:
            raise ValueError(
                f"{cells.record.source}: a {cells.record.frame} map of nside {many.nside} is turned to equatorial as a "
                "flat map; choose its resolution, nside=512 say"
            )
        flat = many.regrade(min(many.nside, max(nside or 0, MAX_FLAT_NSIDE)))
    if cells.record.frame != "equatorial":
        return SkyMap(rotate(flat.probability, cells.record.frame, nside=nside), cells.record)
    return flat if nside is None else flat.regrade(nside)
