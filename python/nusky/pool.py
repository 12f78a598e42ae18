"""`TrialPool`: the trials a search for n_sig can use, from memory, from a store, or made when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky.executors import FitsTrials, run_batches
from nusky.seeding import resolve_seed
from nusky.tsd import ts_values

if TYPE_CHECKING:
    from nusky.store import TrialStore

__all__ = ["TrialPool"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class TrialPool:
    """Trials by injected signal. New ones take trial indices that no other trial of the pool has.

    Parameters
    ----------
    runner : FitsTrials
    trials : mapping from n_sig to trials, optional
        Arrays, structured arrays or distributions with TS values that are there already.
    store : TrialStore, optional
        Its trials are used, new ones are added to it.
    seed : int, Generator or None
    poisson : bool
        Whether new trials draw the number of injected events around n_sig.
    **run
        For `nusky.executors.run_batches`: executor, n_threads, spool, chunk.

    Raises
    ------
    ValueError
        If the store was made with another configuration than the runner's.
    """

    def __init__(
        self,
        runner: FitsTrials,
        *,
        trials: Mapping[float, Any] | None = None,
        store: TrialStore | None = None,
        seed: Any = None,
        poisson: bool = True,
        **run: Any,
    ) -> None:
        self.runner = runner
        self.seed = resolve_seed(seed)
        self.poisson = poisson
        self._store = store
        self._run = run
        self._ts: dict[float, list[FloatArray]] = {}
        self._rows: dict[float, list[Any]] = {}
        self._next = 0
        if store is not None:
            store.require(runner.config())
            for n_sig, rows in store.read_by_n_sig(poisson=poisson).items():
                if len(rows):
                    self._take(n_sig, rows)
            self._next = store.next_index(self.seed)
        for n_sig, given in (trials or {}).items():
            value = float(n_sig)
            if not (np.isfinite(value) and value >= 0):
                raise ValueError(f"trials has the key {n_sig!r}: keys are injected signals, finite and >= 0")
            self._take(value, given)
        # trials that know where they came from, and those that do not (made, most likely, from index 0 on)
        for given in (trials or {}).values():
            first = getattr(given, "first_trial", None)
            self._next = max(self._next, (first or 0) + len(given))

    @property
    def n_sigs(self) -> tuple[float, ...]:
        """Injected signals with trials, ascending."""
        return tuple(sorted(self._ts))

    @property
    def trials(self) -> dict[float, Any]:
        """All trials, {n_sig: rows}; what was given comes back as it was, joined with what was made."""
        return {n: parts[0] if len(parts) == 1 else _joined(parts) for n, parts in sorted(self._rows.items())}

    def count(self, n_sig: float) -> int:
        """Number of trials with this injected signal."""
        return sum(len(ts) for ts in self._ts.get(float(n_sig), []))

    def ts(self, n_sig: float) -> FloatArray:
        """Their TS values."""
        return np.concatenate(self._ts.get(float(n_sig), [np.empty(0)]))

    def add(self, n_sig: float, n_trials: int) -> None:
        """Make further trials, whose indices follow all others."""
        indices = np.arange(self._next, self._next + n_trials, dtype=np.int64)
        self._next += n_trials
        poisson = self.poisson and n_sig > 0
        rows = run_batches(
            self.runner, indices, n_sig=n_sig, poisson=poisson, seed=self.seed, store=self._store, **self._run
        )
        self._take(float(n_sig), rows)

    def passed(self, threshold: float) -> tuple[FloatArray, IntArray, IntArray]:
        """Injected signals, trials with TS strictly above the threshold, and all trials."""
        n = np.array(self.n_sigs)
        k = np.array([sum(int(np.sum(ts > threshold)) for ts in self._ts[x]) for x in self.n_sigs], dtype=np.int64)
        return n, k, np.array([self.count(x) for x in self.n_sigs], dtype=np.int64)

    def _take(self, n_sig: float, rows: Any) -> None:
        ts = ts_values(rows)
        if len(ts):
            self._ts.setdefault(n_sig, []).append(ts)
            self._rows.setdefault(n_sig, []).append(rows)


def _joined(parts: list[Any]) -> Any:
    arrays = [np.asarray(part) for part in parts if isinstance(part, np.ndarray) and part.dtype.names]
    if len(arrays) < len(parts):
        return np.concatenate([ts_values(part) for part in parts])
    names = [name for name in arrays[0].dtype.names or () if all(name in (a.dtype.names or ()) for a in arrays)]
    out = np.empty(sum(map(len, arrays)), dtype=[(name, arrays[0].dtype[name]) for name in names])
    for name in names:
        out[name] = np.concatenate([a[name] for a in arrays])
    return out
