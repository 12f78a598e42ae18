"""`TrialPool`: the trials a search for n_sig can use, from memory, from a store, or made when asked for.

Every row keeps the seed and the number of its trial (`trial`, −1 where nobody knows), so that trials given to the next
search are not made, and counted, a second time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky.dists.tsd import ts_values
from nusky.executors.batches import LostBatch, run_batches
from nusky.executors.on_threads import InterruptedBatch
from nusky.executors.protocols import FitsTrials
from nusky.files.identity import differences
from nusky.injection.seeding import resolve_seed
from nusky.typing import F64, I64

if TYPE_CHECKING:
    from nusky.progress import Progress
    from nusky.store.trials import TrialStore

__all__ = ["InterruptedSearch", "LostSearch", "TrialPool"]


class InterruptedSearch(KeyboardInterrupt):
    """Ctrl-C came in the middle of a search; its trials are in `trials`.

    A KeyboardInterrupt, so that a script stops as it should. In an interactive session: ``sys.last_value.trials``.

    Attributes
    ----------
    trials : dict
        {n_sig: rows} of all that was given and made; as ``trials=`` of the same call they let it go on.

    Examples
    --------
    >>> str(InterruptedSearch({0.0: range(500), 5.0: range(20)})).partition(" (")[0]
    "interrupted with 520 trials; they are in this exception's .trials"
    """

    def __init__(self, trials: dict[float, Any]) -> None:
        self.trials = trials
        super().__init__(
            f"interrupted with {sum(map(len, trials.values()))} trials; they are in this exception's .trials "
            "(sys.last_value.trials in an interactive session): give them as trials= to go on"
        )


class LostSearch(LostBatch):
    """The workers failed for good in the middle of a search; its trials are in `trials`, as in `InterruptedSearch`."""

    def __init__(self, lost: LostBatch, trials: dict[float, Any]) -> None:
        super().__init__(f"{lost}. All trials of the search are in .trials", lost.partial, lost.indices)
        self.trials = trials


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
        For `nusky.executors.batches.run_batches`: executor, n_threads, spool, chunk.

    Raises
    ------
    ValueError
        If the store, or trials that say so, were made with another configuration than the runner's (each key is named),
        or the seed is 2⁶⁴ or more.
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
        if self.seed >= 2**64:
            raise ValueError(f"seed = {self.seed}: trials are kept with their seed as 64 bits, give one below 2**64")
        self.poisson = poisson
        self._store = store
        self._run = run
        self._ts: dict[float, list[F64]] = {}
        self._rows: dict[float, list[Any]] = {}
        self._drawn: dict[float, set[bool | None]] = {}  # whether numbers of events were drawn; None: trials do not say
        self._next = 0
        if store is not None:
            store.require(runner.config())
            for n_sig, rows in store.read_by_n_sig(poisson=poisson).items():
                if len(rows):
                    self._take(n_sig, rows, poisson)
            self._next = store.next_index(self.seed)
        for n_sig, given in (trials or {}).items():
            value = float(n_sig)
            if not (np.isfinite(value) and value >= 0):
                raise ValueError(f"trials has the key {n_sig!r}: keys are injected signals, finite and >= 0")
            _require_same(given, runner, value)
            self._take(value, given, getattr(given, "poisson", None))
            self._next = max(self._next, _first_unused(given, self.seed))

    @property
    def n_sigs(self) -> tuple[float, ...]:
        """Injected signals with trials, ascending."""
        return tuple(sorted(self._ts))

    @property
    def trials(self) -> dict[float, Any]:
        """All trials, {n_sig: rows}; what was given comes back as it was, joined with what was made."""
        return {n: parts[0] if len(parts) == 1 else _joined(parts) for n, parts in sorted(self._rows.items())}

    @property
    def sources(self) -> str:
        """Which sources the trials with signal hold: those at "one position"; drawn from a prior, those of "equal
        counts", "equal flux" or "equal fluence"; "": the runner does not say."""
        injection = getattr(self.runner, "injection", None)
        if injection is None:
            return ""
        if not hasattr(self.runner, "priors"):
            return "one position"
        said = {"count": "equal counts", "flux": "equal flux", "fluence": "equal fluence"}
        drawn = {poisson for n_sig, kinds in self._drawn.items() if n_sig > 0 for poisson in kinds}
        if injection.by == "auto" and None in drawn:
            return "equal counts or equal flux, as the trials that were given"
        kinds = {said[injection.chosen_by(bool(poisson))] for poisson in drawn or {self.poisson}}
        return " mixed with ".join(sorted(kinds))

    def count(self, n_sig: float) -> int:
        """Number of trials with this injected signal."""
        return sum(len(ts) for ts in self._ts.get(float(n_sig), []))

    def ts(self, n_sig: float) -> F64:
        """Their TS values."""
        return np.concatenate(self._ts.get(float(n_sig), [np.empty(0)]))

    def add(self, n_sig: float, n_trials: int, logging: bool | Progress = False) -> None:
        """Make further trials, whose indices follow all others.

        Raises
        ------
        InterruptedSearch, LostSearch
            On Ctrl-C, and if the workers fail for good: with all trials so far.
        """
        indices = np.arange(self._next, self._next + n_trials, dtype=np.int64)
        self._next += n_trials
        poisson = self.poisson and n_sig > 0
        how = {"n_sig": n_sig, "poisson": poisson, "seed": self.seed, "store": self._store, **self._run}
        try:
            rows = run_batches(self.runner, indices, logging=logging, **how)
        except (InterruptedBatch, LostBatch) as stopped:
            self._take(float(n_sig), _with_origin(stopped.partial, self.seed, stopped.indices), poisson)
            if isinstance(stopped, LostBatch):
                raise LostSearch(stopped, self.trials) from stopped
            raise InterruptedSearch(self.trials) from None
        self._take(float(n_sig), _with_origin(rows, self.seed, indices), poisson)

    def passed(self, threshold: float) -> tuple[F64, I64, I64]:
        """Injected signals, trials with TS strictly above the threshold, and all trials."""
        n = np.array(self.n_sigs)
        k = np.array([sum(int(np.sum(ts > threshold)) for ts in self._ts[x]) for x in self.n_sigs], dtype=np.int64)
        return n, k, np.array([self.count(x) for x in self.n_sigs], dtype=np.int64)

    def _take(self, n_sig: float, rows: Any, poisson: bool | None) -> None:
        ts = ts_values(rows)
        if len(ts):
            self._drawn.setdefault(n_sig, set()).add(poisson)
            self._ts.setdefault(n_sig, []).append(ts)
            self._rows.setdefault(n_sig, []).append(rows)


def _require_same(given: Any, runner: FitsTrials, n_sig: float) -> None:
    """Refuse trials of another search or with another signal, where they say what they were made with."""
    injected = getattr(given, "n_sig", None)
    if isinstance(injected, Real) and injected != n_sig:
        what = "background" if n_sig == 0 else f"n_sig = {n_sig:g}"
        raise ValueError(
            f"the trials given as {what} have n_sig = {float(injected):g} injected events; give "
            f"get_many_fits(n{'' if n_sig == 0 else f', {n_sig:g}'}), or these under their own number"
        )
    config = getattr(given, "config", None)
    if not isinstance(config, Mapping) or not config:
        return
    # p-values are not used here, and what would be injected does not matter where nothing is
    aside = {"mlog10p_is_ts", *(("injection",) if n_sig == 0 else ())}
    theirs, ours = (
        json.loads(json.dumps({name: value for name, value in c.items() if name not in aside}))
        for c in (config, runner.config())
    )
    if lines := differences(theirs, ours):
        raise ValueError(
            f"the trials given for n_sig = {n_sig:g} were made with another search: {'; '.join(lines)} "
            "(stored: theirs, given: the runner's). Make trials with this runner"
        )


def _first_unused(given: Any, seed: int) -> int:
    """Smallest trial number of this seed above all that were, or may have been, used for these trials."""
    rows = given if getattr(getattr(given, "dtype", None), "names", None) else None
    if rows is not None and {"trial", "seed"} <= set(rows.dtype.names or ()):
        unknown = rows["trial"] < 0
        ours = rows["trial"][(rows["seed"] == seed) & ~unknown]
        return max(int(ours.max()) + 1 if len(ours) else 0, int(unknown.sum()))
    if getattr(given, "seed", None) not in (None, seed):
        return 0
    # of trials that do not know where they came from the most likely is: from number 0 on
    return (getattr(given, "first_trial", None) or 0) + len(given)


def _with_origin(rows: Any, seed: int | None, numbers: I64 | int) -> NDArray[np.void]:
    """Rows with the columns ``trial`` and ``seed``."""
    table = np.asarray(rows) if getattr(getattr(rows, "dtype", None), "names", None) else None
    if table is not None and {"trial", "seed"} <= set(table.dtype.names or ()):
        return table
    columns = {"ts": ts_values(rows)} if table is None else {name: table[name] for name in table.dtype.names or ()}
    dtype = [*((name, values.dtype) for name, values in columns.items()), ("trial", "<i8"), ("seed", "<u8")]
    out = np.empty(len(columns["ts"]), dtype=dtype)
    for name, values in columns.items():
        out[name] = values
    out["trial"], out["seed"] = numbers, seed or 0
    return out


def _joined(parts: list[Any]) -> NDArray[np.void]:
    """All rows with the columns that all parts have."""
    tables = []
    for part in parts:
        seed, first = getattr(part, "seed", None), getattr(part, "first_trial", None)
        known = isinstance(seed, int) and isinstance(first, int)
        numbers = np.arange(first, first + len(part)) if known and first is not None else -1
        tables.append(_with_origin(part, seed if known else None, numbers))
    names = [name for name in tables[0].dtype.names or () if all(name in (t.dtype.names or ()) for t in tables)]
    out = np.empty(sum(map(len, tables)), dtype=[(name, tables[0].dtype[name]) for name in names])
    for name in names:
        out[name] = np.concatenate([table[name] for table in tables])
    return out
