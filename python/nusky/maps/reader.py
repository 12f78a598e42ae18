"""Read a sky map of any usual kind into a normalised equatorial probability."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from nusky.maps.header import (
    Kind,
    check_nside_keyword,
    choose_column,
    frame_of,
    is_nested,
    kind_of,
    kind_of_quantity,
)
from nusky.maps.multiorder import MAX_FLAT_NSIDE, MultiOrderMap
from nusky.maps.regrading import rotate
from nusky.maps.skymap import MapRecord, SkyMap, clean_values, map_values
from nusky.maps.table import INDEX_COLUMNS, MapTable, read_map_table
from nusky.sphere.frames import Frame, resolve_frame
from nusky.sphere.healpix import check_nside, map_nside

if TYPE_CHECKING:
    from nusky.typing import F64, I64

__all__ = ["Kind", "read_sky_map"]

# exp(−x/2) below this is nothing: the alert pipelines' own threshold
_ALERT_FLOOR = 1e-12
_KEPT_KEYWORDS = ("OBJECT", "INSTRUME", "DATE-OBS", "MJD-OBS", "DATE", "CREATOR", "TNS_NAME", "RUNID", "EVENTID")


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
) -> SkyMap | MultiOrderMap:
    """Probability map from a file or an object, equatorial and normalised.

    Parameters
    ----------
    path_or_object : path, array, astropy Table, or object with ``.map``
        HEALPix FITS (RING, NESTED, explicit pixels, multi-order UNIQ; gzipped too), HDF5 as CHIME/FRB publishes it
        (``ipix``, ``CL``) or with ``PROBDENSITY``, a ``.npy`` file, a full-sky array, a histlite map.
    nside : int, optional
        Bring the map to this nside, conserving probability. Default: as it is; multi-order maps, and sparse maps finer
        than nside 1024, then come as `MultiOrderMap`.
    kind : {"probability", "density", "2dlnl", "cl"}, optional
        What the values are: probability per pixel; density per area; 2ΔlnL against the best point (IceCube alerts; the
        probability is exp(−x/2), below 1e-12 nothing); confidence level (CHIME; 1 − CL). Default: what column name and
        unit say. Arrays without a header are probabilities.
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
    if kind is not None and kind not in ("probability", "density", "2dlnl", "cl"):
        raise ValueError(f"kind={kind!r} is not known; use 'probability', 'density', '2dlnl' or 'cl'")
    if missing not in ("error", "zero"):
        raise ValueError(f"missing={missing!r} is not known; use 'error' or 'zero'")
    given_frame = None if frame is None else resolve_frame(frame)
    source = path_or_object
    if isinstance(source, (SkyMap, MultiOrderMap)):
        if nest or kind not in (None, "probability") or given_frame not in (None, "equatorial"):
            raise ValueError(
                f"a {type(source).__name__} is a RING, equatorial probability; leave nest, kind and frame out"
            )
        return source if nside is None else source.regrade(nside)
    if isinstance(source, (str, os.PathLike)) and os.fspath(source).endswith(".npy") and os.path.isfile(source):
        name, source = os.fspath(source), np.load(source, allow_pickle=False)
    else:
        name = type(path_or_object).__name__
    if isinstance(source, (str, os.PathLike)) or (hasattr(source, "colnames") and hasattr(source, "meta")):
        cells = _cells_of_table(read_map_table(source, hdu=hdu), kind, given_frame, nest, column, missing)
    else:
        values = map_values(source)
        cells = _cells_of_array(values, name, kind or kind_of_quantity(values, name), bool(nest))
        cells = replace(cells, record=replace(cells.record, frame=given_frame or "equatorial"))
    return _finish(cells, nside)


@dataclass(frozen=True)
class _Cells:
    """A map between reading and normalising: values not negative, probability per cell, frame of the source."""

    order: int | I64
    ipix: I64 | None  # None: every pixel of `order` in RING or NESTED
    nest: bool
    value: F64
    record: MapRecord


def _cells_of_array(values: Any, name: str, kind: Kind, nest: bool) -> _Cells:
    raw = values if isinstance(values, np.ma.MaskedArray) else np.asarray(values)
    if raw.ndim == 0:
        raise TypeError(f"expected a path, a full-sky array, a table or an object with .map, got {name}")
    order = map_nside(raw.size, name).bit_length() - 1
    value, repaired = _probability_of(raw, kind, np.pi / 3 * 0.25**order, name)
    total = float(value.sum())
    record = MapRecord(name, kind, ordering="NESTED" if nest else "RING", total=total, repaired=repaired)
    return _Cells(order, None, nest, value, record)


def _cells_of_table(
    table: MapTable, kind: Kind | None, frame: Frame | None, nest: bool | None, column: str | None, missing: str
) -> _Cells:
    name = choose_column(table, column)
    unit = table.units.get(name, "")
    kind = kind or kind_of(table, name, unit)
    frame = frame or frame_of(table)
    index = next((c for c in INDEX_COLUMNS if c in table.columns), None)
    header = {key: str(table.header[key]) for key in _KEPT_KEYWORDS if key in table.header}
    record = MapRecord(table.source, kind, frame, column=name, unit=unit, header=header)
    raw = table.columns[name]
    where = f"{table.source}: column {name}"
    per_sr = np.degrees(1.0) ** 2 if kind == "density" and "deg" in unit.lower() else 1.0
    if index == "UNIQ":
        order, ipix = _from_uniq(table.columns["UNIQ"], table.source)
        area = np.pi / 3 * 0.25 ** order.astype(np.float64)
        # 2ΔlnL is a likelihood at the cell's centre, hence a density
        value, repaired = _probability_of(raw, kind, area * per_sr, where)
        if missing == "error":
            _check_complete(order, ipix, table.source)
        record = replace(record, ordering="NUNIQ", total=float(value.sum()), repaired=repaired)
        return _Cells(order, ipix, True, value, record)
    nested = is_nested(table, nest)
    record = replace(record, ordering="NESTED" if nested else "RING")
    if index is None:
        check_nside_keyword(table, raw.size)
        order0 = map_nside(raw.size, where).bit_length() - 1
        value, repaired = _probability_of(raw, kind, np.pi / 3 * 0.25**order0 * per_sr, where)
        return _Cells(order0, None, nested, value, replace(record, total=float(value.sum()), repaired=repaired))
    if "NSIDE" not in table.header:
        raise ValueError(f"{table.source}: pixel numbers without the keyword NSIDE; write it into the header")
    nside = check_nside(table.header["NSIDE"], f"{table.source}: NSIDE")
    ipix, raw, dropped = _without_repeats(table.columns[index], raw, nside, table.source)
    value, repaired = _probability_of(raw, kind, np.pi / 3 / nside**2 * per_sr, where)
    record = replace(
        record,
        total=float(value.sum()),
        repaired=repaired,
        n_duplicate=dropped,
        n_missing=12 * nside * nside - ipix.size,
    )
    return _Cells(nside.bit_length() - 1, ipix, nested, value, record)


def _finish(cells: _Cells, nside: int | None) -> SkyMap | MultiOrderMap:
    """Normalised equatorial map at the wanted nside."""
    import healpy

    if cells.ipix is None:
        ring = cells.value
        if cells.nest:
            ring = ring[healpy.ring2nest(map_nside(ring.size), np.arange(ring.size))]
        flat = SkyMap(ring, cells.record)
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


def _probability_of(raw: Any, kind: Kind, area: float | F64, where: str) -> tuple[F64, dict[str, int]]:
    """Values proportional to the probability of each cell; for densities per steradian, the probability itself."""
    if kind in ("probability", "density"):
        value, repaired = clean_values(raw, where)
        return (value * area, repaired) if kind == "density" else (value, repaired)
    x = np.array(np.ma.filled(raw, np.nan) if isinstance(raw, np.ma.MaskedArray) else raw, dtype=np.float64)
    if kind == "cl":
        outside = np.flatnonzero((x < 0) | (x > 1))
        if outside.size:
            raise ValueError(f"{where}: confidence level {x[outside[0]]} in row {outside[0]} is outside 0 … 1")
        return clean_values((1.0 - x) * area, where)
    finite = np.isfinite(x)
    if not finite.any():
        raise ValueError(f"{where}: no finite value of 2ΔlnL")
    with np.errstate(under="ignore", over="ignore"):
        p = np.exp(-0.5 * (x - x[finite].min()))
    p[x == np.inf] = 0.0
    if (x == -np.inf).any():
        raise ValueError(f"{where}: 2ΔlnL is −∞ in {int((x == -np.inf).sum())} rows; mask them before use")
    p[p < _ALERT_FLOOR] = 0.0
    return clean_values(p * area, where)


def _from_uniq(uniq: NDArray[Any], source: str) -> tuple[I64, I64]:
    if uniq.dtype.kind not in "iu":
        raise ValueError(f"{source}: UNIQ has dtype {uniq.dtype}; it must be integers")
    value = uniq.astype(np.int64)
    bad = np.flatnonzero((value < 4) | (value >= 16 * 4**29))
    if bad.size:
        raise ValueError(f"{source}: UNIQ {value[bad[0]]} in row {bad[0]} is no HEALPix cell (4 … 16·4^29 − 1)")
    # log2 in floating point is off by one near powers of two beyond 2**53: frexp of the shifted integer is exact there
    order = (np.frexp((value >> 2 * 15).astype(np.float64))[1] - 1 + 30).astype(np.int64)
    small = value < 4**15
    order[small] = np.frexp(value[small].astype(np.float64))[1] - 1
    order = order // 2 - 1
    return order, value - (np.int64(4) << 2 * order)


def _check_complete(order: I64, ipix: I64, source: str) -> None:
    start = ipix << 2 * (29 - order)
    end = start + (np.int64(1) << 2 * (29 - order))
    along = np.argsort(start, kind="stable")
    left = np.r_[np.int64(0), np.maximum.accumulate(end[along])]
    right = np.r_[start[along], np.int64(12 * 4**29)]
    gaps = np.flatnonzero(right > left)
    if gaps.size:
        missing = float((right - left)[gaps].sum() / (12 * 4**29))
        after = (
            "the first cell" if gaps[0] == 0 else f"order {order[along][gaps[0] - 1]}, ipix {ipix[along][gaps[0] - 1]}"
        )
        raise ValueError(
            f"{source}: the UNIQ cells leave {100 * missing:.3g} % of the sky without a value (first gap "
            f"{'before' if gaps[0] == 0 else 'after'} {after}); give missing='zero' if the map is meant to be partial"
        )


def _without_repeats(index: NDArray[Any], raw: NDArray[Any], nside: int, source: str) -> tuple[I64, NDArray[Any], int]:
    """Pixels and values with exact repeats dropped (CHIME files have them); contradicting ones are an error."""
    if index.dtype.kind not in "iu":
        raise ValueError(f"{source}: pixel numbers have dtype {index.dtype}; they must be integers")
    if index.size != raw.size:
        raise ValueError(f"{source}: {index.size} pixel numbers for {raw.size} values; is the file complete?")
    pixel = index.astype(np.int64)
    outside = np.flatnonzero((pixel < 0) | (pixel >= 12 * nside * nside))
    if outside.size:
        raise ValueError(f"{source}: pixel {pixel[outside[0]]} in row {outside[0]} is outside nside {nside}")
    unique, first, inverse = np.unique(pixel, return_index=True, return_inverse=True)
    kept = raw[first]
    differ = np.flatnonzero((kept[inverse] != raw) & ~(np.isnan(kept[inverse]) & np.isnan(raw)))
    if differ.size:
        row = int(differ[0])
        raise ValueError(
            f"{source}: pixel {pixel[row]} has different values in rows {first[inverse[row]]} and {row}; keep one"
        )
    return unique, kept, int(pixel.size - unique.size)
