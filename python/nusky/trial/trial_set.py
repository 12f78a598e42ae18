"""`TrialSet`: the fits of many trials, a table that knows how it was made."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky.arrays import Arrays
from nusky.files.npz import read_format, write_npz
from nusky.trial.fit import at_gamma_bound
from nusky.version import code_version

if TYPE_CHECKING:
    import pandas
    from typing_extensions import Self

__all__ = ["TrialSet"]

_FORMAT = "nusky-trial-set-1"
_ORIGIN = ("seed", "first_trial", "n_sig", "poisson", "config", "config_hash")


class TrialSet(Arrays):
    """Table with one row per trial, see `Arrays`: ``trials["ts"]``, ``trials.ts``, ``trials["p"] = …``.

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
    >>> trials["p"] = 1.0
    >>> trials.keys(), trials[:2].seed
    (('ts', 'ns', 'p'), 1)
    """

    seed: int | None = None
    first_trial: int | None = None
    n_sig: float | None = None
    poisson: bool | None = None
    config: Mapping[str, Any] = MappingProxyType({})
    config_hash: str = ""

    @classmethod
    def of(
        cls,
        rows: NDArray[np.void],
        *,
        seed: int | None,
        first_trial: int,
        n_sig: float,
        poisson: bool,
        config_hash: str,
        config: Mapping[str, Any] | None = None,
    ) -> TrialSet:
        """Table of `rows`, (n,) structured, with what they were made with."""
        trials = cls(rows)
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

    def _with(self, columns: dict[str, NDArray[Any]], whole: bool) -> Self:
        made = super()._with(columns, whole)
        for name in _ORIGIN:
            # Part of a set begins at another trial; which one, a selection does not know
            value = None if name == "first_trial" and not whole else getattr(self, name)
            object.__setattr__(made, name, value)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        about = {name: dict(self.config) if name == "config" else getattr(self, name) for name in _ORIGIN}
        return _made, (self.as_array, about)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the rows and what they were made with to an npz file, atomically; `TrialSet.read` reads it back.

        For many trials, made in parts or by several jobs, there is `nusky.store.trials.TrialStore`. ``mlog10p`` is left
        out where no p was known and TS stands there as in csky; `read` puts it back.
        """
        names = self.keys()
        meta: dict[str, Any] = {name: getattr(self, name) for name in _ORIGIN}
        meta |= {"format": _FORMAT, "version": code_version(), "config": dict(self.config), "columns": list(names)}
        if self.config.get("mlog10p_is_ts", False) and {"mlog10p", "ts"} <= set(names):
            names = tuple(name for name in names if name != "mlog10p")
        write_npz(path, {name: np.ascontiguousarray(self[name]) for name in names}, meta)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> TrialSet:
        """Read what `save` wrote.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no such file, or it is damaged or something else (named).
        """
        meta, arrays = read_format(path, _FORMAT, "trials")
        columns = meta.get("columns", list(arrays))
        trials = cls({name: arrays["ts" if name == "mlog10p" and name not in arrays else name] for name in columns})
        for name in _ORIGIN:
            object.__setattr__(trials, name, meta[name])
        return trials

    @property
    def gamma_at_bound(self) -> NDArray[np.bool_]:
        """(n,) whether a fitted γ is the first or the last of its nodes (`Fit.gamma_at_bound`); False where γ is fixed.

        Raises
        ------
        ValueError
            If the trials do not know how they were made.
        """
        gamma = self["gamma"] if "gamma" in self.keys() else np.full(len(self), np.nan)
        return at_gamma_bound(gamma, self.config)

    @property
    def as_dataframe(self) -> pandas.DataFrame:
        """`pandas.DataFrame` with the same columns; what the trials were made with is in its ``attrs``."""
        frame = super().as_dataframe
        for name in _ORIGIN:
            frame.attrs[name] = getattr(self, name)
        return frame


def _made(rows: NDArray[np.void], about: dict[str, Any]) -> TrialSet:
    return TrialSet.of(rows, **about)
