"""What the header of a map table says: which column, what kind of values, which frame and order. Nothing is guessed."""

from __future__ import annotations

import contextlib
from typing import Any, Literal

import numpy as np

from nusky.maps.table import MapTable, is_index_name
from nusky.sphere import Frame, check_nside, resolve_frame

__all__ = [
    "KINDS",
    "Kind",
    "check_nside_keyword",
    "choose_column",
    "frame_of",
    "index_column",
    "is_nested",
    "kind_of",
    "kind_of_quantity",
    "nside_keyword",
    "per_steradian",
]

Kind = Literal["probability", "density", "2dlnl", "cl", "region"]
KINDS: tuple[Kind, ...] = ("probability", "density", "2dlnl", "cl", "region")

_KIND_OF_NAME: dict[str, Kind] = {
    "PROBDENSITY": "density",
    "PROB_DENSITY": "density",
    "DENSITY": "density",
    "PROBABILITY": "probability",
    "PROB": "probability",
    "2DLNL": "2dlnl",
    "2DLLH": "2dlnl",
    "2LLH": "2dlnl",
    "CL": "cl",
}
_PER_PIXEL = {"pix-1", "1/pix", "pixel-1", "1/pixel"}
_PER_AREA = {"sr-1", "1/sr", "deg-2", "1/deg2"}
_PER_CENT = {"%", "percent", "percentage"}
_BLANK = {"", "1", "none", "unknown", "dimensionless"}
_MOC = (
    "it is a MOC, the cells of a region: it says where, and not how probable; give kind='region' for a prior that is "
    "flat over the region and 0 outside"
)


def index_column(table: MapTable) -> str | None:
    """Name of the column that says where each value is; None if the rows are in the order of the pixels.

    INDXSCHM = EXPLICIT or SPARSE: the first column, unless another has the name of one. ORDERING = NUNIQ: likewise.

    Raises
    ------
    ValueError
        INDXSCHM is not known, or contradicts the columns.
    """
    scheme = str(table.header.get("INDXSCHM", "")).strip().upper()
    ordering = str(table.header.get("ORDERING", "")).strip().upper()
    if scheme not in ("", "IMPLICIT", "EXPLICIT", "SPARSE"):
        raise ValueError(f"{table.source}: INDXSCHM={scheme!r} is not known; IMPLICIT or EXPLICIT is expected")
    if ordering == "RANGE":
        return _ranges_or_error(table)
    if "UNIQ" in table.columns:
        return "UNIQ"
    twins = [name for name in table.columns if name.upper() == "UNIQ"]
    if twins:
        return _only(table, twins)
    named = [name for name in table.columns if is_index_name(name)]
    # INDEX may be a spectral index as well: only whole numbers can be pixels there
    named = [n for n in named if "PIX" in n.upper() or "UNIQ" in n.upper() or table.columns[n].dtype.kind in "iu"]
    if scheme in ("EXPLICIT", "SPARSE") or ordering == "NUNIQ":
        first = next(iter(table.columns), None)
        found = first if not named else _only(table, _same(sorted(named, key=lambda name: name != first)))
        if found is None:
            raise ValueError(f"{table.source}: the table has no columns")
        if found.upper() in _KIND_OF_NAME:
            said = f"INDXSCHM={scheme}" if scheme else f"ORDERING={ordering}"
            raise ValueError(
                f"{table.source}: {said} says that the first column holds the numbers of the pixels, and that is "
                f"{found}; name the column with the numbers PIXEL (or UNIQ), or correct the header"
            )
        return found
    if named and scheme == "IMPLICIT" and not _counts_up(table.columns[named[0]]):
        raise ValueError(
            f"{table.source}: INDXSCHM says IMPLICIT (rows in the order of the pixels), and the column {named[0]} has "
            "other numbers than 0, 1, 2, …; set INDXSCHM to EXPLICIT if they are the pixels, or rename the column"
        )
    return _only(table, _same(named)) if named else None


def _same(names: list[str]) -> list[str]:
    """The first of some names with those that differ from it in case only."""
    return [name for name in names if name.upper() == names[0].upper()]


def _counts_up(values: Any) -> bool:
    return values.ndim == 1 and values.dtype.kind in "iu" and bool(np.array_equal(values, np.arange(values.size)))


def _moc_ranges(table: MapTable) -> str | None:
    """The only column of a MOC 2.0 of space: pairs of nested pixels of order 29."""
    dimension = str(table.header.get("MOCDIM", "SPACE")).strip().upper()
    return next(iter(table.columns)) if len(table.columns) == 1 and dimension == "SPACE" else None


def _ranges_or_error(table: MapTable) -> str:
    found = _moc_ranges(table)
    if found is None:
        dimension = str(table.header.get("MOCDIM", "unknown"))
        raise ValueError(f"{table.source} is a MOC of {dimension} (ORDERING='RANGE'), no sky map; give a MOC of space")
    return found


def choose_column(table: MapTable, column: str | None, index: str | None, kind: str | None = None) -> str | None:
    """Name of the column that holds the map, None for ``kind="region"``; an error if that is not plain."""
    names = [name for name in table.columns if name != index and not is_index_name(name)]
    listed = ", ".join(table.columns) or "none"
    if column is not None:
        if not isinstance(column, str):
            raise TypeError(f"column={column!r}: give the name of a column; {table.source} has {listed}")
        found = [n for n in table.columns if n == column] or [n for n in table.columns if n.upper() == column.upper()]
        if not found:
            raise KeyError(f"{table.source} has no column {column!r}; it has {listed}")
        if found[0] == index or is_index_name(found[0]):
            more = _MOC if not names else f"name one of {', '.join(names)}"
            raise ValueError(f"{table.source}: column {column!r} holds the numbers of the pixels, not values; {more}")
        return _only(table, found)
    if not names and index is not None:
        if kind != "region":
            raise ValueError(f"{table.source} has pixel numbers ({index}) and no values: {_MOC}")
        return None
    if kind == "region":
        raise ValueError(f"{table.source}: kind='region' is for a MOC, which has no values, but there are {listed}")
    known = next((wanted for wanted in _KIND_OF_NAME if any(n.upper() == wanted for n in names)), None)
    if known is not None:
        _one_of_a_kind(table, known, names)
    if known is None and len(names) != 1:
        raise ValueError(
            f"{table.source} does not look like a sky map: none of its columns ({listed}) is named PROB, PROBABILITY "
            "or PROBDENSITY; give column='name' and kind='probability' or 'density' if one of them is a map"
        )
    return _only(table, [n for n in names if n.upper() == known]) if known else names[0]


def _one_of_a_kind(table: MapTable, known: str, names: list[str]) -> None:
    """Two columns of one kind, PROB and PROBABILITY, must be the same map."""
    first = next(name for name in names if name.upper() == known)
    for name in names:
        same_kind = _KIND_OF_NAME.get(name.upper()) == _KIND_OF_NAME[known]
        if same_kind and name.upper() != known and not np.array_equal(table.columns[first], table.columns[name]):
            raise ValueError(
                f"{table.source} has the columns {first} and {name} with different values, and either could be the "
                f"map; say which with column={first!r}"
            )


def _only(table: MapTable, names: list[str]) -> str:
    """The one of columns whose names differ in case only: programs disagree about which of them is meant."""
    first = table.columns[names[0]]
    if any(not np.array_equal(first, table.columns[other]) for other in names[1:]):
        raise ValueError(
            f"{table.source} has the columns {' and '.join(names)} with different values, and FITS does not tell upper "
            f"from lower case; say which with column={names[0]!r}, or rename one"
        )
    return names[0]


def kind_of_quantity(values: Any, name: str) -> Kind:
    """What an array is by its unit, if it is an astropy Quantity; plain numbers are probabilities per pixel.

    Raises
    ------
    ValueError
        The unit is that of something else.

    Examples
    --------
    >>> from astropy import units as u
    >>> kind_of_quantity([1.0], "m"), kind_of_quantity([1.0] / u.sr, "m")
    ('probability', 'density')
    """
    unit = str(getattr(values, "unit", None) or "")
    kind = _kind_of_unit(unit)
    if kind is None and _bare(unit) not in _BLANK:
        raise ValueError(f"{name}: unit {unit!r} is no probability; if it is one, give its .value, without a unit")
    return kind or "probability"


def kind_of(table: MapTable, name: str, unit: str) -> Kind:
    """What the values are, by the column's name and unit; ValueError if they do not say or contradict each other."""
    bare, by_unit = _bare(unit), _kind_of_unit(unit)
    by_name = _KIND_OF_NAME.get(name.upper())
    where = f"{table.source}: column {name!r} with unit {unit!r}"
    advice = "give kind='probability' (per pixel), 'density' (per sr), '2dlnl' or 'cl'"
    if by_name == "cl" and bare in _PER_CENT:
        raise ValueError(f"{where} is in percent; give the column divided by 100 as an array, with kind='cl'")
    if by_unit is None and bare not in _BLANK and by_name != "2dlnl":
        raise ValueError(f"{where} is no probability; if it is one, {advice}")
    if by_name and by_unit and by_name != by_unit:
        raise ValueError(f"{where}: the name says {by_name}, the unit {by_unit}; {advice}")
    if by_name is None and by_unit is None:
        raise ValueError(f"{where} does not say whether it is a probability or a density; {advice}")
    return by_name or by_unit or "probability"


def _bare(unit: str) -> str:
    return unit.strip().lower().replace("**", "").replace("^", "").replace(" ", "").replace("(", "").replace(")", "")


def _kind_of_unit(unit: str) -> Kind | None:
    bare = _bare(unit)
    if bare in _PER_PIXEL:
        return "probability"
    return "density" if bare in _PER_AREA or (bare not in _BLANK and per_steradian(unit) is not None) else None


def per_steradian(unit: str) -> float | None:
    """What one `unit` is in sr⁻¹; None for a unit of something else.

    Examples
    --------
    >>> round(per_steradian("deg-2")), per_steradian("sr-1"), per_steradian("K")
    (3283, 1.0, None)
    """
    from astropy import units

    try:
        return float(units.Unit(unit.strip()).to(units.Unit("sr-1")))
    except (ValueError, TypeError):
        bare = _bare(unit)
        return {"sr-1": 1.0, "1/sr": 1.0}.get(bare, float(np.degrees(1.0) ** 2) if bare in _PER_AREA else None)


def frame_of(table: MapTable) -> Frame:
    """Frame named in the header; ValueError if there is none, or if two keywords disagree."""
    said: dict[str, Frame] = {}
    advice = "give frame='equatorial', 'galactic' or 'ecliptic'"
    for key in ("COORDSYS", "FRAME"):
        value = str(table.header.get(key, "") or "").strip()
        if value:
            said[key] = _known_frame(table, key, value, advice)
    old = _of_1950(table)
    if old:
        raise ValueError(
            f"{table.source}: {old}: coordinates of 1950 are 0.6 degrees from those of 2000 and are not turned here; "
            "turn the map, or give frame='equatorial' if the header is wrong"
        )
    if len(set(said.values())) > 1:
        raise ValueError(f"{table.source}: {' but '.join(f'{k} says {v}' for k, v in said.items())}; {advice}")
    if said:
        return next(iter(said.values()))
    system = str(table.header.get("RADESYS", "") or "").strip()
    if system:
        return _known_frame(table, "RADESYS", system, advice)
    raise ValueError(f"{table.source} does not say its coordinate frame (no COORDSYS); {advice}")


def _of_1950(table: MapTable) -> str:
    """The keyword that says that coordinates are of the equinox of 1950; "" without one."""
    for key in ("RADESYS", "RADECSYS", "EQUINOX"):
        value = str(table.header.get(key, "") or "").strip().upper()
        if value.startswith("FK4") or value.lstrip("BJ").startswith("1950"):
            return f"{key}={value}"
    return ""


def _known_frame(table: MapTable, key: str, value: str, advice: str) -> Frame:
    try:
        return resolve_frame(value)
    except ValueError:
        raise ValueError(f"{table.source}: {key}={value!r} is no frame known here; {advice}") from None


def is_nested(table: MapTable, nest: bool | None) -> bool:
    """Whether pixels are in NESTED order: by `nest`, or by the header; ValueError if neither says."""
    if nest is not None:
        return bool(nest)
    ordering = str(table.header.get("ORDERING", "")).strip().upper()
    if ordering.startswith("NEST"):
        return True
    if ordering in ("RING", "RINGED"):
        return False
    found = repr(ordering) if ordering else "missing"
    raise ValueError(f"{table.source}: ORDERING is {found}, expected RING or NESTED; give nest=True or nest=False")


def nside_keyword(table: MapTable) -> int | None:
    """nside by the keyword NSIDE, as a number or as text; None without one."""
    value = table.header.get("NSIDE")
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = float(value)
    try:
        return check_nside(value, f"{table.source}: NSIDE")
    except TypeError as error:
        raise ValueError(str(error)) from None


def check_nside_keyword(table: MapTable, npix: int) -> None:
    """ValueError if the keyword NSIDE and the number of values disagree."""
    nside = nside_keyword(table)
    if nside is not None and npix != 12 * nside * nside:
        raise ValueError(
            f"{table.source}: NSIDE={nside} needs {12 * nside * nside} values, the table has {npix}; the file is "
            "cut off, or partial without a PIXEL column"
        )
