"""`TrialSet`: the fits of many trials, a structured array that knows how it was made."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky.files.npz import DamagedFile, read_npz, write_npz
from nusky.version import code_version

if TYPE_CHECKING:
    import pandas

__all__ = ["TrialSet", "require_pandas"]

_FORMAT = "nusky-trial-set-1"
_ORIGIN = ("seed", "first_trial", "n_sig", "poisson", "config", "config_hash")


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


class TrialSet(np.recarray[Any, np.dtype[Any]]):
    """Structured array with one row per trial; columns are items (``trials["ts"]``) and attributes (``trials.ts``).

    Attributes
    ----------
    seed : int or None
        With it, row i is trial ``first_trial + i`` again.
    first_trial : int or None
        Number of the first row's trial.
    n_sig : float or None
    poisson : bool or None
    config : mapping
        Everything that decided the numbers (`Runner.config`): seasons, energy term and γ, prior policies, pixels,
        injection. Values JSON can hold.
    config_hash : str
        Hash of it.

    Examples
    --------
    >>> trials = TrialSet.of(np.zeros(3, dtype=[("ts", "f8"), ("ns", "f8")]), seed=1, first_trial=0, n_sig=0.0,
    ...                      poisson=False, config_hash="")
    >>> trials.ts.shape, trials[:2].seed
    ((3,), 1)
    """

    seed: int | None
    first_trial: int | None
    n_sig: float | None
    poisson: bool | None
    config: Mapping[str, Any]
    config_hash: str

    @classmethod
    def of(
        cls,
        rows: NDArray[np.void],
        *,
        seed: int,
        first_trial: int,
        n_sig: float,
        poisson: bool,
        config_hash: str,
        config: Mapping[str, Any] | None = None,
    ) -> TrialSet:
        """View of `rows` with what they were made with."""
        trials = rows.view(cls)
        for name, value in (
            ("seed", seed),
            ("first_trial", first_trial),
            ("n_sig", n_sig),
            ("poisson", poisson),
            ("config", config or {}),
            ("config_hash", config_hash),
        ):
            object.__setattr__(trials, name, value)
        return trials

    def __array_finalize__(self, obj: Any) -> None:
        super().__array_finalize__(obj)
        for name, default in (("seed", None), ("n_sig", None), ("poisson", None), ("config", {}), ("config_hash", "")):
            object.__setattr__(self, name, getattr(obj, name, default))
        # Part of a set begins at another trial; which one, a view cannot know
        same = isinstance(obj, TrialSet) and obj.shape == self.shape
        object.__setattr__(self, "first_trial", obj.first_trial if same else None)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the rows and what they were made with to an npz file, atomically; `TrialSet.read` reads it back.

        For many trials, made in parts or by several jobs, there is `nusky.store.trials.TrialStore`.
        """
        meta = {name: getattr(self, name) for name in _ORIGIN}
        meta |= {"format": _FORMAT, "version": code_version(), "config": dict(self.config)}
        write_npz(path, {name: np.ascontiguousarray(self[name]) for name in self.dtype.names or ()}, meta)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> TrialSet:
        """Read what `save` wrote.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no such file, or it is damaged or something else (named).
        """
        meta, arrays = read_npz(path)
        if meta.get("format") != _FORMAT:
            raise DamagedFile(f"{path} has the format {meta.get('format')!r}, trials {_FORMAT!r}")
        rows = np.empty(
            len(next(iter(arrays.values()))), dtype=[(name, values.dtype) for name, values in arrays.items()]
        )
        for name, values in arrays.items():
            rows[name] = values
        return cls.of(rows, **{name: meta[name] for name in _ORIGIN})

    @property
    def as_dataframe(self) -> pandas.DataFrame:
        """`pandas.DataFrame` with the same columns; what the trials were made with is in its ``attrs``."""
        frame = require_pandas().DataFrame({name: np.array(self[name]) for name in self.dtype.names or ()})
        for name in _ORIGIN:
            frame.attrs[name] = getattr(self, name)
        return frame
