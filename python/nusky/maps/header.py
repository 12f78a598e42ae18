"""What the header of a map table says: which column, what kind of values, which frame and order. Nothing is guessed."""

from __future__ import annotations

from typing import Any, Literal

from nusky.maps.table import INDEX_COLUMNS, MapTable
from nusky.sphere.frames import Frame, resolve_frame
from nusky.sphere.healpix import check_nside

__all__ = ["Kind", "check_nside_keyword", "choose_column", "frame_of", "is_nested", "kind_of", "kind_of_quantity"]

Kind = Literal["probability", "density", "2dlnl", "cl"]

_KIND_OF_NAME: dict[str, Kind] = {
    "PROBDENSITY": "density",
    "PROB_DENSITY": "density",
    "DENSITY": "density",
    "PROBABILITY": "probability",
    "PROB": "probability",
    "2DLNL": "2dlnl",
    "2DLLH": "2dlnl",
    "CL": "cl",
}
_PER_PIXEL = {"pix-1", "1/pix", "pixel-1", "1/pixel"}
_PER_AREA = {"sr-1", "1/sr", "deg-2", "1/deg2"}
_BLANK = {"", "none", "unknown", "dimensionless"}


def choose_column(table: MapTable, column: str | None) -> str:
    """Upper-case name of the column that holds the map; KeyError or ValueError if that is not plain."""
    names = [name for name in table.columns if name not in INDEX_COLUMNS]
    listed = ", ".join(table.columns) or "none"
    if column is not None:
        if column.upper() not in table.columns:
            raise KeyError(f"{table.source} has no column {column!r}; it has {listed}")
        return column.upper()
    known = next((name for name in _KIND_OF_NAME if name in names), None)
    if known is None and len(names) != 1:
        raise ValueError(
            f"{table.source} does not look like a sky map: none of its columns ({listed}) is named PROB, PROBABILITY "
            "or PROBDENSITY; give column='name' and kind='probability' or 'density' if one of them is a map"
        )
    return known or names[0]


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
    by_name = _KIND_OF_NAME.get(name)
    where = f"{table.source}: column {name!r} with unit {unit!r}"
    advice = "give kind='probability' (per pixel), 'density' (per sr), '2dlnl' or 'cl'"
    if by_unit is None and bare not in _BLANK and not (by_name == "2dlnl" or by_name == "cl"):
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
    return "probability" if bare in _PER_PIXEL else "density" if bare in _PER_AREA else None


def frame_of(table: MapTable) -> Frame:
    """Frame named in the header; ValueError if there is none."""
    for key in ("COORDSYS", "FRAME", "RADESYS"):
        value = str(table.header.get(key, "")).strip()
        if value:
            try:
                return resolve_frame(value)
            except ValueError:
                raise ValueError(
                    f"{table.source}: {key}={value!r} is no frame known here; "
                    "give frame='equatorial', 'galactic' or 'ecliptic'"
                ) from None
    raise ValueError(
        f"{table.source} does not say its coordinate frame (no COORDSYS); "
        "give frame='equatorial', 'galactic' or 'ecliptic'"
    )


def is_nested(table: MapTable, nest: bool | None) -> bool:
    """Whether pixels are in NESTED order: by `nest`, or by the header; ValueError if neither says."""
    if nest is not None:
        return bool(nest)
    ordering = str(table.header.get("ORDERING", "")).strip().upper()
    if ordering.startswith("NEST"):
        return True
    if ordering == "RING":
        return False
    found = repr(ordering) if ordering else "missing"
    raise ValueError(f"{table.source}: ORDERING is {found}, expected RING or NESTED; give nest=True or nest=False")


def check_nside_keyword(table: MapTable, npix: int) -> None:
    """ValueError if the keyword NSIDE and the number of values disagree."""
    if "NSIDE" in table.header:
        nside = check_nside(table.header["NSIDE"], f"{table.source}: NSIDE")
        if npix != 12 * nside * nside:
            raise ValueError(
                f"{table.source}: NSIDE={nside} needs {12 * nside * nside} values, the table has {npix}; the file is "
                "cut off, or partial without a PIXEL column"
            )
