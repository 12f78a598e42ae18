"""Cells of a map: UNIQ numbers, ranges of a MOC, repeats, gaps, and how a table's rows hold its pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky.maps.header import nside_keyword
from nusky.maps.table import MapTable
from nusky.sphere import map_nside
from nusky.typing import I64

__all__ = [
    "check_complete",
    "check_first_pixel",
    "from_ranges",
    "from_uniq",
    "no_hidden_index",
    "no_hidden_positions",
    "nside_of_pixels",
    "one_value_a_pixel",
    "pixel_numbers",
    "without_repeats",
]

_WHOLE = 12 * 4**29
_WIDE = 1024
_LONGITUDES = ("RA", "RAJ2000", "RA_DEG", "RA_RAD", "ALPHA", "PHI")
_LATITUDES = ("DEC", "DECJ2000", "DEC_DEG", "DEC_RAD", "DELTA", "THETA")


def pixel_numbers(values: Any, what: str) -> I64:
    """Pixel or cell numbers as int64; of floating-point ones, as pandas may leave them, those that are whole.

    Raises
    ------
    ValueError
        Not whole numbers, too large for their precision, several a row, or missing ones.
    """
    if values.ndim != 1:
        raise ValueError(f"{what}: {values.shape[1:]} numbers a row, but one is expected")
    if isinstance(values, np.ma.MaskedArray):
        if np.ma.getmaskarray(values).any():
            raise ValueError(f"{what}: {int(np.ma.getmaskarray(values).sum())} rows have no number; leave them out")
        values = values.data
    values = np.asarray(values)
    if values.dtype.kind not in "iuf":
        raise ValueError(f"{what}: dtype {values.dtype}; they must be whole numbers")
    if values.dtype.kind == "f":
        _check_whole(values, what)
    return np.asarray(values).astype(np.int64)


def _check_whole(values: NDArray[Any], what: str) -> None:
    """Floating point holds each whole number up to 2^24 (single precision) or 2^53 only."""
    most = 2.0 ** (np.finfo(values.dtype).nmant + 1)
    bad = np.flatnonzero(~(np.abs(values) < most) | (values != np.round(values)))
    if bad.size:
        raise ValueError(
            f"{what}: {values[bad[0]]:.17g} in row {bad[0]} is no whole number that dtype {values.dtype} holds "
            "exactly; write them as integers"
        )


def one_value_a_pixel(values: Any, nside: int | None, explicit: bool, where: str) -> Any:
    """Values in a row of their own, from rows that may hold several.

    Rows of 1024 pixels are how healpy writes a full sky. Several values for one pixel (a cube: energies, samples) are
    no map, though their number can be that of a finer one.
    """
    if values.ndim == 1:
        return values
    n_rows, per_row = values.shape[0], int(np.prod(values.shape[1:]))
    flat = values.reshape(-1)
    if per_row == 1:
        return flat
    as_pixels = 12 * nside * nside if nside else None
    cube = explicit or n_rows == as_pixels or (as_pixels is None and per_row != _WIDE and _is_full(n_rows))
    if cube or values.ndim > 2:
        raise ValueError(
            f"{where} holds {per_row} values for each pixel (a cube); choose one of them and write it as a map, or "
            "give the array of one"
        )
    return flat


def _is_full(npix: int) -> bool:
    nside = round((npix / 12) ** 0.5)
    return 12 * nside * nside == npix and not nside & (nside - 1)


def from_uniq(uniq: NDArray[Any], source: str) -> tuple[I64, I64]:
    """Order and nested pixel of UNIQ numbers."""
    value = pixel_numbers(uniq, f"{source}: UNIQ")
    bad = np.flatnonzero((value < 4) | (value >= 16 * 4**29))
    if bad.size:
        raise ValueError(f"{source}: UNIQ {value[bad[0]]} in row {bad[0]} is no HEALPix cell (4 … 16·4^29 − 1)")
    # log2 in floating point is off by one near powers of two beyond 2**53: frexp of the shifted integer is exact there
    order = (np.frexp((value >> 2 * 15).astype(np.float64))[1] - 1 + 30).astype(np.int64)
    small = value < 4**15
    order[small] = np.frexp(value[small].astype(np.float64))[1] - 1
    order = order // 2 - 1
    return order, value - (np.int64(4) << 2 * order)


def from_ranges(ranges: NDArray[Any], source: str) -> tuple[I64, I64]:
    """Order and nested pixel of the largest cells that fill ranges [first, end) of nested pixels of order 29."""
    edges = pixel_numbers(ranges.reshape(-1), f"{source}: the ranges")
    if edges.size % 2:
        raise ValueError(f"{source}: {edges.size} numbers are no pairs of first and end")
    low, high = edges[0::2].copy(), edges[1::2].copy()
    bad = np.flatnonzero((low < 0) | (high > _WHOLE) | (low >= high))
    if bad.size:
        raise ValueError(f"{source}: the range {low[bad[0]]} … {high[bad[0]]} in row {bad[0]} is none of order 29")
    orders, pixels = [], []
    # From both ends inwards: at each level at most three cells at either end stick out of the parents' grid
    for order in range(29, 0, -1):
        size = np.int64(1) << 2 * (29 - order)
        for _ in range(3):
            out = (low < high) & (low % (4 * size) != 0)
            orders.append(np.full(int(out.sum()), order))
            pixels.append(low[out] // size)
            low[out] += size
        for _ in range(3):
            out = (low < high) & (high % (4 * size) != 0)
            high[out] -= size
            orders.append(np.full(int(out.sum()), order))
            pixels.append(high[out] // size)
    size = np.int64(1) << 58
    for first, end in zip((low // size).tolist(), (high // size).tolist(), strict=True):
        orders.append(np.zeros(max(end - first, 0), dtype=np.int64))
        pixels.append(np.arange(first, max(end, first)))
    return np.concatenate(orders).astype(np.int64), np.concatenate(pixels).astype(np.int64)


def check_complete(order: I64, ipix: I64, source: str) -> None:
    """ValueError where cells leave a part of the sky without a value."""
    start = ipix << 2 * (29 - order)
    end = start + (np.int64(1) << 2 * (29 - order))
    along = np.argsort(start, kind="stable")
    left = np.r_[np.int64(0), np.maximum.accumulate(end[along])]
    right = np.r_[start[along], np.int64(_WHOLE)]
    gaps = np.flatnonzero(right > left)
    if gaps.size:
        missing = float((right - left)[gaps].sum() / _WHOLE)
        after = (
            "the first cell" if gaps[0] == 0 else f"order {order[along][gaps[0] - 1]}, ipix {ipix[along][gaps[0] - 1]}"
        )
        raise ValueError(
            f"{source}: the UNIQ cells leave {100 * missing:.3g} % of the sky without a value (first gap "
            f"{'before' if gaps[0] == 0 else 'after'} {after}); give missing='zero' if the map is meant to be partial"
        )


def without_repeats(index: NDArray[Any], raw: Any, nside: int, source: str) -> tuple[I64, Any, int]:
    """Pixels and values with exact repeats dropped (CHIME files have them); contradicting ones are an error."""
    pixel = pixel_numbers(index, f"{source}: pixel numbers")
    if pixel.size != raw.size:
        raise ValueError(f"{source}: {pixel.size} pixel numbers for {raw.size} values; is the file complete?")
    outside = np.flatnonzero((pixel < 0) | (pixel >= 12 * nside * nside))
    if outside.size:
        raise ValueError(f"{source}: pixel {pixel[outside[0]]} in row {outside[0]} is outside nside {nside}")
    unique, first, inverse = np.unique(pixel, return_index=True, return_inverse=True)
    kept = raw[first]
    same = np.ma.filled(kept[inverse] == raw, True) if isinstance(raw, np.ma.MaskedArray) else kept[inverse] == raw
    if raw.dtype.kind == "f":
        same |= np.isnan(np.asarray(kept[inverse])) & np.isnan(np.asarray(raw))
    differ = np.flatnonzero(~same)
    if differ.size:
        row = int(differ[0])
        raise ValueError(
            f"{source}: pixel {pixel[row]} has different values in rows {first[inverse[row]]} and {row}; keep one"
        )
    return unique, kept, int(pixel.size - unique.size)


def nside_of_pixels(table: MapTable) -> int:
    """nside of explicit pixel numbers, by the keywords NSIDE and ORDER.

    Raises
    ------
    ValueError
        Neither is there, or they contradict each other.
    """
    nside = nside_keyword(table)
    order = table.header.get("ORDER")
    if isinstance(order, int) and not isinstance(order, bool):
        if nside is not None and nside != 1 << max(order, 0):
            raise ValueError(f"{table.source}: NSIDE={nside} and ORDER={order} contradict each other; remove one")
        if not 0 <= order <= 29:
            raise ValueError(f"{table.source}: ORDER={order} is outside 0 … 29")
        nside = 1 << order
    if nside is None:
        raise ValueError(f"{table.source}: pixel numbers without the keyword NSIDE; write it into the header")
    return nside


def no_hidden_index(table: MapTable, npix: int) -> None:
    """A column that has each pixel's number once, in another order than the rows, would scramble the map."""
    for name, values in table.columns.items():
        if values.dtype.kind not in "iuf" or values.shape != (npix,):
            continue
        numbers = np.asarray(values)
        if np.array_equal(np.sort(numbers), np.arange(npix)) and not np.array_equal(numbers, np.arange(npix)):
            raise ValueError(
                f"{table.source}: the column {name} has each number 0 … {npix - 1} once, in another order than the "
                "rows; if it holds the pixels, set INDXSCHM='EXPLICIT' in the header and put it first"
            )


def no_hidden_positions(table: MapTable, npix: int, nested: bool) -> None:
    """Columns of right ascension and declination that are not those of the pixels, row by row, are not ignored.

    Raises
    ------
    ValueError
        The rows are elsewhere than the pixels of their number.
    """
    import healpy

    for lon, lat in zip(_LONGITUDES, _LATITUDES, strict=True):
        if lon not in table.columns or lat not in table.columns:
            continue
        ra, dec = (_numbers(table.columns[name], npix) for name in (lon, lat))
        if ra is None or dec is None:
            continue
        theta, phi = healpy.pix2ang(map_nside(npix, table.source), np.arange(npix), nest=nested)
        high = np.pi / 2 - theta if lat != "THETA" else theta
        in_degrees = max(np.abs(ra).max(), np.abs(dec).max()) > 7.0
        ra, dec = (np.radians(ra), np.radians(dec)) if in_degrees else (ra, dec)
        # of half a pixel, since some write the corner of it
        width = np.sqrt(4 * np.pi / npix)
        turned = (ra - phi + np.pi) % (2 * np.pi) - np.pi
        away = np.hypot(turned * np.sin(theta), dec - high) > width
        if away.any():
            row = int(np.argmax(away))
            raise ValueError(
                f"{table.source}: row {row} is at {lon} {table.columns[lon][row]:.6g}, {lat} "
                f"{table.columns[lat][row]:.6g}, and pixel {row} ({'NESTED' if nested else 'RING'}) is at "
                f"{np.degrees(phi[row]):.6g}, {np.degrees(np.pi / 2 - theta[row]):.6g} deg: the rows are not in the "
                "order of the pixels; add a column PIXEL with their numbers, as healpy.ang2pix gives them"
            )


def _numbers(values: Any, npix: int) -> Any:
    return np.asarray(values, np.float64) if values.shape == (npix,) and values.dtype.kind in "iuf" else None


def check_first_pixel(table: MapTable, npix: int) -> None:
    """FIRSTPIX and LASTPIX of rows in the order of the pixels must be those of the whole sky.

    Raises
    ------
    ValueError
        They are those of a part of it.
    """
    first, last = (table.header.get(key) for key in ("FIRSTPIX", "LASTPIX"))
    if not isinstance(first, int) or not isinstance(last, int) or first == last:
        return
    if last - first + 1 != npix or first not in (0, 1):
        raise ValueError(
            f"{table.source}: FIRSTPIX={first} and LASTPIX={last} are not the {npix} pixels of a whole sky: is it a "
            "part of a finer map? Add a column PIXEL with their numbers, and NSIDE"
        )
