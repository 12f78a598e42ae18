"""Objects of other packages that hold a HEALPix map: their values, with the order and frame they know of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nusky.sphere.frames import Frame, resolve_frame

__all__ = ["MapObject", "map_object"]


@dataclass(frozen=True)
class MapObject:
    """What an object holds.

    Attributes
    ----------
    values : array
        As they are, with unit and mask.
    name : str
        Type of the object, for messages.
    nest : bool or None
        NESTED order; None: the object does not say.
    frame : str or None
    uniq : array of int or None
        UNIQ numbers, for cells of many sizes.
    density : bool or None
        The values are per area (True), or of a whole cell (False).
    column, unit : str
        Name and unit of the (first) column, where a header says them.
    header : mapping
        Keywords, upper case.
    """

    values: Any
    name: str
    nest: bool | None = None
    frame: Frame | None = None
    uniq: Any = None
    density: bool | None = None
    column: str = ""
    unit: str = ""
    header: Mapping[str, Any] = field(default_factory=dict)


def map_object(source: Any, nest: bool | None = None) -> MapObject:
    """Values of `source`, and what it says of them; an array says nothing.

    Parameters
    ----------
    source : array_like, object with ``.map`` (histlite, this package), ``mhealpy.HealpixMap``, gammapy's ``HpxNDMap``,
        or a pair (map, header) as ``healpy.read_map(h=True)`` and ``ligo.skymap.io.read_sky_map`` return it
    nest : bool, optional
        What the caller knows of the order: then a header that leaves it in doubt is no error.

    Raises
    ------
    TypeError
        An object that has pixels but no values.
    ValueError
        A pair whose header cannot say how its values are ordered.

    Examples
    --------
    >>> map_object(([1.0, 2.0], {"nest": True})).nest
    True
    """
    name = type(source).__name__
    if isinstance(source, tuple) and len(source) == 2:
        if _is_header(source[1]):
            return _of_pair(*source, nest)
        if np.ndim(source[1]) == 0 and np.size(source[0]) > 1:
            raise TypeError(
                f"a pair (map, {type(source[1]).__name__}): the second of a pair is the header, a mapping with "
                "ORDERING and COORDSYS; give the map alone, with nest= and frame="
            )
    # a pandas Series has a method map; an array's attribute of that name would be a column
    held = getattr(source, "map", None)
    if held is not None and not callable(held):
        return MapObject(held, name, nest=_order_of(source), frame=_frame_of(source))
    geometry = getattr(source, "geom", None)
    if geometry is not None and hasattr(geometry, "nest") and hasattr(source, "data"):
        frame = None if getattr(geometry, "frame", None) is None else resolve_frame(geometry.frame)
        return MapObject(source.data, name, nest=bool(geometry.nest), frame=frame)
    if hasattr(source, "is_nested") and hasattr(source, "data"):  # mhealpy
        return _of_mhealpy(source, name)
    if hasattr(source, "healpix_to_lonlat"):  # astropy_healpix.HEALPix
        raise TypeError(
            f"{name} says where the pixels are, and holds no values; give the array of values, with nest= and frame="
        )
    index = getattr(source, "index", None)
    if hasattr(source, "isna") and index is not None and getattr(source, "ndim", 1) == 1:  # a Series of pandas
        _check_index(index, name)
    return MapObject(source, name)


def _check_index(index: Any, name: str) -> None:
    """The index of a Series may be the pixels: then the rows must be in their order."""
    numbers = np.asarray(index)
    if numbers.dtype.kind in "iu" and not np.array_equal(numbers, np.arange(numbers.size)):
        raise ValueError(
            f"{name}: its index is not 0, 1, 2, … in this order; if it holds the pixels, give .sort_index() of a whole "
            "sky, else .to_numpy()"
        )


def _of_mhealpy(source: Any, name: str) -> MapObject:
    from astropy import units

    frame = getattr(source, "coordsys", None)
    density = getattr(source, "density", None)
    values, unit = source.data, getattr(source, "unit", None)
    if unit is not None and not hasattr(values, "unit"):
        values = units.Quantity(values, unit)
    return MapObject(
        values,
        name,
        nest=None if source.is_moc else bool(source.is_nested),
        frame=None if frame is None else resolve_frame(frame),
        uniq=source.uniq if source.is_moc else None,
        density=bool(density()) if callable(density) else None,
    )


def _of_pair(values: Any, header: Any, given: bool | None) -> MapObject:
    known: dict[str, Any] = {}
    for key, value, *_ in header.items() if hasattr(header, "items") else header:
        if str(key).upper() in ("COMMENT", "HISTORY") and not isinstance(value, (list, tuple)):
            known.setdefault(str(key).upper(), []).append(str(value))
        else:
            known[str(key).upper()] = value
    if isinstance(values, tuple) or getattr(values, "ndim", 1) > 1:
        raise ValueError("a pair of several maps and their header: give one map of it, (maps[0], header)")
    keys = ("COORDSYS", "FRAME", "COORD")
    frame = next((known[key] for key in keys if str(known.get(key) or "").strip()), None)
    nest = known.get("NEST") if given is None else given
    if nest is None and "ORDERING" in known:
        ordering = str(known["ORDERING"]).strip().upper()
        if ordering != "RING":
            # healpy turns a map to RING on reading and leaves the header as it was
            raise ValueError(
                f"a pair (map, header) with ORDERING={ordering!r}: healpy.read_map turns the map to RING and leaves "
                "the header; give the file name, or the first of the pair with nest=True or nest=False"
            )
        nest = False
    return MapObject(
        values,
        "(map, header)",
        None if nest is None else bool(nest),
        None if frame is None else resolve_frame(frame),
        column=_text(known, "TTYPE1", "COLUMN"),
        unit=_text(known, "TUNIT1", "UNIT", "UNITS", "BUNIT"),
        header=known,
    )


def _text(header: Mapping[str, Any], *keys: str) -> str:
    """The first of some keywords that is set, as text."""
    return next((str(header[key]).strip() for key in keys if str(header.get(key) or "").strip()), "")


def _is_header(value: Any) -> bool:
    if isinstance(value, Mapping) or (hasattr(value, "cards") and hasattr(value, "keys")):
        return True
    return isinstance(value, list) and bool(value) and all(isinstance(v, tuple) and len(v) in (2, 3) for v in value)


def _order_of(source: Any) -> bool | None:
    """NESTED order by an object's attributes: ``nest`` or ``nested`` (a flag), ``ordering`` or ``scheme`` (a word)."""
    for name in ("nest", "nested", "is_nested", "ordering", "order", "scheme"):
        value = getattr(source, name, None)
        if name == "is_nested" and callable(value):
            value = value()
        if isinstance(value, str) and value.strip().upper()[:4] in ("NEST", "RING"):
            return value.strip().upper()[:4] == "NEST"
        flag = not name.startswith("order") and hasattr(value, "__bool__") and not callable(value)
        if flag and value in (0, 1):
            return bool(value)
    return None


def _frame_of(source: Any) -> Frame | None:
    """Frame by an object's attributes; None where it has none of these."""
    for name in ("frame", "coordsys", "coord", "coordinates"):
        value = getattr(source, name, None)
        if isinstance(value, str) or hasattr(value, "frame_attributes"):
            return resolve_frame(value)
    return None
