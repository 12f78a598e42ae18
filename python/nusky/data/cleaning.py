"""Rows that cannot be, rows that are odd: what is dropped, repaired and counted on reading."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nusky.data.dataset import DATA_COLUMNS, OPTIONAL_DATA_COLUMNS, SIM_COLUMNS
from nusky.data.good_runs import LAST_MJD
from nusky.events import Events
from nusky.missing import is_unseen
from nusky.sphere import at_limits, radians

__all__ = [
    "MIN_SIGMA",
    "OnBad",
    "RawTable",
    "check_min_sigma",
    "clean",
    "count_duplicates",
    "in_time_order",
    "summary_lines",
]

OnBad = Literal["raise", "drop"]

#: Default floor of the angular error, rad: the release notes of the point-source samples name 0.2 deg.
MIN_SIGMA = float(np.radians(0.2))

TWO_PI = 2.0 * np.pi

_LARGEST_LOG = 30.0
# Columns that are the same after a turn; more than two turns away is a mark of what is not known, -999, and no angle
_TURNING = ("ra", "true_ra", "azimuth")
_MOST_TURNS = 2
# Beyond these an angle is wrong; more than half of a column beyond them, and it is in degrees.
_ANGLES = {
    **dict.fromkeys(_TURNING, TWO_PI * 1.0001),
    **dict.fromkeys(("dec", "true_dec"), 0.5 * np.pi * 1.0001),
    "zenith": np.pi * 1.0001,
    "sigma": np.pi,
}
_FEW = 10
_MANY = 100
_RANGES = {"dec": (-0.5 * np.pi, 0.5 * np.pi), "true_dec": (-0.5 * np.pi, 0.5 * np.pi), "zenith": (0.0, np.pi)}


@dataclass(frozen=True, eq=False)
class RawTable:
    """Columns of one file under our names, in our units, with what is needed to name a bad value as the file has it.

    `spelled` gives a column's name in the file, `scale` our value per file value (π/180 for degrees, default 1).
    """

    where: str
    columns: Mapping[str, NDArray[Any]]
    spelled: Mapping[str, str] = field(default_factory=dict)
    scale: Mapping[str, float] = field(default_factory=dict)


def _impossible(name: str, values: NDArray[Any]) -> tuple[NDArray[np.bool_], str]:
    """Mask of impossible values and why they are, for a column of finite numbers."""
    if name in ("dec", "true_dec"):
        return np.abs(values) > 0.5 * np.pi, "a declination beyond 90 deg"
    if name in _TURNING:
        return np.abs(values) > 1.0001 * _MOST_TURNS * TWO_PI, f"more than {_MOST_TURNS} turns from 0 deg"
    if name == "sigma":
        return (values < 0) | (values > np.pi), "an angular error below 0 or above 180 deg"
    if name == "zenith":
        return (values < 0) | (values > np.pi), "a zenith angle outside 0 … 180 deg"
    if name == "true_energy":
        return values <= 0, "an energy that is not positive"
    if name == "oneweight":
        return values < 0, "a negative weight"
    if name == "mjd":
        return (values < 0) | (values > LAST_MJD), "no MJD (60 000 is today; a JD is 2 400 000.5 more)"
    if name == "log10energy":
        return np.abs(values) > _LARGEST_LOG, "no log10(E / GeV) but looks like an energy"
    return np.zeros(len(values), dtype=np.bool_), ""


def clean(
    table: RawTable,
    kind: Literal["data", "sim"],
    *,
    on_bad: OnBad = "raise",
    known_defects: Collection[str] = (),
    min_sigma: float = MIN_SIGMA,
    keep: Sequence[str] = (),
) -> tuple[Events, Counter[str]]:
    """Check every value, repair what is odd, drop or refuse what is impossible.

    Parameters
    ----------
    table : RawTable
    kind : {"data", "sim"}
        Which columns are needed: see `Dataset`. `sindec` is always computed from `dec`.
    on_bad : {"raise", "drop"}
        What is done about an impossible row: a value that is NaN or infinite, a declination beyond ±90°, a right
        ascension more than two turns away, σ < 0 or > 180°, a negative weight, a true energy ≤ 0.
    known_defects : collection of str
        Columns whose impossible values are dropped even with ``on_bad="raise"``.
    min_sigma : float
        Floor of σ, rad.
    keep : sequence of str
        Further columns that are needed, of any finite numbers.

    Returns
    -------
    Events, Counter
        The clean rows in file order, and how often each repair was made; counters of several files add up.

    Raises
    ------
    ValueError
        A column is missing, or an impossible value is met and may not be dropped: the message names file, column, row
        (counted from 0) and value as the file has it.

    Warns
    -----
    UserWarning
        Most angular errors are below the floor.

    Examples
    --------
    >>> import numpy as np
    >>> from nusky.data.cleaning import RawTable, clean
    >>> raw = RawTable("my.npy", {"ra": np.array([7.0]), "dec": np.zeros(1), "sigma": np.zeros(1),
    ...                           "log10energy": np.ones(1), "mjd": np.ones(1)})
    >>> events, counts = clean(raw, "data")
    >>> dict(counts)["RA outside [0, 2π) wrapped"], round(float(events.ra[0]), 4)
    (1, 0.7168)
    >>> round(np.degrees(events.sigma[0]).item(), 3)
    0.2
    """
    if on_bad not in ("raise", "drop"):
        raise ValueError(f"on_bad={on_bad!r}; use 'raise' or 'drop'")
    min_sigma = check_min_sigma(min_sigma)
    needed = [name for name in (DATA_COLUMNS if kind == "data" else SIM_COLUMNS) if name != "sindec"]
    needed += [name for name in keep if name not in (*needed, "sindec")]
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise ValueError(
            f"{table.where}: missing column(s) {', '.join(missing)}; the file has {', '.join(table.columns) or 'none'}"
        )
    optional = [name for name in OPTIONAL_DATA_COLUMNS if kind == "data" and name in table.columns]
    columns = {name: np.asarray(table.columns[name]) for name in (*needed, *optional)}
    columns = {
        n: c.astype(np.int64 if c.dtype.kind in "iu" and n in optional else np.float64) for n, c in columns.items()
    }
    counts: Counter[str] = Counter()
    for name, values in columns.items():
        if values.dtype.kind == "f":
            values[is_unseen(values)] = np.nan
        if name in _RANGES:
            columns[name] = at_limits(values, *_RANGES[name])
        elif name == "sigma":
            columns[name] = at_limits(values, -np.inf, np.pi)
    _refuse_degrees(table, columns)

    good = np.ones(len(columns["ra"]), dtype=np.bool_)
    for name, values in columns.items():
        infinite = ~np.isfinite(values)
        odd, why = _impossible(name, values)
        for mask, reason in ((infinite, "a value that is not finite"), (odd & ~infinite, why)):
            if not mask.any():
                continue
            if on_bad == "raise" and name not in known_defects:
                _refuse(table, name, values, mask, reason)
            counts[f"dropped: {reason} ({name})"] += int(np.count_nonzero(mask & good))
            good &= ~mask
    if not good.all():
        columns = {name: values[good] for name, values in columns.items()}

    for name in _TURNING:
        if name in columns:
            values = columns[name]
            outside = (values < 0) | (values >= TWO_PI)
            if outside.any():
                wrapped = np.mod(values[outside], TWO_PI)
                values[outside] = np.where(wrapped >= TWO_PI, 0.0, wrapped)  # mod(-1e-17, 2π) rounds up to 2π
                counts[f"{'RA' if 'ra' in name else name} outside [0, 2π) wrapped"] += int(np.count_nonzero(outside))
    low = columns["sigma"] < min_sigma
    if low.any():
        zero = int(np.count_nonzero(columns["sigma"] == 0))
        counts[f"sigma below {np.degrees(min_sigma):.3g} deg raised to it"] += int(np.count_nonzero(low))
        if zero:
            counts["sigma that was exactly 0 (among those raised)"] += zero
        if len(low) >= _FEW and 2 * np.count_nonzero(low) > len(low):
            warnings.warn(
                f"{table.where}: {np.count_nonzero(low)} of {len(low)} sigma are below the floor of "
                f"{np.degrees(min_sigma):.3g} deg and are raised to it, their median is "
                f"{np.degrees(np.median(columns['sigma'])):.3g} deg: are they in another unit, squared or missing? Of "
                "a detector that resolves so well, lower min_sigma",
                UserWarning,
                stacklevel=3,
            )
        columns["sigma"][low] = min_sigma
    columns["sindec"] = np.sin(columns["dec"])
    return Events(columns), counts


def check_min_sigma(min_sigma: Any) -> float:
    """Floor of σ, rad, as float, or a ValueError.

    Examples
    --------
    >>> from nusky.data.cleaning import check_min_sigma
    >>> check_min_sigma(0.01)
    0.01
    """
    min_sigma = float(radians("min_sigma", min_sigma))
    if not (np.isfinite(min_sigma) and 0 <= min_sigma < 0.5 * np.pi):
        raise ValueError(f"min_sigma={min_sigma!r} rad; it must be 0 … π/2 (0.2 deg = 0.00349 rad; 0: no floor)")
    return float(min_sigma)


def _refuse_degrees(table: RawTable, columns: Mapping[str, NDArray[Any]]) -> None:
    """A column in degrees is refused as a whole, whatever is done about single bad rows; so is the reverse."""
    for name, values in columns.items():
        _refuse_radians(table, name, values)
        if name not in _ANGLES or table.scale.get(name, 1.0) != 1.0:
            continue
        limit = _ANGLES[name]
        finite = np.abs(values[np.isfinite(values)])
        # a few angles may be off by some turns; as many as that are degrees
        if len(finite) >= _FEW and 2 * np.count_nonzero(finite > limit) > len(finite) and finite.max() <= 360.001:
            row = int(np.argmax(np.abs(values) > limit))
            raise ValueError(
                f"{table.where}: column {table.spelled.get(name, name)!r}, row {row} (counted from 0): "
                f"{values[row]:.10g}, and {100 * np.mean(finite > limit):.0f} % of the values are beyond {limit:.4g} "
                "rad: are the angles in degrees? This format has radians"
            )


def _refuse_radians(table: RawTable, name: str, values: NDArray[Any]) -> None:
    """Right ascensions of a file of degrees that all lie below 24 are hours, those below 2π radians."""
    scale = table.scale.get(name, 1.0)
    if name not in ("ra", "true_ra") or scale == 1.0 or len(values) < _MANY:
        return
    highest = float(np.nanmax(values, initial=0.0)) / scale
    if highest <= 24.0 and float(np.nanmin(values, initial=0.0)) >= 0:
        raise ValueError(
            f"{table.where}: column {table.spelled.get(name, name)!r}: all {len(values)} values are within 0 … "
            f"{highest:.4g}: are they in {'radians' if highest <= TWO_PI else 'hours'}? This format has degrees"
        )


def _refuse(table: RawTable, name: str, values: NDArray[Any], mask: NDArray[np.bool_], reason: str) -> None:
    row = int(np.argmax(mask))
    scale = table.scale.get(name, 1.0)
    finite = values[np.isfinite(values)]
    hint = ""
    if name in _ANGLES and scale == 1.0 and len(finite) and max(2.0, _ANGLES[name]) < np.abs(finite).max() <= 360.0:
        hint = " (are the angles in degrees? this format has radians)"
    spelled = table.spelled.get(name, name)
    raise ValueError(
        f"{table.where}: column {spelled!r}, row {row} (counted from 0): {values[row] / scale:.10g} is {reason}{hint}; "
        f"{int(np.count_nonzero(mask))} such row(s). Repair the file, or leave such rows out with on_bad='drop'"
    )


def in_time_order(events: Events) -> tuple[Events, int]:
    """Events sorted by `mjd` (stable), and how many rows were earlier than the row before them."""
    late = int(np.count_nonzero(np.diff(events.mjd) < 0))
    if late:
        events = events[np.argsort(events.mjd, kind="stable")]
    return events, late


def count_duplicates(events: Events) -> int:
    """How many rows repeat another row exactly, in every column."""
    # Two steps, since nearly all rows already differ in time and direction: sort by those, then compare the few ties.
    order = np.lexsort([events[name] for name in ("dec", "ra", "mjd")])
    ties = np.flatnonzero(_same_as_next(events, ("mjd", "ra", "dec"), order))
    rows = order[np.union1d(ties, ties + 1)]
    rows = rows[np.lexsort([events[name][rows] for name in events.columns])]
    return int(np.count_nonzero(_same_as_next(events, events.columns, rows)))


def _same_as_next(events: Events, names: tuple[str, ...], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    same = np.ones(max(len(rows) - 1, 0), dtype=np.bool_)
    for name in names:
        values = events[name][rows]
        same &= values[1:] == values[:-1]
    return same


def summary_lines(what: str, counts: Mapping[str, int]) -> tuple[str, ...]:
    """One line that names every repair and removal, or nothing if there was none.

    Examples
    --------
    >>> from nusky.data.cleaning import summary_lines
    >>> summary_lines("data", {"RA outside [0, 2π) wrapped": 2})
    ('data: 2 RA outside [0, 2π) wrapped',)
    """
    parts = [f"{count} {text}" for text, count in counts.items() if count]
    return (f"{what}: " + "; ".join(parts),) if parts else ()
