"""`Arrays`: equal-length columns that can be added to, csky's container of results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas
    from typing_extensions import Self

__all__ = ["Arrays", "require_pandas"]

Column = NDArray[Any]


def require_pandas() -> Any:
    """The pandas module, or an ImportError that says how to get it.

    Examples
    --------
    >>> require_pandas().__name__
    'pandas'
    """
    try:
        import pandas
    except ImportError:
        raise ImportError("a DataFrame needs pandas: pip install 'nusky[pandas]'") from None
    return pandas


class Arrays:
    """Columns of equal length, by item (``a["ts"]``) or attribute (``a.ts``); new ones may be added.

    A mask, a slice or an index array gives the rows it picks. NumPy sees a structured array.

    Parameters
    ----------
    init : mapping, structured array, DataFrame, Events or Arrays, optional
        Columns, each (N,). They are not copied.
    convert : bool, optional
        csky's, not needed: columns are NumPy arrays of any type.
    **columns
        Further columns.

    Raises
    ------
    ValueError
        Lengths differ, or a column is not one-dimensional.
    TypeError
        `init` has no columns.

    Examples
    --------
    >>> a = Arrays({"ts": [0.0, 4.0, 9.0]})
    >>> a["p"] = np.exp(-a.ts / 2)
    >>> a[a.ts > 1]
    Arrays(2 items | columns: p, ts)
    >>> Arrays.concatenate([a, a]).as_array["ts"].tolist()
    [0.0, 4.0, 9.0, 0.0, 4.0, 9.0]
    """

    _columns: dict[str, Column]

    def __init__(self, init: Any = None, convert: Any = None, **columns: Any) -> None:
        if convert is not None and not isinstance(convert, (bool, np.bool_)):
            columns["convert"] = convert
        object.__setattr__(self, "_columns", {})
        for name, values in {**_columns_of(init), **columns}.items():
            self[str(name)] = np.atleast_1d(np.asarray(values))

    @classmethod
    def concatenate(cls, parts: Iterable[Any]) -> Self:
        """Rows of all parts, end to end; every part must have the same columns.

        Raises
        ------
        ValueError
            No part, or keys that do not match (named).
        """
        tables = [part if isinstance(part, Arrays) else Arrays(part) for part in parts]
        if not tables:
            raise ValueError("nothing to concatenate: the list is empty")
        for i, table in enumerate(tables):
            if odd := sorted(set(table.keys()) ^ set(tables[0].keys())):
                raise ValueError(f"keys do not match: part {i} and part 0 differ in {', '.join(odd)}")
        made = cls.__new__(cls)
        Arrays.__init__(made, {name: np.concatenate([t[name] for t in tables]) for name in tables[0]._columns})
        return made

    def keys(self) -> tuple[str, ...]:
        """Names of the columns, in the order they came."""
        return tuple(self._columns)

    @property
    def dtype(self) -> np.dtype[np.void]:
        """Structured dtype of a row."""
        return np.dtype([(name, column.dtype) for name, column in self._columns.items()])

    @property
    def shape(self) -> tuple[int]:
        """(N,)"""
        return (len(self),)

    @property
    def as_array(self) -> NDArray[np.void]:
        """(N,) structured array (a copy)."""
        out = np.empty(len(self), dtype=self.dtype)
        for name, column in self._columns.items():
            out[name] = column
        return out

    @property
    def as_table(self) -> str:
        """The rows as text, a line each, under the names of the columns."""
        lines = [[f"{value:.6g}" for value in row.tolist()] for row in self.as_array]
        width = [max(map(len, column)) for column in zip(self.keys(), *lines, strict=True)]
        return "\n".join("  ".join(map(str.rjust, line, width)) for line in (self.keys(), *lines))

    @property
    def as_dataframe(self) -> pandas.DataFrame:
        """`pandas.DataFrame` with the same columns."""
        return require_pandas().DataFrame({name: np.array(column) for name, column in self._columns.items()})

    def copy(self) -> Self:
        """The same with columns of its own."""
        return self._with({name: column.copy() for name, column in self._columns.items()}, True)

    def tobytes(self) -> bytes:
        """Bytes of `as_array`."""
        return self.as_array.tobytes()

    def _with(self, columns: dict[str, Column], whole: bool) -> Self:
        """The same kind of table with other columns; `whole`: they are all of its rows."""
        made = type(self).__new__(type(self))
        Arrays.__init__(made, columns)
        return made

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()), ()))

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __iter__(self) -> Iterator[np.void]:
        return iter(self.as_array)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            if key not in self._columns:
                raise KeyError(f"no column {key!r}; columns: {', '.join(self.keys())}")
            return self._columns[key]
        if isinstance(key, (list, tuple)) and key and all(isinstance(name, str) for name in key):
            return self._with({name: self[name] for name in key}, True)
        if isinstance(key, (int, np.integer)):
            return np.rec.array(self.as_array)[int(key)]
        picked = key if isinstance(key, slice) else np.asarray(key)
        if isinstance(picked, np.ndarray) and picked.dtype.kind == "b" and picked.shape != self.shape:
            raise IndexError(f"mask of shape {picked.shape} for {len(self)} rows")
        return self._with({name: column[picked] for name, column in self._columns.items()}, False)

    def __setitem__(self, name: Any, values: Any) -> None:
        if not isinstance(name, str):
            raise TypeError(f"columns are set by name, a['p'] = …, or in place, a.ts[{name!r}] = …")
        column = np.asarray(values)
        if self._columns and column.ndim == 0:
            column = np.full(len(self), column)
        if column.ndim != 1 or (set(self._columns) - {name} and len(column) != len(self)):
            raise ValueError(f"column {name!r} has shape {column.shape}; the table has {len(self)} rows")
        self._columns[name] = column

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._columns:
            raise AttributeError(f"no column {name!r}; columns: {', '.join(self.keys())}")
        return self._columns[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_") or hasattr(type(self), name) or name in self.__dict__:
            object.__setattr__(self, name, value)
        else:
            self[name] = value

    def __delitem__(self, name: str) -> None:
        _ = self[name]
        del self._columns[name]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self.as_array if dtype is None else self.as_array.astype(dtype)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self._columns),)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} items | columns: {', '.join(sorted(self.keys()))})"


def _columns_of(init: Any) -> dict[str, Any]:
    if init is None:
        return {}
    names: Sequence[str]
    if isinstance(init, Mapping):
        return {str(name): init[name] for name in init}
    if isinstance(init, Arrays):
        return dict(init._columns)
    if isinstance(init, np.ndarray) and init.dtype.names:
        names = init.dtype.names
    elif hasattr(init, "columns"):  # DataFrame, Events
        names = [str(name) for name in init.columns]
    else:
        raise TypeError(
            f"Arrays are made of named columns (dict, structured array, DataFrame), got {type(init).__name__}"
        )
    return {name: np.asarray(init[name]) for name in names}
