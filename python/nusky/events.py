"""`Events`: equal-length columns, read-only, in one container."""

from __future__ import annotations

import mmap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.missing import split_mask
from nusky.sphere import as_mjd, separation
from nusky.units import has_unit, in_unit

if TYPE_CHECKING:
    import pandas

__all__ = ["EditableEvents", "Events", "as_events", "in_column_unit"]

Column = NDArray[Any]

_UNITS = {
    **dict.fromkeys(("ra", "dec", "sigma", "azimuth", "zenith", "true_ra", "true_dec"), "rad"),
    "livetime": "day",
    **dict.fromkeys(("energy", "true_energy"), "GeV"),
    "oneweight": "GeV cm2 sr",
}


def in_column_unit(name: str, values: Any) -> Any:
    """Values of a column in our unit of it: Quantities are converted or refused, times become MJD.

    Parameters
    ----------
    name : str
        One of our names; a column that is none of them has no unit.
    values : (N,) array, Quantity, Time or table column

    Examples
    --------
    >>> from astropy import units as u
    >>> in_column_unit("ra", [180.0] * u.deg).round(3).tolist()
    [3.142]
    """
    if name in ("mjd", "start", "stop"):
        return as_mjd(values)
    if not has_unit(values):
        return values
    if name == "log10energy":
        if hasattr(values, "physical"):  # dex(GeV) of astropy
            return np.log10(in_unit(name, values.physical, "GeV"))
        try:
            return in_unit(name, values, "")
        except TypeError:
            raise TypeError(
                f"{name}: got a value in {values.unit}; give log10(E / GeV), np.log10(E.to_value('GeV'))"
            ) from None
    return in_unit(name, values, _UNITS.get(name, ""))


def _column(name: str, values: ArrayLike) -> Column:
    array, hidden = split_mask(in_column_unit(name, values))
    if hidden is not None:
        row = int(np.argmax(hidden.ravel()))
        raise ValueError(
            f"column {name!r}: {int(hidden.sum())} of {hidden.size} values are masked, the first in row {row}; leave "
            "those events out"
        )
    if array.ndim != 1:
        raise ValueError(f"column {name!r} has shape {array.shape}; a column is one-dimensional, (N,)")
    kind = array.dtype.kind
    dtype: type[np.generic]
    if kind == "f":
        dtype = np.float64
    elif kind in "iu":
        dtype = np.int64
    elif kind == "b":
        dtype = np.bool_
    else:
        raise TypeError(f"column {name!r} has dtype {array.dtype}; columns are real numbers, integers or booleans")
    # Own the memory unless it is already frozen: a caller who later writes into his array must not change ours.
    if array.dtype == dtype and array.flags.c_contiguous and not array.flags.writeable and _nobody_writes(array):
        return array
    array = np.array(array, dtype=dtype, order="C", copy=True)
    array.setflags(write=False)
    return array


def _by_name(table: Any) -> Any:
    """Columns of a table by name, each with its unit and mask; a mapping as it is."""
    names = getattr(getattr(table, "dtype", None), "names", None) or getattr(table, "colnames", None)
    names = getattr(table, "columns", None) if names is None else names
    return table if names is None else {str(name): table[name] for name in names}


def _nobody_writes(array: Column) -> bool:
    """Whether a read-only array owns its memory, or that is a file mapped for reading or bytes."""
    base: object = array
    while isinstance(base, np.ndarray):
        if base.flags.writeable:
            return False
        base = base.base
    if isinstance(base, memoryview):
        base = base.obj if base.readonly else base
    return base is None or isinstance(base, (bytes, mmap.mmap))


class Events:
    """Events as named columns of equal length, immutable.

    Parameters
    ----------
    columns : mapping of str to (N,) array, or a table (astropy, pandas, structured array)
        Real columns are stored as contiguous float64, integers as int64, booleans as bool; all are read-only copies.
        What follows from them can be read without being stored: ``ev.sigma_deg`` (and the like), ``ev.energy``, and of
        simulation ``ev.dpsi``, the angle between true and reconstructed direction.

    Raises
    ------
    ValueError
        A column is not one-dimensional, lengths differ, or a name is not an identifier.
    TypeError
        A column does not hold numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from nusky import Events
    >>> ev = Events({"ra": [1.0, 2.0, 3.0], "dec": [0.0, 0.1, 0.2]})
    >>> ev
    Events(3 items | columns: dec, ra)
    >>> len(ev[ev.dec > 0.05]), float(ev["ra"][0]), "mjd" in ev
    (2, 1.0, False)
    >>> ev.with_columns(ra=np.zeros(3)).ra.sum()
    np.float64(0.0)
    """

    __slots__ = ("_columns", "_length")

    _columns: dict[str, Column]
    _length: int

    def __init__(self, columns: Mapping[str, ArrayLike]) -> None:
        stored: dict[str, Column] = {}
        columns = _by_name(columns)
        for name in sorted(columns):
            if not name.isidentifier() or name.startswith("_") or hasattr(Events, name):
                raise ValueError(
                    f"column name {name!r} is not allowed; use an identifier that is no attribute of Events"
                )
            stored[name] = _column(name, columns[name])
        lengths = {name: len(array) for name, array in stored.items()}
        if len(set(lengths.values())) > 1:
            text = ", ".join(f"{name}: {n}" for name, n in lengths.items())
            raise ValueError(f"columns differ in length ({text}); every column needs one value per event")
        object.__setattr__(self, "_columns", stored)
        object.__setattr__(self, "_length", next(iter(lengths.values()), 0))

    @classmethod
    def concatenate(cls, parts: Sequence[Events]) -> Events:
        """Join events end to end; all parts must have the same columns.

        Parameters
        ----------
        parts : sequence of Events
            At least one.

        Returns
        -------
        Events

        Examples
        --------
        >>> from nusky import Events
        >>> Events.concatenate([Events({"ra": [1.0]}), Events({"ra": [2.0, 3.0]})])
        Events(3 items | columns: ra)
        """
        if not parts:
            raise ValueError("nothing to concatenate: the list of Events is empty")
        names = set(parts[0].columns)
        for i, part in enumerate(parts):
            if set(part.columns) != names:
                missing = sorted(names - set(part.columns))
                extra = sorted(set(part.columns) - names)
                raise ValueError(
                    f"part {i} has other columns than part 0 (missing: {missing}, extra: {extra}); "
                    "select common columns with .select(...) or add them with .with_columns(...)"
                )
        return cls._trusted({name: np.concatenate([part[name] for part in parts]) for name in sorted(names)})

    @classmethod
    def _trusted(cls, columns: dict[str, Column]) -> Events:
        # For arrays made here and seen by nobody else: froze in place, not copied again.
        for array in columns.values():
            array.setflags(write=False)
        events = object.__new__(cls)
        object.__setattr__(events, "_columns", columns)
        object.__setattr__(events, "_length", len(next(iter(columns.values()), ())))
        return events

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, sorted."""
        return tuple(self._columns)

    def __len__(self) -> int:
        return self._length

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __getattr__(self, name: str) -> Column:
        # Only called when normal look-up fails. Dunder look-ups (copy, pickle) must not reach _columns, which
        # does not exist yet while an object is being rebuilt.
        if name.startswith("_"):
            raise AttributeError(name)
        found = self._derived(name)
        if found is None:
            raise AttributeError(f"these Events have no column {name!r}; columns: {', '.join(self.columns)}")
        return found

    def _derived(self, name: str) -> Column | None:
        """A column that follows from others: ``sigma_deg`` and its like, ``energy`` (GeV), ``dpsi``; None: no such."""
        if name in self._columns:
            return self._columns[name]
        base = name.removesuffix("_deg")
        if base == "dpsi" and {"ra", "dec", "true_ra", "true_dec"} <= set(self._columns):
            away = np.asarray(separation(self["ra"], self["dec"], self["true_ra"], self["true_dec"]))
            return away if name == base else np.degrees(away)
        if name != base and _UNITS.get(base) == "rad" and base in self._columns:
            return np.asarray(np.degrees(self._columns[base]))
        if name == "energy" and "log10energy" in self._columns:
            return np.asarray(10.0 ** self._columns["log10energy"])
        return None

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Events is immutable; make a copy with ev.with_columns({name}=...)")

    def __getitem__(self, key: Any) -> Any:
        """`ev["ra"]` gives a column; a mask, slice or index array gives Events."""
        if isinstance(key, str):
            column = self._columns.get(key)
            column = self._derived(key) if column is None else column
            if column is None:
                raise KeyError(f"no column {key!r}; columns: {', '.join(self.columns)}")
            return column
        if isinstance(key, (int, np.integer)):
            raise TypeError(f"Events[{key}] would be a single row; use Events[{key}:{key}+1] or ev.as_array[{key}]")
        if not isinstance(key, slice):
            key = np.asarray(key)
            if key.ndim != 1 or key.dtype.kind not in "biu":
                if key.size == 0 and key.ndim == 1:
                    key = key.astype(np.int64)
                else:
                    raise TypeError(f"cannot index Events with {key.dtype} of shape {key.shape}; use a mask or indices")
            if key.dtype.kind == "b" and len(key) != self._length:
                raise IndexError(f"mask has {len(key)} entries for {self._length} events")
        return Events._trusted({name: np.ascontiguousarray(array[key]) for name, array in self._columns.items()})

    def with_columns(self, **columns: ArrayLike) -> Events:
        """Same events with columns added or replaced (the others are shared, not copied)."""
        return Events({**self._columns, **columns})

    def select(self, *names: str) -> Events:
        """Same events with only the named columns."""
        return Events({name: self[name] for name in names})

    @property
    def as_array(self) -> NDArray[np.void]:
        """(N,) structured array, one field per column (a copy)."""
        out = np.empty(len(self), dtype=[(name, array.dtype) for name, array in self._columns.items()])
        for name, array in self._columns.items():
            out[name] = array
        return out

    @property
    def as_dataframe(self) -> pandas.DataFrame:
        """`pandas.DataFrame` with one column per column (needs pandas)."""
        try:
            import pandas
        except ImportError:
            raise ImportError("as_dataframe needs pandas: pip install 'nusky[pandas]'") from None
        return pandas.DataFrame({name: np.array(array) for name, array in self._columns.items()})

    def __repr__(self) -> str:
        return f"Events({len(self)} items | columns: {', '.join(self.columns)})"

    def __reduce__(self) -> tuple[type[Events], tuple[dict[str, Column]]]:
        return Events, (dict(self._columns),)


class EditableEvents(Events):
    """Events whose columns can be set, as csky's: ``ev["energy"] = …``; arrays inside stay read-only.

    `energy` and `log10energy`, `dec` and `sindec`, and angles in degrees (`sigma_deg`) and rad, follow each other.

    Attributes
    ----------
    edited : bool
        Whether a column was set since a trial made them.

    Examples
    --------
    >>> ev = EditableEvents({"energy": [1e3], "log10energy": [3.0]})
    >>> ev["energy"] = [1e4]
    >>> float(ev.log10energy[0])
    4.0
    """

    __slots__ = ("edited",)

    edited: bool

    def __init__(self, columns: Any = None, **more: Any) -> None:
        if columns is None or more:
            columns = {**({} if columns is None else dict(columns)), **more}
        super().__init__(_by_name(columns))
        object.__setattr__(self, "edited", True)

    @classmethod
    def of(cls, events: Events) -> EditableEvents:
        """The events of a trial, not edited yet."""
        made = cls(events)
        object.__setattr__(made, "edited", False)
        return made

    def __setitem__(self, name: str, values: ArrayLike) -> None:
        if _UNITS.get(base := name.removesuffix("_deg")) == "rad" and base != name and base in self:
            name, values = base, np.radians(np.asarray(values))
        array = _column(name, values) if np.ndim(values) else np.asarray(in_column_unit(name, values))
        new = {name: np.full(len(self), array) if array.ndim == 0 else array}
        if name == "energy" and "log10energy" in self:
            new["log10energy"] = np.log10(new[name])
        elif name == "log10energy" and "energy" in self:
            new["energy"] = 10.0 ** new[name]
        elif name == "dec" and "sindec" in self:
            new["sindec"] = np.sin(new[name])
        elif name == "sindec" and "dec" in self:
            new["dec"] = np.arcsin(new[name])
        whole = Events({**self._columns, **new})
        object.__setattr__(self, "_columns", whole._columns)
        object.__setattr__(self, "edited", True)

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return EditableEvents(found) if isinstance(found, Events) else found

    def __reduce__(self) -> tuple[type[Events], tuple[dict[str, Column]]]:
        return EditableEvents, (dict(self._columns),)


def as_events(value: Any, what: str, needed: Sequence[str]) -> Events:
    """Events of a table: Events, `Arrays`, a DataFrame, a structured array or a mapping.

    Parameters
    ----------
    value : table
    what : str
        For messages.
    needed : sequence of str
        Columns it must have.

    Raises
    ------
    TypeError, ValueError
        No table, a column missing, or no event.

    Examples
    --------
    >>> as_events({"ra": [1.0]}, "mine", ["ra"])
    Events(1 items | columns: ra)
    """
    columns = _by_name(value)
    if not hasattr(columns, "keys"):
        raise TypeError(f"{what} must be Events, Arrays or a DataFrame, got {type(value).__name__}")
    events = Events(columns)
    if missing := sorted(set(needed) - set(events.columns)):
        raise ValueError(f"{what} have no column {', '.join(missing)}")
    if not len(events):
        raise ValueError(f"{what} hold no event")
    return events
