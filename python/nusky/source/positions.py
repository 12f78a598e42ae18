"""Sources: positions on the sky with the fields that go with them.

The module's name is singular because ``nusky.sources`` is the function: a module of that name would replace it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.arrays import Arrays
from nusky.missing import without_missing
from nusky.source.plausible import is_plain, warn_of_radians, warn_of_seconds
from nusky.sphere import as_mjd, at_limits, coordinates, days, radians
from nusky.typing import F64
from nusky.units import has_unit, in_unit

__all__ = ["Sources", "check_distinct", "sources", "time_columns"]

MAX_EXTENSION = np.radians(20.0)
"""Beyond this (rad) an extended source is a template, and an extension is more likely degrees taken for radians."""


# rad, 5.7 degrees: with deg=True, a wider source may be degrees
_LIKE_DEGREES = 0.1


@dataclass(frozen=True, eq=False)
class Sources:
    """One or more sources. Make them with `sources`, which checks and converts.

    Attributes
    ----------
    ra : (P,) rad, 0 … 2π
    dec : (P,) rad, −π/2 … π/2
    weight : (P,) relative weights, > 0
    extension : (P,) rad
        Width σ of a Gaussian source, 0 for a point.
    name : tuple of str or None
    mjd : (P,) MJD (UTC) or None
        Start of the time window.
    t_100 : (P,) days or None
        Length of the box.
    sigma_t : (P,) days or None
        Width of the Gaussian tails, 0 for a pure box.
    prior : tuple of maps or None
        One spatial prior for each source, in place of a certain position.

    Examples
    --------
    >>> src = sources([83.63, 77.36], [22.01, 5.69], deg=True, name=["Crab", "TXS 0506+056"])
    >>> len(src), src["name"][1], bool(np.allclose(src.ra_deg, [83.63, 77.36]))
    (2, 'TXS 0506+056', True)
    """

    ra: F64
    dec: F64
    weight: F64
    extension: F64
    name: tuple[str, ...] | None = None
    mjd: F64 | None = None
    t_100: F64 | None = None
    sigma_t: F64 | None = None
    prior: tuple[Any, ...] | None = None

    @property
    def ra_deg(self) -> F64:
        """(P,) right ascension in degrees."""
        return np.degrees(self.ra)

    @property
    def dec_deg(self) -> F64:
        """(P,) declination in degrees."""
        return np.degrees(self.dec)

    @property
    def is_transient(self) -> bool:
        """Whether the sources have a time window."""
        return self.mjd is not None

    def keys(self) -> tuple[str, ...]:
        """Names of the fields that are set."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name) is not None)

    @property
    def as_dataframe(self) -> Any:
        """`pandas.DataFrame` of the fields, without maps."""
        return Arrays({name: np.asarray(getattr(self, name)) for name in self.keys() if name != "prior"}).as_dataframe

    def __len__(self) -> int:
        return len(self.ra)

    def __iter__(self) -> Iterator[Sources]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, key: object) -> bool:
        return key in self.keys() or key in ("ra_deg", "dec_deg")

    def __getitem__(self, key: str | int | slice | NDArray[Any] | Sequence[int]) -> Any:
        """Field by name, or the sources at an index, a slice or a mask."""
        if isinstance(key, str):
            if key not in self:
                raise KeyError(f"these sources have no field {key!r}; they have {', '.join(self.keys())}")
            return getattr(self, key)
        index = np.atleast_1d(np.arange(len(self))[key])
        taken: dict[str, Any] = {}
        for name in self.keys():
            value = getattr(self, name)
            taken[name] = tuple(value[i] for i in index) if isinstance(value, tuple) else value[index]
        return Sources(**taken)

    def __repr__(self) -> str:
        return f"Sources({len(self)} items | columns: {', '.join(sorted(self.keys()))})"


def _column(
    name: str, value: Any, length: int | None, low: float, high: float, advice: str, in_degrees: bool = False
) -> F64:
    try:
        plain, missing = without_missing(value, name)
        if isinstance(value, bool):
            raise TypeError
    except (TypeError, ValueError):
        mend = " (of hours and minutes give a SkyCoord)" if name in ("ra", "dec") else ""
        raise TypeError(f"{name} must be numbers, got {value!r}{mend}") from None
    column = np.atleast_1d(at_limits(plain, low, high) if name in ("ra", "dec", "extension") else plain)
    if column.ndim != 1:
        raise ValueError(f"{name} must be a number or a 1-D array, got shape {column.shape}")
    if missing and set(missing) != {"nan"}:
        first = int(np.flatnonzero(np.isnan(column))[0])
        why = ", ".join(f"{count} {reason}" for reason, count in missing.items())
        raise ValueError(f"{name}[{first}] is missing ({why}); leave out the sources without a value")
    if length is not None:
        if len(column) not in (1, length):
            raise ValueError(f"{name} has {len(column)} values for {length} sources; give one, or one for each")
        column = np.broadcast_to(column, (length,)).copy()
    bad = np.flatnonzero(~((column >= low) & (column <= high)))  # NaN is bad as well
    if bad.size:
        if not np.isfinite(column[bad[0]]):
            advice = "give a finite number, or leave out the sources without a value"
        shown = column[bad[0]]
        if in_degrees:
            low, high, shown = np.degrees(low), np.degrees(high), f"{np.degrees(shown):.10g} deg"
        raise ValueError(f"{name}[{bad[0]}] = {shown} is outside {low:.6g} … {high:.6g}; {advice}")
    column.setflags(write=False)
    return column


def _objects(name: str, value: Any, length: int, single: bool) -> tuple[Any, ...]:
    items = (value,) if single else tuple(value)
    if len(items) != length:
        raise ValueError(f"{name} has {len(items)} entries for {length} sources; give one for each")
    return items


def _names(given: tuple[Any, ...]) -> tuple[str, ...]:
    """Names as text: FITS tables have bytes, tables may have none."""
    for i, one in enumerate(given):
        if one is None or one is np.ma.masked or one != one:
            raise ValueError(f"name[{i}] is missing; give every source a name, or leave name= out")
    return tuple(one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in given)


def sources(
    ra: Any,
    dec: ArrayLike | None = None,
    deg: bool = False,
    *,
    weight: ArrayLike | None = None,
    extension: ArrayLike | None = None,
    name: Any = None,
    mjd: ArrayLike | None = None,
    t_100: ArrayLike | timedelta | None = None,
    sigma_t: ArrayLike | timedelta | None = None,
    prior: Any = None,
) -> Sources:
    """Make sources from positions and whatever else is known of them.

    Parameters
    ----------
    ra, dec : float, (P,) array, or astropy Quantity
        rad, or degrees with ``deg=True``; 0 ≤ ra ≤ 2π, −π/2 ≤ dec ≤ π/2. A Quantity carries its own unit. An astropy
        SkyCoord in place of both is turned to ICRS.
    deg : bool
        Plain numbers of `ra` and `dec` (and of these only) are degrees.
    weight : float or (P,), optional
        Relative weights, > 0; 1 each by default.
    extension : float, (P,) or Quantity, optional
        Width σ of a Gaussian source: rad, 0 … 20°.
    name : str or sequence of str, optional
        Numbers are names, too.
    mjd : float, (P,), astropy Time or Quantity, optional
        **Start** of the time window, MJD (UTC).
    t_100 : float, (P,), astropy TimeDelta or Quantity, or a timedelta, optional
        Length of the window, **days** (a warning asks from 500 on whether seconds were meant). Needs `mjd`.
    sigma_t : float, (P,), TimeDelta, Quantity or timedelta, optional
        Width of the Gaussian tails before and after the box, days; 0 by default. Needs `mjd`.
    prior : map or sequence of maps, optional
        One spatial prior for each source.

    Returns
    -------
    Sources

    Raises
    ------
    ValueError
        For a value out of range (with its index), or lengths that differ.
    TypeError
        For what is not a number.

    Examples
    --------
    >>> src = sources(180.0, 0.0, deg=True)
    >>> float(src.ra[0])
    3.141592653589793
    >>> sources(np.pi, 0.0, mjd=57000.0, t_100=1000 / 86400).t_100.round(6)
    array([0.011574])
    """
    ra, dec = _position(ra, dec)
    known = deg or has_unit(ra), deg or has_unit(dec)  # then the numbers that were given are no radians
    hint = "take ra % 360" if known[0] else "wrap it with ra % (2*np.pi), or pass deg=True for degrees"
    ra_column = _column("ra", radians("ra", ra, deg), None, 0.0, 2 * np.pi, hint, known[0])
    dec_hint = "that is no declination" if known[1] else "declinations are rad; pass deg=True for degrees"
    dec_column = _column("dec", radians("dec", dec, deg), None, -np.pi / 2, np.pi / 2, dec_hint, known[1])
    n = max(len(ra_column), len(dec_column))
    if n == 0 or min(len(ra_column), len(dec_column)) == 0:
        raise ValueError("ra and dec are empty; give at least one source")
    ra_column = _column("ra", np.where(ra_column == 2 * np.pi, 0.0, ra_column), n, 0.0, 2 * np.pi, hint)
    dec_column = _column("dec", dec_column, n, -np.pi / 2, np.pi / 2, dec_hint)
    weights = _column(
        "weight",
        1.0 if weight is None else in_unit("weight", weight, ""),
        n,
        5e-324,
        np.finfo(float).max,
        "weights are ratios of fluxes above 0: leave out sources that do not shine",
    )
    with np.errstate(all="ignore"):
        if not (np.isfinite(weights.sum()) and weights.min() / weights.max() > 0):
            raise ValueError(
                f"weight runs from {weights.min():g} to {weights.max():g}: only ratios count; divide by the largest, "
                "and leave out sources that do not shine"
            )
    extensions = _column(
        "extension",
        0.0 if extension is None else radians("extension", extension, False),
        n,
        0.0,
        float(MAX_EXTENSION),
        "the extension is rad (deg=True is for ra and dec only) and at most 20 degrees",
    )
    if mjd is None and (t_100 is not None or sigma_t is not None):
        raise ValueError("t_100 and sigma_t describe a time window and need mjd, its start")
    if mjd is not None and t_100 is None:
        raise ValueError("mjd is the start of a time window and needs t_100, its length in days")
    window = (None, None, None) if mjd is None else time_columns(mjd, t_100, sigma_t, n)
    for field, given, lengths in (("t_100", t_100, window[1]), ("sigma_t", sigma_t, window[2])):
        if lengths is not None and is_plain(given):
            warn_of_seconds(field, lengths)
    if deg and not has_unit(ra):
        warn_of_radians("deg=True", np.degrees(ra_column), np.degrees(dec_column))
    if deg and extension is not None and not has_unit(extension) and extensions.max() > _LIKE_DEGREES:
        warnings.warn(
            f"extension={extensions.max():g} rad is {np.degrees(extensions.max()):.3g} degrees: deg=True is for ra and "
            "dec only. If degrees are meant: extension=np.radians(…); a Quantity is taken without this question",
            UserWarning,
            stacklevel=2,
        )
    return Sources(
        ra=ra_column,
        dec=dec_column,
        weight=weights,
        extension=extensions,
        name=None if name is None else _names(_objects("name", name, n, isinstance(name, (str, bytes, Real)))),
        mjd=window[0],
        t_100=window[1],
        sigma_t=window[2],
        prior=None if prior is None else _objects("prior", prior, n, _is_one_map(prior)),
    )


def time_columns(mjd: Any, t_100: Any, sigma_t: Any, n: int) -> tuple[F64, F64, F64]:
    """Start (MJD), length and width of the tails (days) of `n` time windows, checked.

    Parameters
    ----------
    mjd, t_100, sigma_t
        As for `sources`.
    n : int
    """
    huge, unit = np.finfo(float).max, "the unit is days"
    start = _column("mjd", as_mjd(mjd), n, 0.0, 1e6, "MJD runs to about 60 000 today")
    length = _positive(_column("t_100", days("t_100", t_100), n, 0.0, huge, unit))
    if np.any(short := start + length <= start):
        j = int(np.argmax(short))
        raise ValueError(
            f"t_100[{j}] = {length[j] * 86_400:g} s is shorter than an MJD in float64 can tell (0.6 microseconds); "
            "give a longer window, in days or as a Quantity"
        )
    return (
        start,
        length,
        _column("sigma_t", 0.0 if sigma_t is None else days("sigma_t", sigma_t), n, 0.0, huge, unit),
    )


def _positive(t_100: F64) -> F64:
    if not (t_100 > 0).all():
        raise ValueError(f"t_100[{int(np.argmin(t_100 > 0))}] = 0.0 is no window; give its length in days")
    return t_100


def check_distinct(src: Sources) -> None:
    """Raise for sources at one place, of one extension and with one time window.

    Raises
    ------
    ValueError
        With the numbers of both.

    Examples
    --------
    >>> check_distinct(sources([1.0, 2.0], 0.1))
    """
    first: dict[tuple[float, ...], int] = {}
    times = (column for column in (src.mjd, src.t_100) if column is not None)
    columns = (column.tolist() for column in (src.ra, src.dec, src.extension, *times))
    for j, place in enumerate(zip(*columns, strict=True)):
        if first.setdefault(place, j) != j:
            raise ValueError(
                f"source {j} is at the place of source {first[place]}: leave one of them out (in a stack, give the "
                "other the sum of their weights)"
            )


def _position(ra: Any, dec: Any) -> tuple[Any, Any]:
    """Right ascension and declination, of a SkyCoord too."""
    if isinstance(ra, (list, tuple)) and ra and coordinates(ra[0]) is not None:
        from astropy.coordinates import SkyCoord

        ra = SkyCoord([SkyCoord(one).icrs for one in ra])
    both = coordinates(ra)
    if both is not None:
        if dec is not None:
            raise TypeError(f"sources: the SkyCoord has its own declination; leave dec={dec!r} out")
        return both
    if dec is None:
        raise TypeError("sources needs ra and dec, or one SkyCoord in place of both")
    return ra, dec


def _is_one_map(prior: Any) -> bool:
    """Distinguish one map (an object with ``.map``, or numbers in one dimension) from a sequence of maps."""
    if isinstance(prior, (str, bytes)) or not (hasattr(prior, "map") or hasattr(prior, "__getitem__")):
        raise TypeError(f"prior: expected a map or several, got {prior!r}; read a file with read_sky_map(path)")
    return hasattr(prior, "map") or (not hasattr(prior[0], "map") and np.ndim(prior[0]) == 0)
